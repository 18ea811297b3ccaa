//! Challenges a miner that its author finds silent: asks on chain, waits for the answer, and closes
//! a challenge that nobody answered. What stands on the chain decides the next step, so that the
//! same command goes on where another one stopped.

use std::time::Duration;

use kms_chain::{Call, ChainEvent, ChallengeDemand, ChallengeRight, OpenChallenge};
use kms_protocol::{Address, Amount, B256, FixedBytes, Period, PolicyId};
use serde::Serialize;
use tokio::time::Instant;
use umbral::fault::CapsuleWitness;

use super::error::JudgeError;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::journal::Grant;
use crate::network::Network;
use crate::owner::Spend;
use crate::plan::{Plan, Sender};
use crate::ports::ChainPort as _;
use crate::progress::Progress;
use kms_core::keys::OwnerKeys;

/// Pause between two looks at an open challenge.
const POLL: Duration = Duration::from_millis(500);

/// The author of policies, who challenges their miners.
#[derive(Clone, Copy)]
pub struct Challenger<'a> {
    /// Home with the journal of the grants.
    pub home: &'a Home,
    /// Chain and contracts.
    pub network: &'a Network,
}

/// How far a challenge has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemandState {
    /// The miner is not asked yet.
    Unasked,
    /// It is asked, and has time to answer.
    Waiting,
    /// It did not answer in time: whoever closes the challenge is paid its gas.
    Overdue,
}

/// What is asked of a miner, and what it may cost whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// Policy under which the miner must answer.
    pub policy: PolicyId,
    /// Owner address of the miner.
    pub miner: Address,
    /// How far it has come.
    pub state: DemandState,
    /// Last block timestamp at which an answer counts; `None` before it is asked.
    pub deadline: Option<u64>,
    /// Seconds that a miner has to answer.
    pub window_seconds: u32,
    /// Posted by the challenger: half of it is lost to a miner that answers.
    pub bond: Amount,
    /// What silence costs the miner's stake, once per suspension.
    pub penalty: Amount,
    /// Periods in which a silent miner can neither confirm nor earn.
    pub suspension_periods: u16,
}

/// What became of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Not over: the miner has time.
    Waiting,
    /// The miner answered: half of the bond is its.
    Answered,
    /// It was silent: fined, unless it was already, and suspended.
    Silent,
    /// The access was revoked meanwhile: the miner owed no answer.
    Void,
    /// Nobody closed it in time: the miner goes free.
    Lapsed,
}

/// A challenge after the command has done what could be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedMiner {
    /// Policy under which the miner was asked.
    pub policy: PolicyId,
    /// Owner address of the miner.
    pub miner: Address,
    /// What became of it.
    pub outcome: Ended,
    /// Last block timestamp at which an answer counts; `None` when it is over.
    pub deadline: Option<u64>,
    /// Transaction that ended it; `None` while it waits.
    pub tx_hash: Option<B256>,
    /// Taken from the miner's stake.
    pub penalty: Amount,
    /// Paid to the challenger, beside its bond.
    pub reward: Amount,
    /// Paid to whoever closed it.
    pub fee: Amount,
    /// Paid to the policy's sponsor.
    pub to_sponsor: Amount,
    /// Last period of the miner's suspension.
    pub suspended_through: Option<Period>,
}

impl AskedMiner {
    const fn waiting(demand: &Demand, deadline: Option<u64>) -> Self {
        Self {
            policy: demand.policy,
            miner: demand.miner,
            outcome: Ended::Waiting,
            deadline,
            tx_hash: None,
            penalty: Amount::ZERO,
            reward: Amount::ZERO,
            fee: Amount::ZERO,
            to_sponsor: Amount::ZERO,
            suspended_through: None,
        }
    }

