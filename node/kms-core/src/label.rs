//! The name of a thing shared, in its one form. A label's key is derived from the bytes of its
//! name, so names that look alike must be the same bytes, also under later tables of Unicode.
//! Neighbours: `keys` derives, `card` gives the key away.

mod sealed;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::error::{Error, Result};

pub(crate) use sealed::NamesKey;

/// Longest name in bytes of UTF-8, normalised.
const MAX_LABEL_BYTES: usize = 128;

/// Letters and marks that show nothing: of Unicode's `Default_Ignorable_Code_Point` those that are
/// neither format characters nor unassigned.
const INVISIBLE: [(char, char); 9] = [
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180d}'),
    ('\u{180f}', '\u{180f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{e0100}', '\u{e01ef}'),
];

/// The name of a label: 1 to 128 bytes in Unicode's normalisation form C, of characters that can be
/// seen and of single kinds of space, not at its ends. Two labels are equal when they look equal
/// to whoever compares letter by letter; letters of different scripts stay different.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Normalises a name as somebody typed it.
    ///
    /// # Errors
    /// [`Error::NameInvalid`], which names the character at fault by its code point.
    pub fn new(typed: &str) -> Result<Self> {
        let name: String = typed.nfc().collect();
        let why = if name.is_empty() {
            "it is empty".to_owned()
        } else if name.len() > MAX_LABEL_BYTES {
            format!("it has {} bytes, more than {MAX_LABEL_BYTES}", name.len())
        } else if let Some(why) = name.chars().find_map(fault) {
            why
        } else if name.trim() != name {
            "it begins or ends with white space".to_owned()
        } else if name.starts_with("kmslabel1") || name.starts_with("kmscard1") {
            "it looks like a key".to_owned()
        } else {
            return Ok(Self(name));
        };
        Err(Error::NameInvalid {
            name: typed.to_owned(),
            why: why.into(),
        })
    }

    /// The name, normalised.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says what is wrong with a character; `None` if it may stand in a name.
fn fault(character: char) -> Option<String> {
    let kind = match character.general_category() {
        GeneralCategory::Control => "a control character",
        GeneralCategory::Format => "a format character",
        GeneralCategory::PrivateUse => "a character for private use",
        // Unicode may still decide how it is normalised.
        GeneralCategory::Unassigned | GeneralCategory::Surrogate => "not an assigned character",
        _ if character.is_whitespace() && character != ' ' => "a space other than U+0020",
        _ if is_invisible(character) => "an invisible character",
        _ => return None,
    };
    let point = u32::from(character);
    Some(format!("it holds U+{point:04X}, {kind}"))
}

fn is_invisible(character: char) -> bool {
    INVISIBLE
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&character))
}

impl FromStr for Label {
    type Err = Error;

    fn from_str(typed: &str) -> Result<Self> {
        Self::new(typed)
    }
}

impl TryFrom<String> for Label {
    type Error = Error;

    /// Takes a name that was stored or sealed, which is in its one form already.
    fn try_from(stored: String) -> Result<Self> {
        let label = Self::new(&stored)?;
        if label.0 == stored {
            Ok(label)
        } else {
            Err(Error::NameInvalid {
                name: stored,
                why: "it is not normalised".into(),
            })
        }
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
