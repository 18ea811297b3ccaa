//! Revokes policies, or one miner's arrangement of each: one transaction each, then every node
//! concerned is asked until it refuses the reader, with its receipt for the erasure where it gives
//! one. Neighbours: `asking` reaches a node, `journal` remembers the end of a grant.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::{Call, MinerInfo, PolicyState};
use kms_protocol::messages::{ErasureReceipt, PolicyStatus};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Refusal, Terms};
use tokio::time::Instant;

use super::{Owner, Spend};
use crate::asking::{Pause, failed, reach, within};
use crate::error::{Error, NodeFailure, Result};
use crate::granted::{Granted, granted};
use crate::keys::OwnerKeys;
use crate::label::Label;
use crate::line::{Moment, Peer};
use crate::node_http::AskError;
use crate::plan::{Plan, Sender};
use crate::ports::{CreatedPolicy, Revoked, Scope};
use crate::progress::{Event, Progress};

/// One revocation of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    created: CreatedPolicy,
    scope: Scope,
    /// Miners that go on serving the policy.
    left: usize,
    /// False if it was revoked before: there is nothing to send, and its nodes are asked again.
    sends: bool,
}

impl Ending {
    fn call(&self) -> Call {
        let terms = self.created.terms.clone();
        match self.scope {
            Scope::Policy => Call::RevokePolicy { terms },
            Scope::Arrangement(miner) => Call::RevokeArrangement { terms, miner },
        }
    }

    /// Miners that are to refuse the reader.
    fn miners(&self) -> Vec<Address> {
        match self.scope {
            Scope::Policy => self.created.terms.miners.clone(),
            Scope::Arrangement(miner) => vec![miner],
        }
    }
}

/// What became of one revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationReport {
    /// Policy that was revoked, whole or in part.
    pub policy: PolicyId,
    /// The whole policy, or one arrangement.
    pub scope: Scope,
    /// Miners that go on serving the policy.
    pub left: usize,
    /// m: miners that a reader needs.
    pub need: usize,
    /// Transaction that revoked; `None` if it had been revoked before.
    pub tx_hash: Option<B256>,
    /// Paid back to the sponsor by this transaction.
    pub refund: Amount,
    /// Last period that stays paid; `None` if it had been revoked before.
    pub effective_last: Option<Period>,
    /// Miners that now refuse the policy, ascending.
    pub refusing: Vec<Address>,
    /// Their receipts for the erased kfrag, each verified; fewer if some give none.
    pub erased: Vec<ErasureReceipt>,
    /// Miners that could not be heard or still serve when time was up.
    pub pending: Vec<NodeFailure>,
}

impl RevocationReport {
    fn new(ending: &Ending) -> Self {
        Self {
            policy: ending.created.id,
            scope: ending.scope,
            left: ending.left,
            need: ending.created.terms.threshold.into(),
            tx_hash: None,
            refund: Amount::ZERO,
            effective_last: None,
            refusing: Vec::new(),
            erased: Vec::new(),
            pending: Vec::new(),
        }
    }

    fn mined(&mut self, tx_hash: B256, revoked: Revoked) {
        self.tx_hash = Some(tx_hash);
        self.refund = revoked.refund;
        self.effective_last = Some(revoked.effective_last);
    }
}

