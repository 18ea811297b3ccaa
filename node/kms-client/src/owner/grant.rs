//! Carries out a quote: journal, pay, deliver. Every step is in the journal before the next one
//! begins, and kfrags are sealed to their miners before anything is paid: a grant that is killed at
//! any line has cost nothing, or goes on with `resume`, which needs no seed.
//! Neighbours: `quote` before, `deliver` after, `journal` below.

use kms_chain::{Call, ChainError};
use kms_protocol::messages::{CommitmentsBytes, KfragUpload, SealedKfrag};
use kms_protocol::{
    Address, B256, Domain, EthSignature, PairKey, PolicyId, Terms, keccak256, kfrag_policy,
};
use umbral::{GrantParams, Granted, PublicKey, VerifiedKeyFrag};

use super::quote::{FeeLimit, price_of};
use super::{Owner, Quote, Schedule, Spend};
use crate::error::{Error, NodeFailure, Result};
use crate::journal::{Grant, GrantState};
use crate::keys::{GrantSigner, OwnerKeys};
use crate::plan::{Plan, require_tokens};
use crate::ports::{PayPort, Settled};
use crate::progress::{Event, Progress};

/// What a grant paid for, and which miners serve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantReport {
    /// Id, the hash of the terms.
    pub policy: PolicyId,
    /// What was paid for: miners, rate, periods, keys.
    pub terms: Terms,
    /// Transaction that paid; zero if it was sent from elsewhere.
    pub tx_hash: B256,
    /// Miners whose acknowledgement of their kfrag is verified.
    pub delivered: Vec<Address>,
    /// The other miners, each with its failure; `resume` asks them again.
    pub pending: Vec<NodeFailure>,
}

/// Marks the plan of a grant's payment, which [`Owner::grant`] alone carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment(());

