//! The closed list of reasons for which a node refuses a request: one row per reason.
//!
//! Codes are stable and snake_case, for clients and operators to match on. The JSON body of a
//! refusal is `messages::Problem`. README.md shows the same rows, and a test compares the two.

use core::fmt;
use core::str::FromStr;

use crate::error::{Error, Result};
use crate::hex_serde::serde_by_text;

/// The same request, signed anew, may succeed later.
const TEMPORARY: bool = true;
/// The same request fails later too.
const LASTING: bool = false;

/// Makes [`Refusal`] and its methods from the rows below.
macro_rules! refusals {
    ($($variant:ident: $code:literal, $status:literal, $temporary:ident, $title:literal,
       $hint:literal;)+) => {
        /// The reason for which a node refuses a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Refusal {
            $(#[doc = $title] $variant,)+
        }

        impl Refusal {
            /// Every reason, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code, the same in every release.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status of the reply.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// Whether the same caller may succeed later with the same request, signed anew.
            pub const fn is_temporary(self) -> bool {
                match self { $(Self::$variant => $temporary,)+ }
            }

            /// The title, one line that says what happened.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// The next step of the caller, in one line.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

// variant: code, HTTP status, temporary or not, title, hint
refusals! {
    PolicyUnknown: "policy_unknown", 404, LASTING,
        "no such policy",
        "check the policy id and that both sides use the same chain";
    PolicyUnconfirmed: "policy_unconfirmed", 425, TEMPORARY,
        "the policy's payment is not confirmed yet",
        "wait for a few blocks and ask again";
    PolicyNotStarted: "policy_not_started", 425, TEMPORARY,
        "the policy has not started",
        "ask again when the first period of the policy begins";
    PolicyEnded: "policy_ended", 410, LASTING,
        "the policy has ended",
        "ask the owner to extend or renew the grant";
    PolicyRevoked: "policy_revoked", 410, LASTING,
        "the policy was revoked",
        "the owner took the grant back; only the owner can grant again";
    NotLeased: "not_leased", 503, TEMPORARY,
        "the miner has not leased the present period",
        "ask another miner of the policy, or this one when it is active again";
    NotThisMiner: "not_this_miner", 421, LASTING,
        "this miner does not serve the policy",
        "look up the miner's present address on the chain";
    BadSignature: "bad_signature", 401, LASTING,
        "the signature is not the right key's",
        "sign with the key named in the policy, for this chain and miner";
    Replay: "replay", 409, LASTING,
        "the request was served before",
        "use a new nonce for every request";
    StaleRequest: "stale_request", 409, LASTING,
        "the request names a time too far from the head's",
        "take the time of the newest block and sign again";
    StaleChainView: "stale_chain_view", 503, TEMPORARY,
        "the node's view of the chain is too old",
        "ask another miner of the policy, or this one later";
    TooMany: "too_many", 429, TEMPORARY,
        "too many requests",
        "wait as long as retry_after_s says";
    QuotaUsedUp: "quota_used_up", 429, TEMPORARY,
        "the policy's quota is used up",
        "wait as long as retry_after_s says; send up to 64 capsules in one request";
    KfragMissing: "kfrag_missing", 404, LASTING,
        "no kfrag is stored for the policy",
        "the owner must upload the kfrag to this miner again";
    KfragConflict: "kfrag_conflict", 409, LASTING,
        "another kfrag is stored for the policy",
        "a stored kfrag is never replaced; make a new policy";
    KfragInvalid: "kfrag_invalid", 422, LASTING,
        "the kfrag does not fit the policy",
        "make the kfrags again from the keys in the policy";
    KfragForeign: "kfrag_foreign", 422, LASTING,
        "the kfrag is signed for another policy or miner",
        "send each miner its own kfrag, made for this policy";
    CommitmentsInvalid: "commitments_invalid", 422, LASTING,
        "the commitments are not those of the kfrag",
        "send the commitments made together with the kfrags";
    DeliveryAhead: "delivery_ahead", 425, TEMPORARY,
        "the delivery is dated in a period to come",
        "sign the delivery for the chain's present period, or wait until the node has seen it";
    CapsuleInvalid: "capsule_invalid", 422, LASTING,
        "a capsule is invalid",
        "the file is damaged or was not made for this policy";
    BadRequest: "bad_request", 400, LASTING,
        "the request cannot be read",
        "update the client; both sides must speak the same protocol version";
    TransportKeyUnknown: "transport_key_unknown", 409, TEMPORARY,
        "the message is not sealed to a key that the node has now",
        "ask the node for its present key and seal the message to it";
    TooSlow: "too_slow", 408, TEMPORARY,
        "the request did not arrive in time",
        "send the whole request at once; try a better line";
    TooLarge: "too_large", 413, LASTING,
        "the request is too large",
        "send fewer capsules in one request";
    NotFound: "not_found", 404, LASTING,
        "no such resource",
        "check the path";
    ShuttingDown: "shutting_down", 503, TEMPORARY,
        "the node is shutting down",
        "ask another miner of the policy, or this one later";
    StorageFull: "storage_full", 507, TEMPORARY,
        "the node has no room left",
        "choose another miner, or tell this one";
    Internal: "internal", 500, TEMPORARY,
        "the node failed",
        "ask another miner of the policy, or this one later";
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
            .iter()
            .copied()
            .find(|refusal| refusal.code() == code)
            .ok_or(Error::RefusalCode)
    }
}

serde_by_text!(Refusal);

#[cfg(test)]
mod tests;
