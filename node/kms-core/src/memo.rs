//! What an owner leaves on chain beside each policy for itself: to whom it was granted and under
//! which label, sealed under a key of the seed, so that the seed alone names every grant again. It
//! stands in the event `PolicyCreated`; nodes and contracts ignore it.
//! Neighbour: `keys` has the key.

#[cfg(test)]
mod tests;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use kms_protocol::Terms;
use umbral::PublicKey;
use zeroize::Zeroizing;

use crate::card::check_card_name;
use crate::error::{Error, Result};
use crate::label::Label;

const VERSION: u8 = 1;
/// First of the associated data.
const TAG: &[u8] = b"KMS v1 policy memo";
/// Length of the code that SIV puts before the ciphertext, in bytes.
const SIV_BYTES: usize = 16;
/// A sealed memo has a multiple of this many bytes: it tells the lengths of names this roughly.
const STEP: usize = 32;
/// Bytes of the plaintext beside label and name: version, number, key, two lengths.
const FIXED_BYTES: usize = 1 + 4 + 33 + 1 + 1;

/// What a memo says.
///
/// | plaintext | bytes |
/// |---|---|
/// | version = 1 | 1 |
/// | number of the grant among those of its pair, u32 big-endian | 4 |
/// | receiving key B | 33 |
/// | length of the label, label (UTF-8) | 1, 1 to 128 |
/// | length of the reader's name, name | 1, 1 to 64 |
/// | zeros, up to a sealed length that is a multiple of 32 | 0 to 31 |
///
/// Sealed with AES-256-SIV (RFC 5297: 16 bytes of tag, then the ciphertext; 64 to 256 bytes in
/// all). Its associated data are `KMS v1 policy memo`, `keysHash` and the author, so that it opens
/// beside no other grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// Number of the grant among those of label and reader.
    pub number: u32,
    /// The reader's key B.
    pub receiving_key: PublicKey,
    /// The label that was granted.
    pub label: Label,
    /// Name on the reader's card.
    pub reader: String,
}

/// The key of an owner's memos. Erased when dropped.
pub struct MemoKey(Zeroizing<[u8; 64]>);

impl MemoKey {
    pub(crate) const fn new(key: Zeroizing<[u8; 64]>) -> Self {
        Self(key)
    }

    /// Seals the memo of a policy with these terms.
    ///
    /// # Errors
    /// [`Error::NameInvalid`] for a name that no card has.
    pub fn seal(&self, memo: &Memo, terms: &Terms) -> Result<Vec<u8>> {
        let plain = encode(memo)?;
        self.cipher()
            .encrypt(associated(terms), &plain)
            .map_err(|_| Error::Bug("a memo can be sealed"))
    }

    /// Opens the memo of a policy with these terms; `None` for what another owner, another program
    /// or a false endpoint put there.
    pub fn open(&self, sealed: &[u8], terms: &Terms) -> Option<Memo> {
        let plain = self.cipher().decrypt(associated(terms), sealed).ok()?;
        decode(&Zeroizing::new(plain))
    }

    fn cipher(&self) -> Aes256Siv {
        Aes256Siv::new((&*self.0).into())
    }
}

/// A memo's place-holder of the length that label and name will take, none of it zero: a
/// transaction with it costs as much gas as the grant's own, or a little more.
pub fn blank(label: &Label, reader: &str) -> Vec<u8> {
    vec![0xff; sealed_bytes(label.as_str(), reader)]
}

fn sealed_bytes(label: &str, reader: &str) -> usize {
    (SIV_BYTES + FIXED_BYTES + label.len() + reader.len()).next_multiple_of(STEP)
}

fn associated(terms: &Terms) -> [&[u8]; 3] {
    [TAG, terms.keys_hash.as_ref(), terms.author.as_ref()]
}

fn encode(memo: &Memo) -> Result<Zeroizing<Vec<u8>>> {
    let (label, reader) = (memo.label.as_str(), memo.reader.as_str());
    check_card_name(reader)?;
    // Never grows: a buffer given up would leave a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed_bytes(label, reader)));
    plain.push(VERSION);
    plain.extend_from_slice(&memo.number.to_be_bytes());
    plain.extend_from_slice(&memo.receiving_key.to_bytes());
    for name in [label, reader] {
        let length = u8::try_from(name.len());
        plain.push(length.map_err(|_| Error::Bug("a name has at most 128 bytes"))?);
        plain.extend_from_slice(name.as_bytes());
    }
    plain.resize(sealed_bytes(label, reader) - SIV_BYTES, 0);
    Ok(plain)
}

fn decode(plain: &[u8]) -> Option<Memo> {
    let ([version], rest) = plain.split_first_chunk::<1>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_first_chunk::<33>()?;
    let (label, rest) = name(rest)?;
    let (reader, padding) = name(rest)?;
    let whole = sealed_bytes(label, reader) - SIV_BYTES;
    if *version != VERSION || plain.len() != whole || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    check_card_name(reader).ok()?;
    Some(Memo {
        number: u32::from_be_bytes(*number),
        receiving_key: PublicKey::from_bytes(key).ok()?,
        label: Label::try_from(label.to_owned()).ok()?,
        reader: reader.to_owned(),
    })
}

fn name(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(name).ok()?, rest))
}
