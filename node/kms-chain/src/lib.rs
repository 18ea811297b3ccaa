//! Everything that touches the chain, and the only crate that names ethers.
//!
//! `rpc` carries bytes, `chain` reads, `follow` turns blocks into steps with reorgs made explicit,
//! `send` decides and signs, `wallet` journals and sends, `keystore` and `deployment` are files,
//! `deploy` and `devnet` make a chain to work on. Dependants: kms-node, kms-client, kms.

mod bindings;
mod call;
mod chain;
mod contracts;
mod convert;
mod deploy;
mod deployment;
pub mod devnet;
mod error;
mod events;
mod files;
mod follow;
pub mod keystore;
mod params;
mod revert;
mod rpc;
mod send;
mod types;
mod verify;
mod wallet;

pub use call::{
    Call, ChallengeAnswer, ChallengeDemand, ChallengeRight, ReaderConsent, WrongFragment,
};
pub use chain::Chain;
pub use contracts::{Contract, PerContract};
pub use deploy::{DeployState, PlannedContract, SentCreation, deploy, deploy_journaled};
pub use deployment::{Artifact, ContractRecord, Contracts, Deployment};
pub use error::{
    ChainError, FileAction, IdentityPart, JsonFile, KeystoreFault, ParamProblem, RpcFault,
};
pub use events::{ChainEvent, EventRecord, EventSource};
pub use follow::{ChainRead, Cursor, HEADERS_KEPT, Next, Step, next_step};
pub use params::{ChallengeParams, ControlParams, DeployParams, Genesis, PenaltyParams};
pub use rpc::{EndpointHealth, Rpc, RpcConfig};
pub use send::{
    Attempt, Decision, GasLimit, Included, Outcome, Pursuit, Rules, Sight, SignedTx, TxPlan,
    TxRejection, reprice,
};
pub use types::{
    BlockHeader, ChainParams, Fees, LastSeqs, Lease, MinerInfo, OpenChallenge, PeriodTotals,
    PolicyState, Position, Tag, TxReceipt,
};
pub use verify::{Difference, check_deployment};
pub use wallet::{
    DirJournal, JournalLock, JournaledTx, OnSendEvent, Resumed, SendEvent, TxJournal, Wallet,
    WalletOptions,
};

#[cfg(test)]
mod anvil_tests;
#[cfg(test)]
mod test_support;
