//! One-line texts that people exchange, bech32m (BIP-350) with every byte checked on the way in.
//! Owners grant to cards, producers encrypt to label keys.
//!
//! `kmscard1...`: version u8 = 1, receiving key 33 B, signature 64 B, name (UTF-8, 1..=64 B).
//! `kmslabel1...`: version u8 = 1, delegating key 33 B, its name sealed by its owner, 48..=176 B.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use kms_format::SealedName;
use serde::{Deserialize, Serialize};
use umbral::{PublicKey, Signature, VerifyingKey};

use crate::error::{Error, Result};
use crate::fingerprint::{tagged_fingerprint, tagged_words};
use crate::keys::ReaderKey;

const CARD_PREFIX: &str = "kmscard";
const LABEL_PREFIX: &str = "kmslabel";
const VERSION: u8 = 1;
const KEY_BYTES: usize = 33;
const SIGNATURE_BYTES: usize = 64;
const MAX_NAME_BYTES: usize = 64;
/// Longest line accepted, in bytes: above any card, below the limit of the checksum.
const MAX_LINE_BYTES: usize = 400;
/// Tag of the signed message: tag, key 33 B, name.
const SIGNED_TAG: &[u8] = b"KMS reader card v1";
/// Tag of the hash that the fingerprint of a key is taken from.
const FINGERPRINT_TAG: &[u8] = b"KMS key fingerprint v1";
/// Tag of the hash that the words of a key are taken from.
const WORDS_TAG: &[u8] = b"KMS key words v1";

/// A reader's business card: name and receiving key, signed with that key, so that the name cannot
/// be moved to another key unseen. Who the reader is must still be checked by its fingerprint.
#[derive(Clone)]
pub struct Card {
    name: String,
    /// What the home calls the reader, if that is not the name on the card.
    known_as: Option<String>,
    key: PublicKey,
    signature: Signature,
}

impl Card {
    /// Makes the card of a reader key.
    ///
    /// # Errors
    /// [`Error::NameInvalid`], or [`Error::Umbral`] if the system has no randomness to give.
    pub fn make(name: &str, key: &ReaderKey) -> Result<Self> {
        check_card_name(name)?;
        let public = key.receiving_key();
        let message = signed_message(&public, name);
        let signature = key.signer()?.sign(&mut getrandom::SysRng, &message)?;
        Ok(Self {
            name: name.to_owned(),
            known_as: None,
            key: public,
            signature,
        })
    }

    /// The name by which the home knows the reader: the reader's own, unless another was chosen.
    pub fn name(&self) -> &str {
        self.known_as.as_ref().unwrap_or(&self.name)
    }

    /// The name that the reader chose, which stands on the card.
    pub fn own_name(&self) -> &str {
        &self.name
    }

    /// The same card under a name of the home's choice.
    ///
    /// # Errors
    /// [`Error::NameInvalid`].
    pub fn known_as(mut self, name: &str) -> Result<Self> {
        check_card_name(name)?;
        self.known_as = (name != self.name).then(|| name.to_owned());
        Ok(self)
    }

    /// The public key that owners grant to.
    pub const fn receiving_key(&self) -> PublicKey {
        self.key
    }

    /// Five groups of four hexadecimal digits, to be compared over another channel.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// Eight words of the key, to be compared by voice.
    pub fn words(&self) -> String {
        tagged_words(WORDS_TAG, &self.key.to_bytes())
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut payload = vec![VERSION];
        payload.extend_from_slice(&self.key.to_bytes());
        payload.extend_from_slice(&self.signature.to_bytes());
        payload.extend_from_slice(self.name.as_bytes());
        write_line(f, CARD_PREFIX, &payload)
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({:?}, {})", self.name, self.fingerprint())
    }
}

impl PartialEq for Card {
    /// Compares name and key: signing a card again gives another signature.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.key == other.key
    }
}

impl Eq for Card {}

impl FromStr for Card {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let bad = |why| Error::CardInvalid { why };
        let payload = read_line(CARD_PREFIX, line).map_err(bad)?;
        let (version, rest) = payload.split_first().ok_or(bad("it is empty"))?;
        if *version != VERSION {
            return Err(bad("it is of a version this program does not know"));
        }
        let (key, rest) = rest
            .split_first_chunk::<KEY_BYTES>()
            .ok_or(bad("it is too short"))?;
        let (signature, name) = rest
            .split_first_chunk::<SIGNATURE_BYTES>()
            .ok_or(bad("it is too short"))?;
        let name = std::str::from_utf8(name).map_err(|_| bad("its name is not UTF-8"))?;
        check_card_name(name).map_err(|_| bad("its name is not allowed"))?;
        let public = PublicKey::from_bytes(key).map_err(|_| bad("its key is not a key"))?;
        let signature =
            Signature::from_bytes(signature).map_err(|_| bad("its signature is malformed"))?;
        VerifyingKey::from_bytes(key)
            .and_then(|verifier| verifier.verify(&signed_message(&public, name), &signature))
            .map_err(|_| bad("its signature does not hold"))?;
        Ok(Self {
            name: name.to_owned(),
            known_as: None,
            key: public,
            signature,
        })
    }
}