impl Owner<'_> {
    /// Plans to revoke these policies, or one miner's arrangement of each.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::MinerUnknown`], [`Error::NotAuthor`],
    /// [`Error::PolicyExpired`], [`Error::Chain`].
    pub async fn plan_revocation(
        &self,
        policies: &[PolicyId],
        scope: Scope,
    ) -> Result<Plan<Vec<Ending>>> {
        let mut plan = Plan::new(self.home.wallet_address(), Vec::new());
        for policy in policies {
            let ending = self.ending(*policy, scope).await?;
            if ending.sends {
                plan = plan.step(ending.call(), None);
            }
            plan.aim.push(ending);
        }
        Ok(plan)
    }

    /// Carries out a plan of revocations: every transaction first, then the nodes are waited for.
    /// Nodes that are not heard in time are no error: the chain has the last word.
    ///
    /// # Errors
    /// [`Error::NotAuthor`], [`Error::Chain`].
    pub async fn revoke(
        &self,
        plan: &Plan<Vec<Ending>>,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<RevocationReport>> {
        self.home.check(spend.lock)?;
        let sender = Sender::resume(spend.pay, progress).await?;
        let mut reports = Vec::with_capacity(plan.aim.len());
        for ending in &plan.aim {
            reports.push(self.end(ending, &sender).await?);
        }
        for (ending, report) in plan.aim.iter().zip(&mut reports) {
            self.await_refusals(&ending.miners(), report, progress)
                .await?;
        }
        Ok(reports)
    }

    async fn ending(&self, policy: PolicyId, scope: Scope) -> Result<Ending> {
        let created = self.find(policy).await?;
        let state = self.chain.policy_state(policy).await?;
        let state = state.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        let (left, is_over) = match scope {
            Scope::Policy => (0, state.revoked),
            Scope::Arrangement(miner) => {
                let terms = &created.terms;
                if !terms.includes(&miner) {
                    return Err(Error::MinerUnknown { policy, miner });
                }
                let before = self.chain.revoked_miners(terms).await?;
                let others = terms.miners.iter();
                let others = others.filter(|other| **other != miner && !before.contains(other));
                (others.count(), before.contains(&miner))
            }
        };
        if !is_over {
            self.check_revocable(&created, state).await?;
        }
        Ok(Ending {
            created,
            scope,
            left,
            sends: !is_over,
        })
    }

    /// Revokes on chain what is not revoked yet, and journals it.
    async fn end(&self, ending: &Ending, sender: &Sender<'_>) -> Result<RevocationReport> {
        let mut report = RevocationReport::new(ending);
        let policy = ending.created.id;
        if ending.sends {
            require_author(&ending.created, sender.address())?;
            let receipt = sender.send(&ending.call()).await?;
            let revoked = self
                .chain
                .revoked_in(receipt.block_hash, policy, ending.scope);
            let revoked = revoked
                .await?
                .ok_or(Error::Bug("a revocation leaves its event"))?;
            report.mined(receipt.tx_hash, revoked);
        }
        if let Some(mut grant) = self.journal().get(policy)? {
            match ending.scope {
                Scope::Policy => grant.revoke(),
                Scope::Arrangement(miner) => grant.dismiss(miner),
            }
            self.journal().put(&grant)?;
        }
        Ok(report)
    }

    /// Finds the policy of a label to a reader that is neither over nor revoked, by its tag.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if there is none, [`Error::PolicyAmbiguous`] if there are several.
    pub async fn policy_of(
        &self,
        label: &Label,
        reader: &str,
        keys: &OwnerKeys,
    ) -> Result<PolicyId> {
        let pair = self.pair(label, reader, keys)?;
        let now = self.present_period().await?;
        let mut live = Vec::new();
        for Granted { created, .. } in granted(self.chain, &pair).await? {
            // The reader can tag terms of the pair too, and name this author: but only this account
            // can have paid for them.
            let ours = self.made(&created.terms);
            let state = self.chain.policy_state(created.id).await?;
            if ours && state.is_some_and(|s| !s.revoked && s.effective_last >= now) {
                live.push(created.id);
            }
        }
        match live.as_slice() {
            [] => Err(Error::NoPolicy {
                what: format!("{label} to {reader}"),
            }),
            [policy] => Ok(*policy),
            _ => Err(Error::PolicyAmbiguous { policies: live }),
        }
    }

    /// Whether this account made a policy. Anybody may name it as author; a sponsor has to pay.
    pub(super) fn made(&self, terms: &Terms) -> bool {
        let account = self.home.wallet_address();
        terms.author == account && terms.sponsor == account
    }

    pub(super) async fn present_period(&self) -> Result<Period> {
        let head = self.chain.head().await?;
        let params = self.chain.params().await?;
        Ok(params
            .clock
            .period_at(head.timestamp)
            .unwrap_or(Period::NEVER))
    }

    /// Checks that the policy is not over and that the home's account is its author.
    async fn check_revocable(&self, created: &CreatedPolicy, state: PolicyState) -> Result<()> {
        let (policy, last) = (created.id, state.effective_last);
        if last < self.present_period().await? {
            return Err(Error::PolicyExpired { policy, last });
        }
        require_author(created, self.home.wallet_address())
    }

    /// Asks these miners of the policy until they refuse it, or time is up.
    async fn await_refusals(
        &self,
        miners: &[Address],
        report: &mut RevocationReport,
        progress: &dyn Progress,
    ) -> Result<()> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.revoke_ms);
        let infos = self.chain.miner_info(miners).await?;
        let of = infos.len();
        let policy = report.policy;
        let mut running: FuturesUnordered<_> = infos
            .iter()
            .map(|info| async move {
                (
                    info,
                    self.await_refusal(info, policy, deadline, progress).await,
                )
            })
            .collect();
        while let Some((info, outcome)) = running.next().await {
            match outcome {
                Ok(erasure) => {
                    report.refusing.push(info.miner);
                    report.erased.extend(erasure);
                    let done = report.refusing.len();
                    progress.event(Event::NodeDone {
                        miner: info.miner,
                        done,
                        of,
                    });
                }
                Err(failure) => {
                    let code = failure.code.clone();
                    progress.event(Event::NodeFailed {
                        miner: info.miner,
                        code,
                    });
                    report.pending.push(failure);
                }
            }
        }
        report.refusing.sort_unstable();
        report.pending.sort_by_key(|failure| failure.miner);
        Ok(())
    }

    async fn await_refusal(
        &self,
        info: &MinerInfo,
        policy: PolicyId,
        deadline: Instant,
        progress: &dyn Progress,
    ) -> Result<Option<ErasureReceipt>, NodeFailure> {
        let peer = reach(info, self.nodes)?;
        let mut pause = Pause::new(self.limits.first_pause_ms);
        let mut said = None;
        loop {
            let status = async {
                let moment = Moment::now(self.chain).await?;
                self.nodes.policy_status(&peer, &moment, policy).await
            };
            let (code, detail, wait) = match within(deadline, status).await {
                Ok(status) if refuses(&status) => {
                    return Ok(self.verified_erasure(&status, &peer));
                }
                Ok(status) => {
                    let code = if status.serving {
                        "still_serving"
                    } else {
                        "not_ended_yet"
                    };
                    (
                        code,
                        "the node has not seen the revocation".to_owned(),
                        pause.usual(),
                    )
                }
                Err(error) if over(&error) => return Ok(None),
                Err(error) => match said.take() {
                    // What it said before tells more than that time was up.
                    Some((code, detail)) if Instant::now() >= deadline => {
                        return Err(failed(info, code, detail));
                    }
                    Some(_) | None => (error.code(), error.detail(), pause.next(&error)),
                },
            };
            if Instant::now() + wait >= deadline {
                return Err(failed(info, code, detail));
            }
            progress.event(Event::NodeWaiting {
                miner: info.miner,
                code: code.to_owned(),
            });
            said = Some((code, detail));
            tokio::time::sleep(wait).await;
        }
    }

    /// The erasure receipt, if it is of this policy and miner and signed by the bonded worker.
    fn verified_erasure(&self, status: &PolicyStatus, peer: &Peer) -> Option<ErasureReceipt> {
        let domain = self.chain.domain();
        let own = |r: &ErasureReceipt| r.policy_id == status.policy_id && r.miner == peer.miner;
        status
            .erasure
            .filter(own)
            .filter(|r| r.verify(&domain, &peer.worker).is_ok())
    }
}

fn require_author(created: &CreatedPolicy, account: Address) -> Result<()> {
    let (policy, author) = (created.id, created.terms.author);
    match author == account {
        true => Ok(()),
        false => Err(Error::NotAuthor { policy, author }),
    }
}

fn refuses(status: &PolicyStatus) -> bool {
    let code = status.refusal.as_ref().map(|problem| problem.code);
    !status.serving && matches!(code, Some(Refusal::PolicyRevoked | Refusal::PolicyEnded))
}

fn over(error: &AskError) -> bool {
    let AskError::Refused(problem) = error else {
        return false;
    };
    matches!(problem.code, Refusal::PolicyRevoked | Refusal::PolicyEnded)
}
