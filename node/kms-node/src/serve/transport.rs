//! The node's transport keys, to which clients seal their messages. In memory alone: a new one at
//! each start and in each period of the chain; the one before lives one period more, then nobody
//! has it, and what was sealed to it stays sealed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kms_protocol::messages::{Problem, TransportCertificate};
use kms_protocol::{
    Address, Domain, EthSecret, EthSignature, Period, TransportKeyId, TransportSecret,
};

use crate::gate::Verdict;

/// Whom the certificates are for and who signs them.
pub(crate) struct Certifier<'a> {
    pub(crate) domain: &'a Domain,
    pub(crate) miner: Address,
    pub(crate) worker: &'a EthSecret,
}

struct Held {
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
}

impl TransportKeys {
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
        let secret = TransportSecret::random().map_err(|error| Problem::from(&error))?;
        let certificate = TransportCertificate {
            miner: certifier.miner,
            key: secret.key(),
            first_period: now,
            last_period: now.checked_add(1).unwrap_or(now),
            signature: EthSignature::UNSIGNED,
        };
        let certificate = certificate.signed(certifier.domain, certifier.worker);
        held.retain(|old| old.certificate.last_period >= now);
        held.push(Held {
            made: Instant::now(),
            secret: Arc::new(secret),
            certificate,
        });
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
