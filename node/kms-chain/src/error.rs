//! The one error type of the crate: a variant per decision a caller can take, such as to change the
//! configuration, wait and try again, show a decoded revert, ask for another password.
//!
//! `error/codes.rs` is the table of codes and remedies, `error/parts.rs` the small enums of the
//! fields. Text from servers is cut and cleaned before it is put into an error.

use std::path::PathBuf;

use kms_protocol::{Address, B256};

use crate::contracts::Contract;
use crate::send::rejection::TxRejection;

mod codes;
mod parts;

pub use parts::{
    ChainLack, FileAction, IdentityPart, JsonFile, KeystoreFault, ParamProblem, RpcFault,
};

/// Why a request, a transaction, a file or a deployment failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum ChainError {
    #[error("no RPC endpoint is configured")]
    NoEndpoint,
    /// An endpoint is not an `http://` or `https://` URL; counted from 1.
    #[error("RPC endpoint number {position} is not a valid http or https URL")]
    BadUrl { position: usize },
    #[error("the HTTP client could not be set up")]
    HttpClient(#[source] reqwest::Error),
    /// No endpoint gave a usable answer; the fault is that of the last one tried. Try again later.
    #[error("no RPC endpoint answered {method}; the last one tried, {endpoint}, failed: {fault}")]
    Unreachable {
        method: &'static str,
        endpoint: String,
        fault: RpcFault,
    },
    /// An endpoint serves another chain, or the contracts are not the deployed ones.
    #[error("{endpoint} serves another chain: {part} is {found}, the deployment says {expected}")]
    WrongChain {
        endpoint: String,
        part: IdentityPart,
        expected: String,
        found: String,
    },
    /// The chain cannot run the contracts, or not as they expect. Nothing was sent.
    #[error("this chain lacks {lack}: {detail}")]
    ChainUnsupported { lack: ChainLack, detail: String },
    /// A JSON-RPC error for which there is no more exact variant.
    #[error("RPC error {code} to {method}: {message}")]
    Rpc {
        method: &'static str,
        code: i64,
        message: String,
        data: Option<Vec<u8>>,
    },
    /// A well-formed answer that cannot be true (missing field, foreign block, event out of order).
    #[error("untrustworthy answer to {method}: {reason}")]
    BadReply {
        method: &'static str,
        reason: &'static str,
    },
    /// An endpoint shows another block than the one that was read elsewhere, or there before.
    #[error("{endpoint} shows another block {number} than was read before")]
    Disagreement { endpoint: String, number: u64 },
    /// The chain was reorganised between two reads. Try again at once.
    #[error("the chain moved while it was being read")]
    ChainMoved,
    /// A call that reverts, with the decoded custom error. Repeating it does not help.
    #[error("the contract refused: {}", parts::revert_text(name, args))]
    Reverted {
        name: String,
        args: Vec<(String, String)>,
    },
    /// A transaction that was mined and failed; running it again did not show the reason.
    #[error("transaction {hash} was mined and reverted")]
    RevertedOnChain { hash: B256 },
    /// A signed transaction that every endpoint refused.
    #[error("the transaction was not accepted ({reason}): {message}")]
    Rejected {
        reason: TxRejection,
        message: String,
    },
    /// A transaction is still pending after the time allowed; its bytes stay journaled.
    #[error("transaction {hash} is not mined after {waited_s} s; it will be resumed")]
    NotMined { hash: B256, waited_s: u64 },
    /// A nonce of a journaled transaction was used by a transaction that is not of this wallet.
    #[error("nonce {nonce} of {sender} was used by a transaction from elsewhere")]
    ForeignNonce { sender: Address, nonce: u64 },
    /// Fees needed now are above the caller's cap.
    #[error("the network asks {needed_wei} wei per gas, more than the cap of {cap_wei}")]
    FeeCap { needed_wei: u128, cap_wei: u128 },
    /// Another process of this user is sending from the same wallet.
    #[error("another process holds the transaction journal {}", path.display())]
    JournalBusy { path: PathBuf },
    #[error("cannot {action} {}", path.display())]
    File {
        action: FileAction,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} exists already and is not overwritten", path.display())]
    FileExists { path: PathBuf },
    /// A JSON file that this program wrote once does not parse.
    #[error("{} is not a valid {what}", path.display())]
    Json {
        what: JsonFile,
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// The keystore did not open: the password is wrong (or the file was tampered with).
    #[error("wrong password, or the keystore file was changed")]
    WrongPassword,
    #[error("unusable keystore: {0}")]
    Keystore(KeystoreFault),
    /// The record of a deployment does not name a contract: it was written for other contracts.
    #[error("{} is of other contracts: it does not name {contract}", path.display())]
    DeploymentIncomplete { path: PathBuf, contract: Contract },
    /// A deployment was begun by another account, and only that one can finish it.
    #[error("the deployment was begun by {expected}; {found} cannot go on with it")]
    OtherDeployer { expected: Address, found: Address },
    /// A deployment was begun with other parameters than it should go on with.
    #[error("the deployment was begun with other parameters: {field} differs")]
    ParamsChanged { field: String },
    #[error("deployment parameters do not parse: {0}")]
    ParamsSyntax(#[from] toml::de::Error),
    #[error("deployment parameter {field}: {problem}")]
    Params {
        field: &'static str,
        problem: ParamProblem,
    },
    /// The embedded artifact of a contract has no bytecode or no valid ABI.
    #[error("the embedded artifact of {contract} is not usable; run the scripts that write it")]
    Artifact { contract: &'static str },
    /// `KMS_ANVIL` names no file, or it is not on PATH and not installed by scripts/setup.
    #[error("anvil, the local chain, is not installed (KMS_ANVIL, PATH, contracts/node_modules)")]
    AnvilMissing,
    /// `anvil` was started and did not listen in time, or ended.
    #[error("anvil did not start: {detail}")]
    AnvilFailed { detail: String },
    #[error("no randomness from the operating system")]
    Randomness,
    /// A value that kms-protocol refused to build.
    #[error("a value of the protocol is invalid")]
    Protocol(#[from] kms_protocol::Error),
    /// An invariant of this crate does not hold.
    #[error("BUG: {0}")]
    Bug(&'static str),
}

impl ChainError {
    /// Whether an endpoint does not offer what was asked for: it answered, with an error that is
    /// not the contract's or with nothing of use.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        let malformed = RpcFault::Malformed;
        match self {
            Self::Rpc { data, message, .. } => data.is_none() && !message.contains("revert"),
            Self::Unreachable { fault, .. } => *fault == malformed,
            _ => false,
        }
    }

    /// Whether a request for events may succeed with a smaller range of blocks: an endpoint that
    /// was reached could not, or would not, answer it.
    #[must_use]
    pub fn may_be_halved(&self) -> bool {
        let in_answer = matches!(self, Self::Rpc { .. } | Self::BadReply { .. });
        let on_the_way = matches!(self, Self::Unreachable { fault, .. } if !fault.is_untaken());
        in_answer || on_the_way
    }
}

#[cfg(test)]
mod tests;
