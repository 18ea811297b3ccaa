//! Opening many capsules of one delegation: the secret weights of a set of proxies are computed
//! once, and each further capsule costs one linear combination.

use alloc::vec::Vec;
use core::fmt;

use zeroize::ZeroizeOnDrop;

use crate::capsule::Capsule;
use crate::capsule::dem::open;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::VerifiedCapsuleFrag;
use crate::cfrag::batch::each;
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};
use crate::opening::{Weights, common_precursor, images, refuse_strangers};

/// What a receiver needs to combine the answers of one set of proxies.
///
/// Never cloned, compared, serialised or printed; erased when dropped.
pub struct OpeningKey {
    delegating: PublicKey,
    receiving: PublicKey,
    weights: Weights,
}

impl OpeningKey {
    /// Prepares for the proxies that made these fragments.
    ///
    /// # Errors
    /// As [`decapsulate_reencrypted`](crate::decapsulate_reencrypted), but for the validation.
    pub fn new(receiving: &SecretKey, frags: &[VerifiedCapsuleFrag]) -> Result<Self> {
        let first = frags.first().ok_or(Error::NoCapsuleFrags)?;
        let public = receiving.public_key();
        let delegating = first.context.delegating;
        let other = frags.iter().position(|frag| {
            frag.context.delegating != delegating || frag.context.receiving != public
        });
        if let Some(index) = other {
            return Err(Error::AnotherContext { index });
        }
        let all = || frags.iter().map(|frag| &frag.frag);
        let ids = all().map(|frag| frag.id).collect();
        Ok(Self {
            delegating,
            receiving: public,
            weights: Weights::new(receiving, common_precursor(all())?, ids)?,
        })
    }

    /// Whether these fragments come from the same proxies, in the same order.
    pub fn fits(&self, frags: &[VerifiedCapsuleFrag]) -> bool {
        let mut all = frags.iter().map(|frag| &frag.frag);
        common_precursor(all.clone())
            .is_ok_and(|x| self.weights.fit(&x, all.by_ref().map(|f| f.id)))
    }

    /// Opens a capsule with fragments from those proxies, in the same order.
    ///
    /// # Errors
    /// As [`decapsulate_reencrypted`](crate::decapsulate_reencrypted);
    /// [`Error::OtherProxies`] if the fragments are not from those proxies.
    pub fn decapsulate(
        &self,
        capsule: &Capsule,
        frags: &[VerifiedCapsuleFrag],
    ) -> Result<SharedSecret> {
        self.open_with(capsule, frags, |_| Err::<(), _>(Error::ValidationFailed))
            .map(|(secret, _)| secret)
    }

    /// Decrypts with fragments from those proxies, in the same order.
    ///
    /// # Errors
    /// As [`decrypt_reencrypted`](crate::decrypt_reencrypted), and [`Error::OtherProxies`].
    pub fn decrypt(
        &self,
        capsule: &Capsule,
        frags: &[VerifiedCapsuleFrag],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>> {
        let opened = self.open_with(capsule, frags, |secret| open(secret, capsule, ciphertext));
        opened.and_then(|(_, value)| value)
    }

    /// The key, and what was made of it. The opening is validated if nothing could be.
    fn open_with<T>(
        &self,
        capsule: &Capsule,
        frags: &[VerifiedCapsuleFrag],
        attempt: impl FnOnce(&SharedSecret) -> Result<T>,
    ) -> Result<(SharedSecret, Result<T>)> {
        refuse_strangers(&self.receiving, &self.delegating, capsule, frags)?;
        if !self.fits(frags) {
            return Err(Error::OtherProxies);
        }
        let parts = images(frags.iter().map(|frag| &frag.frag));
        let shared = self.weights.shared_point(&parts);
        let secret = SharedSecret::from_point(&shared)?;
        let value = attempt(&secret);
        if value.is_err() {
            let weights = &self.weights;
            weights.validate(&parts, &shared, &self.delegating, capsule)?;
        }
        Ok((secret, value))
    }
}

impl ZeroizeOnDrop for OpeningKey {}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(<redacted>)")
    }
}

/// A capsule, the fragments verified for it, and the ciphertext that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// The capsule.
    pub capsule: &'a Capsule,
    /// Fragments verified for it, at least the threshold.
    pub frags: &'a [VerifiedCapsuleFrag],
    /// The ciphertext.
    pub ciphertext: &'a [u8],
}

/// Decrypts many messages; the weights of each set of proxies are computed once. With the feature
/// `rayon` on all cores. The results are those of
/// [`decrypt_reencrypted`](crate::decrypt_reencrypted), in the order of the messages.
pub fn open_many(receiving: &SecretKey, sealed: &[Sealed<'_>]) -> Vec<Result<Vec<u8>>> {
    let mut keys: Vec<OpeningKey> = Vec::new();
    let mut jobs = Vec::with_capacity(sealed.len());
    for item in sealed {
        let known = keys.iter().rposition(|key| key.fits(item.frags));
        let index = match known {
            Some(index) => Ok(index),
            None => OpeningKey::new(receiving, item.frags).map(|key| {
                keys.push(key);
                keys.len() - 1
            }),
        };
        jobs.push((item, index));
    }
    each(jobs, |(item, index)| {
        let key = keys
            .get(index?)
            .ok_or(Error::Bug("the key was just kept"))?;
        key.decrypt(item.capsule, item.frags, item.ciphertext)
    })
}

#[cfg(test)]
mod tests;
