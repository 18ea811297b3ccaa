//! Checking many cfrags of one delegation together.

use alloc::vec::Vec;

use super::CapsuleFrag;
use super::prepared::PreparedContext;
use super::proof::{Claim, failures};
use super::raw::RawFrag;
use super::verified::VerifiedCapsuleFrag;
use crate::arithmetic::vartime::ecdsa;
use crate::capsule::Capsule;
use crate::error::{Error, Result};
use crate::keys::signing::Signature;
use crate::policy::Miner;

/// Cfrags whose proofs are combined into one sum; a larger sum costs no less per cfrag.
const CHUNK: usize = 64;

/// Checks cfrags together, for any number of capsules of one delegation.
///
/// Every verdict is the one [`CapsuleFrag::verify`] gives; a forged cfrag spoils none of its
/// neighbours. Signatures found valid are remembered by the [`PreparedContext`].
///
/// ```
/// # use umbral::*;
/// # fn check(
/// #     context: Context,
/// #     policy: Policy,
/// #     capsule: &Capsule,
/// #     answers: &[(Miner, [u8; CapsuleFrag::BYTES])],
/// # ) {
/// let mut prepared = PreparedContext::new(context, policy);
/// let mut batch = BatchVerifier::new(&mut prepared);
/// for (miner, answer) in answers {
///     batch.push(capsule, answer, miner);
/// }
/// for ((miner, _), verdict) in answers.iter().zip(batch.finish()) {
///     assert!(verdict.is_ok(), "miner {miner:?} cheats");
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
    miner: Miner,
}

impl<'a> BatchVerifier<'a> {
    /// Starts a batch that checks for the keys and the policy of this context.
    pub const fn new(prepared: &'a mut PreparedContext) -> Self {
        Self {
            prepared,
            items: Vec::new(),
        }
    }

    /// Adds a cfrag as received from this miner, which claims to be for this capsule. Cheaper than
    /// decoding it first: points that a remembered signature covers, and an X that the previous
    /// cfrag had, are not decompressed again. A cfrag that is not well-formed gets the decoder's
    /// error as its verdict.
    pub fn push(&mut self, capsule: &'a Capsule, bytes: &[u8; CapsuleFrag::BYTES], miner: &Miner) {
        let previous = self.items.last().and_then(|item| item.frag.as_ref().ok());
        let previous = previous.map(|frag| frag.precursor);
        let (frag, known) = match RawFrag::new(bytes) {
            Err(error) => (Err(error), false),
            Ok(raw) => match self.prepared.recall(&raw, miner) {
                Some(signed) => (raw.decode_known(signed), true),
                None => (raw.decode_with(previous), false),
            },
        };
        self.items.push(Item {
            capsule,
            frag,
            known,
            miner: *miner,
        });
    }

    /// Gives the verdicts, in the order of the cfrags.
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
    let frags: Vec<(&CapsuleFrag, &Miner)> = unknown
        .filter_map(|item| Some((item.frag.as_ref().ok()?, &item.miner)))
        .collect();
    let all: Vec<Signature> = frags.iter().map(|(frag, _)| frag.signature).collect();
    let parts = Signature::parts_of_all(&all);
    let jobs = frags.into_iter().zip(parts).collect();
    let mut checked = each(jobs, |((frag, miner), parts): ((&CapsuleFrag, _), _)| {
        let digest = prepared.digest(frag, miner);
        let valid = ecdsa::verify_judgeable(prepared.key().point(0), &digest, &parts);
        (!valid).then_some(Error::CapsuleFragSignature)
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

/// The cfrags whose proof fails, by position.
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
            if !item.known && !matches!(verdict, Some(Error::CapsuleFragSignature)) {
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
