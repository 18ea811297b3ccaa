//! The only sender of transactions of the worker key. Each tick tracks the attempts under way,
//! sends them again or at higher fees, then turns due duties into intents and those into signed,
//! durable, broadcast transactions. Neighbours: `decide` finds the duties, `track` and `send` carry
//! them out, the store's `intent` keeps the order of writes that survives a crash at any point.

mod books;
mod send;
mod standing;
mod track;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kms_chain::{ChainError, Pursuit};
use kms_protocol::{Amount, Period, PeriodClock, Wei};

use crate::chain::NodeChain;
use crate::duties::decide::{Duty, Ledger, Wishes, decide};
use crate::host::health::Concern;
use crate::host::stop::Stop;
use crate::node::Node;
use crate::store::StoreError;
use crate::store::intent::IntentState;
use crate::view::snapshot::Snapshot;
use track::Watch;

const TICK: Duration = Duration::from_millis(500);
/// Pause after a failed request to the chain or the database.
const TROUBLE_PAUSE: Duration = Duration::from_secs(2);
/// Blocks after which reward and gas price are read again within a period.
const LEDGER_BLOCKS: u64 = 32;
/// Backoff after a refused simulation: doubles from the first to the last.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_secs(60);

/// Why a tick was cut short.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// The chain did not answer; the next tick tries again.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) type Result<T> = std::result::Result<T, ActError>;

/// The pause of a lane after a refusal; it ends early when the period changes.
#[derive(Debug, Clone, Copy)]
struct Backoff {
    until: Instant,
    pause: Duration,
    period: Period,
}

/// The sender's state in memory. Whatever must survive a restart is in the store.
pub(crate) struct Sender<C> {
    node: Arc<Node>,
    chain: C,
    wishes: Wishes,
    ledger: Ledger,
    clock: PeriodClock,
    /// When reward and gas price were read: period, period of the last claim, block number.
    read_at: Option<(Period, Period, u64)>,
    backoff: HashMap<String, Backoff>,
    /// The engine's state of each intent under way, by intent id.
    pursuits: HashMap<i64, Pursuit>,
    watch: Watch,
    /// The most that a duty of the last tick needs and the worker lacks.
    short_of: Option<Wei>,
    /// Kind of a duty that `max_fee_per_gas` held back in this tick.
    held_by_cap: Option<String>,
}

/// Runs a tick per interval until told to stop. Failures of the chain never end it.
pub(crate) async fn run<C: NodeChain>(mut sender: Sender<C>, stop: Stop) {
    let node = sender.node.clone();
    let heartbeat = node.health.heartbeat("duties");
    while !stop.is_stopped() {
        let mut pause = TICK;
        if let Some(snapshot) = node.snapshot() {
            let outcome = sender.tick(&snapshot).await;
            if let Err(error) = &outcome {
                pause = TROUBLE_PAUSE;
                node.metrics.rpc_error("duties");
                if let Some(left_out) = node.quiet.may_tell("duties") {
                    tracing::warn!(%error, left_out, "duties wait");
                }
            }
            let problem = outcome.err().map(|error| error.to_string());
            node.health.set("duties", Concern::Earning, problem);
        }
        heartbeat.beat();
        stop.sleep(pause).await;
    }
}

impl<C: NodeChain> Sender<C> {
    pub(crate) fn new(
        node: Arc<Node>,
        chain: C,
        clock: PeriodClock,
        max_lease_periods: u32,
    ) -> Self {
        let config = &node.config;
        let wishes = Wishes {
            worker: node.keys.worker.address(),
            url: config.public_url.clone(),
            min_rate: config.min_rate,
            claim_every_periods: config.claim_every_periods,
            collect_every_periods: config.collect_every_periods,
            fee_per_kms: config.fee_per_kms,
        };
        let ledger = Ledger {
            max_lease_periods,
            period_seconds: clock.period_seconds,
            ..Ledger::default()
        };
        Self {
            node,
            chain,
            wishes,
            ledger,
            clock,
            read_at: None,
            backoff: HashMap::new(),
            pursuits: HashMap::new(),
            watch: Watch::default(),
            short_of: None,
            held_by_cap: None,
        }
    }

    /// Runs one tick. Safe to cancel at any await.
    pub(crate) async fn tick(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.held_by_cap = None;
        // What is not known of one transaction, or fails for one duty, keeps no other waiting.
        let mut outcome = self.track(snapshot).await;
        outcome = outcome.and(self.refresh_ledger(snapshot).await);
        let store = self.node.store.clone();
        for intent in store
            .open_intents()
            .await?
            .iter()
            .filter(|intent| intent.state == IntentState::Planned)
        {
            let resumed = self.resume(snapshot, intent).await;
            outcome = outcome.and(self.alone(&intent.kind, snapshot.period, resumed));
        }
        let every = self.wishes.collect_every_periods;
        self.ledger.dues.follow(snapshot, every);
        for duty in decide(snapshot, &self.wishes, &self.ledger) {
            let busy = self.is_busy(&duty, snapshot.head.number).await?;
            if !busy && self.may_try(&duty, snapshot.period) {
                let started = self.start(snapshot, &duty).await;
                outcome = outcome.and(self.alone(&duty.lane(), snapshot.period, started));
            }
        }
        let cap = self.node.config.max_fee_per_gas;
        let problem = self
            .held_by_cap
            .as_ref()
            .map(|kind| format!("{kind} waits: the network asks more than max_fee_per_gas, {cap}"));
        self.node
            .health
            .set("fees_within_cap", Concern::Earning, problem);
        let open = store.open_intents().await?;
        self.report_standing(snapshot, &open);
        let open = u64::try_from(open.len()).unwrap_or(u64::MAX);
        self.node.metrics.open_intents.set(open);
        self.node.metrics.decided.set(snapshot.head.number);
        outcome
    }

