//! The one error type of the crate: a variant per decision a caller can take, each with a stable
//! code, a cause and a remedy. Nothing in an error is secret.
//! Neighbours: every module here; `error/codes.rs` holds the table of codes and remedies.

mod codes;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use kms_protocol::{Address, Amount, Period, PolicyId};
use serde::Serialize;

use crate::group::error::GroupError;
use crate::judge::JudgeError;
use kms_core::label::Label;

/// Shorthand used by every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why one miner did not do its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeFailure {
    /// Owner address; `addr` in JSON.
    #[serde(rename = "addr")]
    pub miner: Address,
    /// Base URL as registered on chain; empty when there is none.
    pub url: String,
    /// A refusal code that the miner's worker signed (`policy_revoked`), or one of the client's,
    /// such as `timeout` or `unsigned_refusal`.
    /// `inconsistent_share` is the fault of the policy's author and not of the miner.
    pub code: String,
    /// One line for people, without secrets, at most 200 characters.
    pub detail: String,
}

impl fmt::Display for NodeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            miner,
            url,
            code,
            detail,
        } = self;
        let url = if url.is_empty() { "no URL" } else { url };
        write!(f, "{miner} {url}: {detail} ({code})")
    }
}

/// Why one of several policies did not open a reader's capsules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyFailure {
    /// Its id.
    pub policy: PolicyId,
    /// Code of the error that the policy would have been alone.
    pub code: &'static str,
    /// One line for people.
    pub reason: String,
    /// The failure of each of its miners.
    pub nodes: Vec<NodeFailure>,
}

impl PolicyFailure {
    /// Notes what came of asking a policy's miners.
    pub(crate) fn new(policy: PolicyId, error: &Error) -> Self {
        Self {
            policy,
            code: error.code(),
            reason: error.to_string(),
            nodes: error.nodes().to_vec(),
        }
    }
}

impl fmt::Display for PolicyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policy,
            code,
            reason,
            nodes,
        } = self;
        write!(f, "{policy}: {reason} ({code})")?;
        nodes.iter().try_for_each(|node| write!(f, "\n  {node}"))
    }
}

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant names its fields")]
pub enum Error {
    /// `init` found a home already there.
    #[error("{} holds a KMS home already", path.display())]
    HomeExists { path: PathBuf },
    /// There is no home where one was expected.
    #[error("no KMS home at {}", path.display())]
    HomeMissing { path: PathBuf },
    /// A worker consented to be bonded to another miner.
    #[error("the worker's consent is for the miner {miner}, not for {own}")]
    ConsentForAnother { miner: Address, own: Address },
    /// Another process is writing to the home.
    #[error("{} is in use by another process", path.display())]
    HomeLocked { path: PathBuf },
    /// A file of the home cannot be understood: damaged, of another version, unknown fields.
    #[error("{}: {reason}", path.display())]
    HomeCorrupt { path: PathBuf, reason: String },
    /// The home holds no seed: it was made for reading.
    #[error("{} is a reader's home, without a seed", path.display())]
    ReaderHome { path: PathBuf },
    /// Others may read a file or directory that holds keys.
    #[error("{} has mode {mode:03o}; others can read it", path.display())]
    PermissionsTooOpen { path: PathBuf, mode: u32 },
    /// The system refused to read, write or remove a file.
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The output of an operation exists and may not be replaced.
    #[error("{} exists", path.display())]
    OutputExists { path: PathBuf },
    /// The passphrase does not open the key file.
    #[error("wrong passphrase for {}", path.display())]
    WrongPassphrase { path: PathBuf },
    /// No prompt, file or descriptor gave a passphrase.
    #[error("no passphrase was given")]
    PassphraseMissing,
    /// The terminal belongs to another job, so that nobody can be asked for a passphrase.
    #[error("a background job cannot ask for a passphrase")]
    PromptInBackground,
    /// The passphrase of a new home is too short.
    #[error("the passphrase has {given} characters, at least {least} are needed")]
    PassphraseTooShort { given: usize, least: usize },

