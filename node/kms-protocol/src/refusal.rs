//! The closed list of reasons for which a node refuses a request.
//!
//! Codes are stable and snake_case: they are what clients and operators match on. The JSON body of
//! a refusal is `messages::Problem`. Every match is exhaustive: a new reason needs all columns.

use core::fmt;
use core::str::FromStr;

use crate::error::{Error, Result};
use crate::hex_serde::serde_by_text;

/// Why a node refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// No such policy on the chain the node watches.
    PolicyUnknown,
    /// The payment has too few confirmations yet.
    PolicyUnconfirmed,
    /// The first period has not begun.
    PolicyNotStarted,
    /// The last paid period is over.
    PolicyEnded,
    /// The author revoked it.
    PolicyRevoked,
    /// The policy or message names other miners.
    NotThisMiner,
    /// Not signed by the key that must sign.
    BadSignature,
    /// The same signed request was served before.
    Replay,
    /// The request's block is too far from the node's head.
    StaleRequest,
    /// The node's own view of the chain is too old to decide.
    StaleChainView,
    /// The caller exceeds a rate or the node its capacity.
    TooMany,
    /// The node holds no key fragment for the policy.
    KfragMissing,
    /// Another key fragment is stored for the policy already.
    KfragConflict,
    /// The key fragment or its keys do not fit the policy.
    KfragInvalid,
    /// The author signed the key fragment for another policy, miner or chain.
    KfragForeign,
    /// The key fragment stored is of a version that is not served any more.
    KfragOutdated,
    /// The commitments are not those of the policy or of the key fragment.
    CommitmentsInvalid,
    /// A capsule fails its own check.
    CapsuleInvalid,
    /// The request cannot be read.
    BadRequest,
    /// The body exceeds the limit.
    TooLarge,
    /// No such resource.
    NotFound,
    /// The node is going down.
    ShuttingDown,
    /// No room for another key fragment.
    StorageFull,
    /// A fault of the node itself.
    Internal,
}

impl Refusal {
    /// Every reason, in the order of the list.
    pub const ALL: [Self; 24] = [
        Self::PolicyUnknown,
        Self::PolicyUnconfirmed,
        Self::PolicyNotStarted,
        Self::PolicyEnded,
        Self::PolicyRevoked,
        Self::NotThisMiner,
        Self::BadSignature,
        Self::Replay,
        Self::StaleRequest,
        Self::StaleChainView,
        Self::TooMany,
        Self::KfragMissing,
        Self::KfragConflict,
        Self::KfragInvalid,
        Self::KfragForeign,
        Self::KfragOutdated,
        Self::CommitmentsInvalid,
        Self::CapsuleInvalid,
        Self::BadRequest,
        Self::TooLarge,
        Self::NotFound,
        Self::ShuttingDown,
        Self::StorageFull,
        Self::Internal,
    ];

