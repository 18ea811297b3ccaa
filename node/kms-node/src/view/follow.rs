//! The task that follows the chain: follow, ingest, publish. A failing endpoint never ends it: the
//! snapshot grows old meanwhile, and the gate refuses by its age.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kms_chain::{ChainError, LastSeqs, Next, Step, next_step};
use kms_protocol::PeriodClock;
use tokio::sync::watch;

use crate::chain::NodeChain;
use crate::host::health::{Concern, Heartbeat};
use crate::host::stop::Stop;
use crate::node::Node;
use crate::store::{Result, StoreError};
use crate::view::ingest::{Indexer, Ingested, Scope};
use crate::view::pace::Pace;
use crate::view::snapshot::Snapshot;

/// Backoff while the endpoints or the disk fail: doubles from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Looks in a row that do not fit together after which another endpoint is read.
const MISFITS: u32 = 3;
/// Backoff before an index that had a gap is built again: doubles from the first to the last.
const FIRST_REINDEX_PAUSE: Duration = Duration::from_secs(1);
const LAST_REINDEX_PAUSE: Duration = Duration::from_secs(300);
/// Pause after it was asked in vain which block is settled.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// The channel on which snapshots are published.
pub(crate) type Publisher = watch::Sender<Option<Arc<Snapshot>>>;

pub(crate) struct Follower<C> {
    node: Arc<Node>,
    chain: C,
    indexer: Indexer,
    heartbeat: Heartbeat,
    /// Time since the task began, as of the present look.
    now: Duration,
    pace: Pace,
    /// Backoff after the next failure of the endpoints.
    trouble_pause: Duration,
    /// Looks in a row that did not fit together.
    misfits: u32,
    /// Backoff after the next gap.
    reindex_pause: Duration,
    /// The contracts' event counts that the next successful poll must reach.
    counts: Option<LastSeqs>,
    counted: Option<Duration>,
    /// When it was asked in vain which block is settled.
    unsettled: Option<Instant>,
    /// Whether an endpoint showed another block than the index has when it was asked last.
    dissent: bool,
}

impl<C: NodeChain> Follower<C> {
    /// Creates the follower at the cursor stored in the database.
    pub(crate) async fn new(
        node: Arc<Node>,
        chain: C,
        clock: PeriodClock,
        publisher: Publisher,
    ) -> Result<Self> {
        let scope = Scope {
            miner: node.miner(),
            domain: node.domain,
        };
        let (store, confirmations) = (node.store.clone(), node.config.confirmations);
        let mut indexer = Indexer::empty(store, scope, clock, confirmations, publisher);
        indexer.reload().await?;
        let heartbeat = node.health.heartbeat("chain");
        let pace = Pace::new(node.config.poll_interval());
        Ok(Self {
            node,
            chain,
            indexer,
            heartbeat,
            now: Duration::ZERO,
            pace,
            trouble_pause: FIRST_PAUSE,
            misfits: 0,
            reindex_pause: FIRST_REINDEX_PAUSE,
            counts: None,
            counted: None,
            unsettled: None,
            dissent: false,
        })
    }

    /// Follows until told to stop; ends early only if the database fails.
    pub(crate) async fn run(mut self, stop: Stop) -> Result<()> {
        let started = Instant::now();
        while !stop.is_stopped() {
            self.heartbeat.beat();
            let pause = self.look(started.elapsed()).await?;
            if !pause.is_zero() {
                stop.sleep(pause).await;
            }
        }
        Ok(())
    }

    /// Looks at the chain once, this long after the start; returns the pause until the next look.
    pub(crate) async fn look(&mut self, now: Duration) -> Result<Duration> {
        self.now = now;
        match self.advance().await {
            Ok(is_at_head) => {
                (self.trouble_pause, self.misfits) = (FIRST_PAUSE, 0);
                Ok(match is_at_head {
                    true => self.pace.pause(now),
                    false => Duration::ZERO,
                })
            }
            Err(Trouble::Chain(error)) => {
                self.trouble(&error);
                self.note_misfit(&error);
                let pause = self.trouble_pause;
                self.trouble_pause = (pause * 2).min(LONGEST_PAUSE);
                Ok(pause)
            }
            Err(Trouble::Store(error)) => self.store_trouble(error).await,
        }
    }

