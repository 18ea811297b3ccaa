//! Everything that touches the chain, and the only crate that names ethers.
//!
//! `rpc` is the transport, `contracts` encodes and decodes, `chain` reads, `follow` turns blocks
//! and reorganisations into steps, `send` decides and signs, `wallet` journals and sends.
//! `deployment` and `keystore` are files, `devnet` is a local chain. Users: kms-node, kms-client,
//! kms.

mod chain;
mod contracts;
mod convert;
mod deployment;
pub mod devnet;
mod error;
mod files;
mod follow;
pub mod keystore;
mod rpc;
mod send;
mod types;
mod wallet;

pub use chain::Chain;
pub use contracts::call::{
    Call, Case, ChallengeAnswer, ChallengeDemand, ChallengeRight, Charge, Collection,
    ReaderConsent, RevocationOrder, SignedAnswer,
};
pub use contracts::events::{ChainEvent, EventRecord, EventSource};
pub use contracts::{Contract, PerContract};
pub use deployment::deploy::{
    DeployState, PlannedContract, SentCreation, deploy, deploy_journaled,
};
pub use deployment::params::{
    ChallengeParams, ControlParams, DeployParams, Genesis, PenaltyParams,
};
pub use deployment::verify::{Difference, check_deployment};
pub use deployment::{Artifact, ContractRecord, Contracts, Deployment};
pub use error::{
    ChainError, ChainLack, FileAction, IdentityPart, JsonFile, KeystoreFault, ParamProblem,
    RpcFault,
};
pub use follow::{ChainRead, Cursor, HEADERS_KEPT, Next, Step, next_step};
pub use rpc::{EndpointHealth, RequestCount, RequestOutcome, Rpc, RpcConfig};
pub use send::{
    Attempt, Decision, GasLimit, Included, Outcome, Pursuit, Rules, Sight, SignedTx, TxPlan,
    TxRejection, reprice,
};
pub use types::{
    BlockHeader, ChainParams, Fees, LastSeqs, Lease, MinerFees, MinerInfo, MinerStatus,
    OpenChallenge, PeriodTotals, PolicyState, Position, Service, Tag, TxReceipt,
};
pub use wallet::{
    DirJournal, JournalLock, JournaledTx, OnSendEvent, Resumed, SendEvent, SettledTx, TxJournal,
    Wallet, WalletOptions,
};

#[cfg(test)]
mod anvil_tests;
#[cfg(test)]
mod test_support;
