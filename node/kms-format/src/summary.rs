//! The sizes of one file, as encryption, decryption and a look at the header report them.

/// Sizes of an encrypted file and of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of the header.
    pub header_bytes: u64,
    /// Bytes of plaintext.
    pub plaintext_bytes: u64,
    /// Bytes of the whole encrypted file, header included.
    pub file_bytes: u64,
    /// Number of chunks, at least 1.
    pub chunks: u64,
}
