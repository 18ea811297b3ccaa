//! Opening with fragments nobody has checked yet: the cipher tells whether they were right, and
//! only when they were not the proofs are checked, to name who cheated.
//!
//! Not weaker than checking first: what opens is authentic under the key the capsule carries,
//! whoever answered. Not for evidence: what is to be held against a proxy, or paid for, is to be
//! verified.

use alloc::vec::Vec;
use core::fmt;

use crate::arithmetic::point::Point;
use crate::capsule::Capsule;
use crate::capsule::dem::open;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::batch::BatchVerifier;
use crate::cfrag::prepared::PreparedContext;
use crate::cfrag::{CAPSULE_FRAG_BYTES, E1, PRECURSOR, RawFrag, V1, VerifiedCapsuleFrag};
use crate::error::{Error, Result};
use crate::keys::SecretKey;
use crate::opening::{Images, Opening, Weights};
use crate::v2::Miner;

/// What was opened, and which answers were of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<T = Vec<u8>> {
    /// The plaintext, or what the caller made of the key.
    pub value: T,
    /// Answers that are forged; empty if nothing had to be checked.
    pub rejected: Vec<Rejected>,
}

/// An answer that failed its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Position in the list given.
    pub index: usize,
    /// The verdict of [`CapsuleFrag::verify`](crate::CapsuleFrag::verify).
    pub error: Error,
}

/// Why nothing could be opened. Every answer has been checked by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFailure {
    /// Why the answers that are not rejected do not open the capsule.
    pub error: Error,
    /// Answers that are forged.
    pub rejected: Vec<Rejected>,
}

impl fmt::Display for OpenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; {} answers rejected",
            self.error,
            self.rejected.len()
        )
    }
}

impl core::error::Error for OpenFailure {}

/// Decrypts with answers as received, in the simple form, at least the threshold.
///
/// If the cipher accepts, no proof was checked. If not, all answers are checked, and those that
/// verify are tried again: so one forged answer costs time but neither the plaintext, as long as
/// enough remain, nor the knowledge of who sent it.
///
/// # Errors
/// [`OpenFailure`] with the errors of [`decrypt_reencrypted`](crate::decrypt_reencrypted).
pub fn open_optimistic(
    receiving: &SecretKey,
    prepared: &mut PreparedContext,
    capsule: &Capsule,
    answers: &[[u8; CAPSULE_FRAG_BYTES]],
    ciphertext: &[u8],
) -> core::result::Result<Opened, OpenFailure> {
    decapsulate_optimistic(receiving, prepared, capsule, answers, |secret| {
        open(secret, capsule, ciphertext)
    })
}

/// As [`open_optimistic`], for a caller with a cipher of its own: `accept` must authenticate
/// something under the key, and return an error if it is not authentic.
///
/// # Errors
/// As [`open_optimistic`]; the error of `accept` if the fragments are right and it still refuses.
pub fn decapsulate_optimistic<T>(
    receiving: &SecretKey,
    prepared: &mut PreparedContext,
    capsule: &Capsule,
    answers: &[[u8; CAPSULE_FRAG_BYTES]],
    mut accept: impl FnMut(&SharedSecret) -> Result<T>,
) -> core::result::Result<Opened<T>, OpenFailure> {
    let answers: Vec<Answer<'_>> = answers.iter().map(|bytes| (bytes, None)).collect();
    open_answers(receiving, prepared, capsule, &answers, &mut accept)
}

/// As [`decapsulate_optimistic`], under version 2: each answer with the miner it came from, and a
/// context prepared with [`PreparedContext::granted`].
///
/// # Errors
/// As there.
pub fn decapsulate_granted_optimistic<T>(
    receiving: &SecretKey,
    prepared: &mut PreparedContext,
    capsule: &Capsule,
    answers: &[(Miner, [u8; CAPSULE_FRAG_BYTES])],
    mut accept: impl FnMut(&SharedSecret) -> Result<T>,
) -> core::result::Result<Opened<T>, OpenFailure> {
    let answers = answers.iter().map(|(miner, bytes)| (bytes, Some(miner)));
    let answers: Vec<Answer<'_>> = answers.collect();
    open_answers(receiving, prepared, capsule, &answers, &mut accept)
}