impl Owner<'_> {
    /// Plans the payment of a quote. Keys hash, salt and verifier of its terms are not those of the
    /// grant, which needs the owner's keys for them.
    ///
    /// # Errors
    /// [`Error::QuoteStale`], [`Error::FeeAboveMax`], [`Error::Chain`].
    pub async fn plan_payment(&self, quote: &Quote) -> Result<Plan<Payment>> {
        let payer = self.home.wallet_address();
        let terms = self.draft(quote, payer).await?;
        let price = terms.price()?;
        let plan = Plan::new(payer, Payment(())).needing(price);
        Ok(plan.step(creation(terms), Some(price)))
    }

    /// Pays for a quote and hands the kfrags to the miners.
    ///
    /// # Errors
    /// [`Error::GrantUnfinished`] if one of the same label and reader is unfinished,
    /// [`Error::QuoteStale`], [`Error::InsufficientFunds`], [`Error::FeeAboveMax`],
    /// [`Error::Chain`]; [`Error::ThresholdNotMet`] if paid but fewer than m miners took their
    /// kfrag: resume it.
    pub async fn grant(
        &self,
        quote: Quote,
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        self.home.check(spend.lock)?;
        let settled = spend.pay.resume(progress).await?;
        self.settle_unpaid(&settled, spend.pay).await?;
        self.refuse_unfinished(&quote)?;

        let domain = self.chain.domain();
        let signer = keys.signer(&quote.spec.label)?;
        let delegating = keys.delegating(&quote.spec.label)?;
        if delegating.public_key() != quote.label_key.public_key() {
            return Err(Error::LabelExists {
                label: quote.spec.label.clone(),
            });
        }
        let receiving = quote.spec.card.receiving_key();
        let pair = PairKey::of_owner(&delegating, &receiving)?;
        let number = 0;
        let terms = Terms {
            verifier: signer.eth.address(),
            keys_hash: pair.keys_hash(number),
            ..self.draft(&quote, spend.pay.address()).await?
        };
        let terms = pair.tagged(terms, domain.chain_id, &domain.contract);
        self.require_funds(spend.pay, &terms).await?;

        let parties = Parties {
            delegating: &delegating,
            receiving,
            blinding: pair.blinding(number),
            signer: &signer,
        };
        let granted = make_kfrags(&terms, &parties, domain)?;
        let uploads = seal_all(&quote, &terms, granted, &parties, domain)?;
        let policy = terms.id(domain.chain_id, &domain.contract);
        let (label, reader) = (&quote.spec.label, quote.spec.card.name());
        let grant = Grant::prepared(policy, label, reader, receiving, uploads)?;
        self.journal().put(&grant)?;
        progress.event(Event::Journaled { policy });

        let grant = self.pay(grant, spend.pay, progress).await?;
        self.deliver(grant, progress).await
    }

    /// Resumes an interrupted grant: settles its payment, then delivers the kfrags that are not
    /// delivered. Needs no seed; idempotent.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if it was never paid (the journal forgets it then), and as
    /// [`Owner::grant`].
    pub async fn resume(
        &self,
        policy: PolicyId,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        self.home.check(spend.lock)?;
        let settled = spend.pay.resume(progress).await?;
        self.settle_unpaid(&settled, spend.pay).await?;
        let grant = self.journal().get(policy)?;
        let grant = grant.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        match grant.state {
            GrantState::Revoked => Err(Error::PolicyRevoked { policy }),
            GrantState::Prepared | GrantState::Paid | GrantState::Delivered => {
                self.deliver(grant, progress).await
            }
        }
    }

    /// Settles the grants in the journal: with no transaction pending, a prepared grant is either
    /// paid, or never will be and is forgotten. A receipt counts even where the endpoint that is
    /// asked for the policy lags behind.
    async fn settle_unpaid(&self, settled: &[Settled], pay: &dyn PayPort) -> Result<()> {
        for mut grant in self.journal().unfinished()? {
            let call = creation(grant.terms.clone());
            let call = pay.fingerprint(&call);
            let state = self.chain.policy_state(grant.policy).await?;
            if let Some(paid) = settled.iter().find(|settled| settled.call == call) {
                grant.tx_hash = Some(paid.receipt.tx_hash);
                grant.state = GrantState::Paid;
            }
            match state {
                Some(state) if state.revoked => grant.state = GrantState::Revoked,
                Some(_) => grant.state = GrantState::Paid,
                None if grant.state == GrantState::Paid => {}
                None => {
                    self.journal().remove(grant.policy)?;
                    continue;
                }
            }
            self.journal().put(&grant)?;
        }
        Ok(())
    }

    fn refuse_unfinished(&self, quote: &Quote) -> Result<()> {
        let spec = &quote.spec;
        let receiving = spec.card.receiving_key();
        let same = |g: &Grant| g.label == spec.label && g.receiving_key == receiving;
        match self.journal().unfinished()?.into_iter().find(same) {
            Some(grant) => Err(Error::GrantUnfinished {
                policy: grant.policy,
                label: grant.label,
                reader: grant.reader,
            }),
            None => Ok(()),
        }
    }

    /// Makes the terms of the quote for the present time, all but what takes the owner's keys: a
    /// quote that was confirmed late begins later, and never costs more.
    async fn draft(&self, quote: &Quote, payer: Address) -> Result<Terms> {
        let params = self.chain.params().await?;
        let head = self.chain.head().await?;
        let schedule = Schedule::plan(quote.spec.span, &params, head.timestamp)?;
        let price = price_of(quote.rate, quote.miners.len(), schedule)?;
        if price > quote.price {
            return Err(Error::QuoteStale {
                why: "the price has risen",
            });
        }
        if let FeeLimit::AtMost(limit) = quote.spec.max_fee
            && price > limit
        {
            return Err(Error::FeeAboveMax { price, limit });
        }
        let terms = Terms {
            author: payer,
            sponsor: payer,
            verifier: payer,
            keys_hash: B256::random()?,
            rate: quote.rate,
            first_period: schedule.first,
            last_period: schedule.last,
            threshold: quote.spec.threshold,
            salt: B256::random()?,
            miners: quote.miners.iter().map(|miner| miner.miner).collect(),
        };
        terms.validate()?;
        Ok(terms)
    }

    async fn require_funds(&self, pay: &dyn PayPort, terms: &Terms) -> Result<()> {
        let (address, need) = (pay.address(), terms.price()?);
        require_tokens(self.chain, address, need).await?;
        let wei = self.chain.eth_balance(address).await?;
        if wei.is_zero() {
            let (have, need) = (wei.to_string(), "some ETH for gas".to_owned());
            return Err(Error::InsufficientFunds {
                address,
                have,
                need,
            });
        }
        Ok(())
    }

    async fn pay(
        &self,
        mut grant: Grant,
        pay: &dyn PayPort,
        progress: &dyn Progress,
    ) -> Result<Grant> {
        let call = creation(grant.terms.clone());
        match pay.send(&call, progress).await {
            Ok(receipt) => {
                grant.state = GrantState::Paid;
                grant.tx_hash = Some(receipt.tx_hash);
                self.journal().put(&grant)?;
                Ok(grant)
            }
            Err(error) => {
                if never_paid(&error) {
                    self.journal().remove(grant.policy)?;
                }
                Err(error)
            }
        }
    }
}

