//! The encrypted-file format "KMS v1": a header of a few hundred bytes, then 64 KiB chunks.
//!
//! Works on `Read` and `Write` in constant memory: no network, no clock, no files. The byte layout
//! is FORMAT.md in this folder. Built on `umbral`; used by `kms-client`.

#![forbid(unsafe_code)]

mod chunk;
mod decrypt;
mod encrypt;
mod error;
mod fields;
mod header;
mod keys;
mod range;
mod spec;
mod summary;

pub use decrypt::Decryptor;
pub use encrypt::Encryptor;
pub use error::{Error, Result};
pub use fields::{Locator, SEALED_NAME_LENGTHS, SealedName};
pub use header::Header;
pub use keys::DataKey;
pub use range::RangeReader;
pub use spec::{CHUNK_BYTES, HEADER_BYTES_MAX, MAGIC, SUITE_AES_256_GCM, TAG_BYTES, VERSION};
pub use summary::Summary;
