//! What the tests of version 1 share: a ready delegation.

use alloc::vec::Vec;

use super::{KfragParams, SignedKeys, VerifiedKeyFrag, generate_kfrags, reencrypt};
use crate::testing::{MESSAGE, TestRng};
use crate::{Capsule, Context, Quorum, SecretKey, Signer, VerifiedCapsuleFrag, encrypt};

/// A delegation of version 1, m of n.
pub(crate) struct DelegationV1 {
    pub(crate) rng: TestRng,
    pub(crate) signer: Signer,
    pub(crate) context: Context,
    pub(crate) kfrags: Vec<VerifiedKeyFrag>,
    pub(crate) capsule: Capsule,
}

impl DelegationV1 {
    pub(crate) fn new(seed: u64, threshold: u16, shares: u16) -> Self {
        let quorum = Quorum::new(threshold, shares).unwrap();
        Self::signing(seed, quorum, SignedKeys::BOTH)
    }

    pub(crate) fn signing(seed: u64, quorum: Quorum, signed: SignedKeys) -> Self {
        let mut rng = TestRng::new(seed);
        let delegating = SecretKey::random(&mut rng).unwrap();
        let receiving = SecretKey::random(&mut rng).unwrap();
        let signer = Signer::random(&mut rng).unwrap();
        let params = KfragParams {
            delegating: &delegating,
            receiving: &receiving.public_key(),
            signer: &signer,
            quorum,
            signed,
        };
        let kfrags = generate_kfrags(&mut rng, &params).unwrap();
        let (capsule, _) = encrypt(&mut rng, &delegating.public_key(), MESSAGE).unwrap();
        Self {
            rng,
            signer,
            context: *kfrags[0].context(),
            kfrags,
            capsule,
        }
    }

    /// A cfrag of the first kfrag.
    pub(crate) fn cfrag(&mut self) -> VerifiedCapsuleFrag {
        reencrypt(&mut self.rng, &self.capsule, &self.kfrags[0]).unwrap()
    }
}
