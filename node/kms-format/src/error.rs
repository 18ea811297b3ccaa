//! The one error type of the crate: a variant per decision a caller can take, each with a stable
//! code and a remedy. Nothing in an error is secret: offsets, chunk numbers and field names only.

use std::io;

/// Shorthand used by every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file was not written or not opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum Error {
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    #[error("writing failed: {0}")]
    Write(#[source] io::Error),
    #[error("the random number generator failed")]
    Rng,

    /// The first eight bytes are not those of a KMS file.
    #[error("not a KMS file, or one damaged by a text-mode transfer")]
    BadMagic,
    /// A version this program does not know.
    #[error("format version {version} is not supported (this program reads version 1)")]
    UnsupportedVersion { version: u8 },
    /// A known version with a parameter this program does not know.
    #[error("{parameter} = {value} is not supported")]
    UnsupportedParameter { parameter: &'static str, value: u32 },
    /// A field that must be understood, and is not.
    #[error("the header has a critical field {field:#06x} that this program does not know")]
    UnknownCriticalField { field: u16 },
    #[error("malformed header: {problem}")]
    HeaderMalformed { problem: &'static str },
    #[error("malformed header: {field}: {source}")]
    HeaderKeyInvalid {
        field: &'static str,
        source: umbral::Error,
    },
    #[error("the file is cut short at byte {offset}")]
    Truncated { offset: u64 },

    /// The key is not the one this file was encrypted for, or the capsule is another file's.
    #[error("wrong key: it does not open this file")]
    WrongKey,
    /// The key is right, but the header is not the one that was written.
    #[error("the header was changed after the file was written")]
    HeaderTampered,
    /// A chunk is not the one that was written at this place.
    #[error("chunk {chunk} was changed or moved")]
    ChunkTampered { chunk: u64 },
    /// The frame or the record of a segment is not the one that was written at this place.
    #[error("the beginning of segment {segment} was changed or moved")]
    SegmentTampered { segment: u32 },
    /// What follows the chunks is not what was written.
    #[error("the end of the file was changed")]
    EndTampered,
    /// The file is whole, and its writer's signature is not one of its content.
    #[error("the signature in the file does not hold for its content")]
    SignatureInvalid,
    #[error("there are bytes after the end of the encrypted data, from byte {offset} on")]
    TrailingData { offset: u64 },

    /// The content is authentic, and no archive that may be unpacked.
    #[error("not an archive to unpack: {problem}")]
    ArchiveMalformed { problem: &'static str },

    /// More data than one key may protect (256 TiB).
    #[error("more than 256 TiB in one file")]
    TooLong,
    #[error("the range ends at byte {end}, but the file has {length} bytes")]
    RangeOutside { end: u64, length: u64 },
    #[error("encapsulation failed: {0}")]
    Encapsulate(#[source] umbral::Error),
    #[error("signing failed: {0}")]
    Sign(#[source] umbral::Error),
    /// Whoever was asked has no key for a segment.
    #[error("no key for segment {segment}: {reason}")]
    SegmentKey { segment: u32, reason: String },
    /// An invariant of this crate is broken.
    #[error("BUG in kms-format: {0}")]
    Bug(&'static str),
}

impl Error {
    /// The stable name of the error, the same in every release.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// The next step of whoever meets the error.
    pub fn remedy(&self) -> &'static str {
        self.row().1
    }

    /// The table of errors: code and remedy. The match is exhaustive, so that a new variant forces
    /// a decision about both.
    #[rustfmt::skip]
    fn row(&self) -> (&'static str, &'static str) {
        match self {
            Self::Read(_) => ("read_failed", "check the input and the right to read it"),
            Self::Write(_) => ("write_failed", "check the output's disk and the right to write"),
            Self::Rng => ("rng_failed", "check the operating system's random source"),
            Self::BadMagic => ("not_a_kms_file", "name a file that `kms encrypt` wrote"),
            Self::UnsupportedVersion { .. } => ("unsupported_version", UPDATE),
            Self::UnsupportedParameter { .. } => ("unsupported_parameter", UPDATE),
            Self::UnknownCriticalField { .. } => ("unknown_critical_field", UPDATE),
            Self::HeaderMalformed { .. } => ("header_malformed", COPY),
            Self::HeaderKeyInvalid { .. } => ("header_key_invalid", COPY),
            Self::Truncated { .. } => ("file_truncated", COPY),
            Self::WrongKey => ("wrong_key", "use the key of the label the file is encrypted for"),
            Self::HeaderTampered => ("header_tampered", COPY),
            Self::ChunkTampered { .. } => ("chunk_tampered", COPY),
            Self::SegmentTampered { .. } => ("segment_tampered", COPY),
            Self::EndTampered => ("end_tampered", COPY),
            Self::SignatureInvalid => ("signature_invalid", "ask its writer for the file again"),
            Self::TrailingData { .. } => ("trailing_data", COPY),
            Self::ArchiveMalformed { .. } => ("archive_malformed", "ask its writer to pack again"),
            Self::TooLong => ("file_too_long", "split the data over several files"),
            Self::RangeOutside { .. } => ("range_outside_file", "ask for bytes within the file"),
            Self::Encapsulate(_) => ("encapsulate_failed", "check the label's public key"),
            Self::Sign(_) => ("sign_failed", "check the signing key"),
            Self::SegmentKey { .. } => ("segment_key_missing", "ask for the segment's key again"),
            Self::Bug(_) => ("bug", "report this with the text of the error"),
        }
    }
}

const COPY: &str = "copy the file again from where it was written";
const UPDATE: &str = "update this program";