    /// The stable snake_case code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PolicyUnknown => "policy_unknown",
            Self::PolicyUnconfirmed => "policy_unconfirmed",
            Self::PolicyNotStarted => "policy_not_started",
            Self::PolicyEnded => "policy_ended",
            Self::PolicyRevoked => "policy_revoked",
            Self::NotThisMiner => "not_this_miner",
            Self::BadSignature => "bad_signature",
            Self::Replay => "replay",
            Self::StaleRequest => "stale_request",
            Self::StaleChainView => "stale_chain_view",
            Self::TooMany => "too_many",
            Self::KfragMissing => "kfrag_missing",
            Self::KfragConflict => "kfrag_conflict",
            Self::KfragInvalid => "kfrag_invalid",
            Self::KfragForeign => "kfrag_foreign",
            Self::KfragOutdated => "kfrag_outdated",
            Self::CommitmentsInvalid => "commitments_invalid",
            Self::CapsuleInvalid => "capsule_invalid",
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::NotFound => "not_found",
            Self::ShuttingDown => "shutting_down",
            Self::StorageFull => "storage_full",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status it is sent with.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::BadSignature => 401,
            Self::PolicyUnknown | Self::KfragMissing | Self::NotFound => 404,
            Self::Replay | Self::StaleRequest | Self::KfragConflict => 409,
            Self::PolicyEnded | Self::PolicyRevoked | Self::KfragOutdated => 410,
            Self::TooLarge => 413,
            Self::NotThisMiner => 421,
            Self::KfragInvalid
            | Self::KfragForeign
            | Self::CommitmentsInvalid
            | Self::CapsuleInvalid => 422,
            Self::PolicyUnconfirmed | Self::PolicyNotStarted => 425,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::StaleChainView | Self::ShuttingDown => 503,
            Self::StorageFull => 507,
        }
    }

    /// One line that says what happened.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PolicyUnknown => "no such policy",
            Self::PolicyUnconfirmed => "the policy's payment is not confirmed yet",
            Self::PolicyNotStarted => "the policy has not started",
            Self::PolicyEnded => "the policy has ended",
            Self::PolicyRevoked => "the policy was revoked",
            Self::NotThisMiner => "this miner does not serve the policy",
            Self::BadSignature => "the signature is not the right key's",
            Self::Replay => "the request was served before",
            Self::StaleRequest => "the request names a block too far from the head",
            Self::StaleChainView => "the node's view of the chain is too old",
            Self::TooMany => "too many requests",
            Self::KfragMissing => "no key fragment is stored for the policy",
            Self::KfragConflict => "another key fragment is stored for the policy",
            Self::KfragInvalid => "the key fragment does not fit the policy",
            Self::KfragForeign => "the key fragment is signed for another policy or miner",
            Self::KfragOutdated => "the stored key fragment is of an earlier version",
            Self::CommitmentsInvalid => "the commitments are not those of the key fragment",
            Self::CapsuleInvalid => "a capsule is invalid",
            Self::BadRequest => "the request cannot be read",
            Self::TooLarge => "the request is too large",
            Self::NotFound => "no such resource",
            Self::ShuttingDown => "the node is shutting down",
            Self::StorageFull => "the node has no room left",
            Self::Internal => "the node failed",
        }
    }

    /// What the caller can do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::PolicyUnknown => "check the policy id and that both sides use the same chain",
            Self::PolicyUnconfirmed => "wait for a few blocks and ask again",
            Self::PolicyNotStarted => "ask again when the first period of the policy begins",
            Self::PolicyEnded => "ask the owner to extend or renew the grant",
            Self::PolicyRevoked => "the owner took the grant back; only the owner can grant again",
            Self::NotThisMiner => "look up the miner's present address on the chain",
            Self::BadSignature => "sign with the key named in the policy, for this chain and miner",
            Self::Replay => "use a new nonce for every request",
            Self::StaleRequest => "take the current block number and sign again",
            Self::StaleChainView => "ask another miner of the policy, or this one later",
            Self::TooMany => "wait as long as retry_after_s says",
            Self::KfragMissing => "the owner must upload the key fragment to this miner again",
            Self::KfragConflict => "a stored key fragment is never replaced; make a new policy",
            Self::KfragInvalid => "make the key fragments again from the keys in the policy",
            Self::KfragForeign => "send each miner its own fragment, made for this policy",
            Self::KfragOutdated => "ask the owner for a new grant; this one cannot be served",
            Self::CommitmentsInvalid => "send the commitments made together with the fragments",
            Self::CapsuleInvalid => "the file is damaged or was not made for this policy",
            Self::BadRequest => {
                "update the client; both sides must speak the same protocol version"
            }
            Self::TooLarge => "send fewer capsules in one request",
            Self::NotFound => "check the path",
            Self::ShuttingDown => "ask another miner of the policy, or this one later",
            Self::StorageFull => "choose another miner, or tell this one",
            Self::Internal => "ask another miner of the policy, or this one later",
        }
    }

    /// Whether the same caller may succeed later without changing the request's substance.
    pub const fn is_temporary(self) -> bool {
        match self {
            Self::PolicyUnconfirmed
            | Self::PolicyNotStarted
            | Self::StaleChainView
            | Self::TooMany
            | Self::ShuttingDown
            | Self::StorageFull
            | Self::Internal => true,
            Self::PolicyUnknown
            | Self::PolicyEnded
            | Self::PolicyRevoked
            | Self::NotThisMiner
            | Self::BadSignature
            | Self::Replay
            | Self::StaleRequest
            | Self::KfragMissing
            | Self::KfragConflict
            | Self::KfragInvalid
            | Self::KfragForeign
            | Self::KfragOutdated
            | Self::CommitmentsInvalid
            | Self::CapsuleInvalid
            | Self::BadRequest
            | Self::TooLarge
            | Self::NotFound => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Refusal {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|refusal| refusal.code() == code)
            .ok_or(Error::RefusalCode)
    }
}

serde_by_text!(Refusal);

#[cfg(test)]
mod tests;
