//! The limits of every message: lengths of byte fields, lists and text, and the readers that
//! enforce them while parsing.

use core::fmt;
use core::marker::PhantomData;

use serde::{Deserialize, Deserializer, de};
use umbral::{Capsule, CapsuleFrag};

use crate::error::Error;
use crate::primitives::FixedBytes;

/// Greatest number of capsules in a request, and of cfrags in a reply.
pub const CAPSULES_MAX: usize = 64;

/// Longest text in a message, in bytes.
pub const TEXT_MAX: usize = 1_000;

/// Bytes of a capsule, not checked yet.
pub type CapsuleBytes = FixedBytes<{ Capsule::BYTES }>;

/// Bytes of a cfrag, not verified yet.
pub type CfragBytes = FixedBytes<{ CapsuleFrag::BYTES }>;

/// Reads 1 to [`CAPSULES_MAX`] entries, and stops reading at the limit.
pub(super) fn one_to_max<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Bounded<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of 1 to {CAPSULES_MAX} entries")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = list.next_element()? {
                entries.push(entry);
                if entries.len() > CAPSULES_MAX {
                    return Err(count_error(entries.len()));
                }
            }
            if entries.is_empty() {
                Err(count_error(0))
            } else {
                Ok(entries)
            }
        }
    }

    fn count_error<E: de::Error>(actual: usize) -> E {
        E::custom(Error::Count {
            maximum: CAPSULES_MAX,
            actual,
        })
    }

    deserializer.deserialize_seq(Bounded(PhantomData))
}

/// Whether a character is safe on a terminal: no control and no bidirectional formatting.
pub(super) fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Reads text that is safe to print: bounded and of printable characters only.
pub(super) fn plain_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > TEXT_MAX || !text.chars().all(is_printable) {
        return Err(de::Error::custom(Error::Text { maximum: TEXT_MAX }));
    }
    Ok(text)
}
