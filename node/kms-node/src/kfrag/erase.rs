//! The sweeper: erases kfrags whose policy has ended or was revoked, each with a signed receipt,
//! and truncates the write-ahead log, so that whoever breaks in later finds nothing of them. The
//! gate refuses at once; an erasure cannot be undone, so it waits for more than an endpoint's word:
//! the end stands for `erase_after_ms` by the monotonic clock, the block that shows it is settled,
//! and the contracts say the same. It also forgets the requests that left the replay window.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kms_chain::ChainError;
use kms_protocol::messages::ErasureReceipt;
use kms_protocol::{EthSignature, Period, PolicyId};

use super::ends::Ends;
use crate::chain::NodeChain;
use crate::host::health::Concern;
use crate::host::stop::Stop;
use crate::node::Node;
use crate::store::Result;
use crate::store::kfrag::{ErasureReason, ErasureRow, KfragHead};
use crate::view::snapshot::Snapshot;

/// Limit of kfrags read per query, and of those whose end is asked for in one sweep.
const PAGE: u32 = 256;
const ASKED_AT_ONCE: usize = 64;
/// Interval at which every kfrag is read, for one that was stored when its policy was over already.
const RESCAN: Duration = Duration::from_secs(3_600);
/// Number of ends at once from which on every kfrag is read instead of those.
const MANY: usize = 1_024;
/// Time past its hold after which a kfrag that waits for a settled block is told of.
const OVERDUE: Duration = Duration::from_secs(30 * 60);
/// Interval at which the newest snapshot is checked.
const PAUSE: Duration = Duration::from_millis(500);

/// A kfrag that is due for erasure.
struct Waiting {
    head: KfragHead,
    /// Since when it is due without a break, or when the contracts were asked last.
    since: Instant,
    /// Why it stayed when the contracts were asked.
    doubt: Option<String>,
}

/// Why it is not known whether a policy is over.
enum Doubt {
    /// The reason has to do with this policy alone.
    Here(String),
    /// No other policy would be answered for either.
    Everywhere(String),
}

/// The sweeper's state in memory; after a restart the waiting begins anew.
pub(crate) struct Sweeper<C> {
    node: Arc<Node>,
    chain: C,
    ends: Ends,
    /// When every kfrag was read last; `None` for not yet.
    scanned: Option<Instant>,
    waiting: HashMap<PolicyId, Waiting>,
}

/// Sweeps until told to stop.
pub(crate) async fn run<C: NodeChain>(mut sweeper: Sweeper<C>, stop: Stop) -> Result<()> {
    let node = sweeper.node.clone();
    let heartbeat = node.health.heartbeat("sweeper");
    while !stop.is_stopped() {
        if let Some(snapshot) = node.snapshot() {
            node.replay.forget(snapshot.head);
            if let Err(error) = sweeper.sweep(&snapshot).await
                && let Some(left_out) = node.quiet.may_tell("sweep")
            {
                let code = error.code();
                tracing::error!(code, %error, left_out, "sweep failed, will retry");
            }
            // Keys are made when one is asked for; here those that are over are wiped unasked, by
            // the chain's clock, and by this machine's while no endpoint answers.
            let period = Duration::from_secs(u64::from(snapshot.period_seconds));
            node.transport.wipe(Instant::now(), 2 * period);
            if let Err(problem) = node.transport_certificate()
                && let Some(left_out) = node.quiet.may_tell("transport_key")
            {
                let (code, detail) = (problem.code.code(), &problem.detail);
                tracing::error!(code, %detail, left_out, "no new key");
            }
        }
        if let Err(error) = clear_log(&node).await
            && let Some(left_out) = node.quiet.may_tell("log_cut")
        {
            let code = error.code();
            tracing::error!(code, %error, left_out, "the log was not truncated, will retry");
        }
        node.health
            .set("endpoints", Concern::Earning, passed_over(&sweeper.chain));
        // Logs what has changed, also when nobody asks for a report.
        let _ = node.report().await;
        heartbeat.beat();
        stop.sleep(PAUSE).await;
    }
    Ok(())
}

impl<C: NodeChain> Sweeper<C> {
    pub(crate) fn new(node: Arc<Node>, chain: C) -> Self {
        Self {
            node,
            chain,
            ends: Ends::default(),
            scanned: None,
            waiting: HashMap::new(),
        }
    }

