//! A bounded cache of verified kfrags, which saves a request the database read and the
//! verification. An erased kfrag is removed at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kms_protocol::messages::CommitmentsBytes;
use kms_protocol::{Address, PolicyId};
use umbral::{VerifiedKeyFrag, VerifyingKey};

/// A verified kfrag in clear. Secret: has no `Debug`.
pub(crate) struct HeldKfrag {
    pub(crate) kfrag: VerifiedKeyFrag,
    /// Address of the receiving key, which must sign requests.
    pub(crate) reader: Address,
    /// The author's verifying key, part of the reply.
    pub(crate) verifying: VerifyingKey,
    /// The author's commitments, part of the reply.
    pub(crate) commitments: CommitmentsBytes,
}

/// An LRU cache of at most `capacity` kfrags.
pub(crate) struct KfragCache {
    capacity: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    clock: u64,
    entries: HashMap<PolicyId, (u64, Arc<HeldKfrag>)>,
}

impl KfragCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inner: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, id: &PolicyId) -> Option<Arc<HeldKfrag>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let now = inner.clock;
        let (used, held) = inner.entries.get_mut(id)?;
        *used = now;
        Some(held.clone())
    }

    pub(crate) fn put(&self, id: PolicyId, held: Arc<HeldKfrag>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.entries.len() >= self.capacity && !inner.entries.contains_key(&id) {
            // A linear scan, once per insertion into a full cache.
            let oldest = inner.entries.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                inner.entries.remove(&oldest);
            }
        }
        inner.clock += 1;
        let now = inner.clock;
        inner.entries.insert(id, (now, held));
    }

    pub(crate) fn remove(&self, id: &PolicyId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.remove(id);
    }
}

#[cfg(test)]
mod tests;
