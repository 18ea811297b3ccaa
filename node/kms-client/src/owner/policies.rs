//! Lists what an owner has granted: policies from the chain, names from the journal, or with the
//! seed by the tags of the home's labels and cards.
//! Neighbours: `revoke` ends policies, `journal` knows their names, `pairs` knows the tags.

use futures_util::stream::{self, StreamExt as _};
use kms_chain::{ChainParams, MinerFees, MinerInfo, PolicyState};
use kms_protocol::messages::{ErasureReceipt, KfragState};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

use super::Owner;
use super::pairs::Pairs;
use crate::asking::{dismissed, failed, reach};
use crate::error::{Error, NodeFailure, Result};
use crate::journal::GrantState;
use crate::line::Moment;
use crate::ports::{CreatedPolicy, PolicyFilter};
use crate::standing::{Standing, standing};
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// Concurrent requests to the chain or to nodes.
const AT_ONCE: usize = 16;

/// A policy in the owner's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyReport {
    /// Id, the hash of the terms.
    pub policy: PolicyId,
    /// What was paid for: miners, rate, periods, keys.
    pub terms: Terms,
    /// Name of the label, where the home knows it.
    pub label: Option<Label>,
    /// Name of the reader, where the home knows it.
    pub reader: Option<String>,
    /// State in the present period.
    pub standing: Standing,
    /// Miners whose arrangement alone was revoked; empty once the policy is over.
    pub revoked_miners: Vec<Address>,
    /// Last period that is paid for.
    pub effective_last: Period,
    /// Chain time at which the first period begins, in seconds since the Unix epoch.
    pub starts_at: u64,
    /// Chain time at which the last paid period is over, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// What was paid when it was made.
    pub price: Amount,
    /// Transaction that made it; zero when only the journal knows the policy.
    pub tx_hash: B256,
    /// Progress of its delivery, if it was granted from this home.
    pub grant: Option<GrantState>,
}

/// State of one miner of a policy, by its node and the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinerHealth {
    /// Owner address, as the terms name it.
    pub miner: Address,
    /// Base URL of its node; empty until registered.
    pub url: String,
    /// True if the author revoked its arrangement.
    pub revoked: bool,
    /// True if the node would serve a reader now, and its arrangement is in force.
    pub healthy: bool,
    /// What the node holds, if it answered.
    pub kfrag: Option<KfragState>,
    /// Why it is not healthy.
    pub failure: Option<NodeFailure>,
    /// What the policy owes it now, and what it has yet to prove.
    pub fees: MinerFees,
    /// Its receipt for the erased kfrag, if the journal keeps one.
    pub erasure: Option<ErasureReceipt>,
}

/// A policy with its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDetail {
    /// What the list of policies shows.
    pub report: PolicyReport,
    /// Its miners, in the order of the terms.
    pub miners: Vec<MinerHealth>,
    /// What `refund` would pay the sponsor now.
    pub refundable: Amount,
}

impl PolicyDetail {
    /// Nodes that would serve now.
    pub fn healthy(&self) -> usize {
        self.miners.iter().filter(|miner| miner.healthy).count()
    }
}

