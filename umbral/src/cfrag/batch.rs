//! Checking many fragments of one delegation together.

use alloc::vec::Vec;

use crate::arithmetic::vartime::ecdsa;
use crate::capsule::Capsule;
use crate::cfrag::prepared::PreparedContext;
use crate::cfrag::proof::{Claim, failures};
use crate::cfrag::{CAPSULE_FRAG_BYTES, CapsuleFrag, RawFrag, VerifiedCapsuleFrag};
use crate::error::{Error, Result};
use crate::keys::signing::Signature;
use crate::v2::Miner;

/// Fragments whose proofs are combined into one sum: beyond that more costs no less each.
const CHUNK: usize = 64;

/// Checks capsule fragments together, for any number of capsules of one context.
///
/// Every verdict is the one [`CapsuleFrag::verify`] gives; a forged fragment spoils none of its
/// neighbours. Signatures found valid are remembered by the [`PreparedContext`].
///
/// ```
/// # use umbral::*;
/// # fn check(context: Context, capsule: &Capsule, answers: &[[u8; CAPSULE_FRAG_BYTES]]) {
/// let mut prepared = PreparedContext::new(context);
/// let mut batch = BatchVerifier::new(&mut prepared);
/// for answer in answers {
///     batch.push_simple(capsule, answer);
/// }
/// for (miner, verdict) in batch.finish().iter().enumerate() {
///     assert!(verdict.is_ok(), "miner {miner} cheats");
/// }
/// # }
/// ```
pub struct BatchVerifier<'a> {
    prepared: &'a mut PreparedContext,
    items: Vec<Item<'a>>,
}

struct Item<'a> {
    capsule: &'a Capsule,
    frag: Result<CapsuleFrag>,
    known: bool,
    miner: Option<Miner>,
}

impl<'a> BatchVerifier<'a> {
    /// An empty batch.
    pub const fn new(prepared: &'a mut PreparedContext) -> Self {
        Self {
            prepared,
            items: Vec::new(),
        }
    }

    /// Adds a fragment that claims to be for this capsule.
    pub fn push(&mut self, capsule: &'a Capsule, frag: CapsuleFrag) {
        self.push_from(capsule, frag, None);
    }

    /// As [`BatchVerifier::push`], under version 2: from this miner. In a context prepared for
    /// version 1 the verdict is [`Error::KeyFragSignature`], and so it is the other way round.
    pub fn push_granted(&mut self, capsule: &'a Capsule, frag: CapsuleFrag, miner: &Miner) {
        self.push_from(capsule, frag, Some(*miner));
    }

    fn push_from(&mut self, capsule: &'a Capsule, frag: CapsuleFrag, miner: Option<Miner>) {
        let known = self.prepared.knows(&frag, miner.as_ref());
        self.items.push(Item {
            capsule,
            frag: Ok(frag),
            known,
            miner,
        });
    }

    /// Adds a fragment as received, in the simple form. Cheaper than decoding it first: points that
    /// a remembered signature covers, and an X that the previous fragment had, are not decompressed
    /// again. A fragment that is not well-formed gets the decoder's error as its verdict.
    pub fn push_simple(&mut self, capsule: &'a Capsule, bytes: &[u8; CAPSULE_FRAG_BYTES]) {
        self.push_bytes(capsule, bytes, None);
    }

    /// As [`BatchVerifier::push_simple`], under version 2: from this miner.
    pub fn push_granted_simple(
        &mut self,
        capsule: &'a Capsule,
        bytes: &[u8; CAPSULE_FRAG_BYTES],
        miner: &Miner,
    ) {
        self.push_bytes(capsule, bytes, Some(*miner));
    }

    fn push_bytes(
        &mut self,
        capsule: &'a Capsule,
        bytes: &[u8; CAPSULE_FRAG_BYTES],
        miner: Option<Miner>,
    ) {
        let previous = self.items.last().and_then(|item| item.frag.as_ref().ok());
        let previous = previous.map(|frag| frag.precursor);
        let raw = RawFrag::simple(bytes);
        let (frag, known) = match raw {
            Err(error) => (Err(error), false),
            Ok(raw) => match self.prepared.recall(&raw, miner.as_ref()) {
                Some(signed) => (raw.decode_known(signed), true),
                None => (raw.decode_with(previous), false),
            },
        };
        self.items.push(Item {
            capsule,
            frag,
            known,
            miner,
        });
    }

