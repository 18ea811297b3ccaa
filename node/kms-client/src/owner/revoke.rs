//! Taking a grant back: one transaction, then each node is asked until it refuses, with its signed
//! word that the fragment is erased where it gives one. And refunds of idle periods.
//! Neighbours: `arrangement` takes one miner out of a grant, `deliver` lends its helpers, `journal`
//! remembers the end of a grant.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::{Call, MinerInfo, PolicyState};
use kms_protocol::messages::{ErasureReceipt, PolicyStatus};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Refusal};
use tokio::time::Instant;

use super::deliver::{Pause, failed, reach, within};
use super::{Owner, Spend};
use crate::error::{Error, NodeFailure, Result};
use crate::journal::GrantState;
use crate::ports::{CreatedPolicy, NodeError, PolicyFilter, Revoked};
use crate::progress::{Event, Progress};

/// What is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole policy.
    Policy,
    /// The arrangement with one miner; the others go on.
    Arrangement(Address),
}

/// What became of a revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationReport {
    /// The policy.
    pub policy: PolicyId,
    /// What of it was taken back.
    pub scope: Scope,
    /// Miners that go on serving it.
    pub left: usize,
    /// Miners a reader needs.
    pub need: usize,
    /// Transaction that revoked; `None` if it had been revoked before.
    pub tx_hash: Option<B256>,
    /// Paid back to the sponsor by this transaction.
    pub refund: Amount,
    /// Last period that stays paid; `None` if it had been revoked before.
    pub effective_last: Option<Period>,
    /// Miners that now refuse the policy, ascending.
    pub refusing: Vec<Address>,
    /// Their signed words that the fragment is erased, each verified; perhaps fewer.
    pub erased: Vec<ErasureReceipt>,
    /// Miners that could not be heard or still serve when time was up.
    pub pending: Vec<NodeFailure>,
}

