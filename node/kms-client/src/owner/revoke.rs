//! Revokes policies, or one miner's arrangement of each: one transaction each, then every node
//! concerned is asked for its receipt of the erasure. What the chain took is told, whatever comes
//! after. Neighbours: `erasure` waits for the nodes, `journal` remembers the end of a grant.

use std::time::Duration;

use futures_util::future::join_all;
use kms_chain::{Call, PolicyState};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};
use tokio::time::Instant;

use super::erasure::Erasure;
use super::{Owner, Spend};
use crate::asking::nobody;
use crate::error::{Error, NodeFailure, Result};
use crate::granted::{Granted, granted};
use crate::plan::{Plan, Sender};
use crate::ports::{CreatedPolicy, Revoked, Scope};
use crate::progress::Progress;
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// One revocation of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub(super) created: CreatedPolicy,
    pub(super) scope: Scope,
    /// Miners that go on serving the policy.
    left: usize,
    /// False if it was revoked before: there is nothing to send, and its nodes are asked again.
    pub(super) sends: bool,
}

impl Ending {
    fn call(&self) -> Call {
        let terms = self.created.terms.clone();
        match self.scope {
            Scope::Policy => Call::RevokePolicy { terms },
            Scope::Arrangement(miner) => Call::RevokeArrangement { terms, miner },
        }
    }

    /// Miners that are to erase their kfrag.
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
    /// Paid back to the sponsor by this transaction; `None` if it had been revoked before, or the
    /// chain could not be asked.
    pub refund: Option<Amount>,
    /// Last period that stays paid; `None` as for the refund.
    pub effective_last: Option<Period>,
    /// Number of miners that are to erase their kfrag.
    pub asked: usize,
    /// Miners that refuse the policy, ascending.
    pub refusing: Vec<Address>,
    /// Receipts for the erased kfrags, each verified, by miner; kept in the journal.
    pub erased: Vec<Erasure>,
    /// Why there is no receipt of the other miners in the journal.
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
            refund: None,
            effective_last: None,
            asked: 0,
            refusing: Vec::new(),
            erased: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Notes that no receipt of these miners can be had, or kept, by this run.
    pub(super) fn unheard(&mut self, miners: &[Address], error: &Error) {
        let unheard = |miner: &Address| nobody(*miner, error.code(), error.to_string());
        self.asked = miners.len();
        self.pending = miners.iter().map(unheard).collect();
    }

    fn mined(&mut self, tx_hash: B256, revoked: Option<Revoked>) {
        self.tx_hash = Some(tx_hash);
        self.refund = revoked.map(|revoked| revoked.refund);
        self.effective_last = revoked.map(|revoked| revoked.effective_last);
    }
}

/// Policies of a label and a reader, oldest first.
#[derive(Debug, Default)]
pub(super) struct OfPair {
    /// In force, or about to begin.
    pub(super) live: Vec<PolicyId>,
    /// Revoked before the last period of their terms.
    pub(super) revoked: Vec<PolicyId>,
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

    /// Carries out a plan of revocations: every transaction first, then the receipts of all nodes
    /// are waited for. Those that do not come in time are no error: the chain has the last word.
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
        let deadline = Instant::now() + Duration::from_millis(self.limits.revoke_ms);
        let ended = plan.aim.iter().zip(&mut reports);
        join_all(ended.map(|(ending, report)| async move {
            let miners = ending.miners();
            match self.note(ending) {
                Ok(()) => {
                    self.await_erasures(&miners, report, deadline, progress)
                        .await;
                }
                Err(error) => report.unheard(&miners, &error),
            }
        }))
        .await;
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

    /// Revokes on chain what is not revoked yet.
    async fn end(&self, ending: &Ending, sender: &Sender<'_>) -> Result<RevocationReport> {
        let mut report = RevocationReport::new(ending);
        let policy = ending.created.id;
        if ending.sends {
            require_author(&ending.created, sender.address())?;
            let receipt = sender.send(&ending.call()).await?.receipt;
            let event = self
                .chain
                .revoked_in(receipt.block_hash, policy, ending.scope);
            // The revocation stands, even if nobody says now what it returned.
            report.mined(receipt.tx_hash, event.await.unwrap_or(None));
        }
        Ok(report)
    }

    /// Journals what was revoked on chain.
    fn note(&self, ending: &Ending) -> Result<()> {
        let Some(mut grant) = self.journal().get(ending.created.id)? else {
            return Ok(());
        };
        match ending.scope {
            Scope::Policy => grant.revoke(),
            Scope::Arrangement(miner) => grant.dismiss(miner),
        }
        self.journal().put(&grant)
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
        let live = self.of_pair(&granted(self.chain, &pair).await?).await?.live;
        match live.as_slice() {
            [] => Err(no_policy(label, reader)),
            [policy] => Ok(*policy),
            _ => Err(Error::PolicyAmbiguous { policies: live }),
        }
    }

    /// Finds the policies of a label to a reader that a revocation of the pair concerns: all that
    /// are in force, and of those that were revoked before their time each of which a receipt is
    /// missing. If there is none of either, those that were revoked.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if there is none.
    pub async fn policies_to_end(
        &self,
        label: &Label,
        reader: &str,
        keys: &OwnerKeys,
    ) -> Result<Vec<PolicyId>> {
        let pair = self.pair(label, reader, keys)?;
        let granted = granted(self.chain, &pair).await?;
        let OfPair { mut live, revoked } = self.of_pair(&granted).await?;
        for policy in &revoked {
            let grant = self.journal().get(*policy)?;
            let complete = grant.is_some_and(|grant| grant.is_erased());
            live.extend((!complete).then_some(*policy));
        }
        match (live.is_empty(), revoked.is_empty()) {
            (false, _) => Ok(live),
            (true, false) => Ok(revoked),
            (true, true) => Err(no_policy(label, reader)),
        }
    }

    /// Those of a pair's grants whose paid time is not over.
    pub(super) async fn of_pair(&self, granted: &[Granted]) -> Result<OfPair> {
        let now = self.present_period().await?;
        let mut found = OfPair::default();
        for Granted { created, .. } in granted {
            // The reader can tag terms of the pair too, and name this author: but only this account
            // can have paid for them.
            if !self.made(&created.terms) {
                continue;
            }
            match self.chain.policy_state(created.id).await? {
                Some(state) if !state.revoked && state.effective_last >= now => {
                    found.live.push(created.id);
                }
                Some(state) if state.revoked && created.terms.last_period >= now => {
                    found.revoked.push(created.id);
                }
                Some(_) | None => {}
            }
        }
        Ok(found)
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
}

fn no_policy(label: &Label, reader: &str) -> Error {
    Error::NoPolicy {
        what: format!("{label} to {reader}"),
    }
}

pub(super) fn require_author(created: &CreatedPolicy, account: Address) -> Result<()> {
    let (policy, author) = (created.id, created.terms.author);
    match author == account {
        true => Ok(()),
        false => Err(Error::NotAuthor { policy, author }),
    }
}