impl Owner<'_> {
    /// Lists every policy whose author is the home's account, newest first.
    ///
    /// # Errors
    /// [`Error::Chain`], [`Error::HomeCorrupt`].
    pub async fn policies(&self) -> Result<Vec<PolicyReport>> {
        let author = PolicyFilter::Author(self.home.wallet_address());
        let mut created = self.chain.policies(author).await?;
        created.reverse();
        let params = self.chain.params().await?;
        let now = self.present_period().await?;
        let known: Vec<_> = stream::iter(created)
            .map(|created| async move {
                let known = self.known_of(&created, now).await;
                (created, known)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut reports = Vec::with_capacity(known.len());
        for (created, known) in known {
            // An event without state was reverted between the two questions.
            if let Some(known) = known? {
                reports.push(self.report_of(created, known, &params, now)?);
            }
        }
        Ok(reports)
    }

    /// Names the policies of these that the home's labels and cards made, by their tags.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn name(&self, reports: &mut [PolicyReport], keys: &OwnerKeys) -> Result<()> {
        let (pairs, domain) = (Pairs::of(self, keys)?, self.chain.domain());
        let nameless = |report: &&mut PolicyReport| report.label.is_none();
        for report in reports.iter_mut().filter(nameless) {
            if !self.made(&report.terms) {
                continue;
            }
            (report.label, report.reader) = pairs.find(&report.terms, domain).unzip();
        }
        Ok(())
    }

    /// Shows one policy, and asks its nodes.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::Chain`].
    pub async fn policy(&self, policy: PolicyId) -> Result<PolicyDetail> {
        let created = self.find(policy).await?;
        let params = self.chain.params().await?;
        let now = self.present_period().await?;
        let known = self.known_of(&created, now).await?;
        let known = known.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        let report = self.report_of(created, known, &params, now)?;
        let infos = self.chain.miner_info(&report.terms.miners).await?;
        let terms = &report.terms;
        let miners: Vec<Result<MinerHealth>> = stream::iter(infos)
            .map(|info| self.health(info, &report))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let refundable = self.chain.refundable(terms).await?;
        Ok(PolicyDetail {
            miners: miners.into_iter().collect::<Result<_>>()?,
            refundable,
            report,
        })
    }

    /// Reads a policy from the chain; unless it is over, its revoked arrangements too.
    async fn known_of(&self, created: &CreatedPolicy, now: Period) -> Result<Option<Known>> {
        let Some(state) = self.chain.policy_state(created.id).await? else {
            return Ok(None);
        };
        let revoked_miners = match state.revoked || state.effective_last < now {
            true => Vec::new(),
            false => self.chain.revoked_miners(&created.terms).await?,
        };
        Ok(Some(Known {
            state,
            revoked_miners,
        }))
    }

    async fn health(&self, info: MinerInfo, report: &PolicyReport) -> Result<MinerHealth> {
        let revoked = report.revoked_miners.contains(&info.miner);
        let mut health = MinerHealth {
            miner: info.miner,
            url: info.url.clone(),
            revoked,
            healthy: false,
            kfrag: None,
            failure: revoked.then(|| dismissed(&info)),
            fees: self.chain.miner_fees(&report.terms, info.miner).await?,
            erasure: self.erasure_of(report.policy, info.miner)?,
        };
        let status = match reach(&info, self.nodes) {
            Err(failure) => Err(failure),
            Ok(peer) => {
                let moment = Moment::now(self.chain).await?;
                let status = self.nodes.policy_status(&peer, &moment, report.policy);
                status
                    .await
                    .map_err(|error| failed(&info, error.code(), error.detail()))
            }
        };
        match status {
            Ok(status) => {
                health.kfrag = Some(status.kfrag);
                health.healthy = status.serving && !revoked;
                if revoked && status.serving {
                    let detail = "the node has not seen the revocation of its arrangement";
                    health.failure = Some(failed(&info, "still_serving", detail.to_owned()));
                } else if let Some(problem) = status.refusal.filter(|_| !revoked) {
                    health.failure = Some(failed(&info, problem.code.code(), problem.title));
                }
            }
            Err(failure) if !revoked => health.failure = Some(failure),
            // A dismissed miner owes no answer.
            Err(_) => {}
        }
        Ok(health)
    }

    fn erasure_of(&self, policy: PolicyId, miner: Address) -> Result<Option<ErasureReceipt>> {
        let grant = self.journal().get(policy)?;
        let mut deliveries = grant.into_iter().flat_map(|grant| grant.deliveries);
        let delivery = deliveries.find(|delivery| delivery.miner == miner);
        Ok(delivery.and_then(|delivery| delivery.erasure))
    }

    fn report_of(
        &self,
        created: CreatedPolicy,
        known: Known,
        params: &ChainParams,
        now: Period,
    ) -> Result<PolicyReport> {
        let grant = self.journal().get(created.id)?;
        let names = grant.as_ref();
        let names = names.map(|grant| (grant.label.clone(), grant.reader.clone()));
        let (label, reader) = names.unzip();
        let (terms, state) = (created.terms, known.state);
        let out_of_range = || Error::Bug("a policy's periods lie inside the clock");
        Ok(PolicyReport {
            policy: created.id,
            standing: standing(&terms, state, now),
            revoked_miners: known.revoked_miners,
            effective_last: state.effective_last,
            starts_at: params
                .clock
                .start_of(terms.first_period)
                .ok_or_else(out_of_range)?,
            // Revoked before it began: the last paid period lies before the first one.
            expires_at: params.clock.end_of(state.effective_last).unwrap_or(0),
            price: terms.price()?,
            tx_hash: created.tx_hash,
            grant: grant.map(|grant| grant.state),
            label,
            reader,
            terms,
        })
    }
}

/// A policy as the chain has it.
struct Known {
    state: PolicyState,
    revoked_miners: Vec<Address>,
}