    /// No such label in the home.
    #[error("no label {label:?} here")]
    LabelUnknown { label: Label },
    /// A label of that name exists with another key.
    #[error("label {label:?} exists")]
    LabelExists { label: Label },
    /// A file without a sealed name is made for a label whose key is not in the home.
    #[error("the file is made for label key {fingerprint}, and no name is sealed in it")]
    FileOfUnknownLabel { fingerprint: String },
    /// The name sealed in a file's header is not this owner's for the key beside it.
    #[error("the file is made for label key {fingerprint}, and its sealed name is not this seed's")]
    SealedNameForeign { fingerprint: String },
    /// A file is not of the label that was named by hand.
    #[error("the file is made for label key {fingerprint}, which is not that of {label:?}")]
    FileOfOtherLabel { label: Label, fingerprint: String },
    /// No such card in the home.
    #[error("no card {name:?} here")]
    CardUnknown { name: String },
    /// Another card of that name is stored.
    #[error("another card named {name:?} is stored with key {fingerprint}")]
    CardExists { name: String, fingerprint: String },

    /// A file, a folder or a link that no archive can hold, or that changed while it was read.
    #[error("{path} cannot be packed: {why}", path = path.display())]
    NotPackable { path: PathBuf, why: &'static str },

    /// A file that gets no new header.
    #[error("{path} cannot move to another label: {why}", path = path.display())]
    NotMovable { path: PathBuf, why: &'static str },

    /// A key, a card or a name is at fault.
    #[error(transparent)]
    Core(#[from] kms_core::Error),
    /// The encrypted file is at fault, or the key does not fit it.
    #[error(transparent)]
    Format(#[from] kms_format::Error),
    /// A key, capsule, kfrag or cfrag is at fault.
    #[error(transparent)]
    Umbral(#[from] umbral::Error),
    /// A message or a number of the protocol is at fault.
    #[error(transparent)]
    Protocol(#[from] kms_protocol::Error),
    /// The chain could not be asked, or refused.
    #[error(transparent)]
    Chain(#[from] kms_chain::ChainError),
    /// A group is at fault, or its store.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Nothing can be brought before the judges.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The node's TLS or HTTP client could not be built.
    #[error("cannot build the HTTP client: {reason}")]
    HttpClient { reason: String },

    /// The account holds too few tokens, or no ETH for gas.
    #[error("{address} holds {have}, {need} are needed")]
    InsufficientFunds {
        address: Address,
        have: String,
        need: String,
    },
    /// The price is above the limit given.
    #[error("the grant costs {price}, the limit is {limit}")]
    FeeAboveMax { price: Amount, limit: Amount },
    /// A number of miners, periods or capsules, a threshold or a time is out of range.
    #[error("{field} = {given}: {why}")]
    SpecInvalid {
        field: &'static str,
        given: u64,
        why: &'static str,
    },
    /// Fewer miners can serve than the grant asks for.
    #[error("{need} miners are needed, {usable} can serve")]
    NotEnoughMiners {
        need: usize,
        usable: usize,
        nodes: Vec<NodeFailure>,
    },
    /// The quote does not hold at the present time.
    #[error("the quote no longer holds: {why}")]
    QuoteStale { why: &'static str },
    /// A grant of that label to that reader was begun and not finished.
    #[error("a grant of {label:?} to {reader:?} is unfinished: policy {policy}")]
    GrantUnfinished {
        policy: PolicyId,
        label: Label,
        reader: String,
    },

    /// The reader has a grant of that label in force.
    #[error("{label:?} is granted to {reader:?} already: policy {policy}")]
    AlreadyGranted {
        policy: PolicyId,
        label: Label,
        reader: String,
    },
    /// The endpoint has not seen a block that this home knows of.
    #[error("the chain ends with block {head} here, and had come to block {seen} before")]
    ChainBehind { head: u64, seen: u64 },

    /// There is no policy for this label key and reader, or none of that id.
    #[error("no policy: {what}")]
    NoPolicy { what: String },
    /// The chain was not searched in the time that the read may take.
    #[error("the chain was not searched for a policy in time")]
    SearchTimeout,
    /// Several policies fit a label and a reader.
    #[error("{} policies fit, name one", policies.len())]
    PolicyAmbiguous { policies: Vec<PolicyId> },
    /// The policy belongs to another account than the one that pays here.
    #[error("policy {policy} belongs to {author}")]
    NotAuthor { policy: PolicyId, author: Address },
    /// The policy's first period lies ahead.
    #[error("policy {policy} starts with period {first}")]
    PolicyNotStarted { policy: PolicyId, first: Period },
    /// The policy's last paid period has passed.
    #[error("policy {policy} ended with period {last}")]
    PolicyExpired { policy: PolicyId, last: Period },
    /// The author revoked the policy.
    #[error("policy {policy} was revoked")]
    PolicyRevoked { policy: PolicyId },
    /// The author revoked so many arrangements that fewer than m miners are left.
    #[error("policy {policy} has {left} of {need} miners needed left: the others were revoked")]
    ArrangementsRevoked {
        policy: PolicyId,
        need: usize,
        left: usize,
        nodes: Vec<NodeFailure>,
    },
    /// Miners of the policy would not serve the new periods.
    #[error("{refuse} of {of} miners of policy {policy} do not serve on at these terms")]
    RenewalRefused {
        policy: PolicyId,
        refuse: usize,
        of: usize,
        nodes: Vec<NodeFailure>,
    },
    /// The policy has no arrangement with that miner.
    #[error("policy {policy} does not name the miner {miner}")]
    MinerUnknown { policy: PolicyId, miner: Address },
    /// Fewer than m miners stored their kfrag, or answered a reader.
    #[error("{got} of {need} miners needed answered")]
    ThresholdNotMet {
        need: usize,
        got: usize,
        nodes: Vec<NodeFailure>,
    },
    /// So many shares contradict the author's commitments that fewer than m are left.
    #[error("the author of policy {policy} made inconsistent shares")]
    SharesInconsistent {
        policy: PolicyId,
        nodes: Vec<NodeFailure>,
    },
    /// m sound cfrags do not open the capsule: it was made for another label.
    #[error("the cfrags of policy {policy} do not open this capsule")]
    FragmentsDoNotOpen { policy: PolicyId },
    /// None of several policies opened the capsules. Code, remedy, policy and nodes are those of
    /// the policy that came nearest.
    #[error("none of {} policies lets you in; the nearest: {nearest}", tried.len())]
    NoneOpens {
        nearest: Box<Error>,
        tried: Vec<PolicyFailure>,
    },
    /// The URL of a node breaks a rule.
    #[error("{url}: {why}")]
    UrlRefused { url: String, why: &'static str },
    /// The person stopped the operation at a prompt.
    #[error("interrupted")]
    Interrupted,
    /// A state that cannot be reached, with the invariant that excludes it.
    #[error("BUG: {0}")]
    Bug(&'static str),
}

impl Error {
    /// Turns a failed file operation into an error that names the file.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }

    /// The failure of each miner that was asked; empty where none was.
    pub fn nodes(&self) -> &[NodeFailure] {
        if let Self::NoneOpens { nearest, .. } = self {
            return nearest.nodes();
        }
        let (Self::ThresholdNotMet { nodes, .. }
        | Self::NotEnoughMiners { nodes, .. }
        | Self::ArrangementsRevoked { nodes, .. }
        | Self::RenewalRefused { nodes, .. }
        | Self::SharesInconsistent { nodes, .. }) = self
        else {
            return &[];
        };
        nodes
    }

    /// Every policy that was tried, newest first; empty unless there were several.
    pub fn tried(&self) -> &[PolicyFailure] {
        match self {
            Self::NoneOpens { tried, .. } => tried,
            _ => &[],
        }
    }

    /// The policy the error is about, if it is about one.
    pub fn policy(&self) -> Option<PolicyId> {
        if let Self::NoneOpens { nearest, .. } = self {
            return nearest.policy();
        }
        let (Self::GrantUnfinished { policy, .. }
        | Self::AlreadyGranted { policy, .. }
        | Self::PolicyNotStarted { policy, .. }
        | Self::PolicyExpired { policy, .. }
        | Self::PolicyRevoked { policy }
        | Self::ArrangementsRevoked { policy, .. }
        | Self::RenewalRefused { policy, .. }
        | Self::MinerUnknown { policy, .. }
        | Self::NotAuthor { policy, .. }
        | Self::SharesInconsistent { policy, .. }
        | Self::FragmentsDoNotOpen { policy }) = self
        else {
            return None;
        };
        Some(*policy)
    }
}
