//! A context with what can be computed once: a table for the verifying key, and the delegator's
//! signatures that were already found valid.

use alloc::collections::BTreeMap;

use super::CapsuleFrag;
use super::raw::{RawFrag, Signed};
use crate::arithmetic::vartime::{Shape, Table};
use crate::keys::context::Context;
use crate::policy::{Miner, Policy};

/// Signatures remembered: 16 delegations of the largest size. Further ones are checked each time.
const SIGNATURES_MAX: usize = 16 * 255;

/// A [`Context`] and a [`Policy`] prepared for many cfrags.
///
/// Each kfrag's signature is checked once; afterwards only the proof of a cfrag made with it is.
/// Holds public data only.
pub struct PreparedContext {
    context: Context,
    policy: Policy,
    key: Table,
    known: BTreeMap<[u8; 32], Known>,
}

/// A signature found valid, and the miner it is for.
struct Known {
    miner: Miner,
    signed: Signed,
}

impl PreparedContext {
    /// Prepares a context; costs about as much as checking one signature.
    pub fn new(context: Context, policy: Policy) -> Self {
        Self {
            context,
            policy,
            key: context.verifying.table(Shape::OFTEN),
            known: BTreeMap::new(),
        }
    }

    /// Keys that cfrags are verified for.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Policy that cfrags are verified for.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The digest that a cfrag of this miner must be signed for.
    pub(crate) fn digest(&self, frag: &CapsuleFrag, miner: &Miner) -> [u8; 32] {
        frag.digest(&self.context, &self.policy, miner)
    }

    /// Rows of the verifying key.
    pub(crate) const fn key(&self) -> &Table {
        &self.key
    }

    /// The signed fields, decoded, if exactly these were found valid for this id and miner.
    pub(crate) fn recall(&self, raw: &RawFrag<'_>, miner: &Miner) -> Option<&Signed> {
        let Known { miner: of, signed } = self.known.get(raw.id)?;
        let same = of == miner
            && signed.u1.bytes() == raw.u1
            && signed.precursor.bytes() == raw.precursor
            && signed.signature.to_bytes() == *raw.signature;
        same.then_some(signed)
    }

    /// Remembers the signature of a cfrag, which must have been found valid.
    pub(crate) fn remember(&mut self, frag: &CapsuleFrag, miner: Miner) {
        if self.known.len() < SIGNATURES_MAX {
            let signed = Signed {
                u1: frag.u1,
                precursor: frag.precursor,
                signature: frag.signature,
            };
            self.known.insert(frag.id, Known { miner, signed });
        }
    }

    #[cfg(test)]
    pub(crate) fn signatures(&self) -> usize {
        self.known.len()
    }
}