    /// Finds what is due for erasure as of `snapshot`, and erases what has waited for its proof;
    /// nothing while decisions on the snapshot are forbidden, as during indexing.
    pub(crate) async fn sweep(&mut self, snapshot: &Snapshot) -> Result<()> {
        if self.node.age.age().is_none() {
            return Ok(());
        }
        self.find(snapshot).await?;
        self.take_back(snapshot);
        let hold = self.node.config.erase_after();
        let ripe: Vec<(KfragHead, ErasureReason)> = self
            .waiting
            .values()
            .filter(|waiting| waiting.since.elapsed() >= hold)
            .filter_map(|waiting| Some((waiting.head, due(snapshot, &waiting.head)?)))
            .filter(|(head, reason)| is_settled(snapshot, head, *reason))
            .take(ASKED_AT_ONCE)
            .collect();
        let mut proved = Vec::new();
        let mut problem = None;
        for (head, reason) in ripe {
            match self.is_over(snapshot, &head).await {
                Ok(()) => proved.push(tombstone(&self.node, snapshot, &head, reason)),
                Err(Doubt::Here(doubt)) => self.put_off(&head.policy_id, doubt),
                Err(Doubt::Everywhere(doubt)) => {
                    problem = Some(doubt);
                    break;
                }
            }
        }
        self.erase(&proved).await?;
        self.node.await_erasures(!self.waiting.is_empty());
        let mut doubts = self.waiting.values();
        let problem = problem
            .or_else(|| doubts.find_map(|waiting| waiting.doubt.clone()))
            .or_else(|| self.overdue(snapshot));
        self.node
            .health
            .set("erasure_evidence", Concern::Earning, problem);
        Ok(())
    }

    /// Lists what is due anew; what was due before keeps the time since when it is. After an error
    /// the next call reads every kfrag.
    async fn find(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.ends.follow(&snapshot.policies);
        let over = self.ends.take(snapshot);
        let scanned = self.scanned.take();
        let recent = scanned.filter(|at| at.elapsed() < RESCAN && over.len() <= MANY);
        if recent.is_none() {
            self.scan(snapshot).await?;
            self.scanned = Some(Instant::now());
            return Ok(());
        }
        for id in over {
            if let Some(row) = self.node.store.kfrag(id).await? {
                let head = KfragHead {
                    policy_id: id,
                    kfrag_hash: row.kfrag_hash,
                    last_period: row.last_period,
                };
                self.list(snapshot, head);
            }
        }
        self.scanned = scanned;
        Ok(())
    }

    /// Reads every kfrag.
    async fn scan(&mut self, snapshot: &Snapshot) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.node.store.kfrag_heads(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.policy_id);
            for head in page {
                self.list(snapshot, head);
            }
        }
    }

    /// Lets a kfrag wait for its erasure if it is due, and for the end of its terms if the index
    /// has no policy for it.
    fn list(&mut self, snapshot: &Snapshot, head: KfragHead) {
        if due(snapshot, &head).is_some() {
            let (since, doubt) = (Instant::now(), None);
            let waiting = Waiting { head, since, doubt };
            // In quarantine it lies encrypted, and nowhere else.
            self.node.cache.remove(&head.policy_id);
            self.waiting.entry(head.policy_id).or_insert(waiting);
        } else if snapshot.policy(&head.policy_id).is_none() {
            let last = Period(head.last_period);
            self.ends.put_back(head.policy_id, last);
        }
    }

    /// Takes what is not due any more, as after a reorg, back from waiting.
    fn take_back(&mut self, snapshot: &Snapshot) {
        let (waiting, ends) = (&mut self.waiting, &mut self.ends);
        waiting.retain(|id, waiting| {
            let stays = due(snapshot, &waiting.head).is_some();
            if !stays {
                ends.put_back(*id, Period(waiting.head.last_period));
            }
            stays
        });
    }

    /// Tells of kfrags that wait for long, as where one of two endpoints is down.
    fn overdue(&self, snapshot: &Snapshot) -> Option<String> {
        let limit = self.node.config.erase_after().saturating_add(OVERDUE);
        let late = self.waiting.values().any(|Waiting { head, since, .. }| {
            let reason = due(snapshot, head);
            let settled = reason.is_some_and(|reason| is_settled(snapshot, head, reason));
            since.elapsed() > limit && !settled
        });
        late.then(|| {
            "kfrags of ended policies wait: no block is shown by two endpoints, or final".to_owned()
        })
    }

    /// Lets a kfrag wait anew, so that the others have their turn.
    fn put_off(&mut self, id: &PolicyId, doubt: String) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.since = Instant::now();
            waiting.doubt = Some(doubt);
        }
    }

    /// Checks that the contracts say that this miner's access is over. That the index lacks a
    /// policy proves nothing: a reorg removed it, or it is being indexed again.
    async fn is_over(
        &self,
        snapshot: &Snapshot,
        head: &KfragHead,
    ) -> std::result::Result<(), Doubt> {
        let (id, miner) = (head.policy_id, self.node.miner());
        let here = |reason: String| Doubt::Here(format!("policy {id}: {reason}"));
        let terms = self.node.store.terms(id).await;
        let terms = terms.map_err(|error| here(error.to_string()))?;
        let now = snapshot.settled.map_or(Period::NEVER, |(_, period)| period);
        let over = self.chain.is_access_over(id, terms.as_ref(), miner, now);
        match over.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(here("the contract says that it is not over".to_owned())),
            Err(error @ ChainError::Reverted { .. }) => Err(here(error.to_string())),
            Err(error) => Err(Doubt::Everywhere(error.to_string())),
        }
    }

    async fn erase(&mut self, tombstones: &[ErasureRow]) -> Result<()> {
        if tombstones.is_empty() {
            return Ok(());
        }
        self.node.store.erase_kfrags(tombstones).await?;
        for tombstone in tombstones {
            self.waiting.remove(&tombstone.policy_id);
            self.node.cache.remove(&tombstone.policy_id);
            self.node.metrics.kfrags.dec();
            self.node.metrics.erased.inc();
            tracing::info!(policy = %tombstone.policy_id, reason = ?tombstone.reason, "erased");
        }
        clear_log(&self.node).await
    }
}

