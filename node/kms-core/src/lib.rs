//! The rules of owners and readers without I/O: keys, cards, labels, memos, requests to miners and
//! the judging of their answers, the life of a policy. Pure but for the system's randomness, so the
//! same on every machine and in a browser.
//! Below: `umbral`, `kms-format`, `kms-protocol`. Above: `kms-client`, `umbral-wasm`.

#![forbid(unsafe_code)]

pub mod answers;
pub mod asked;
pub mod card;
mod error;
pub mod fingerprint;
pub mod keys;
pub mod label;
pub mod memo;
mod standing;

pub use error::{Error, Result, SeedFault};
pub use standing::Standing;