/// The bytes, and under version 2 the miner.
type Answer<'a> = (&'a [u8; CAPSULE_FRAG_BYTES], Option<&'a Miner>);

fn open_answers<T>(
    receiving: &SecretKey,
    prepared: &mut PreparedContext,
    capsule: &Capsule,
    answers: &[Answer<'_>],
    accept: &mut impl FnMut(&SharedSecret) -> Result<T>,
) -> core::result::Result<Opened<T>, OpenFailure> {
    if let Ok(value) = at_once(receiving, prepared, answers, accept) {
        let rejected = Vec::new();
        return Ok(Opened { value, rejected });
    }
    let (frags, rejected) = check(prepared, capsule, answers);
    let opened = if frags.is_empty() && !rejected.is_empty() {
        Err(rejected
            .first()
            .map_or(Error::NoCapsuleFrags, |first| first.error))
    } else {
        with_verified(receiving, capsule, &frags, accept)
    };
    match opened {
        Ok(value) => Ok(Opened { value, rejected }),
        Err(error) => Err(OpenFailure { error, rejected }),
    }
}

/// Combines the answers unchecked: only E1, V1, X and the ids are looked at.
fn at_once<T>(
    receiving: &SecretKey,
    prepared: &PreparedContext,
    answers: &[Answer<'_>],
    accept: &mut impl FnMut(&SharedSecret) -> Result<T>,
) -> Result<T> {
    if prepared.context().receiving != receiving.public_key() {
        return Err(Error::AnotherContext { index: 0 });
    }
    let mut raw = Vec::with_capacity(answers.len());
    for (bytes, _) in answers {
        raw.push(RawFrag::simple(bytes)?);
    }
    let bytes = raw.first().ok_or(Error::NoCapsuleFrags)?.precursor;
    if let Some(index) = raw.iter().position(|raw| raw.precursor != bytes) {
        return Err(Error::MismatchedCapsuleFrag { index });
    }
    let precursor = Point::decode(bytes, PRECURSOR)?;
    let ids = raw.iter().map(|raw| *raw.id).collect();
    let weights = Weights::new(receiving, precursor, ids)?;
    let mut parts: Vec<Images> = Vec::with_capacity(raw.len());
    for raw in &raw {
        let [e1, v1] = Point::lanes([raw.e1, raw.v1]);
        parts.push([Point::judgeable(e1, E1)?, Point::judgeable(v1, V1)?]);
    }
    accept(&SharedSecret::from_point(&weights.shared_point(&parts))?)
}

/// Checks every answer.
fn check(
    prepared: &mut PreparedContext,
    capsule: &Capsule,
    answers: &[Answer<'_>],
) -> (Vec<VerifiedCapsuleFrag>, Vec<Rejected>) {
    let mut batch = BatchVerifier::new(prepared);
    for (bytes, miner) in answers {
        match miner {
            Some(miner) => batch.push_granted_simple(capsule, bytes, miner),
            None => batch.push_simple(capsule, bytes),
        }
    }
    let (mut frags, mut rejected) = (Vec::new(), Vec::new());
    for (index, verdict) in batch.finish().into_iter().enumerate() {
        match verdict {
            Ok(frag) => frags.push(frag),
            Err(error) => rejected.push(Rejected { index, error }),
        }
    }
    (frags, rejected)
}

fn with_verified<T>(
    receiving: &SecretKey,
    capsule: &Capsule,
    frags: &[VerifiedCapsuleFrag],
    accept: &mut impl FnMut(&SharedSecret) -> Result<T>,
) -> Result<T> {
    let first = frags.first().ok_or(Error::NoCapsuleFrags)?;
    let delegating = first.context.delegating;
    let opening = Opening::verified(receiving, &delegating, capsule, frags)?;
    let shared = opening.shared_point();
    accept(&SharedSecret::from_point(&shared)?).or_else(|error| {
        opening.validate(&shared, &delegating, capsule)?;
        Err(error)
    })
}

#[cfg(test)]
mod tests;
