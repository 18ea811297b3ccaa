//! A context with what can be computed once: a table for the verifying key, and the delegator's
//! signatures that were already found valid.

use alloc::collections::BTreeMap;

use crate::capsule_frag::{CapsuleFrag, RawFrag};
use crate::context::Context;
use crate::point::Point;
use crate::signing::Signature;
use crate::vartime::{Shape, Table};

/// Signatures remembered: 16 delegations of the largest size. Further ones are checked each time.
const SIGNATURES_MAX: usize = 16 * 255;

/// A [`Context`] prepared for many fragments.
///
/// Each key fragment's signature is checked once; afterwards only the proof of a fragment made with
/// it is. Holds public data only.
pub struct PreparedContext {
    context: Context,
    key: Table,
    known: BTreeMap<[u8; 32], Signed>,
}

/// What a valid signature covers, besides the id and the keys.
struct Signed {
    u1: Point,
    precursor: Point,
    signature: Signature,
}

impl PreparedContext {
    /// Prepares a context; costs about as much as checking one signature.
    pub fn new(context: Context) -> Self {
        Self {
            context,
            key: context.verifying.table(Shape::OFTEN),
            known: BTreeMap::new(),
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
    pub(crate) fn recall(&self, raw: &RawFrag<'_>) -> Option<(Point, Point, Signature)> {
        let signed = self.known.get(raw.id)?;
        let same = signed.u1.bytes() == raw.u1
            && signed.precursor.bytes() == raw.precursor
            && signed.signature.to_bytes() == *raw.signature;
        same.then_some((signed.u1, signed.precursor, signed.signature))
    }

    /// Whether the fragment's signature was found valid before.
    pub(crate) fn knows(&self, frag: &CapsuleFrag) -> bool {
        self.known.get(&frag.id).is_some_and(|signed| {
            signed.u1 == frag.u1
                && signed.precursor == frag.precursor
                && signed.signature == frag.signature
        })
    }

    /// Remembers the signature of a fragment, which must have been found valid.
    pub(crate) fn remember(&mut self, frag: &CapsuleFrag) {
        if self.known.len() < SIGNATURES_MAX {
            let signed = Signed {
                u1: frag.u1,
                precursor: frag.precursor,
                signature: frag.signature,
            };
            self.known.insert(frag.id, signed);
        }
    }
}
