//! The small enums that the fields of `ChainError` hold.

use crate::contracts::Contract;

/// Why an endpoint's answer could not be used; another endpoint may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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

impl RpcFault {
    /// Whether the endpoint certainly did not act on the request.
    #[must_use]
    pub fn is_untaken(self) -> bool {
        match self {
            Self::Connect | Self::Limited | Self::WrongChain => true,
            Self::Interrupted
            | Self::Timeout
            | Self::TooLarge
            | Self::Redirect
            | Self::Status(_)
            | Self::Malformed
            | Self::WrongId => false,
        }
    }
}

/// What distinguishes one deployment from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityPart {
    /// Chain id, as `eth_chainId` gives it.
    #[error("the chain id")]
    ChainId,
    /// Hash of block 0.
    #[error("the genesis hash")]
    GenesisHash,
    /// keccak256 of the code of a contract.
    #[error("the code hash of {0}")]
    Code(Contract),
}

/// A JSON file that this program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFile {
    /// The record of a deployment.
    #[error("record of a deployment")]
    Deployment,
    /// The journal of a deployment under way.
    #[error("journal of a deployment")]
    DeployJournal,
    /// A signed transaction of a wallet's journal.
    #[error("journaled transaction")]
    TxJournal,
}

/// What was done to a file when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileAction {
    /// Read a file.
    #[error("read")]
    Read,
    /// Write a file.
    #[error("write")]
    Write,
    /// Remove a file.
    #[error("remove")]
    Remove,
    /// Lock a file.
    #[error("lock")]
    Lock,
    /// Start a program from its file.
    #[error("run")]
    Run,
}

/// Why a keystore cannot be read whatever the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamProblem {
    /// Text that is no valid name.
    #[error("must be 1 to 32 characters of a-z, 0-9 and '-'")]
    Name,
    /// Zero where a value is needed.
    #[error("must not be zero")]
    Zero,
    /// Amount beyond 96 bits.
    #[error("does not fit the 96 bits of the contracts")]
    Width,
    /// Value below its least.
    #[error("must be at least {0}")]
    Below(&'static str),
    /// Value above its most.
    #[error("must be at most {0}")]
    Above(&'static str),
    /// A genesis that is yet to come.
    #[error("lies in the future of the chain")]
    Future,
    /// Entry that stands in a list twice.
    #[error("must not name anybody twice")]
    Duplicate,
    /// A power nobody was given; the deployer holds it on a local chain only.
    #[error("must be given on every chain but a local one")]
    Missing,
    /// The chain has another id.
    #[error("is not the id of the chain, which is {0}")]
    OtherChain(u64),
}

/// A decoded custom error as `Name(a: 1, b: 2)`.
pub(super) fn revert_text(name: &str, args: &[(String, String)]) -> String {
    let shown: Vec<_> = args
        .iter()
        .map(|(name, value)| match name.as_str() {
            "" => value.clone(),
            name => format!("{name}: {value}"),
        })
        .collect();
    format!("{name}({})", shown.join(", "))
}