/// True when the contract refused, so that nothing was paid and nothing is on its way. After any
/// other failure the transaction may still be mined, and the journal must remember the grant.
fn never_paid(error: &Error) -> bool {
    matches!(
        error,
        Error::Chain(ChainError::Reverted { .. } | ChainError::RevertedOnChain { .. })
    )
}

/// The keys of a grant.
struct Parties<'a> {
    delegating: &'a umbral::SecretKey,
    receiving: PublicKey,
    blinding: B256,
    signer: &'a GrantSigner,
}

/// Splits the key for the policy of these terms: kfrag number i is bound to miner number i.
fn make_kfrags(terms: &Terms, parties: &Parties<'_>, domain: Domain) -> Result<Granted> {
    let miners: Vec<umbral::Miner> = terms.miners.iter().map(|miner| miner.0).collect();
    let params = GrantParams {
        delegating: parties.delegating,
        receiving: &parties.receiving,
        signer: &parties.signer.umbral,
        policy: &kfrag_policy(terms, domain.chain_id, &domain.contract)?,
        miners: &miners,
    };
    Ok(umbral::generate_kfrags(&mut getrandom::SysRng, &params)?)
}

/// The call that pays and creates the policy.
fn creation(terms: Terms) -> Call {
    let memo = Vec::new();
    Call::CreatePolicyViaTransfer { terms, memo }
}

/// Seals kfrag number i to miner number i of the terms; the commitments go to all.
fn seal_all(
    quote: &Quote,
    terms: &Terms,
    granted: Granted,
    parties: &Parties<'_>,
    domain: Domain,
) -> Result<Vec<(Address, KfragUpload)>> {
    let verifying_key = parties.signer.verifying_key();
    let commitments = CommitmentsBytes::try_from(&granted.commitments)?;
    let seal = |(miner, kfrag): (&Address, VerifiedKeyFrag)| {
        let quoted = quote.miners.iter().find(|quoted| quoted.miner == *miner);
        let quoted = quoted.ok_or(Error::Bug("the miners of the terms are the quote's"))?;
        let upload = KfragUpload {
            terms: terms.clone(),
            delegating_key: parties.delegating.public_key(),
            receiving_key: parties.receiving,
            blinding: parties.blinding,
            verifying_key,
            kfrag_hash: keccak256(kfrag.to_secret_bytes().as_slice()),
            sealed_kfrag: seal(&quoted.umbral_key, &kfrag)?,
            commitments: commitments.clone(),
            signature: EthSignature::UNSIGNED,
        };
        Ok((*miner, upload.signed(&domain, *miner, &parties.signer.eth)))
    };
    terms.miners.iter().zip(granted.kfrags).map(seal).collect()
}

fn seal(node: &PublicKey, kfrag: &VerifiedKeyFrag) -> Result<SealedKfrag> {
    let secret = kfrag.to_secret_bytes();
    let (capsule, ciphertext) = umbral::encrypt(&mut getrandom::SysRng, node, secret.as_slice())?;
    let sealed = [capsule.to_bytes().as_slice(), &ciphertext].concat();
    Ok(SealedKfrag::try_from(sealed.as_slice())?)
}
