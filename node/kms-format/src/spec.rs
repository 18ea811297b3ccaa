//! The numbers of FORMAT.md: magic, versions, field numbers, frames and sizes.

/// First bytes of a file. The high bit, CR LF, ^Z and LF reveal a text-mode transfer, which changes
/// them.
pub const MAGIC: [u8; 8] = [0x89, b'K', b'M', b'S', 0x0d, 0x0a, 0x1a, 0x0a];
/// The only version of the format.
pub const VERSION: u8 = 1;
/// log2 of the plaintext bytes of a full chunk.
pub(crate) const CHUNK_LOG2: u8 = 16;
/// Plaintext bytes of a full chunk.
pub const CHUNK_BYTES: usize = 1 << CHUNK_LOG2;
/// Bytes of an authentication tag.
pub const TAG_BYTES: usize = 16;
/// Bytes of a frame's kind and length.
pub const FRAME_HEAD_BYTES: usize = 4;
/// Bytes of a full chunk without the head of its frame.
pub(crate) const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes of a full chunk in the file.
pub(crate) const SLOT_BYTES: usize = FRAME_HEAD_BYTES + SEALED_BYTES;
/// Most chunks under one key: 2^32, the limit of NIST SP 800-38D on invocations; 256 TiB.
pub(crate) const CHUNKS_MAX: u64 = 1 << 32;
/// Most segments of a file: its index fits a frame.
pub const SEGMENTS_MAX: u32 = 1 << 16;
/// Most segments whose keys are told ahead.
pub const LOOK_AHEAD_MAX: u8 = 4;

/// Bytes of the magic and the fixed part.
pub(crate) const FIXED_BYTES: usize = 20;
/// Bytes of the fixed part that a chunk is bound to: version up to and including reserved.
pub(crate) const PARAMETER_BYTES: usize = 8;
/// Bytes of a MAC.
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

/// A full chunk after which its segment goes on.
pub(crate) const FRAME_CHUNK: u8 = 1;
/// The last chunk of a segment.
pub(crate) const FRAME_LAST: u8 = 2;
/// The keys of the segment that begins, and of those ahead.
pub(crate) const FRAME_SEGMENT: u8 = 3;
/// The writer's signature, sealed.
pub(crate) const FRAME_SIGNATURE: u8 = 4;
/// Place and keys of every segment.
pub(crate) const FRAME_INDEX: u8 = 5;
/// The end of the file.
pub(crate) const FRAME_END: u8 = 6;

/// Bytes of a segment's record: capsule, wrapped key, commitment.
pub(crate) const RECORD_BYTES: usize = 98 + 48 + 32;
/// Bytes of a segment in the index: offset, plaintext bytes, record.
pub(crate) const ENTRY_BYTES: usize = 16 + RECORD_BYTES;
/// Bytes of a sealed signature: verifying key, signature, tag.
pub(crate) const SIGNATURE_BYTES: usize = 33 + 64 + TAG_BYTES;
/// Bytes of the end: plaintext bytes u64, segments u32, tail u32, MAC.
pub(crate) const END_BYTES: usize = 16 + MAC_BYTES;
/// Bytes of the end with the head of its frame: what every file ends with.
pub const END_FRAME_BYTES: usize = FRAME_HEAD_BYTES + END_BYTES;