    /// Backs off the lane of a duty that an endpoint answered with an error, in whatever words, and
    /// no other one. An endpoint that does not answer is the chain's trouble.
    fn alone(&mut self, lane: &str, now: Period, outcome: Result<()>) -> Result<()> {
        if let Err(ActError::Chain(
            error @ (ChainError::Rpc { .. } | ChainError::BadReply { .. }),
        )) = &outcome
        {
            self.back_off(lane.to_owned(), now, &error.to_string());
        }
        outcome
    }

    async fn refresh_ledger(&mut self, snapshot: &Snapshot) -> Result<()> {
        let store = &self.node.store;
        let alone = store.last_done_period(Duty::CLAIM).await?;
        let along = store.last_done_period(Duty::CONFIRM_AND_CLAIM).await?;
        let last_claim = Period(alone.max(along));
        let (period, head) = (snapshot.period, snapshot.head.number);
        let fresh = self.read_at.is_some_and(|(of, claim, at)| {
            (of, claim) == (period, last_claim) && head.saturating_sub(at) < LEDGER_BLOCKS
        });
        if !fresh {
            let income = match snapshot.miner.lease_through.is_never() {
                true => None,
                false => Some(self.chain.income(self.node.miner()).await?),
            };
            self.ledger.claimable = income.map_or(Amount::ZERO, |income| income.claimable);
            let gas_price = self.chain.fees().await?.max_fee;
            self.ledger.gas_price = Some(gas_price);
            let purse = self.report_balance(gas_price).await?;
            self.keep_books(snapshot, income, purse).await?;
            // While ether is short it is read again soon, to see when it is enough.
            let short = self.short_of.take().is_some();
            self.read_at = (!short).then_some((period, last_claim, head));
            let unclaimed = whole_tokens(self.ledger.claimable);
            self.node.metrics.unclaimed.set(unclaimed);
        }
        self.ledger.last_claim = last_claim;
        Ok(())
    }

    /// Whether the duty has an intent under way. One of a kind at a time, but challenges in
    /// parallel: they have deadlines, and opening one costs its sender more than answering it.
    async fn is_busy(&self, duty: &Duty, head: u64) -> Result<bool> {
        let store = &self.node.store;
        Ok(match duty {
            Duty::AnswerChallenge { .. } => {
                store
                    .payload_busy(duty.kind(), &payload_of(duty)?, head)
                    .await?
            }
            _ => {
                let mut busy = false;
                for kind in duty.rivals() {
                    busy |= store.kind_busy(kind, head).await?;
                }
                busy
            }
        })
    }

    fn may_try(&self, duty: &Duty, now: Period) -> bool {
        let waits = self.backoff.get(&duty.lane());
        waits.is_none_or(|backoff| backoff.until <= Instant::now() || backoff.period != now)
    }

    /// Backs a lane off after a refusal by the contract, until the pause or the period is over.
    fn back_off(&mut self, lane: String, now: Period, reason: &str) {
        self.backoff.retain(|_, before| before.period == now);
        let before = self.backoff.get(&lane);
        let pause = before.map_or(FIRST_BACKOFF, |before| (before.pause * 2).min(LAST_BACKOFF));
        let backoff = Backoff {
            until: Instant::now() + pause,
            pause,
            period: now,
        };
        tracing::info!(
            duty = lane,
            reason,
            wait_s = pause.as_secs(),
            "not possible now"
        );
        self.backoff.insert(lane, backoff);
    }
}

/// Serialises a duty to the payload of its intent.
fn payload_of(duty: &Duty) -> Result<String> {
    let text = serde_json::to_string(duty).map_err(|error| StoreError::Corrupt {
        what: error.to_string(),
    })?;
    Ok(text)
}

/// The label of a stored kind for metrics, from a closed set.
fn known_kind(kind: &str) -> &'static str {
    Duty::KINDS
        .into_iter()
        .find(|known| *known == kind)
        .unwrap_or("unknown")
}

/// Converts an amount to whole tokens for a gauge, with the precision of a float.
pub(crate) fn whole_tokens(amount: Amount) -> f64 {
    let (whole, part) = (amount.0 / Amount::KMS.0, amount.0 % Amount::KMS.0);
    let whole = u32::try_from(whole).map_or(f64::from(u32::MAX), f64::from);
    let micros = u32::try_from(part / 1_000_000_000_000).map_or(0.0, f64::from);
    whole + micros / 1e6
}

#[cfg(test)]
mod tests;
