//! Threshold proxy re-encryption: Umbral on secp256k1.
//!
//! An owner (A) encrypts under a key of its own. Later it splits a re-encryption key for a receiver
//! (B) over the n miners of a policy: each gets a kfrag. With it a miner turns the owner's capsule
//! into a cfrag, and any m cfrags open the capsule for B; fewer tell nothing, and no miner ever
//! sees data or a decryption key. Every cfrag carries a proof, so a miner that cheats is found out.
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
//! // The owner delegates for one policy: 2 of its 3 miners are enough. Each is sent its own
//! // kfrag, and what the receiver holds the cfrags against.
//! let policy = Policy {
//!     chain_id: 1,
//!     contract: [0xc0; 20],
//!     policy_id: [7; 32],
//!     quorum: Quorum::new(2, 3)?,
//!     not_before: 10,
//!     expiry: 20,
//!     conditions: [0; 32],
//! };
//! let miners = [[1; 20], [2; 20], [3; 20]];
//! let granted = generate_kfrags(rng, &GrantParams {
//!     delegating: &delegating,
//!     receiving: &receiving.public_key(),
//!     signer: &signer,
//!     policy: &policy,
//!     miners: &miners,
//! })?;
//! let context = Context {
//!     delegating: delegating.public_key(),
//!     receiving: receiving.public_key(),
//!     verifying: signer.verifying_key(),
//! };
//!
//! // A miner checks what it was sent, then re-encrypts. The receiver checks each answer: it is for
//! // this policy and of this miner, and the owner's shares fit together.
//! granted.commitments.check_origin(&receiving, &context, &policy)?;
//! let mut cfrags = Vec::new();
//! for (kfrag, miner) in granted.kfrags.iter().zip(&miners).skip(1) {
//!     let sent = kfrag.to_secret_bytes();
//!     let kfrag = KeyFrag::from_bytes(&sent)?.verify(&context, &policy, miner)?;
//!     let answer = reencrypt(rng, &capsule, &kfrag)?.to_bytes();
//!     let cfrag = CapsuleFrag::from_bytes(&answer)?;
//!     granted.commitments.check_capsule_frag(&receiving, &cfrag)?;
//!     cfrags.push(cfrag.verify(&capsule, &context, &policy, miner)?);
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
//!   for the feature `compat`, which no product may use.
//! * One encoding per value: exact lengths, compressed points, scalars below n, low s.
//! * No input makes a function panic. Errors say which field or which cfrag is at fault.
//! * Secrets are erased when dropped and cannot be printed, cloned or compared. Secret arithmetic
//!   is constant-time; only checks of public data are not.
//! * No clock, no I/O, no global state. Randomness is an argument, and its failure an error.
//!
//! # What the scheme does not give
//!
//! m miners **together with the receiver** can compute the delegating secret key. Use one key per
//! label ([`SecretKeyFactory::make_key`]): then that label is all they learn. An owner can hand out
//! shares that verify and yet do not open; only the receiver notices, by the [`Commitments`].
//! Miners see which capsules belong to one delegation.
//!
//! Names follow the paper "Umbral: a threshold proxy re-encryption scheme" by D. Nuñez, the "Umbral
//! paper" of the comments, where a miner is called a proxy.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod arithmetic;
mod capsule;
mod cfrag;
mod commitments;
#[cfg(feature = "compat")]
pub mod compat;
mod equation;
mod error;
pub mod fault;
mod hashing;
mod keys;
mod kfrag;
mod opening;
mod policy;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod testing;
mod wire;

pub use capsule::Capsule;
pub use capsule::dem::{CIPHERTEXT_OVERHEAD, decrypt_original, encrypt};
pub use capsule::kem::{SharedSecret, decapsulate_original, encapsulate};
pub use cfrag::CapsuleFrag;
pub use cfrag::batch::BatchVerifier;
pub use cfrag::prepared::PreparedContext;
pub use cfrag::reencryption::reencrypt;
pub use cfrag::verified::VerifiedCapsuleFrag;
pub use commitments::Commitments;
pub use error::{Error, Result};
pub use keys::context::Context;
pub use keys::factory::SecretKeyFactory;
pub use keys::signing::{Signature, Signer, VerifyingKey};
pub use keys::{PublicKey, SecretKey};
pub use kfrag::grant::{GrantParams, Granted, generate_kfrags};
pub use kfrag::{KeyFrag, VerifiedKeyFrag};
pub use opening::optimistic::decapsulate_optimistic;
pub use opening::verified::{decapsulate_reencrypted, decrypt_reencrypted};
pub use policy::{Miner, Policy, Quorum};
