//! Turns a duty into a broadcast transaction: simulates, records the intent, takes a nonce and
//! signs in one database transaction, and only then broadcasts. A crash in between leaves nothing,
//! an intent to resume, or bytes to send again.

use kms_chain::{Call, ChainError, Collection, Fees, GasLimit, TxPlan};
use kms_protocol::{Period, PolicyId};

use super::{Result, Sender};
use crate::chain::NodeChain;
use crate::duties::challenge;
use crate::duties::decide::Duty;
use crate::duties::decide::takings::Due;
use crate::host::health::Concern;
use crate::store::intent::{Attempt, Intent, IntentState, NewIntent};
use crate::view::snapshot::Snapshot;

/// Whether a duty can be sent now.
enum Readiness {
    /// The simulation passed and the worker can pay.
    Ready(Box<Prepared>),
    /// The simulation reverted.
    Refused,
    /// The worker lacks ether, or `max_fee_per_gas` is below the fees now.
    Unaffordable,
}

/// A call whose simulation passed, with its gas limit and fees.
struct Prepared {
    call: Call,
    gas_limit: GasLimit,
    fees: Fees,
}

impl<C: NodeChain> Sender<C> {
    /// Sends the first transaction of a duty that has no intent under way.
    pub(super) async fn start(&mut self, snapshot: &Snapshot, duty: &Duty) -> Result<()> {
        let Readiness::Ready(prepared) = self.prepare(snapshot.period, duty).await? else {
            return Ok(());
        };
        let intent = self.plan(snapshot.period, duty).await?;
        let attempt = self.sign(intent, prepared).await?;
        self.offer(&attempt, duty.kind(), snapshot.head.number)
            .await
    }

    /// Resumes an intent that was recorded but not signed before a stop or crash.
    pub(super) async fn resume(&mut self, snapshot: &Snapshot, intent: &Intent) -> Result<()> {
        let duty: Option<Duty> = serde_json::from_str(&intent.payload).ok();
        let Some(duty) = duty else {
            let detail = "the payload is not a duty";
            return self.close(intent.id, IntentState::Abandoned, detail).await;
        };
        let prepared = match self.prepare(snapshot.period, &duty).await? {
            Readiness::Ready(prepared) => prepared,
            Readiness::Unaffordable => return Ok(()),
            Readiness::Refused => {
                let detail = "the contract would refuse it now";
                return self.close(intent.id, IntentState::Abandoned, detail).await;
            }
        };
        let attempt = self.sign(intent.id, prepared).await?;
        self.offer(&attempt, duty.kind(), snapshot.head.number)
            .await
    }

    /// Records an intent. Its idempotency key numbers the intents of a kind.
    pub(super) async fn plan(&mut self, period: Period, duty: &Duty) -> Result<i64> {
        let count = self.node.store.intent_count(duty.kind()).await?;
        let payload = super::payload_of(duty)?;
        let new = NewIntent {
            key: &format!("{}:{count}", duty.kind()),
            kind: duty.kind(),
            payload: &payload,
            period: period.0,
        };
        Ok(self.node.store.plan_intent(&new).await?)
    }

    /// Simulates and prices a duty. Notes in the health conditions why it has to wait.
    async fn prepare(&mut self, now: Period, duty: &Duty) -> Result<Readiness> {
        let Some(call) = self.call(duty).await? else {
            return Ok(Readiness::Refused);
        };
        let gas_limit = match self.chain.simulate(self.wishes.worker, &call).await {
            Ok(gas_limit) => gas_limit,
            Err(reason @ ChainError::Reverted { .. }) => {
                self.refused(now, duty, &reason);
                return Ok(Readiness::Refused);
            }
            Err(error) => return Err(error.into()),
        };
        self.backoff.remove(&duty.lane());
        let market = self.chain.fees().await?;
        let Ok(fees) = self.rules().first_fees(market) else {
            self.held_by_cap = Some(duty.kind().to_owned());
            return Ok(Readiness::Unaffordable);
        };
        let balance = self.chain.eth_balance(self.wishes.worker).await?;
        let needed = gas_limit.cost_at_most(fees);
        let problem = (balance < needed).then(|| {
            let worker = self.wishes.worker;
            format!(
                "worker {worker} has {balance}, {} needs {}",
                duty.kind(),
                needed
            )
        });
        let funded = problem.is_none();
        if !funded {
            let health = &self.node.health;
            health.set("worker_balance", Concern::Earning, problem);
            self.short_of = self.short_of.max(Some(needed));
            self.read_at = None;
        }
        match funded {
            true => Ok(Readiness::Ready(Box::new(Prepared {
                call,
                gas_limit,
                fees,
            }))),
            false => Ok(Readiness::Unaffordable),
        }
    }

    async fn call(&mut self, duty: &Duty) -> Result<Option<Call>> {
        let miner = self.node.miner();
        match duty {
            Duty::Collect { policies } => self.collection(policies).await,
            Duty::AnswerChallenge { policy, seq } => self.answer(*policy, *seq).await,
            other => Ok(other.call(miner)),
        }
    }

