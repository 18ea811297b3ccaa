//! The encrypted-file format "KMS v1": a header of a few hundred bytes, 64 KiB chunks, an end.
//!
//! Works on `Read` and `Write` in constant memory: no network, no clock, no files. The byte layout
//! is FORMAT.md in this folder. Built on `umbral`; used by `kms-client`.

#![forbid(unsafe_code)]

pub mod archive;
mod chunk;
mod decrypt;
mod encrypt;
mod end;
mod error;
mod fields;
mod frame;
mod header;
mod keys;
mod parameters;
mod range;
mod segment;
mod spec;
mod suite;
mod summary;
mod window;
mod writer;

pub use decrypt::Decryptor;
pub use encrypt::{Encryptor, Segments};
pub use error::{Error, Result};
pub use fields::{Locator, SEALED_NAME_LENGTHS, SealedName};
pub use header::Header;
pub use keys::{DataKey, SegmentKey};
pub use parameters::Parameters;
pub use range::RangeReader;
pub use segment::{SegmentKeys, SegmentRecord};
pub use spec::{
    CHUNK_BYTES, END_FRAME_BYTES, FRAME_HEAD_BYTES, HEADER_BYTES_MAX, LOOK_AHEAD_MAX, MAGIC,
    SEGMENTS_MAX, TAG_BYTES, VERSION,
};
pub use suite::Suite;
pub use summary::Summary;
pub use writer::FileWriter;
