//! The small enums that the fields of `ChainError` hold.

use crate::contracts::Contract;

/// What the contracts rely on and a chain does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum ChainLack {
    #[error("the opcodes of Cancun (PUSH0, MCOPY)")]
    Opcodes,
    #[error("a clock that contracts and block headers share")]
    Clock,
    #[error("one chain id for contracts and endpoint")]
    ChainId,
    #[error("fees of type 2 (EIP-1559)")]
    BaseFee,
}

/// Why an endpoint's answer could not be used; another endpoint may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum RpcFault {
    /// No connection (refused, unknown host, TLS).
    #[error("no connection")]
    Connect,
    /// The connection broke after the request was sent: it may have been acted on.
    #[error("the connection broke")]
    Interrupted,
    /// No complete answer within the time of one request.
    #[error("timed out")]
    Timeout,
    /// The body exceeds `max_body_bytes` of the configuration.
    #[error("the answer is larger than the cap")]
    TooLarge,
    /// The endpoint redirected, which is never followed.
    #[error("it redirects")]
    Redirect,
    #[error("HTTP status {0}")]
    Status(u16),
    #[error("not a JSON-RPC answer")]
    Malformed,
    #[error("the answer has another id")]
    WrongId,
    /// The endpoint limits the rate of this client.
    #[error("it limits this client")]
    Limited,
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

/// The part of a deployment's identity that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum IdentityPart {
    /// Chain id, as `eth_chainId` gives it.
    #[error("the chain id")]
    ChainId,
    #[error("the genesis hash")]
    GenesisHash,
    /// keccak256 of the code of a contract.
    #[error("the code hash of {0}")]
    Code(Contract),
}

/// A JSON file that this program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum JsonFile {
    #[error("record of a deployment")]
    Deployment,
    #[error("journal of a deployment")]
    DeployJournal,
    #[error("journaled transaction")]
    TxJournal,
}

/// The operation on a file that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum FileAction {
    #[error("read")]
    Read,
    #[error("write")]
    Write,
    #[error("remove")]
    Remove,
    #[error("lock")]
    Lock,
    /// Start the program that the file is.
    #[error("run")]
    Run,
}

/// Why a keystore cannot be read whatever the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum KeystoreFault {
    /// Not JSON of the Web3 v3 shape.
    #[error("not a Web3 version 3 keystore")]
    Malformed,
    #[error("its version is not 3")]
    Version,
    #[error("its cipher is not aes-128-ctr")]
    Cipher,
    #[error("its key derivation is neither scrypt nor pbkdf2 with hmac-sha256")]
    Kdf,
    #[error("its key derivation parameters are out of range")]
    KdfParams,
    /// More memory or work than any keystore of use.
    #[error(
        "its key derivation costs too much: at most 1 GiB, 128*r*(N+p) bytes, and work of 8 GiB, \
         128*r*N*p, for scrypt; at most 10000000 rounds for pbkdf2"
    )]
    KdfCost,
    #[error("it does not hold a 32-byte secret")]
    Length,
    #[error("its permissions let others read it; they must be 0600")]
    Permissions,
}

/// What is wrong with the value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum ParamProblem {
    #[error("must be 1 to 32 characters of a-z, 0-9 and '-'")]
    Name,
    #[error("must not be zero")]
    Zero,
    #[error("does not fit the 96 bits of the contracts")]
    Width,
    #[error("must be at least {0}")]
    Below(&'static str),
    #[error("must be at most {0}")]
    Above(&'static str),
    /// A genesis later than the newest block.
    #[error("lies in the future of the chain")]
    Future,
    #[error("must not name anybody twice")]
    Duplicate,
    /// A power that nobody was given; only on a local chain the deployer holds it then.
    #[error("must be given on every chain but a local one")]
    Missing,
    #[error("is not the id of the chain, which is {0}")]
    OtherChain(u64),
}

/// Formats a decoded custom error as `Name(a: 1, b: 2)`.
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
