//! Threshold proxy re-encryption: Umbral on secp256k1.
//!
//! An owner (A) encrypts under a key of its own. Later it splits a re-encryption key for a receiver
//! (B) over n proxies. Any m of them turn the owner's capsule into fragments that B opens; fewer
//! learn nothing, and none of them ever sees data or a decryption key. Every fragment carries a
//! proof, so a proxy that cheats is found out.
//!
//! ```
//! use umbral::*;
//!
//! # fn main() -> Result<()> {
//! let rng = &mut getrandom::SysRng;
//!
//! // The owner has one delegating key per label, and a key that signs.
//! let delegating = SecretKeyFactory::random(rng)?.make_key(b"holiday photos")?;
//! let signer = Signer::random(rng)?;
//! let receiving = SecretKey::random(rng)?;
//!
//! // Anyone encrypts to the label's public key; the owner can always decrypt.
//! let (capsule, ciphertext) = encrypt(rng, &delegating.public_key(), b"beach.jpg")?;
//! assert_eq!(decrypt_original(&delegating, &capsule, &ciphertext)?, b"beach.jpg");
//!
//! // The owner delegates for one policy: 2 of its 3 proxies are enough. Each is sent its own
//! // fragment, and what the receiver holds the fragments against.
//! let policy = v2::Policy {
//!     chain_id: 1,
//!     contract: [0xc0; 20],
//!     policy_id: [7; 32],
//!     quorum: Quorum::new(2, 3)?,
//!     not_before: 10,
//!     expiry: 20,
//!     conditions: [0; 32],
//! };
//! let proxies = [[1; 20], [2; 20], [3; 20]];
//! let granted = v2::generate_kfrags(rng, &v2::GrantParams {
//!     delegating: &delegating,
//!     receiving: &receiving.public_key(),
//!     signer: &signer,
//!     policy: &policy,
//!     miners: &proxies,
//! })?;
//! let context = Context {
//!     delegating: delegating.public_key(),
//!     receiving: receiving.public_key(),
//!     verifying: signer.verifying_key(),
//! };
//!
//! // A proxy checks what it was sent, then re-encrypts. The receiver checks each answer: it is for
//! // this policy and of this proxy, and the owner's shares fit together.
//! granted.commitments.check_origin(&receiving, &context, &policy)?;
//! let mut cfrags = Vec::new();
//! for (kfrag, proxy) in granted.kfrags.iter().zip(&proxies).skip(1) {
//!     let sent = kfrag.to_secret_bytes();
//!     let kfrag = v2::KeyFrag::from_bytes(&sent)?.verify(&context, &policy, proxy)?;
//!     let answer = v2::reencrypt(rng, &capsule, &kfrag)?.to_simple();
//!     let cfrag = CapsuleFrag::from_simple(&answer)?;
//!     granted.commitments.check_capsule_frag(&receiving, &cfrag)?;
//!     cfrags.push(cfrag.verify_granted(&capsule, &context, &policy, proxy)?);
//! }
//!
//! // The receiver opens with any two.
//! let public = delegating.public_key();
//! let plaintext = decrypt_reencrypted(&receiving, &public, &capsule, &cfrags, &ciphertext)?;
//! assert_eq!(plaintext, b"beach.jpg");
//! # Ok(())
//! # }
//! ```
//!
//! # What holds everywhere
//!
//! * A value that exists is valid: a [`Capsule`] has passed its check, a [`VerifiedKeyFrag`] and a
//!   [`VerifiedCapsuleFrag`] remember what they were checked against. There is no way round, but
//!   for the `hazmat` feature.
//! * One encoding per value: exact lengths, compressed points, scalars below n, low s.
//! * No input makes a function panic. Errors say which field or which fragment is at fault.
//! * Secrets are erased when dropped and cannot be printed, cloned or compared. Secret arithmetic
//!   is constant-time; only checks of public data are not.
//! * No clock, no I/O, no global state. Randomness is an argument, and its failure an error.
//!
//! # What the scheme does not give
//!
//! m proxies **together with the receiver** can compute the delegating secret key. Use one key per
//! label ([`SecretKeyFactory::make_key`]): then that label is all they learn. An owner can hand out
//! shares that verify and yet do not open; only the receiver notices, and with the commitments of
//! [`v2`] can prove it. Proxies see which capsules
//! belong to one delegation.
//!
//! What KMS grants is made with [`v2`], which binds each fragment to a policy and a miner. The
//! functions of this module are version 1, kept to exchange bytes with umbral-pre 0.11; capsules
//! and arithmetic are the same in both. Names follow the paper "Umbral: a threshold proxy
//! re-encryption scheme" by D. Nuñez, the "Umbral paper" of the comments.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod arithmetic;
mod capsule;
mod cfrag;
mod delegation;
mod ephemeral;
mod equation;
mod error;
mod fault;
mod hashing;
#[cfg(feature = "hazmat")]
pub mod hazmat;
mod key_frag;
mod keys;
mod opening;
#[cfg(test)]
mod regressions;
mod stream;
#[cfg(test)]
mod testing;
pub mod v2;
mod wire;

pub use arithmetic::params::{POINT_U, POINT_U_UNCOMPRESSED};
pub use capsule::dem::{CIPHERTEXT_OVERHEAD, decrypt_original, decrypt_reencrypted, encrypt};
pub use capsule::kem::{SharedSecret, decapsulate_original, decapsulate_reencrypted, encapsulate};
pub use capsule::{CAPSULE_BYTES, CAPSULE_MSGPACK_BYTES, Capsule};
pub use cfrag::batch::BatchVerifier;
pub use cfrag::prepared::PreparedContext;
pub use cfrag::reencryption::reencrypt;
pub use cfrag::{CAPSULE_FRAG_BYTES, CAPSULE_FRAG_MSGPACK_BYTES, CapsuleFrag, VerifiedCapsuleFrag};
pub use delegation::{KfragParams, MAX_SHARES, Quorum, generate_kfrags};
pub use equation::Equation;
pub use error::{Error, Result};
pub use fault::capsule_witness::CapsuleWitness;
pub use fault::{EquationWitness, Fault, FragPoint, prove_fault, prove_fault_granted};
pub use key_frag::{KEY_FRAG_BYTES, KEY_FRAG_MSGPACK_BYTES, KeyFrag, SignedKeys, VerifiedKeyFrag};
pub use keys::context::Context;
pub use keys::factory::SecretKeyFactory;
pub use keys::signing::{Signature, Signer, VerifyingKey};
pub use keys::{PublicKey, SecretKey};
pub use opening::optimistic::{
    OpenFailure, Opened, Rejected, decapsulate_granted_optimistic, decapsulate_optimistic,
    open_optimistic,
};
pub use stream::{OpeningKey, Sealed, open_many};