    /// Has another endpoint read when what this one shows does not fit together, again and again.
    fn note_misfit(&mut self, error: &ChainError) {
        if let ChainError::ChainMoved | ChainError::BadReply { .. } = error {
            self.misfits += 1;
        }
        if self.misfits >= MISFITS {
            self.misfits = 0;
            self.chain.pass_over();
        }
    }

    /// Follows and ingests one step; returns true if the index has reached the head that was read.
    pub(crate) async fn advance(&mut self) -> std::result::Result<bool, Trouble> {
        self.indexer.refresh().await.map_err(Trouble::Store)?;
        let next = next_step(&self.chain, self.indexer.cursor()).await;
        let step = match next.map_err(Trouble::Chain)? {
            Next::Step(step) => step,
            Next::UpToDate => {
                self.up_to_date().await?;
                return Ok(true);
            }
            Next::Behind => return Ok(true),
        };
        if let Step::Revert { .. } | Step::Reset = step {
            // What does not connect may be another chain. If the endpoint that showed it is left
            // out now, another one may show something else.
            self.chain.prove_again().await.map_err(Trouble::Chain)?;
            let again = next_step(&self.chain, self.indexer.cursor()).await;
            if again.map_err(Trouble::Chain)? != Next::Step(step.clone()) {
                return Ok(true);
            }
        }
        let reaches_head = matches!(
            step,
            Step::Apply {
                reaches_head: true,
                ..
            }
        );
        match self.indexer.take(step).await.map_err(Trouble::Store)? {
            Ingested::Applied => self.pace.found(self.now, &self.indexer.cursor().headers),
            Ingested::Reverted { depth } => {
                self.counts = None;
                self.node.metrics.reorgs.inc();
                if let Some(left_out) = self.node.quiet.may_tell("reorg") {
                    tracing::warn!(depth, head = self.indexer.head(), left_out, "reorganised");
                }
            }
            Ingested::Restarted => {
                self.node.metrics.reorgs.inc();
                self.node.age.invalidate();
                tracing::warn!("the chain left the known headers behind, indexing again");
            }
        }
        if reaches_head {
            // What came since is found by the next look.
            self.up_to_date().await?;
            return Ok(true);
        }
        if self.node.age.age().is_some() {
            // The snapshot is in use: a revocation must not wait until the last step is written.
            self.indexer.publish();
        }
        Ok(false)
    }

    async fn up_to_date(&mut self) -> std::result::Result<(), Trouble> {
        if !self.is_head_fresh() {
            // Whatever has happened since is not known: nothing is answered.
            self.node.age.invalidate();
            let _ = self.chain.check_heads().await;
            return Ok(());
        }
        self.reconcile().await?;
        if !self.settle().await {
            // Nothing is answered while it is not known which endpoint is wrong.
            self.node.age.invalidate();
            return Ok(());
        }
        self.node.age.refresh();
        self.indexer.publish();
        self.reindex_pause = FIRST_REINDEX_PAUSE;
        let health = &self.node.health;
        health.set("rpc", Concern::Earning, None);
        health.set("events_complete", Concern::Serving, None);
        // The index is written up to the head: without the reserve only new kfrags are refused.
        let full = !self.node.reserve.retake();
        let reason = full.then(|| "nearly full: no new kfrags are taken".to_owned());
        health.set("disk", Concern::Earning, reason);
        Ok(())
    }

    /// Whether the newest block is young enough by this machine's clock. No request is granted for
    /// that, but none is answered by a chain that stands still.
    fn is_head_fresh(&self) -> bool {
        let limit = self.node.config.max_head_age_s;
        let head = self.indexer.cursor().tip().map_or(0, |tip| tip.timestamp);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let age = now.map_or(0, |now| now.as_secs().saturating_sub(head));
        let problem = (limit > 0 && age > limit)
            .then(|| format!("the newest block is {age} s old by this machine's clock"));
        let fresh = problem.is_none();
        let health = &self.node.health;
        health.set("head_fresh", Concern::Serving, problem);
        fresh
    }

