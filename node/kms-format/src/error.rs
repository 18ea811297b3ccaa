//! The one error type of the crate: a variant per decision a caller can take.
//!
//! Nothing in an error is secret: offsets, chunk numbers and field names only.

use std::io;

/// Shorthand used by every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file was not written or not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input could not be read.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// The output could not be written.
    #[error("writing failed: {0}")]
    Write(#[source] io::Error),
    /// The random number generator failed.
    #[error("the random number generator failed")]
    Rng,

    /// The first eight bytes are not those of a KMS file.
    #[error("not a KMS file, or one damaged by a text-mode transfer")]
    BadMagic,
    /// A version this program does not know.
    #[error("format version {version} is not supported (this program reads version 1)")]
    UnsupportedVersion {
        /// The version found.
        version: u8,
    },
    /// A known version with a parameter this program does not know.
    #[error("{parameter} = {value} is not supported")]
    UnsupportedParameter {
        /// Name of the parameter, as in FORMAT.md.
        parameter: &'static str,
        /// The value found.
        value: u32,
    },
    /// A field that must be understood, and is not.
    #[error("the header has a critical field {field:#06x} that this program does not know")]
    UnknownCriticalField {
        /// The field's type.
        field: u16,
    },
    /// The header breaks a rule of FORMAT.md.
    #[error("malformed header: {problem}")]
    HeaderMalformed {
        /// The rule that is broken.
        problem: &'static str,
    },
    /// The label key or the capsule is not a valid one.
    #[error("malformed header: {field}: {source}")]
    HeaderKeyInvalid {
        /// Which of the two.
        field: &'static str,
        /// What is wrong with it.
        source: umbral::Error,
    },
    /// The input ends too early.
    #[error("the file is cut short at byte {offset}")]
    Truncated {
        /// Bytes that are there.
        offset: u64,
    },

    /// The key is not the one this file was encrypted for, or the capsule is another file's.
    #[error("wrong key: it does not open this file")]
    WrongKey,
    /// The key is right, but the header is not the one that was written.
    #[error("the header was changed after the file was written")]
    HeaderTampered,
    /// A chunk is not the one that was written at this place, or the file ends inside it.
    #[error("chunk {chunk} was changed, moved or cut short")]
    ChunkTampered {
        /// The chunk's number, from 0.
        chunk: u64,
    },
    /// Bytes after the last chunk.
    #[error("there are bytes after the end of the encrypted data, from byte {offset} on")]
    TrailingData {
        /// Where they begin.
        offset: u64,
    },

    /// More data than one key may protect (256 TiB).
    #[error("more than 256 TiB in one file")]
    TooLong,
    /// A range outside the file's plaintext.
    #[error("the range ends at byte {end}, but the file has {length} bytes")]
    RangeOutside {
        /// End of the range asked for, exclusive.
        end: u64,
        /// Bytes of plaintext in the file.
        length: u64,
    },
    /// Making the capsule failed.
    #[error("encapsulation failed: {0}")]
    Encapsulate(#[source] umbral::Error),
    /// An invariant of this crate is broken.
    #[error("BUG in kms-format: {0}")]
    Bug(&'static str),
}

impl Error {
    /// A stable name of the error, the same in every release.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "read_failed",
            Self::Write(_) => "write_failed",
            Self::Rng => "rng_failed",
            Self::BadMagic => "not_a_kms_file",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::UnsupportedParameter { .. } => "unsupported_parameter",
            Self::UnknownCriticalField { .. } => "unknown_critical_field",
            Self::HeaderMalformed { .. } => "header_malformed",
            Self::HeaderKeyInvalid { .. } => "header_key_invalid",
            Self::Truncated { .. } => "file_truncated",
            Self::WrongKey => "wrong_key",
            Self::HeaderTampered => "header_tampered",
            Self::ChunkTampered { .. } => "chunk_tampered",
            Self::TrailingData { .. } => "trailing_data",
            Self::TooLong => "file_too_long",
            Self::RangeOutside { .. } => "range_outside_file",
            Self::Encapsulate(_) => "encapsulate_failed",
            Self::Bug(_) => "bug",
        }
    }
}
