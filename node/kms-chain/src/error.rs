//! The one error type of the crate and the small enums it carries.
//!
//! Each variant is a decision a caller can take: change the configuration, wait and try again, show
//! a decoded revert, ask for another password. Server text is cut and cleaned before it gets here.

use std::path::PathBuf;

use kms_protocol::{Address, B256};

use crate::classify::TxRejection;
use crate::params::ParamProblem;

/// Everything that can go wrong between this program and the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The configuration lists no endpoint.
    #[error("no RPC endpoint is configured")]
    NoEndpoint,
    /// An endpoint is not an `http://` or `https://` URL; counted from 1.
    #[error("RPC endpoint number {position} is not a valid http or https URL")]
    BadUrl {
        /// Place in the configured list, from 1.
        position: usize,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    HttpClient(#[source] reqwest::Error),
    /// No endpoint gave a usable answer; the fault is that of the last one tried. Try again later.
    #[error("no RPC endpoint answered {method}; the last one tried, {endpoint}, failed: {fault}")]
    Unreachable {
        /// JSON-RPC method.
        method: &'static str,
        /// Host and port of the endpoint; never its path, which may hold an access key.
        endpoint: String,
        /// What was wrong with its answer.
        fault: RpcFault,
    },
    /// An endpoint serves another chain, or the contracts are not the deployed ones.
    #[error("{endpoint} serves another chain: {part} is {found}, the deployment says {expected}")]
    WrongChain {
        /// Host and port of the endpoint.
        endpoint: String,
        /// What differs.
        part: IdentityPart,
        /// Value in the deployment file.
        expected: String,
        /// Value the endpoint gave.
        found: String,
    },
    /// The endpoint answered with a JSON-RPC error that has no more exact variant.
    #[error("RPC error {code} to {method}: {message}")]
    Rpc {
        /// JSON-RPC method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// The server's words, cut and cleaned.
        message: String,
        /// Revert data, if it sent any.
        data: Option<Vec<u8>>,
    },
    /// A well-formed answer that cannot be true (missing field, foreign block, event out of order).
    #[error("untrustworthy answer to {method}: {reason}")]
    BadReply {
        /// JSON-RPC method.
        method: &'static str,
        /// What was wrong.
        reason: &'static str,
    },
    /// The chain moved while it was read. Try again at once.
    #[error("the chain moved while it was being read")]
    ChainMoved,
    /// The contract refused: a decoded custom error. Repeating the same call does not help.
    #[error("the contract refused: {}", crate::revert::display(name, args))]
    Reverted {
        /// Name of the Solidity error, `Error` for a plain string, `Panic`, or the raw selector.
        name: String,
        /// Its arguments as (name, value).
        args: Vec<(String, String)>,
    },
    /// A transaction was mined and failed, and running it again did not tell why.
    #[error("transaction {hash} was mined and reverted")]
    RevertedOnChain {
        /// Its hash.
        hash: B256,
    },
    /// The endpoints refused a signed transaction.
    #[error("the transaction was not accepted ({reason}): {message}")]
    Rejected {
        /// Class of the refusal.
        reason: TxRejection,
        /// The server's words, cut and cleaned.
        message: String,
    },
    /// A transaction is still pending after the time allowed; its bytes stay journaled.
    #[error("transaction {hash} is not mined after {waited_s} s; it will be resumed")]
    NotMined {
        /// Hash of the last attempt.
        hash: B256,
        /// Seconds waited.
        waited_s: u64,
    },
    /// The nonce of a journaled transaction was used by a transaction this wallet did not make.
    #[error("nonce {nonce} of {sender} was used by a transaction from elsewhere")]
    ForeignNonce {
        /// The account.
        sender: Address,
        /// The nonce.
        nonce: u64,
    },
    /// Fees needed now are above the caller's cap.
    #[error("the network asks {needed_wei} wei per gas, more than the cap of {cap_wei}")]
    FeeCap {
        /// Needed per gas, in wei.
        needed_wei: u128,
        /// Cap per gas, in wei.
        cap_wei: u128,
    },
    /// Another process of this user is sending from the same wallet.
    #[error("another process holds the transaction journal {}", path.display())]
    JournalBusy {
        /// The journal directory.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: FileAction,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file that must not be overwritten exists.
    #[error("{} exists already and is not overwritten", path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// A JSON file of ours does not have the shape it must have.
    #[error("{} is not a valid {what}", path.display())]
    Json {
        /// What the file should be.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Where it fails.
        #[source]
        source: serde_json::Error,
    },
    /// The keystore did not open: the password is wrong (or the file was tampered with).
    #[error("wrong password, or the keystore file was changed")]
    WrongPassword,
    /// The keystore is not one this program can read.
    #[error("unusable keystore: {0}")]
    Keystore(KeystoreFault),
    /// A deployment record of before the contracts that judge: they are not where it points.
    #[error(
        "{} was written before adjudicator, challenges, timelock and control existed; its \
         contracts cannot be used any more: deploy anew, or get the record of the new deployment",
        path.display()
    )]
    DeploymentOutdated {
        /// The record.
        path: PathBuf,
    },
    /// A deployment was begun by another account, and only that one can finish it.
    #[error("the deployment was begun by {expected}; {found} cannot go on with it")]
    OtherDeployer {
        /// Who began.
        expected: Address,
        /// Who tries to go on.
        found: Address,
    },
    /// A deployment was begun with other parameters than it should go on with.
    #[error("the deployment was begun with other parameters: {field} differs")]
    ParamsChanged {
        /// The first key that differs.
        field: String,
    },
    /// A deployment parameter file does not parse.
    #[error("deployment parameters do not parse: {0}")]
    ParamsSyntax(#[from] toml::de::Error),
    /// A deployment parameter is out of its range.
    #[error("deployment parameter {field}: {problem}")]
    Params {
        /// The key.
        field: &'static str,
        /// What is wrong with it.
        problem: ParamProblem,
    },
    /// The embedded artifact of a contract has no bytecode or no valid ABI.
    #[error("the embedded artifact of {contract} is not usable; run the scripts that write it")]
    Artifact {
        /// Name of the contract.
        contract: &'static str,
    },
    /// The `anvil` program was not found.
    #[error("anvil was not found: set KMS_ANVIL, put it on PATH, or run scripts/setup")]
    AnvilMissing,
    /// `anvil` started and did not become usable.
    #[error("anvil did not start: {detail}")]
    AnvilFailed {
        /// The end of what it printed.
        detail: String,
    },
    /// The operating system gave no random bytes.
    #[error("no randomness from the operating system")]
    Randomness,
    /// A value does not fit the width the chain uses for it.
    #[error("{what} does not fit its width")]
    OutOfRange {
        /// What.
        what: &'static str,
    },
    /// A value of kms-protocol refused to be built.
    #[error("a value of the protocol is invalid")]
    Protocol(#[from] kms_protocol::Error),
    /// An invariant of this crate does not hold.
    #[error("BUG: {0}")]
    Bug(&'static str),
}

/// Why an endpoint's answer could not be used; another endpoint may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RpcFault {
    /// No connection (refused, unknown host, TLS).
    #[error("no connection")]
    Connect,
    /// The connection broke after the request was sent: it may have been acted on.
    #[error("the connection broke")]
    Interrupted,
    /// No complete answer in time.
    #[error("timed out")]
    Timeout,
    /// The body is larger than the configured cap.
    #[error("the answer is larger than the cap")]
    TooLarge,
    /// The endpoint redirected, which is never followed.
    #[error("it redirects")]
    Redirect,
    /// An HTTP status that is no success.
    #[error("HTTP status {0}")]
    Status(u16),
    /// Not a JSON-RPC answer.
    #[error("not a JSON-RPC answer")]
    Malformed,
    /// The answer belongs to another request.
    #[error("the answer has another id")]
    WrongId,
    /// The endpoint limits this client.
    #[error("it limits this client")]
    Limited,
    /// The endpoint serves another chain than the deployment's.
    #[error("it serves another chain")]
    WrongChain,
}

/// What distinguishes one deployment from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityPart {
    /// `eth_chainId`.
    #[error("the chain id")]
    ChainId,
    /// Hash of block 0.
    #[error("the genesis hash")]
    GenesisHash,
    /// keccak256 of the code of the token.
    #[error("the code hash of the token")]
    TokenCode,
    /// keccak256 of the code of the escrow.
    #[error("the code hash of the staking escrow")]
    EscrowCode,
    /// keccak256 of the code of the rewards.
    #[error("the code hash of the mining rewards")]
    RewardsCode,
    /// keccak256 of the code of the policies.
    #[error("the code hash of the policy manager")]
    PoliciesCode,
    /// keccak256 of the code of the adjudicator.
    #[error("the code hash of the adjudicator")]
    AdjudicatorCode,
    /// keccak256 of the code of the challenges.
    #[error("the code hash of the silence challenges")]
    ChallengesCode,
    /// keccak256 of the code of the timelock.
    #[error("the code hash of the timelock")]
    TimelockCode,
    /// keccak256 of the code of the control.
    #[error("the code hash of the control")]
    ControlCode,
}

impl IdentityPart {
    /// The code of each contract, in the order of deployment.
    pub(crate) const CODE: [Self; 8] = [
        Self::TokenCode,
        Self::EscrowCode,
        Self::RewardsCode,
        Self::PoliciesCode,
        Self::AdjudicatorCode,
        Self::ChallengesCode,
        Self::TimelockCode,
        Self::ControlCode,
    ];
}

/// What was done to a file when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileAction {
    /// Reading.
    #[error("read")]
    Read,
    /// Writing.
    #[error("write")]
    Write,
    /// Removing.
    #[error("remove")]
    Remove,
    /// Locking.
    #[error("lock")]
    Lock,
    /// Starting a program.
    #[error("run")]
    Run,
}

/// Why a keystore cannot be read whatever the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreFault {
    /// Not JSON of the Web3 v3 shape.
    #[error("not a Web3 version 3 keystore")]
    Malformed,
    /// A version other than 3.
    #[error("its version is not 3")]
    Version,
    /// A cipher other than AES-128-CTR.
    #[error("its cipher is not aes-128-ctr")]
    Cipher,
    /// A key derivation other than scrypt or PBKDF2-HMAC-SHA256.
    #[error("its key derivation is neither scrypt nor pbkdf2 with hmac-sha256")]
    Kdf,
    /// Key derivation parameters that are invalid or too costly.
    #[error("its key derivation parameters are out of range")]
    KdfParams,
    /// The secret is not 32 bytes.
    #[error("it does not hold a 32-byte secret")]
    Length,
    /// The file may be read by others.
    #[error("its permissions let others read it; they must be 0600")]
    Permissions,
}
