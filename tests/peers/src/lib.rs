//! What the benchmark and the interoperability tests share: one delegation in both crates.

pub mod timing;

use umbral::{Context, KfragParams, Quorum, SecretKey, SignedKeys, Signer};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

/// The generator of our crate.
pub type Rng = getrandom::SysRng;

/// One set of keys, in both crates.
pub struct Parties {
    /// The delegating key.
    pub delegating: SecretKey,
    /// The receiving key.
    pub receiving: SecretKey,
    /// The delegator's signer.
    pub signer: Signer,
    /// The delegating key, for the peer.
    pub pre_delegating: pre::SecretKey,
    /// The receiving key, for the peer.
    pub pre_receiving: pre::SecretKey,
    /// The signer, for the peer.
    pub pre_signer: pre::Signer,
}

fn peer(bytes: &[u8]) -> pre::SecretKey {
    let mut boxed = pre::SecretKey::random().to_be_bytes();
    boxed.as_mut_secret().copy_from_slice(bytes);
    pre::SecretKey::try_from_be_bytes(&boxed).expect("a valid key")
}

impl Parties {
    /// Draws keys.
    pub fn random() -> Self {
        let rng = &mut getrandom::SysRng;
        let delegating = SecretKey::random(rng).expect("rng");
        let receiving = SecretKey::random(rng).expect("rng");
        let signer = Signer::random(rng).expect("rng");
        Self {
            pre_delegating: peer(&*delegating.to_secret_bytes()),
            pre_receiving: peer(&*receiving.to_secret_bytes()),
            pre_signer: pre::Signer::new(peer(&*signer.to_secret_bytes())),
            delegating,
            receiving,
            signer,
        }
    }

    /// The public side.
    pub fn context(&self) -> Context {
        Context {
            delegating: self.delegating.public_key(),
            receiving: self.receiving.public_key(),
            verifying: self.signer.verifying_key(),
        }
    }

    /// Our key fragments.
    pub fn kfrags(&self, threshold: u16, shares: u16) -> Vec<umbral::VerifiedKeyFrag> {
        let params = KfragParams {
            delegating: &self.delegating,
            receiving: &self.receiving.public_key(),
            signer: &self.signer,
            quorum: Quorum::new(threshold, shares).expect("quorum"),
            signed: SignedKeys::BOTH,
        };
        umbral::generate_kfrags(&mut getrandom::SysRng, &params).expect("kfrags")
    }

    /// The peer's key fragments.
    pub fn pre_kfrags(&self, threshold: usize, shares: usize) -> Box<[pre::VerifiedKeyFrag]> {
        let public = self.pre_receiving.public_key();
        let signer = &self.pre_signer;
        pre::generate_kfrags(
            &self.pre_delegating,
            &public,
            signer,
            threshold,
            shares,
            true,
            true,
        )
    }
}

/// Our capsule in the peer.
pub fn pre_capsule(capsule: &umbral::Capsule) -> pre::Capsule {
    pre::Capsule::from_bytes(&capsule.to_msgpack()).expect("capsule")
}
