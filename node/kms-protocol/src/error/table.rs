//! The table of errors: code, refusal, remedy. The match is exhaustive: a new variant forces a
//! decision about each of the three.

use super::{Error, Mismatch};
use crate::refusal::Refusal::{self, BadRequest, BadSignature, Internal};

type Row = (&'static str, Refusal, &'static str);

impl Error {
    /// The stable name of the error, the same in every release.
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// The refusal that a node sends to the peer whose input caused this error.
    pub const fn refusal(&self) -> Refusal {
        self.row().1
    }

    /// The next step of whoever meets the error.
    pub const fn remedy(&self) -> &'static str {
        self.row().2
    }

    #[rustfmt::skip]
    const fn row(&self) -> Row {
        match self {
            Self::Hex => ("hex_invalid", BadRequest, "write 0x and hexadecimal digits"),
            Self::Length { .. } => ("length_wrong", BadRequest, "give the whole value"),
            Self::AddressChecksum => {
                ("address_checksum", BadRequest, "copy the address again, digit by digit")
            }
            Self::AmountSyntax { .. } => ("amount_invalid", BadRequest, "write number and unit"),
            Self::AmountUnit { .. } => ("amount_unit_missing", BadRequest, "add the unit"),
            Self::AmountDecimals { .. } => ("amount_decimals", BadRequest, "round the amount"),
            Self::AmountOverflow => ("amount_overflow", BadRequest, "choose a smaller amount"),
            Self::ConsentSyntax => {
                ("consent_invalid", BadRequest, "copy the whole line again")
            }
            Self::PeriodLengthZero => {
                ("period_length_zero", Internal, "check the deployment file's period length")
            }
            Self::SecretKey => ("secret_key_invalid", Internal, "restore the key from its backup"),
            Self::Derivation => ("derivation_failed", Internal, "report this: it is a defect"),
            Self::Randomness => {
                ("randomness_missing", Internal, "check the operating system's random source")
            }
            Self::SignatureMalformed => {
                ("signature_malformed", BadSignature, "sign the message again")
            }
            Self::SignatureHighS => {
                ("signature_high_s", BadSignature, "sign with the lower of the two values of s")
            }
            Self::SignatureRecovery { .. } => {
                ("signature_recovery", BadSignature, "write the recovery byte as 27 or 28")
            }
            Self::Signer { .. } => {
                ("signer_wrong", BadSignature, "sign with the key that the message names")
            }
            Self::Terms(_) => ("terms_invalid", BadRequest, "correct the terms of the policy"),
            Self::Mismatch(mismatch) => {
                ("message_mismatch", mismatch.refusal(), "use values of one policy and one miner")
            }
            Self::Count { .. } => ("count_wrong", BadRequest, "split the list, or fill it"),
            Self::CommitmentsLength { .. } => {
                ("commitments_length", BadRequest, "send the commitments as they were made")
            }
            Self::Text { .. } => ("text_invalid", BadRequest, "shorten the text to one plain line"),
            Self::RefusalCode => ("refusal_unknown", BadRequest, "update this program"),
            Self::Envelope => {
                ("envelope_broken", BadRequest, "seal the message to the node's present key")
            }
            Self::MessageFormat => ("message_malformed", BadRequest, "update this program"),
            Self::CertificatePeriods { .. } => {
                ("certificate_period", BadRequest, "ask the node for its present key")
            }
            Self::TooFewCandidates { .. } => {
                ("candidates_few", BadRequest, "ask for fewer miners, or wait for more to join")
            }
            Self::DuplicateCandidate { .. } => {
                ("candidate_twice", BadRequest, "list each candidate once")
            }
            Self::Reward(_) => ("reward_invalid", Internal, "check the deployment's parameters"),
        }
    }
}

impl Mismatch {
    const fn refusal(self) -> Refusal {
        match self {
            Self::Policy
            | Self::CfragCount
            | Self::Time
            | Self::Delivery
            | Self::Worker
            | Self::Chain => BadRequest,
            Self::Miner => Refusal::NotThisMiner,
            Self::Keys | Self::VerifyingKey | Self::Kfrag => Refusal::KfragInvalid,
        }
    }
}
