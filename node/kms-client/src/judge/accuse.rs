//! Brings evidence before the Adjudicator: what to expect, the transaction, and the verdict.

use kms_chain::{Call, ChainEvent};
use kms_protocol::{Address, Amount, B256, Domain, Period, PolicyId};
use serde::Serialize;

use super::book::EvidenceBook;
use super::evidence::{Evidence, Offence};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::plan::{Plan, Sender};
use crate::ports::{ChainPort as _, PayPort};
use crate::progress::Progress;
use kms_core::keys::ReaderKey;

/// A home that accuses miners of what they answered its reader keys.
#[derive(Clone, Copy)]
pub struct Accuser<'a> {
    /// Chain and contracts.
    pub network: &'a Network,
    /// The reader keys of the home.
    pub keys: &'a [ReaderKey],
    /// Where the evidence is kept.
    pub book: &'a EvidenceBook,
    /// Account that sends and pays the gas.
    pub account: Address,
}

/// What an accusation is about, and what it may bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// Name of the evidence.
    pub evidence: B256,
    /// Policy under which the miner answered.
    pub policy: PolicyId,
    /// Owner address of the miner.
    pub miner: Address,
    /// What it did.
    pub offence: Offence,
    /// Time of the newest answer, as the miner signed it.
    pub block_time: u64,
    /// What the miner would lose now; zero if the author was heard before, or nothing is at stake.
    pub penalty: Amount,
    /// Most that is paid out of the penalty, to all; the rest burns.
    pub reward_max: Amount,
    /// Whether the miner was convicted over this capsule: the half of the reward that is held is
    /// all that an accusation brings then.
    pub convicted: bool,
    /// Who receives the reward.
    pub reward_to: Address,
}

/// The verdict, as the contract told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conviction {
    /// Name of the evidence; it is kept no longer.
    pub evidence: B256,
    /// Policy under which the miner answered.
    pub policy: PolicyId,
    /// Owner address of the miner.
    pub miner: Address,
    /// What it did.
    pub offence: Offence,
    /// Transaction that convicted.
    pub tx_hash: B256,
    /// Taken from the miner's stake; zero if it was convicted before.
    pub penalty: Amount,
    /// Paid to whoever was named.
    pub reward: Amount,
    /// Paid to the policy's sponsor.
    pub to_sponsor: Amount,
    /// Held for the author, should it accuse too.
    pub held: Amount,
    /// What is left of the miner's lock.
    pub locked: Amount,
    /// Last period of the miner's suspension.
    pub suspended_through: Option<Period>,
}

impl Accuser<'_> {
    /// Plans to accuse by this evidence.
    ///
    /// # Errors
    /// [`JudgeError`](super::JudgeError), [`Error::Chain`].
    pub async fn plan(&self, evidence: &Evidence, reward_to: Address) -> Result<Plan<Expected>> {
        let chain = self.network.chain();
        let deployment = chain.deployment();
        let contract = deployment.contracts.adjudicator.address;
        let judge = Domain::adjudicator(deployment.chain_id, contract);
        let case = evidence.case(self.keys, reward_to, &self.network.domain(), &judge)?;
        let convicted = chain.is_convicted(&case.accusation).await?;
        let (penalty, reward_max) = chain.penalty_of(evidence.miner).await?;
        let expected = Expected {
            evidence: evidence.id(),
            policy: evidence.policy,
            miner: evidence.miner,
            offence: evidence.offence,
            block_time: evidence.block_time(),
            penalty: if convicted { Amount::ZERO } else { penalty },
            reward_max,
            convicted,
            reward_to,
        };
        let call = Call::Accuse {
            terms: evidence.terms().clone(),
            case: Box::new(case),
        };
        Ok(Plan::new(self.account, expected).step(call, None))
    }

    /// Sends the accusation, reads the verdict, and forgets the evidence.
    ///
    /// # Errors
    /// [`Error::Chain`] with the contract's reason if it does not convict.
    pub async fn accuse(
        &self,
        plan: &Plan<Expected>,
        pay: &dyn PayPort,
        progress: &dyn Progress,
    ) -> Result<Conviction> {
        let sender = Sender::resume(pay, progress).await?;
        let sent = plan.carry_on(self.network, &sender).await?;
        let receipt = sent.last().ok_or(Error::Bug("an accusation is sent"))?;
        let receipt = receipt.receipt;
        let chain = self.network.chain();
        let events = chain.events_in_block(receipt.block_hash).await?;
        let ours = events
            .into_iter()
            .filter(|of| of.tx_hash == receipt.tx_hash);
        let mut told = ours.filter_map(|record| verdict(record.event));
        let [penalty, reward, to_sponsor, held] = told.next().unwrap_or([Amount::ZERO; 4]);
        let Expected {
            evidence,
            policy,
            miner,
            offence,
            ..
        } = *plan.aim();
        let status = self.network.miner_status(miner).await?;
        self.book.forget(evidence)?;
        Ok(Conviction {
            evidence,
            policy,
            miner,
            offence,
            tx_hash: receipt.tx_hash,
            penalty,
            reward,
            to_sponsor,
            held,
            locked: status.info.position.locked,
            suspended_through: status.suspended_through,
        })
    }
}

/// Penalty, reward, sponsor's part and what is held, if the event tells of a verdict.
fn verdict(event: ChainEvent) -> Option<[Amount; 4]> {
    match event {
        ChainEvent::MinerConvicted {
            penalty,
            reward,
            to_sponsor,
            held,
            ..
        } => Some([penalty, reward, to_sponsor, held]),
        ChainEvent::HeldRewardPaid { amount, .. } => {
            Some([Amount::ZERO, amount, Amount::ZERO, Amount::ZERO])
        }
        _ => None,
    }
}