    /// Asks which block is settled, while erasures wait for one. Returns false if an endpoint shows
    /// another block than the index has: one of two is wrong, and it is not known which.
    async fn settle(&mut self) -> bool {
        if !self.node.has_waiting_erasures() {
            self.tell_of_dissent(None);
            return true;
        }
        let confirmed = self.indexer.confirmed();
        let known = self.indexer.settled() == confirmed.last().copied();
        if known || self.unsettled.is_some_and(|at| at.elapsed() < SETTLE_PAUSE) {
            return !self.dissent;
        }
        self.unsettled = Some(Instant::now());
        match self.chain.settled(confirmed).await {
            Ok(Some(header)) => {
                self.indexer.settle(header);
                self.unsettled = None;
                self.tell_of_dissent(None);
            }
            Ok(None) => self.tell_of_dissent(None),
            Err(error @ ChainError::Disagreement { .. }) => {
                self.tell_of_dissent(Some(error.to_string()));
            }
            Err(error) => self.trouble(&error),
        }
        !self.dissent
    }

    fn tell_of_dissent(&mut self, problem: Option<String>) {
        self.dissent = problem.is_some();
        let health = &self.node.health;
        health.set("endpoints_agree", Concern::Serving, problem);
    }

    /// Compares the index with the contracts' own event counts, since no later sequence number
    /// shows that a contract's last event is missing. The counts were read before the poll that
    /// found the index up to date, so the index must have reached them.
    async fn reconcile(&mut self) -> std::result::Result<(), Trouble> {
        if let Some(counts) = self.counts.take() {
            self.indexer
                .require_seqs(counts)
                .await
                .map_err(Trouble::Store)?;
        }
        let every = self.pace.count_every();
        let is_due = |at: Duration| self.now.saturating_sub(at) >= every;
        if self.counted.is_none_or(is_due) {
            self.chain.check_heads().await.map_err(Trouble::Chain)?;
            // Another endpoint shows what the one that is read leaves out.
            let confirmed = self.indexer.confirmed().last().copied();
            let witnessed = match confirmed {
                Some(header) => self.chain.last_seqs_at(header.hash).await,
                None => Ok(None),
            };
            match witnessed {
                Ok(Some(counts)) => {
                    let required = self.indexer.require_seqs(counts).await;
                    required.map_err(Trouble::Store)?;
                }
                Ok(None) | Err(_) => {
                    self.counts = Some(self.chain.last_seqs().await.map_err(Trouble::Chain)?);
                }
            }
            self.counted = Some(self.now);
        }
        Ok(())
    }

    /// Answers an error of the database: returns the pause after which the step is tried again, or
    /// the error, if it does not pass.
    async fn store_trouble(&mut self, error: StoreError) -> Result<Duration> {
        let answered = match error {
            StoreError::SequenceGap { .. } | StoreError::Inconsistent { .. } => {
                self.gap(&error).await
            }
            StoreError::Full => self.disk_full().await,
            other => Err(other),
        };
        match answered {
            Err(error) if error.is_passing() => {
                if let Some(left_out) = self.node.quiet.may_tell("store") {
                    tracing::warn!(code = error.code(), %error, left_out, "the index waits");
                }
                Ok(LONGEST_PAUSE)
            }
            answered => answered,
        }
    }

    /// Frees room: removes the reserve and the old pages of the write-ahead log. Returns the pause.
    async fn disk_full(&self) -> Result<Duration> {
        let reason = "the disk is full: no new kfrags are taken, free some space";
        self.node
            .health
            .set("disk", Concern::Serving, Some(reason.to_owned()));
        let had_reserve = self.node.reserve.is_held();
        self.node.reserve.release();
        // Old pages that are being read stay until the next call.
        let _ = self.node.store.cut_log().await?;
        Ok(if had_reserve {
            FIRST_PAUSE
        } else {
            LONGEST_PAUSE
        })
    }

    fn trouble(&self, error: &ChainError) {
        self.node.metrics.rpc_error("chain");
        self.node
            .health
            .set("rpc", Concern::Earning, Some(error.to_string()));
    }

    /// Invalidates an incomplete index and builds it again. Returns the pause, which doubles.
    async fn gap(&mut self, error: &StoreError) -> Result<Duration> {
        self.node.metrics.gaps.inc();
        self.node.age.invalidate();
        let reason = format!("{error}; indexing again");
        self.node
            .health
            .set("events_complete", Concern::Serving, Some(reason));
        self.counts = None;
        self.indexer.restart().await?;
        let pause = self.reindex_pause;
        self.reindex_pause = (pause * 2).min(LAST_REINDEX_PAUSE);
        Ok(pause)
    }
}

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The endpoints failed or contradicted themselves.
    Chain(ChainError),
    /// The step could not be written.
    Store(StoreError),
}

#[cfg(test)]
mod tests;
