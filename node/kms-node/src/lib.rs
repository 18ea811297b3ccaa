//! The miner's daemon: follows the chain, keeps re-encryption key fragments, serves readers, and
//! does the miner's duties on chain. Flow in: follow -> ingest -> store -> snapshot -> decide ->
//! act -> chain. Flow of a request: http -> gate -> kfrag -> umbral -> signed reply. The binary
//! crate `kms` calls [`init`], [`NodeConfig::load`] and [`run`]; nothing else is public.

mod act;
mod cache;
mod challenge;
mod config;
mod decide;
mod disk;
mod erase;
mod error;
mod follow;
mod gate;
mod grant;
mod health;
mod http;
mod identity;
mod ingest;
mod lock;
mod metrics;
mod node;
mod pool;
mod ports;
mod reencrypt;
mod replay;
mod run;
mod seal;
mod snapshot;
mod store;
mod tasks;
#[cfg(test)]
mod testkit;

pub use config::{
    ConfigError, ENV_PREFIX, KEYS, Key, LoadedConfig, NodeConfig, Origin, Sources, Value,
    shown as shown_setting,
};
pub use error::NodeError;
pub use identity::{InitOptions, Initialised, init};
pub use run::run;
pub use store::StoreError;
