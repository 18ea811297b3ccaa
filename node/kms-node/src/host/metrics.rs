//! Counters and gauges in the Prometheus text format. Names have the prefix `kms_` and their unit;
//! labels come from closed sets, never from a policy, requester or peer, so series are bounded.
//! `catalogue` makes METRICS.md of them.

mod catalogue;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use kms_chain::Rpc;
use kms_protocol::messages::Problem;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Unit;

use catalogue::Catalogue;

/// A label, name and value, from a closed set.
type Label = [(&'static str, &'static str); 1];
type Whole = Gauge<u64, AtomicU64>;
type Float = Gauge<f64, AtomicU64>;

/// Every metric of the node; its help text is at its registration.
pub(crate) struct Metrics {
    registry: Catalogue,
    pub(crate) requests: Family<Label, Counter>,
    pub(crate) refusals: Family<Label, Counter>,
    /// Requests refused because their policy's quota was used up, by quota.
    pub(crate) quota_refusals: Family<Label, Counter>,
    /// Requests remembered against replay.
    pub(crate) remembered: Whole,
    pub(crate) connections: Whole,
    /// Connections closed to make room for new ones.
    pub(crate) evictions: Counter,
    pub(crate) capsules: Counter,
    /// Requests refused because the queue was full.
    pub(crate) shed: Counter,
    /// Requests waiting for or holding a worker.
    pub(crate) queue: Whole,
    /// Time from gate to signed reply.
    pub(crate) reencrypt_seconds: Histogram,
    pub(crate) kfrags: Whole,
    pub(crate) erased: Counter,
    /// Number of the newest block in the index.
    pub(crate) head: Whole,
    /// Time since the last successful poll, seconds.
    pub(crate) view_age: Float,
    pub(crate) reorgs: Counter,
    pub(crate) leader: Gauge<u64, AtomicU64>,
    /// Gaps in the sequence numbers of events.
    pub(crate) gaps: Counter,
    /// Failed requests to the chain, by task.
    pub(crate) rpc_errors: Family<Label, Counter>,
    /// Requests to the chain, by endpoint, method and outcome.
    rpc_requests: Family<Vec<(&'static str, String)>, Counter>,
    /// The transport that counts them.
    pub(crate) rpc: OnceLock<Rpc>,
    pub(crate) period: Whole,
    pub(crate) lease_through: Whole,
    /// Last period of the suspension; 0 without one.
    pub(crate) suspended_through: Whole,
    /// Locked tokens, in whole KMS.
    pub(crate) locked: Float,
    /// Unclaimed reward, in whole KMS.
    pub(crate) unclaimed: Float,
    pub(crate) broadcasts: Family<Label, Counter>,
    pub(crate) open_intents: Whole,
    /// Number of the block as of which the duties were decided last.
    pub(crate) decided: Whole,
    pub(crate) closed_intents: Family<Label, Counter>,
    /// Age of each task's heartbeat, seconds.
    pub(crate) heartbeat_age: Family<Label, Float>,
    /// 1 if the node is ready, 0 otherwise.
    pub(crate) ready: Whole,
    /// 1 if nothing keeps the miner from earning, 0 otherwise.
    pub(crate) earning: Whole,
    /// 1 for each check of both reports that holds, 0 otherwise.
    pub(crate) checks: Family<Label, Whole>,
    /// Days for which the worker's ether lasts at the present price of gas.
    pub(crate) days_left: Float,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Catalogue::new(),
            requests: Family::default(),
            refusals: Family::default(),
            quota_refusals: Family::default(),
            remembered: Gauge::default(),
            connections: Gauge::default(),
            evictions: Counter::default(),
            capsules: Counter::default(),
            shed: Counter::default(),
            queue: Gauge::default(),
            reencrypt_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 14)),
            kfrags: Gauge::default(),
            erased: Counter::default(),
            head: Gauge::default(),
            view_age: Gauge::default(),
            reorgs: Counter::default(),
            leader: Gauge::default(),
            gaps: Counter::default(),
            rpc_errors: Family::default(),
            rpc_requests: Family::default(),
            rpc: OnceLock::new(),
            period: Gauge::default(),
            lease_through: Gauge::default(),
            suspended_through: Gauge::default(),
            locked: Gauge::default(),
            unclaimed: Gauge::default(),
            broadcasts: Family::default(),
            open_intents: Gauge::default(),
            decided: Gauge::default(),
            closed_intents: Family::default(),
            heartbeat_age: Family::default(),
            ready: Gauge::default(),
            earning: Gauge::default(),
            checks: Family::default(),
            days_left: Gauge::default(),
        };
        metrics.register()
    }

    fn register(mut self) -> Self {
        self.register_service();
        self.register_chain();
        self.register_duties();
        self
    }

    fn register_service(&mut self) {
        let r = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        r.register("build", "Program version", build);
        r.register("http_requests", "Requests by route", self.requests.clone());
        r.register(
            "refusals",
            "Refused requests by code",
            self.refusals.clone(),
        );
        let quotas = self.quota_refusals.clone();
        r.register("quota_refusals", "Requests over a policy's quota", quotas);
        let (name, help) = ("requests_remembered", "Requests held against replay");
        r.register(name, help, self.remembered.clone());
        let open = self.connections.clone();
        r.register("http_connections", "Open connections", open);
        let evictions = self.evictions.clone();
        r.register(
            "http_evictions",
            "Idle connections closed for new",
            evictions,
        );
        let capsules = self.capsules.clone();
        r.register("reencrypt_capsules", "Capsules re-encrypted", capsules);
        r.register(
            "reencrypt_shed",
            "Requests shed by a full queue",
            self.shed.clone(),
        );
        let depth = self.queue.clone();
        r.register("reencrypt_queue_depth", "Requests queued or working", depth);
        let (name, help) = ("reencrypt", "Gate to signed reply");
        let seconds = self.reencrypt_seconds.clone();
        r.register_with_unit(name, help, Unit::Seconds, seconds);
        r.register("kfrags", "Kfrags held", self.kfrags.clone());
        r.register("kfrags_erased", "Kfrags erased", self.erased.clone());
        r.register("ready", "1 when /readyz says ready", self.ready.clone());
        let earning = self.earning.clone();
        r.register("earning", "1 when /earnz says earning", earning);
        let checks = self.checks.clone();
        r.register("check", "1 for each check that holds", checks);
        let (name, help) = ("task_heartbeat_age", "Time since a task's progress");
        let age = self.heartbeat_age.clone();
        r.register_with_unit(name, help, Unit::Seconds, age);
    }

    fn register_chain(&mut self) {
        let r = &mut self.registry;
        r.register(
            "chain_head_block",
            "Newest block taken in",
            self.head.clone(),
        );
        let (name, help) = ("chain_view_age", "Time since the last good poll");
        r.register_with_unit(name, help, Unit::Seconds, self.view_age.clone());
        r.register(
            "chain_reorg",
            "Reorganisations followed",
            self.reorgs.clone(),
        );
        r.register(
            "events_gap",
            "Events an endpoint left out",
            self.gaps.clone(),
        );
        let help = "1 while this node holds the lease of a shared database";
        r.register("leader", help, self.leader.clone());
        let errors = self.rpc_errors.clone();
        r.register("rpc_errors", "Failed chain requests by task", errors);
        let requests = self.rpc_requests.clone();
        let help = "Chain requests by endpoint and outcome";
        r.register("rpc_requests", help, requests);
        r.register("period_current", "Period of the head", self.period.clone());
    }

    fn register_duties(&mut self) {
        let r = &mut self.registry;
        let through = self.lease_through.clone();
        r.register("lease_through_period", "Last leased period", through);
        let through = self.suspended_through.clone();
        let help = "Last period without leases, 0 for none";
        r.register("suspended_through_period", help, through);
        r.register("stake_locked_kms", "Tokens locked", self.locked.clone());
        r.register(
            "reward_unclaimed_kms",
            "Reward not claimed",
            self.unclaimed.clone(),
        );
        r.register(
            "tx_broadcasts",
            "Broadcasts by duty",
            self.broadcasts.clone(),
        );
        r.register(
            "tx_open_intents",
            "Intents not final",
            self.open_intents.clone(),
        );
        let (name, help) = ("tx_decided_block", "Block as of which duties were decided");
        r.register(name, help, self.decided.clone());
        let (name, help) = ("wallet_days_left", "Days of gas that the worker has");
        r.register(name, help, self.days_left.clone());
        let closed = self.closed_intents.clone();
        r.register("tx_closed_intents", "Final intents by state", closed);
    }

    pub(crate) fn render(&self) -> String {
        for one in self.rpc.get().iter().flat_map(|rpc| rpc.requests()) {
            let labels = vec![
                ("endpoint", one.endpoint),
                ("method", one.method.to_owned()),
                ("outcome", one.outcome.label().to_owned()),
            ];
            let counter = self.rpc_requests.get_or_create(&labels);
            counter.inner().store(one.count, Ordering::Relaxed);
        }
        self.registry.text()
    }

    /// The page that lists every metric.
    #[cfg(test)]
    pub(crate) fn page(&self) -> String {
        self.registry.page()
    }

    pub(crate) fn request(&self, route: &'static str) {
        self.requests.get_or_create(&[("route", route)]).inc();
    }

    pub(crate) fn refused(&self, problem: &Problem) {
        let code = problem.code.code();
        self.refusals.get_or_create(&[("code", code)]).inc();
    }

    pub(crate) fn rpc_error(&self, task: &'static str) {
        self.rpc_errors.get_or_create(&[("task", task)]).inc();
    }
}

#[cfg(test)]
mod tests;
