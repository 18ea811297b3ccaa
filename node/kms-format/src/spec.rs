//! The numbers of FORMAT.md: magic, versions, field numbers and sizes.

/// First bytes of a file. The high bit, CR LF, ^Z and LF reveal a text-mode transfer, which changes
/// them.
pub const MAGIC: [u8; 8] = [0x89, b'K', b'M', b'S', 0x0d, 0x0a, 0x1a, 0x0a];
/// The only version of the format.
pub const VERSION: u8 = 1;
/// AES-256-GCM for the chunks and the wrapped key, HKDF and HMAC with SHA-256.
pub const SUITE_AES_256_GCM: u8 = 1;
/// log2 of the plaintext bytes of a full chunk.
pub(crate) const CHUNK_LOG2: u8 = 16;
/// log2 of the bytes of a segment; 0 = no segments, the only value of version 1.
pub(crate) const SEGMENT_LOG2: u8 = 0;
/// Plaintext bytes of a full chunk.
pub const CHUNK_BYTES: usize = 1 << CHUNK_LOG2;
/// Bytes of an authentication tag.
pub const TAG_BYTES: usize = 16;
/// Bytes of a full chunk in the file.
pub(crate) const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Most chunks under one key: 2^32, the limit of NIST SP 800-38D on invocations; 256 TiB.
pub(crate) const CHUNKS_MAX: u64 = 1 << 32;

/// Bytes of the magic and the fixed part.
pub(crate) const FIXED_BYTES: usize = 20;
/// Bytes of the fixed part that a chunk is bound to: version up to and including reserved.
pub(crate) const PARAMETER_BYTES: usize = 8;
/// Bytes of the header's MAC.
pub(crate) const MAC_BYTES: usize = 32;
/// Longest header that is read. The fields of version 1 need 515 bytes.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a field's type and length.
pub(crate) const FIELD_HEAD_BYTES: usize = 4;
/// Set in the type of a field that a program must understand to open the file.
pub(crate) const CRITICAL: u16 = 0x8000;
/// The label's public key, 33 bytes compressed.
pub(crate) const FIELD_LABEL_KEY: u16 = CRITICAL | 1;
/// The Umbral capsule, 98 bytes in its simple form.
pub(crate) const FIELD_CAPSULE: u16 = CRITICAL | 2;
/// The data key sealed under the capsule's key, 48 bytes.
pub(crate) const FIELD_WRAPPED_KEY: u16 = CRITICAL | 3;
/// Commitment to the capsule's key, 32 bytes.
pub(crate) const FIELD_COMMITMENT: u16 = CRITICAL | 4;
/// The label's name sealed by its owner, 48 to 176 bytes, optional.
pub(crate) const FIELD_SEALED_NAME: u16 = 5;
/// Chain id and contract, 52 bytes, optional.
pub(crate) const FIELD_LOCATOR: u16 = 6;

/// The parameters of every file of version 1: version, suite, flags u16, chunk_log2, segment_log2,
/// reserved u16.
pub(crate) const PARAMETERS: [u8; PARAMETER_BYTES] = [
    VERSION,
    SUITE_AES_256_GCM,
    0,
    0,
    CHUNK_LOG2,
    SEGMENT_LOG2,
    0,
    0,
];