/// The public key of a label with its sealed name, as handed to producers, who put both into the
/// header of every file. As JSON it is its line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelKey {
    key: PublicKey,
    name: SealedName,
}

impl LabelKey {
    /// Puts together what a header or [`crate::OwnerKeys::producer_key`] says. Only the owner can
    /// tell whether the two belong together.
    pub const fn new(key: PublicKey, name: SealedName) -> Self {
        Self { key, name }
    }

    /// The key to encrypt to.
    pub const fn public_key(&self) -> PublicKey {
        self.key
    }

    /// The label's name, which nobody but its owner can read.
    pub const fn sealed_name(&self) -> &SealedName {
        &self.name
    }

    /// As [`Card::fingerprint`], of the label's key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }
}

impl fmt::Display for LabelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut payload = vec![VERSION];
        payload.extend_from_slice(&self.key.to_bytes());
        payload.extend_from_slice(self.name.as_bytes());
        write_line(f, LABEL_PREFIX, &payload)
    }
}

impl fmt::Debug for LabelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LabelKey({self})")
    }
}

impl FromStr for LabelKey {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let bad = |why| Error::LabelKeyInvalid { why };
        let payload = read_line(LABEL_PREFIX, line).map_err(bad)?;
        let (version, rest) = payload.split_first().ok_or(bad("it is empty"))?;
        if *version != VERSION {
            return Err(bad("it is of a version this program does not know"));
        }
        let (key, name) = rest
            .split_first_chunk::<KEY_BYTES>()
            .ok_or(bad("it is too short"))?;
        let name = SealedName::from_bytes(name)
            .map_err(|_| bad("its sealed name has a length that none has"))?;
        let key = PublicKey::from_bytes(key).map_err(|_| bad("its key is not a key"))?;
        Ok(Self { key, name })
    }
}

impl TryFrom<String> for LabelKey {
    type Error = Error;

    fn try_from(line: String) -> Result<Self> {
        line.parse()
    }
}

impl From<LabelKey> for String {
    fn from(key: LabelKey) -> Self {
        key.to_string()
    }
}

/// Checks a card's name, a file name in the home: letters, digits and `-_.@+`, no dot first.
///
/// # Errors
/// [`Error::NameInvalid`].
pub fn check_card_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than 64 bytes"
    } else if name.starts_with('.') || name.starts_with('-') {
        "it begins with a dot or a dash"
    } else if name.starts_with("kmscard1") || name.starts_with("kmslabel1") {
        "it looks like a key"
    } else if !name.chars().all(allowed) {
        "only letters, digits and -_.@+ are allowed"
    } else {
        return Ok(());
    };
    Err(Error::NameInvalid {
        name: name.to_owned(),
        why: why.into(),
    })
}

/// The fingerprint of a public key, to be compared over another channel.
pub fn fingerprint(key: &PublicKey) -> String {
    tagged_fingerprint(FINGERPRINT_TAG, &key.to_bytes())
}

fn signed_message(key: &PublicKey, name: &str) -> Vec<u8> {
    let mut message = SIGNED_TAG.to_vec();
    message.extend_from_slice(&key.to_bytes());
    message.extend_from_slice(name.as_bytes());
    message
}

/// Writes the line of a payload.
///
/// # Errors
/// None in practice.
pub fn write_line(f: &mut fmt::Formatter<'_>, prefix: &str, payload: &[u8]) -> fmt::Result {
    let hrp = Hrp::parse(prefix).map_err(|_| fmt::Error)?;
    let line = bech32::encode::<Bech32m>(hrp, payload).map_err(|_| fmt::Error)?;
    f.write_str(&line)
}

/// Decodes a line and refuses all but the canonical form of its payload; surrounding white space is
/// allowed.
///
/// # Errors
/// What is wrong with the line.
pub fn read_line(prefix: &str, line: &str) -> std::result::Result<Vec<u8>, &'static str> {
    let line = line.trim();
    if line.len() > MAX_LINE_BYTES {
        return Err("it is too long");
    }
    let checked = CheckedHrpstring::new::<Bech32m>(line)
        .map_err(|_| "its check digits do not fit: a letter is wrong or missing")?;
    let hrp = Hrp::parse(prefix).map_err(|_| "its prefix is wrong")?;
    if checked.hrp() != hrp {
        return Err("its prefix is wrong");
    }
    let payload: Vec<u8> = checked.byte_iter().collect();
    let again = bech32::encode::<Bech32m>(hrp, &payload).map_err(|_| "it is too long")?;
    if again != line {
        return Err("it is not in canonical form");
    }
    Ok(payload)
}