impl RevocationReport {
    /// Before anything was done.
    pub(super) fn new(created: &CreatedPolicy, scope: Scope, left: usize) -> Self {
        Self {
            policy: created.id,
            scope,
            left,
            need: created.terms.threshold.into(),
            tx_hash: None,
            refund: Amount::ZERO,
            effective_last: None,
            refusing: Vec::new(),
            erased: Vec::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn mined(&mut self, tx_hash: B256, revoked: Revoked) {
        self.tx_hash = Some(tx_hash);
        self.refund = revoked.refund;
        self.effective_last = Some(revoked.effective_last);
    }
}

/// What a refund paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundReport {
    /// The policy.
    pub policy: PolicyId,
    /// The transaction.
    pub tx_hash: B256,
    /// What was due when it was sent, paid to the sponsor.
    pub amount: Amount,
}

impl Owner<'_> {
    /// Revokes a policy and waits until its nodes refuse it.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::NotAuthor`], [`Error::PolicyExpired`], [`Error::Chain`].
    /// Nodes that are not heard in time are no error: the chain has the last word.
    pub async fn revoke(
        &self,
        policy: PolicyId,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<RevocationReport> {
        self.home.check(spend.lock)?;
        spend.pay.resume(progress).await?;
        let created = self.find(policy).await?;
        let state = self.chain.policy_state(policy).await?;
        let state = state.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        let mut report = RevocationReport::new(&created, Scope::Policy, 0);
        if !state.revoked {
            self.check_revocable(&created, state, spend).await?;
            let terms = created.terms.clone();
            let call = Call::RevokePolicy { terms };
            let receipt = spend.pay.send(&call, progress).await?;
            let revoked = self.chain.revoked_in(receipt.block_hash, policy).await?;
            let revoked = revoked.ok_or(Error::Bug("a revocation leaves its event"))?;
            report.mined(receipt.tx_hash, revoked);
        }
        if let Some(mut grant) = self.journal().get(policy)? {
            grant.state = GrantState::Revoked;
            grant
                .sealed
                .iter_mut()
                .for_each(|sealed| sealed.upload = None);
            self.journal().put(&grant)?;
        }
        self.await_refusals(&created.terms.miners, &mut report, progress)
            .await?;
        Ok(report)
    }

    /// The policies of a label to a reader that can still be revoked.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if there is none, [`Error::PolicyAmbiguous`] if there are several.
    pub async fn policy_of(&self, label: &str, reader: &str) -> Result<PolicyId> {
        let label_key = self.home.label_key(label)?.public_key();
        let card = self.home.card(reader)?;
        let keys = kms_protocol::keys_hash(&label_key, &card.receiving_key());
        let now = self.present_period().await?;
        let mut live = Vec::new();
        for created in self.chain.policies(PolicyFilter::Keys(keys)).await? {
            let ours = created.terms.author == self.home.wallet_address();
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

    /// Fetches the fees of idle periods back to the sponsor.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], or [`Error::Chain`] with `PolicyNothingToRefund`.
    pub async fn refund(
        &self,
        policy: PolicyId,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<RefundReport> {
        self.home.check(spend.lock)?;
        let terms = self.find(policy).await?.terms;
        let amount = self.chain.refundable(&terms).await?;
        let receipt = spend
            .pay
            .send(&Call::RefundPolicy { terms }, progress)
            .await?;
        Ok(RefundReport {
            policy,
            tx_hash: receipt.tx_hash,
            amount,
        })
    }

    pub(super) async fn present_period(&self) -> Result<Period> {
        let head = self.chain.head().await?;
        let params = self.chain.params().await?;
        Ok(params
            .clock
            .period_at(head.timestamp)
            .unwrap_or(Period::NEVER))
    }

    /// The policy lives, and the account that pays may take it back.
    pub(super) async fn check_revocable(
        &self,
        created: &CreatedPolicy,
        state: PolicyState,
        spend: Spend<'_>,
    ) -> Result<()> {
        let (policy, author) = (created.id, created.terms.author);
        let last = state.effective_last;
        if last < self.present_period().await? {
            return Err(Error::PolicyExpired { policy, last });
        }
        if author != spend.pay.address() {
            return Err(Error::NotAuthor { policy, author });
        }
        Ok(())
    }

    /// Asks these miners of the policy until they refuse it, or time is up.
    pub(super) async fn await_refusals(
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
        let (worker, url) = reach(info, |url| self.nodes.parse_url(url))?;
        let mut pause = Pause::new(self.limits.first_pause_ms);
        loop {
            let (code, detail, wait) =
                match within(deadline, self.nodes.policy_status(&url, policy)).await {
                    Ok(status) if refuses(&status) => {
                        return Ok(self.verified_erasure(&status, info, worker));
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
                    Err(error) => (error.code(), error.detail(), pause.next(&error)),
                };
            if Instant::now() + wait >= deadline {
                return Err(failed(info, code, detail));
            }
            progress.event(Event::NodeWaiting {
                miner: info.miner,
                code: code.to_owned(),
            });
            tokio::time::sleep(wait).await;
        }
    }

    /// The erasure receipt, if it is of this policy and miner and signed by the bonded worker.
    fn verified_erasure(
        &self,
        status: &PolicyStatus,
        info: &MinerInfo,
        worker: Address,
    ) -> Option<ErasureReceipt> {
        let domain = self.chain.domain();
        let own = |r: &ErasureReceipt| r.policy_id == status.policy_id && r.miner == info.miner;
        status
            .erasure
            .filter(own)
            .filter(|r| r.verify(&domain, &worker).is_ok())
    }
}

fn refuses(status: &PolicyStatus) -> bool {
    let code = status.refusal.as_ref().map(|problem| problem.code);
    !status.serving && matches!(code, Some(Refusal::PolicyRevoked | Refusal::PolicyEnded))
}

fn over(error: &NodeError) -> bool {
    let NodeError::Refused(problem) = error else {
        return false;
    };
    matches!(problem.code, Refusal::PolicyRevoked | Refusal::PolicyEnded)
}
