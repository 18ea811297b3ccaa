//! A context with what can be computed once: a table for the verifying key, and the delegator's
//! signatures that were already found valid.

use alloc::collections::BTreeMap;

use crate::arithmetic::point::Point;
use crate::arithmetic::vartime::{Shape, Table};
use crate::cfrag::{CapsuleFrag, RawFrag};
use crate::hashing::sha256;
use crate::keys::context::Context;
use crate::keys::signing::Signature;
use crate::v2::{Miner, Policy};

/// Signatures remembered: 16 delegations of the largest size. Further ones are checked each time.
const SIGNATURES_MAX: usize = 16 * 255;

/// A [`Context`] prepared for many fragments.
///
/// Each key fragment's signature is checked once; afterwards only the proof of a fragment made with
/// it is. Holds public data only.
pub struct PreparedContext {
    context: Context,
    key: Table,
    policy: Option<Policy>,
    known: BTreeMap<[u8; 32], Signed>,
}

/// What a valid signature covers, besides the id and the keys.
struct Signed {
    u1: Point,
    precursor: Point,
    signature: Signature,
    /// The miner it was made for, under version 2.
    miner: Option<Miner>,
}

impl PreparedContext {
    /// Prepares a context for fragments of version 1; costs about as much as checking one
    /// signature.
    pub fn new(context: Context) -> Self {
        Self {
            context,
            key: context.verifying.table(Shape::OFTEN),
            policy: None,
            known: BTreeMap::new(),
        }
    }

    /// Prepares a context for fragments granted under a policy, version 2.
    pub fn granted(context: Context, policy: Policy) -> Self {
        Self {
            policy: Some(policy),
            ..Self::new(context)
        }
    }

    /// The policy, under version 2.
    pub const fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// The digest the fragment's signature must be for. Under version 2 a fragment without a miner
    /// has none, and neither has one with a miner under version 1.
    pub(crate) fn digest(&self, frag: &CapsuleFrag, miner: Option<&Miner>) -> Option<[u8; 32]> {
        match (&self.policy, miner) {
            (None, None) => Some(sha256(&frag.signed_message(&self.context))),
            (Some(policy), Some(miner)) => Some(frag.granted_digest(&self.context, policy, miner)),
            _ => None,
        }
    }

    /// The context.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Number of signatures remembered.
    pub fn signatures(&self) -> usize {
        self.known.len()
    }

    /// Forgets the signatures.
    pub fn forget_signatures(&mut self) {
        self.known.clear();
    }

    /// Rows of the verifying key.
    pub(crate) const fn key(&self) -> &Table {
        &self.key
    }

    /// U1, X and the signature, decoded, if exactly these were found valid for this id.
    pub(crate) fn recall(
        &self,
        raw: &RawFrag<'_>,
        miner: Option<&Miner>,
    ) -> Option<(Point, Point, Signature)> {
        let signed = self.known.get(raw.id)?;
        let same = signed.miner.as_ref() == miner
            && signed.u1.bytes() == raw.u1
            && signed.precursor.bytes() == raw.precursor
            && signed.signature.to_bytes() == *raw.signature;
        same.then_some((signed.u1, signed.precursor, signed.signature))
    }

    /// Whether the fragment's signature was found valid before.
    pub(crate) fn knows(&self, frag: &CapsuleFrag, miner: Option<&Miner>) -> bool {
        self.known.get(&frag.id).is_some_and(|signed| {
            signed.miner.as_ref() == miner
                && signed.u1 == frag.u1
                && signed.precursor == frag.precursor
                && signed.signature == frag.signature
        })
    }

    /// Remembers the signature of a fragment, which must have been found valid.
    pub(crate) fn remember(&mut self, frag: &CapsuleFrag, miner: Option<Miner>) {
        if self.known.len() < SIGNATURES_MAX {
            let signed = Signed {
                u1: frag.u1,
                precursor: frag.precursor,
                signature: frag.signature,
                miner,
            };
            self.known.insert(frag.id, signed);
        }
    }
}
