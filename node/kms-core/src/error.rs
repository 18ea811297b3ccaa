//! The errors of keys, cards, labels and memos, each with a stable code, a cause and a remedy.
//! Nothing in an error is secret. Judging has verdicts of its own, in `answers`.

use std::borrow::Cow;

/// Shorthand used by every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a text is no seed. Tells a word by its place and never repeats it: it may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum SeedFault {
    /// Too few or too many words; a key written as digits counts as one.
    #[error("a seed has 24 words, not {found}")]
    WordCount { found: usize },
    /// A word is not in the English list of BIP-39.
    #[error("word {number} is not in the list of words (BIP-39, English)")]
    WordUnknown { number: usize },
    /// Every word is in the list, but together they are no seed.
    #[error("its checksum does not fit: a word is wrong, or two are exchanged")]
    Checksum,
    /// All bits are zero: a file or a variable that was never filled.
    #[error("it is all zeros")]
    Zero,
}

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum Error {
    /// A text is not the 24 words of a seed, or the seed is all zeros.
    #[error("not a seed: {why}")]
    SeedInvalid { why: SeedFault },
    /// The system's random generator failed.
    #[error("the random generator of the system failed")]
    Random,
    /// A label or card name is empty, too long or holds characters that would be misread.
    #[error("{name:?} is not a name: {why}")]
    NameInvalid {
        name: String,
        why: Cow<'static, str>,
    },
    /// A `kmslabel1...` line does not decode.
    #[error("not a label key: {why}")]
    LabelKeyInvalid { why: &'static str },
    /// A `kmscard1...` line does not decode or its signature does not hold.
    #[error("not a card: {why}")]
    CardInvalid { why: &'static str },
    /// The encrypted file is at fault, or the key does not fit it.
    #[error(transparent)]
    Format(#[from] kms_format::Error),
    /// A key, capsule, kfrag or cfrag is at fault.
    #[error(transparent)]
    Umbral(#[from] umbral::Error),
    /// A message or a number of the protocol is at fault.
    #[error(transparent)]
    Protocol(#[from] kms_protocol::Error),
    /// A state that cannot be reached, with the invariant that excludes it.
    #[error("BUG in kms-core: {0}")]
    Bug(&'static str),
}

macro_rules! table {
    (
        { $($variant:pat => $code:literal, $remedy:literal;)+ }
        { $($below:pat => $error:ident;)+ }
    ) => {
        impl Error {
            /// Every code and remedy of this crate, without those of the crates below.
            pub const TABLE: &[(&str, &str)] = &[$(($code, $remedy)),+];

            /// The stable name of the error, the same in every release and on every surface.
            pub fn code(&self) -> &'static str {
                match self {
                    $($variant => $code,)+
                    $($below => $error.code(),)+
                }
            }

            /// The next step for whoever meets the error.
            pub fn remedy(&self) -> &'static str {
                match self {
                    $($variant => $remedy,)+
                    $($below => $error.remedy(),)+
                }
            }
        }
    };
}

table! {{
    Self::SeedInvalid { .. } =>
        "seed_invalid", "copy the 24 words from the backup again, whole and in order";
    Self::Random => "random_failed", "check the random source of this machine";
    Self::NameInvalid { .. } => "name_invalid", "choose another name";
    Self::LabelKeyInvalid { .. } => "label_key_invalid", "ask for the line again";
    Self::CardInvalid { .. } => "card_invalid", "ask for the line again";
    Self::Bug(_) => "bug", "report this with the message";
}
{
    Self::Format(error) => error;
    Self::Umbral(error) => error;
    Self::Protocol(error) => error;
}}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_have_remedies() {
        let mut codes: Vec<_> = Error::TABLE.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Error::TABLE.len());
        for (code, remedy) in Error::TABLE {
            assert!(remedy.split_whitespace().count() >= 2, "{code}: {remedy}");
        }
    }

    #[test]
    fn errors_from_below_keep_their_codes() {
        let below = Error::from(kms_format::Error::WrongKey);
        assert_eq!(below.code(), kms_format::Error::WrongKey.code());
        assert_eq!(below.remedy(), kms_format::Error::WrongKey.remedy());
    }
}