    /// The verdicts, in the order of the fragments.
    pub fn finish(self) -> Vec<Result<VerifiedCapsuleFrag>> {
        let Self { prepared, items } = self;
        let mut verdicts: Vec<Option<Error>> = signatures(prepared, &items);
        let passed = items.iter().zip(&verdicts).enumerate();
        let claims: Vec<(usize, Claim<'_>)> = passed
            .filter(|(_, (_, verdict))| verdict.is_none())
            .filter_map(|(at, (item, _))| {
                let frag = item.frag.as_ref().ok()?;
                Some((at, Claim::new(item.capsule, frag)))
            })
            .collect();
        for (at, error) in proofs(&claims) {
            if let Some(verdict) = verdicts.get_mut(at) {
                *verdict = Some(error);
            }
        }
        conclude(prepared, items, verdicts)
    }
}

/// Decoding errors, and signatures that do not verify.
fn signatures(prepared: &PreparedContext, items: &[Item<'_>]) -> Vec<Option<Error>> {
    let unknown = items.iter().filter(|item| !item.known);
    let frags: Vec<(&CapsuleFrag, Option<&Miner>)> = unknown
        .filter_map(|item| Some((item.frag.as_ref().ok()?, item.miner.as_ref())))
        .collect();
    let all: Vec<Signature> = frags.iter().map(|(frag, _)| frag.signature).collect();
    let jobs = frags
        .into_iter()
        .zip(Signature::parts_of_all(&all))
        .collect();
    let mut checked = each(jobs, |((frag, miner), parts): ((&CapsuleFrag, _), _)| {
        let key = prepared.key().point(0);
        let digest = prepared.digest(frag, miner);
        let valid = digest.is_some_and(|digest| ecdsa::verify_judgeable(key, &digest, &parts));
        (!valid).then_some(Error::KeyFragSignature)
    })
    .into_iter();
    items
        .iter()
        .map(|item| match &item.frag {
            Err(error) => Some(*error),
            Ok(_) if item.known => None,
            Ok(_) => checked.next().flatten(),
        })
        .collect()
}

/// The fragments whose proof fails, by position.
fn proofs(claims: &[(usize, Claim<'_>)]) -> Vec<(usize, Error)> {
    let chunks: Vec<&[(usize, Claim<'_>)]> = claims.chunks(CHUNK).collect();
    let found = each(chunks, |chunk| {
        let alone: Vec<Claim<'_>> = chunk.iter().map(|(_, claim)| *claim).collect();
        let failures = failures(&alone).into_iter();
        let at = |(index, equation)| {
            let (at, _) = chunk.get(index)?;
            Some((*at, Error::Reencryption(equation)))
        };
        failures.filter_map(at).collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

fn conclude(
    prepared: &mut PreparedContext,
    items: Vec<Item<'_>>,
    verdicts: Vec<Option<Error>>,
) -> Vec<Result<VerifiedCapsuleFrag>> {
    let mut last: Option<(&Capsule, [u8; 32])> = None;
    let judged = items.into_iter().zip(verdicts);
    judged
        .map(|(item, verdict)| {
            let frag = item.frag?;
            if !item.known && !matches!(verdict, Some(Error::KeyFragSignature)) {
                prepared.remember(&frag, item.miner);
            }
            if let Some(error) = verdict {
                return Err(error);
            }
            let capsule = match last {
                Some((capsule, fingerprint)) if core::ptr::eq(capsule, item.capsule) => fingerprint,
                _ => item.capsule.fingerprint(),
            };
            last = Some((item.capsule, capsule));
            Ok(VerifiedCapsuleFrag {
                frag,
                context: *prepared.context(),
                capsule,
            })
        })
        .collect()
}

/// Applies a function to each element, in order; on all cores with the feature `rayon`.
#[cfg(not(feature = "rayon"))]
pub(crate) fn each<T, U>(elements: Vec<T>, function: impl Fn(T) -> U) -> Vec<U> {
    elements.into_iter().map(function).collect()
}

/// Applies a function to each element, in order; on all cores with the feature `rayon`.
#[cfg(feature = "rayon")]
pub(crate) fn each<T: Send, U: Send>(
    elements: Vec<T>,
    function: impl Fn(T) -> U + Sync + Send,
) -> Vec<U> {
    use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
    elements.into_par_iter().map(function).collect()
}

#[cfg(test)]
mod tests;
