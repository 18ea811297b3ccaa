//! Version 1 of what the delegator signs, and MessagePack: what umbral-pre 0.11 exchanges. **For
//! vectors, tests and comparisons; no product may use it.**
//!
//! Version 1 binds neither policy, miner nor time. Capsules, cfrags and arithmetic are the same in
//! both versions.

mod cfrag;
mod error;
mod grant;
pub mod hazmat;
mod kfrag;
mod msgpack;
#[cfg(test)]
pub(crate) mod testing;

pub use cfrag::{prove_fault, reencrypt};
pub use error::{Error, Result};
pub use grant::{KfragParams, generate_kfrags};
pub use kfrag::{KeyFrag, SignedKeys, VerifiedKeyFrag};
