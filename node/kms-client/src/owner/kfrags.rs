//! Makes the kfrags of a grant from the seed: terms, keys and the generator that draws the shares
//! come from it and the journal, so that the same grant made again has the same kfrags and
//! commitments, byte for byte. Nothing that opens anything is kept between two runs.
//! Neighbours: `grant` makes the terms, `deliver` uploads.

use kms_protocol::messages::{CommitmentsBytes, Delivery, KfragUpload, SecretKfrag};
use kms_protocol::{Address, B256, Domain, EthSignature, PairKey, Period, kfrag_policy};
use umbral::{GrantParams, PublicKey, VerifiedKeyFrag};

use crate::error::{Error, Result};
use crate::journal::Grant;
use kms_core::keys::{GrantSigner, OwnerKeys};

/// The kfrags of one grant, each for one miner, and what all uploads have in common.
pub(super) struct Kfrags {
    domain: Domain,
    signer: GrantSigner,
    delegating_key: PublicKey,
    blinding: B256,
    commitments: CommitmentsBytes,
    kfrags: Vec<(Address, VerifiedKeyFrag)>,
}

impl Kfrags {
    /// Splits the label's key for the policy of the grant: kfrag number i is bound to miner
    /// number i of the terms.
    ///
    /// # Errors
    /// [`Error::LabelExists`] if the grant was made with another seed.
    pub(super) fn of(grant: &Grant, keys: &OwnerKeys, domain: Domain) -> Result<Self> {
        let (label, terms) = (&grant.label, &grant.terms);
        let (delegating, signer) = (keys.delegating(label)?, keys.signer(label)?);
        let pair = PairKey::of_owner(&delegating, &grant.receiving_key)?;
        let ours = pair.keys_hash(grant.number) == terms.keys_hash
            && signer.eth.address() == terms.verifier;
        if !ours {
            return Err(Error::LabelExists {
                label: label.clone(),
            });
        }
        let miners: Vec<umbral::Miner> = terms.miners.iter().map(|miner| miner.0).collect();
        let params = GrantParams {
            delegating: &delegating,
            receiving: &grant.receiving_key,
            signer: &signer.umbral,
            policy: &kfrag_policy(terms, domain.chain_id, &domain.contract)?,
            miners: &miners,
        };
        let granted = umbral::generate_kfrags(&mut keys.grant_rng(grant.policy)?, &params)?;
        Ok(Self {
            domain,
            delegating_key: delegating.public_key(),
            blinding: pair.blinding(grant.number),
            commitments: CommitmentsBytes::try_from(&granted.commitments)?,
            kfrags: terms.miners.iter().copied().zip(granted.kfrags).collect(),
            signer,
        })
    }

    /// The hash by which a miner's kfrag is acknowledged, and its erasure signed.
    pub(super) fn hash(&self, miner: &Address) -> Option<B256> {
        let (_, kfrag) = self.kfrags.iter().find(|(own, _)| own == miner)?;
        Some(SecretKfrag::from(&*kfrag.to_secret_bytes()).hash())
    }

    /// Makes the signed upload for a miner of the grant, delivered in `period`: the miner is paid
    /// from then on.
    pub(super) fn upload(
        &self,
        grant: &Grant,
        miner: Address,
        period: Period,
    ) -> Result<KfragUpload> {
        let kfrag = self.kfrags.iter().find(|(own, _)| *own == miner);
        let (_, kfrag) = kfrag.ok_or(Error::Bug("the miners of a grant are its terms'"))?;
        let upload = KfragUpload {
            terms: grant.terms.clone(),
            delegating_key: self.delegating_key,
            receiving_key: grant.receiving_key,
            blinding: self.blinding,
            verifying_key: self.signer.verifying_key(),
            kfrag: SecretKfrag::from(&*kfrag.to_secret_bytes()),
            commitments: self.commitments.clone(),
            delivery: Delivery::unsigned(period),
            signature: EthSignature::UNSIGNED,
        };
        Ok(upload.signed(&self.domain, miner, &self.signer.eth))
    }
}