    /// Makes the collection from those of the policies whose fees, as the contract counts them,
    /// are worth it. The others are left alone until the next period.
    async fn collection(&mut self, policies: &[PolicyId]) -> Result<Option<Call>> {
        let miner = self.node.miner();
        let (mut ids, mut asked) = (Vec::new(), Vec::new());
        for id in policies {
            if let Some(terms) = self.node.store.terms(*id).await? {
                let delivery = self.node.store.unproved_delivery(*id).await?;
                ids.push(*id);
                asked.push(Collection { terms, delivery });
            }
        }
        let Some(thrift) = self.ledger.thrift(&self.wishes).filter(|_| !ids.is_empty()) else {
            return Ok(None);
        };
        let amounts = self.chain.collectable_each(&asked, miner).await?;
        let named = amounts.into_iter().zip(ids.iter().zip(asked));
        let dues = named.map(|(amount, (id, policy))| Due {
            amount,
            proves: policy.delivery.is_some(),
            of: (*id, policy),
        });
        let worth = thrift.worth_collecting(dues.collect());
        let (worth, policies): (Vec<PolicyId>, Vec<Collection>) =
            worth.into_iter().map(|due| due.of).unzip();
        let idle = ids.into_iter().filter(|id| !worth.contains(id));
        self.ledger.dues.rule_out(idle);
        Ok((!policies.is_empty()).then_some(Call::Collect { policies, miner }))
    }

    /// Makes the answer to a challenge; `None` while the gate would refuse its reader.
    async fn answer(&self, policy: PolicyId, seq: u64) -> Result<Option<Call>> {
        let answer = match challenge::answer(&self.node, policy, seq).await {
            Ok(answer) => Box::new(answer),
            Err(problem) => {
                if let Some(left_out) = self.node.quiet.may_tell("challenge") {
                    let code = problem.code;
                    tracing::warn!(%policy, seq, %code, left_out, "a challenge waits");
                }
                return Ok(None);
            }
        };
        let miner = self.node.miner();
        let terms = self.node.store.terms(policy).await?;
        Ok(terms.map(|terms| Call::AnswerChallenge {
            terms,
            miner,
            answer,
        }))
    }

    fn refused(&mut self, now: Period, duty: &Duty, reason: &ChainError) {
        match (duty, reason) {
            (Duty::Collect { policies }, ChainError::Reverted { name, .. })
                if name == "PolicyNothingToCollect" =>
            {
                // Not an error: these policies owe nothing in this period.
                self.ledger.dues.rule_out(policies.iter().copied());
            }
            // The lease must not wait for the claim.
            (Duty::ConfirmAndClaim { .. }, _) => self.ledger.claim_refused = now,
            _ => self.back_off(duty.lane(), now, &reason.to_string()),
        }
    }

    /// Takes a nonce, signs and stores the bytes in one database transaction, durable on return.
    async fn sign(&mut self, intent: i64, prepared: Box<Prepared>) -> Result<Attempt> {
        let worker = self.wishes.worker;
        let mined = self.chain.mined_nonce(worker).await?;
        let Prepared {
            call,
            gas_limit,
            fees,
        } = *prepared;
        let (node, chain) = (self.node.clone(), self.chain.clone());
        let sign = move |nonce| {
            let plan = TxPlan {
                nonce,
                call,
                gas_limit,
                fees,
            };
            chain.sign(&node.keys.worker, &plan)
        };
        Ok(self
            .node
            .store
            .sign_attempt(intent, worker, mined, sign)
            .await?)
    }

    /// Signs and stores an attempt at the same nonce and higher fees.
    pub(super) async fn reprice(
        &mut self,
        newest: &Attempt,
        fees: Fees,
        now: u64,
    ) -> Result<Attempt> {
        let worker = &self.node.keys.worker;
        let signed = self.chain.reprice(worker, &newest.raw, fees)?;
        let store = &self.node.store;
        let dearer = store
            .add_attempt(newest.intent_id, worker.address(), signed)
            .await?;
        self.pursuit(&[], newest, now).add(dearer.for_engine(), now);
        let (nonce, max_fee) = (dearer.nonce, fees.max_fee);
        tracing::info!(nonce, hash = %dearer.hash, %max_fee, "repriced");
        Ok(dearer)
    }

    /// Broadcasts an attempt's stored bytes; idempotent, as the same bytes can be mined only once.
    pub(super) async fn offer(&mut self, attempt: &Attempt, kind: &str, now: u64) -> Result<()> {
        // Whoever stood still since the bytes were stored may no longer be the one that sends.
        self.node.store.may_send().await?;
        let sent = self.chain.broadcast(&attempt.raw).await;
        let kind = super::known_kind(kind);
        self.node
            .metrics
            .broadcasts
            .get_or_create(&[("duty", kind)])
            .inc();
        let answer = match sent {
            Ok(()) => {
                tracing::info!(duty = kind, nonce = attempt.nonce, hash = %attempt.hash, "sent");
                Ok(())
            }
            // Not final: the receipt or the nonce decides.
            Err(ChainError::Rejected { reason, message }) => {
                let nonce = attempt.nonce;
                if let Some(left_out) = self.node.quiet.may_tell("not_accepted") {
                    tracing::warn!(duty = kind, nonce, %reason, message, left_out, "not accepted");
                }
                Err(reason)
            }
            Err(error) => return Err(error.into()),
        };
        self.pursuit(&[], attempt, now).note_offer(answer, now);
        Ok(())
    }

    pub(super) async fn close(&self, id: i64, state: IntentState, detail: &str) -> Result<()> {
        self.node.store.close_intent(id, state, detail).await?;
        self.node
            .metrics
            .closed_intents
            .get_or_create(&[("state", state.text())])
            .inc();
        Ok(())
    }
}
