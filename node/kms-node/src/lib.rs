//! The node, a miner's daemon. Its folders follow the flows of ARCHITECTURE.md: `view` reads the
//! chain into the store and publishes snapshots, `duties` sends transactions by them, `gate` lets
//! requests pass by them, `serve` answers requests, `kfrag` stores kfrags, `host` has files, keys,
//! tasks and metrics. The binary crate `kms` calls [`init`], [`NodeConfig::load`] and [`run`].

mod chain;
mod config;
mod error;
mod gate;
mod node;
mod roles;
mod run;
mod store;
#[cfg(test)]
mod testkit;

/// Chain in: blocks -> follow -> ingest -> store -> snapshot.
mod view {
    pub(crate) mod follow;
    pub(crate) mod ingest;
    pub(crate) mod pace;
    pub(crate) mod replica;
    pub(crate) mod snapshot;
}

/// Chain out: snapshot -> decide -> act -> chain; `challenge` makes the answer of one duty.
mod duties {
    pub(crate) mod act;
    pub(crate) mod books;
    pub(crate) mod challenge;
    pub(crate) mod decide;
}

/// The life of a kfrag: accepted, sealed into the store, held ready in memory, erased.
mod kfrag {
    pub(crate) mod cache;
    pub(crate) mod ends;
    pub(crate) mod erase;
    pub(crate) mod held;
    pub(crate) mod seal;
    pub(crate) mod upload;
}

/// A request: http -> message -> gate -> quota, replay -> pool -> reencrypt -> signed, sealed
/// answer.
mod serve {
    pub(crate) mod admin;
    pub(crate) mod http;
    pub(crate) mod message;
    pub(crate) mod pool;
    pub(crate) mod quota;
    pub(crate) mod reencrypt;
    pub(crate) mod replay;
    pub(crate) mod shared;
    pub(crate) mod status;
    pub(crate) mod transport;
}

/// The process and its machine: data directory, keys, tasks, readiness, metrics.
mod host {
    pub(crate) mod disk;
    pub(crate) mod health;
    pub(crate) mod identity;
    pub(crate) mod lock;
    pub(crate) mod metrics;
    pub(crate) mod quiet;
    mod report;
    pub(crate) mod stop;
    pub(crate) mod tasks;
}

pub use config::{
    ConfigError, ENV_PREFIX, KEYS, Key, LoadedConfig, NodeConfig, Origin, PostgresUrl, Role,
    Sources, Value, shown as shown_setting,
};
pub use error::NodeError;
pub use host::identity::{
    ConsentTo, InitOptions, Initialised, consent, consent_of, init, worker_of,
};
pub use run::run;
pub use store::StoreError;
