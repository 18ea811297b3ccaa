//! Why nothing can be brought before the judges.
//! Neighbour: the crate's error wraps it.

use kms_protocol::{Address, B256, PolicyId};

/// Why an accusation or a challenge cannot be made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum JudgeError {
    /// The home keeps no evidence of that id.
    #[error("this home keeps no evidence {id}")]
    EvidenceUnknown { id: B256 },
    /// The evidence was given to a reader key that the home does not try.
    #[error("evidence {id} was given to a reader key that is not this home's")]
    EvidenceForeign { id: B256 },
    /// The evidence proves nothing: a cfrag that holds, or answers that agree.
    #[error("evidence {id} proves nothing against the miner")]
    EvidenceVoid { id: B256 },
    /// The grant is not in the home's journal.
    #[error("policy {policy} was not granted from this home")]
    NotGranted { policy: PolicyId },
    /// The home has no acknowledgement by which the contracts would know that the miner can answer.
    #[error("this home has no signed acknowledgement of {miner} for its kfrag of {policy}")]
    NotAcknowledged { policy: PolicyId, miner: Address },
}

impl JudgeError {
    /// The stable name of the error, the same on every surface.
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// The next step for whoever meets the error.
    pub const fn remedy(&self) -> &'static str {
        self.row().1
    }

    #[rustfmt::skip]
    const fn row(&self) -> (&'static str, &'static str) {
        match self {
            Self::EvidenceUnknown { .. } => ("evidence_unknown", "`kms accuse` lists what is kept"),
            Self::EvidenceForeign { .. } => {
                ("evidence_foreign", "use the home that read the file, with all its reader keys")
            }
            Self::EvidenceVoid { .. } => {
                ("evidence_void", "delete its file in the folder `evidence` of the home")
            }
            Self::NotGranted { .. } => {
                ("not_granted_here", "use the home that made the grant")
            }
            Self::NotAcknowledged { .. } => {
                ("not_acknowledged", "revoke the miner, `kms revoke --miner`, if it never took it")
            }
        }
    }
}
