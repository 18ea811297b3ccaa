//! What the benchmark and the interoperability tests share: one delegation in both crates.

pub mod timing;

use umbral::compat::{self, KfragParams, SignedKeys};
use umbral::{Context, GrantParams, Granted, Miner, Policy, Quorum, SecretKey, Signer};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

/// The generator of our crate.
pub type Rng = getrandom::SysRng;

/// The miner of every delegation.
pub const MINER: Miner = [7; 20];

/// A policy of m of n.
pub fn policy(threshold: u16, shares: u16) -> Policy {
    Policy {
        chain_id: 1,
        contract: [1; 20],
        policy_id: [2; 32],
        quorum: Quorum::new(threshold, shares).expect("quorum"),
        not_before: 0,
        expiry: 1,
        conditions: [0; 32],
    }
}

/// One set of keys, in both crates.
pub struct Parties {
    /// Key that capsules are made for, and that is split.
    pub delegating: SecretKey,
    /// Key that opens what was re-encrypted.
    pub receiving: SecretKey,
    /// Signs the kfrags and the commitments.
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
    /// Draws three keys, and gives the peer the same.
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

    /// Public keys of the three, for our crate.
    pub fn context(&self) -> Context {
        Context {
            delegating: self.delegating.public_key(),
            receiving: self.receiving.public_key(),
            verifying: self.signer.verifying_key(),
        }
    }

    /// A delegation; all kfrags are for [`MINER`].
    pub fn grant(&self, threshold: u16, shares: u16) -> Granted {
        let params = GrantParams {
            delegating: &self.delegating,
            receiving: &self.receiving.public_key(),
            signer: &self.signer,
            policy: &policy(threshold, shares),
            miners: &vec![MINER; shares.into()],
        };
        umbral::generate_kfrags(&mut getrandom::SysRng, &params).expect("grants")
    }

    /// Our kfrags of version 1.
    pub fn kfrags(&self, threshold: u16, shares: u16) -> Vec<compat::VerifiedKeyFrag> {
        let params = KfragParams {
            delegating: &self.delegating,
            receiving: &self.receiving.public_key(),
            signer: &self.signer,
            quorum: Quorum::new(threshold, shares).expect("quorum"),
            signed: SignedKeys::BOTH,
        };
        compat::generate_kfrags(&mut getrandom::SysRng, &params).expect("kfrags")
    }

    /// Kfrags as umbral-pre makes them.
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
