//! A bounded cache of verified kfrags, which saves a request the database read and the
//! verification. An erased kfrag is removed at once, and a read that began before does not bring it
//! back.

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
    /// Number of removals so far.
    removals: u64,
    entries: HashMap<PolicyId, (u64, Arc<HeldKfrag>)>,
}

/// A moment in the life of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(u64);

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

    /// Marks the moment before the database is read or written, for [`Self::put`].
    pub(crate) fn moment(&self) -> Moment {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Moment(inner.removals)
    }

    /// Keeps a kfrag that the database held after `since`. Returns false, and keeps nothing, if any
    /// kfrag was removed since then: it may be this one.
    pub(crate) fn put(&self, id: PolicyId, held: Arc<HeldKfrag>, since: Moment) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.removals != since.0 {
            return false;
        }
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
        true
    }

    /// Removes a kfrag whose row is erased.
    pub(crate) fn remove(&self, id: &PolicyId) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.removals += 1;
        inner.entries.remove(id);
    }
}

#[cfg(test)]
mod tests;
