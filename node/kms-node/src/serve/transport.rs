//! The node's transport keys, to which clients seal their messages. In memory alone: a new one at
//! each start and in each period of the chain; the one before lives one period more, then nobody
//! has it, and what was sealed to it stays sealed. Nodes that share a database share their keys
//! there, sealed under the storage root.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kms_protocol::messages::{Problem, TransportCertificate};
use kms_protocol::{
    Address, Domain, EthSecret, EthSignature, Period, Refusal, TransportKeyId, TransportSecret,
};

use crate::gate::Verdict;
use crate::store::shared::KeyRow;

/// Whom the certificates are for and who signs them.
pub(crate) struct Certifier<'a> {
    pub(crate) domain: &'a Domain,
    pub(crate) miner: Address,
    pub(crate) worker: &'a EthSecret,
}

pub(super) struct Held {
    /// When it was made, by the monotonic clock.
    made: Instant,
    secret: Arc<TransportSecret>,
    certificate: TransportCertificate,
}

/// The keys of this period and of the one before.
#[derive(Default)]
pub(crate) struct TransportKeys {
    /// Oldest first, at most two.
    held: Mutex<Vec<Held>>,
    /// Whether they come from the database, and are not made here.
    shared: bool,
}

impl Held {
    pub(super) fn new(
        secret: TransportSecret,
        first_period: Period,
        certifier: &Certifier<'_>,
    ) -> Self {
        let certificate = TransportCertificate {
            miner: certifier.miner,
            key: secret.key(),
            first_period,
            last_period: first_period.checked_add(1).unwrap_or(first_period),
            signature: EthSignature::UNSIGNED,
        };
        Self {
            made: Instant::now(),
            secret: Arc::new(secret),
            certificate: certificate.signed(certifier.domain, certifier.worker),
        }
    }
}

impl TransportKeys {
    /// Keys of one node, or those of the nodes that share a database.
    pub(crate) fn new(shared: bool) -> Self {
        Self {
            held: Mutex::default(),
            shared,
        }
    }

    /// Whether other nodes have these keys too.
    pub(crate) fn are_shared(&self) -> bool {
        self.shared
    }

    /// Holds the keys of these rows and no others; opens those it did not hold.
    pub(super) fn take_over(&self, rows: &[KeyRow], open: impl Fn(&KeyRow) -> Option<Held>) {
        let mut held = self.lock();
        let is_of = |held: &Held, row: &KeyRow| held.certificate.first_period == row.first_period;
        held.retain(|held| rows.iter().any(|row| is_of(held, row)));
        for row in rows {
            if !held.iter().any(|held| is_of(held, row)) {
                held.extend(open(row));
            }
        }
        held.sort_by_key(|held| held.certificate.first_period);
    }

    /// The certificate of the present key, which is made first if period `now` has none.
    pub(crate) fn present(
        &self,
        now: Period,
        certifier: &Certifier<'_>,
    ) -> Verdict<TransportCertificate> {
        let mut held = self.lock();
        // A reorg may bring back an earlier period: its successor's key serves as well.
        if let Some(newest) = held.last()
            && newest.certificate.first_period >= now
        {
            return Ok(newest.certificate);
        }
        if self.shared {
            // Until the next look at the database that of the last period serves.
            let newest = held.last().map(|held| held.certificate);
            let usable = newest.filter(|certificate| certificate.last_period >= now);
            let none = || Problem::new(Refusal::StaleChainView, "no transport key yet");
            return usable.ok_or_else(|| none().retry_after(1));
        }
        let secret = TransportSecret::random().map_err(|error| Problem::from(&error))?;
        let made = Held::new(secret, now, certifier);
        let certificate = made.certificate;
        held.retain(|old| old.certificate.last_period >= now);
        held.push(made);
        Ok(certificate)
    }

    /// Wipes the keys that are at least `life` old: what is over by the chain's clock alone would
    /// stay for as long as no endpoint answers.
    pub(crate) fn wipe(&self, now: Instant, life: Duration) {
        self.lock()
            .retain(|held| now.saturating_duration_since(held.made) < life);
    }

    /// The secret of a key that is not over in period `now`.
    pub(crate) fn find(&self, id: TransportKeyId, now: Period) -> Option<Arc<TransportSecret>> {
        let held = self.lock();
        let found = held.iter().find(|held| {
            held.certificate.last_period >= now && TransportKeyId::of(&held.certificate.key) == id
        })?;
        Some(found.secret.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