/// The endpoints that are passed over, and why.
fn passed_over(chain: &impl NodeChain) -> Option<String> {
    let complaints = chain.endpoints().into_iter();
    let complaints: Vec<String> = complaints.filter_map(|one| one.complaint()).collect();
    (!complaints.is_empty()).then(|| complaints.join("; "))
}

/// Whether the block that shows the end is settled.
fn is_settled(snapshot: &Snapshot, head: &KfragHead, reason: ErasureReason) -> bool {
    let Some((block, period)) = snapshot.settled else {
        return false;
    };
    let policy = snapshot.policy(&head.policy_id);
    match (reason, policy) {
        (ErasureReason::Revoked, Some(policy)) => {
            policy.revocation.is_some_and(|(at, _)| at <= block)
        }
        (ErasureReason::Ended, Some(policy)) => period > policy.last_as_of(u64::MAX),
        (_, None) => period > Period(head.last_period),
    }
}

/// Truncates the write-ahead log if it may hold what was erased. If somebody reads it just now, it
/// says so in the report of `/earnz`, and the next call tries again.
async fn clear_log(node: &Node) -> Result<()> {
    if !node.store.has_remains() {
        return Ok(());
    }
    let cut = node.store.cut_log().await;
    let problem = match &cut {
        Ok(true) => None,
        Ok(false) => Some("erased kfrags stay in the database's log while it is read".to_owned()),
        Err(error) => Some(format!("erased kfrags stay in the database's log: {error}")),
    };
    node.health.set("erased_log", Concern::Earning, problem);
    cut.map(drop)
}

/// The reason to erase a kfrag now; `None` to keep it. The kfrag of a policy that a reorg removed
/// stays until the last period of its terms is over.
fn due(snapshot: &Snapshot, head: &KfragHead) -> Option<ErasureReason> {
    let Some(policy) = snapshot.policy(&head.policy_id) else {
        let over = snapshot.confirmed_period > Period(head.last_period);
        return over.then_some(ErasureReason::Ended);
    };
    if policy
        .revocation
        .is_some_and(|(block, _)| snapshot.is_confirmed(block))
    {
        return Some(ErasureReason::Revoked);
    }
    let over = snapshot.confirmed_period > policy.last_as_of(u64::MAX);
    over.then_some(ErasureReason::Ended)
}

fn tombstone(
    node: &Node,
    snapshot: &Snapshot,
    head: &KfragHead,
    reason: ErasureReason,
) -> ErasureRow {
    let receipt = ErasureReceipt {
        policy_id: head.policy_id,
        miner: node.miner(),
        kfrag_hash: head.kfrag_hash,
        block_number: snapshot.head.number,
        block_hash: snapshot.head.hash,
        signature: EthSignature::UNSIGNED,
    };
    let signed = receipt.signed(&node.domain, &node.keys.worker);
    ErasureRow {
        policy_id: head.policy_id,
        kfrag_hash: head.kfrag_hash,
        reason,
        block_number: signed.block_number,
        block_hash: signed.block_hash,
        signature: signed.signature.0,
    }
}

#[cfg(test)]
mod tests;