    /// The end that an event tells, if it is one of this challenge.
    fn ended(demand: &Demand, event: ChainEvent, tx_hash: B256) -> Option<Self> {
        let mut report = Self::waiting(demand, None);
        report.tx_hash = Some(tx_hash);
        let of = match event {
            ChainEvent::ChallengeAnswered {
                policy_id, miner, ..
            } => {
                report.outcome = Ended::Answered;
                (policy_id, miner)
            }
            ChainEvent::ChallengeClosed {
                policy_id,
                miner,
                outcome,
                penalty,
                reward,
                fee,
                to_sponsor,
                ..
            } => {
                report.outcome = match outcome {
                    0 => Ended::Silent,
                    1 => Ended::Void,
                    _ => Ended::Lapsed,
                };
                report.penalty = penalty;
                report.reward = reward;
                report.fee = fee;
                report.to_sponsor = to_sponsor;
                (policy_id, miner)
            }
            _ => return None,
        };
        (of == (demand.policy, demand.miner)).then_some(report)
    }
}

impl Challenger<'_> {
    /// Plans the next step of a challenge: to ask, nothing while the miner has time, or to close.
    ///
    /// # Errors
    /// [`JudgeError`], [`Error::MinerUnknown`], [`Error::NotAuthor`], [`Error::Chain`].
    pub async fn plan(
        &self,
        policy: PolicyId,
        miner: Address,
        keys: &OwnerKeys,
    ) -> Result<Plan<Demand>> {
        let grant = self.home.journal().get(policy)?;
        let grant = grant.ok_or(JudgeError::NotGranted { policy })?;
        let (terms, account) = (&grant.terms, self.home.wallet_address());
        if !terms.includes(&miner) {
            return Err(Error::MinerUnknown { policy, miner });
        }
        if terms.author != account {
            let author = terms.author;
            return Err(Error::NotAuthor { policy, author });
        }
        let chain = self.network.chain();
        let params = chain.challenge_terms().await?;
        let open = chain.challenge_of(policy, miner).await?;
        let now = self.network.head().await?.timestamp;
        let demand = Demand {
            policy,
            miner,
            state: state_of(open.as_ref(), now),
            deadline: open.map(|open| open.deadline),
            window_seconds: params.window_seconds,
            bond: open.map_or(params.bond, |open| open.bond),
            penalty: Amount(params.bond.0.saturating_mul(params.penalty_bonds.into())),
            suspension_periods: params.suspension_periods,
        };
        let (state, amount) = (demand.state, params.bond);
        let plan = Plan::new(account, demand);
        Ok(match state {
            DemandState::Waiting => plan,
            DemandState::Overdue => plan.step(close(&grant, miner), None),
            DemandState::Unasked => plan
                .needing(amount)
                .step(Call::ApproveChallenges { amount }, Some(amount))
                .step(open_call(&grant, miner, keys)?, Some(amount)),
        })
    }

    /// Carries out the plan, then waits so long for the end of the challenge, and closes it once
    /// the miner has no more time.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`], [`Error::Chain`] with the contract's reason.
    pub async fn challenge(
        &self,
        plan: &Plan<Demand>,
        spend: Spend<'_>,
        wait: Duration,
        progress: &dyn Progress,
    ) -> Result<AskedMiner> {
        self.home.check(spend.lock)?;
        let demand = plan.aim();
        let until = Instant::now() + wait;
        let sender = Sender::resume(spend.pay, progress).await?;
        let sent = plan.carry_on(self.network, &sender).await?;
        // An end before the opening is that of another challenge.
        let since = sent.last().map_or(0, |sent| sent.receipt.block_number);
        loop {
            let open = self.open(demand).await?;
            let now = self.network.head().await?.timestamp;
            match state_of(open.as_ref(), now) {
                DemandState::Unasked => {
                    if let Some(ended) = self.end(demand, since).await? {
                        return Ok(ended);
                    }
                }
                DemandState::Waiting => {}
                DemandState::Overdue => {
                    let grant = self.home.journal().get(demand.policy)?;
                    let policy = demand.policy;
                    let grant = grant.ok_or(JudgeError::NotGranted { policy })?;
                    sender.send(&close(&grant, demand.miner)).await?;
                    continue;
                }
            }
            if Instant::now() >= until {
                return Ok(AskedMiner::waiting(demand, open.map(|open| open.deadline)));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn open(&self, demand: &Demand) -> Result<Option<OpenChallenge>> {
        let chain = self.network.chain();
        Ok(chain.challenge_of(demand.policy, demand.miner).await?)
    }

    /// How the newest challenge of the policy and the miner ended, if it ended since this block.
    async fn end(&self, demand: &Demand, since: u64) -> Result<Option<AskedMiner>> {
        let (policy, miner) = (demand.policy, demand.miner);
        let records = self.network.ends_of_challenges(policy, miner).await?;
        let mut ends = records.into_iter().rev();
        let ended = ends.find_map(|record| {
            let ended = AskedMiner::ended(demand, record.event, record.tx_hash)?;
            (record.block_number >= since).then_some(ended)
        });
        let Some(mut report) = ended else {
            return Ok(None);
        };
        if report.outcome == Ended::Silent {
            let status = self.network.miner_status(miner).await?;
            report.suspended_through = status.suspended_through;
        }
        Ok(Some(report))
    }
}

const fn state_of(open: Option<&OpenChallenge>, now: u64) -> DemandState {
    match open {
        None => DemandState::Unasked,
        Some(open) if now <= open.deadline => DemandState::Waiting,
        Some(_) => DemandState::Overdue,
    }
}

fn close(grant: &Grant, miner: Address) -> Call {
    let terms = grant.terms.clone();
    Call::CloseChallenge { terms, miner }
}

/// A demand of a capsule that nothing is encrypted under.
fn open_call(grant: &Grant, miner: Address, keys: &OwnerKeys) -> Result<Call> {
    let policy = grant.policy;
    let mut deliveries = grant.deliveries.iter();
    let delivery = deliveries.find(|delivery| delivery.miner == miner);
    let ack = delivery.and_then(|delivery| delivery.ack);
    let ack = ack.ok_or(JudgeError::NotAcknowledged { policy, miner })?;
    let key = keys.label_key(&grant.label)?;
    let (capsule, _) = umbral::encapsulate(&mut getrandom::SysRng, &key)?;
    let demand = ChallengeDemand {
        terms: grant.terms.clone(),
        miner,
        witness: CapsuleWitness::new(&capsule)?.equation.to_bytes(),
        capsule: FixedBytes(capsule.to_bytes()),
        kfrag_hash: ack.kfrag_hash,
        ack_signature: ack.signature,
    };
    Ok(Call::OpenChallenge {
        demand: Box::new(demand),
        right: ChallengeRight::Author,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_the_chain_decides_the_step() {
        let open = OpenChallenge {
            challenger: Address([1; 20]),
            deadline: 100,
            bond: Amount(5),
        };
        assert_eq!(state_of(None, 7), DemandState::Unasked);
        assert_eq!(state_of(Some(&open), 100), DemandState::Waiting);
        assert_eq!(state_of(Some(&open), 101), DemandState::Overdue);
    }

    #[test]
    fn an_end_of_another_challenge_is_not_taken_for_this_one() {
        let demand = Demand {
            policy: PolicyId(B256([1; 32])),
            miner: Address([2; 20]),
            state: DemandState::Waiting,
            deadline: Some(9),
            window_seconds: 60,
            bond: Amount(2),
            penalty: Amount(20),
            suspension_periods: 3,
        };
        let closed = |policy, miner, outcome| ChainEvent::ChallengeClosed {
            policy_id: PolicyId(B256([policy; 32])),
            miner: Address([miner; 20]),
            challenger: Address([3; 20]),
            outcome,
            penalty: Amount(20),
            reward: Amount(2),
            fee: Amount(3),
            to_sponsor: Amount(0),
        };
        let ended = |event| AskedMiner::ended(&demand, event, B256([4; 32]));
        assert_eq!(ended(closed(9, 2, 0)), None);
        assert_eq!(ended(closed(1, 9, 0)), None);
        for (number, outcome) in [(0, Ended::Silent), (1, Ended::Void), (2, Ended::Lapsed)] {
            let report = ended(closed(1, 2, number)).unwrap();
            assert_eq!((report.outcome, report.penalty), (outcome, Amount(20)));
        }
    }
}
