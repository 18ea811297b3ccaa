//! The sizes of one file, as encryption, decryption and `Header::layout` report them.

/// Sizes of an encrypted file and of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Length of the header in bytes.
    pub header_bytes: u64,
    /// Length of the plaintext in bytes.
    pub plaintext_bytes: u64,
    /// Length of the encrypted file in bytes, header included.
    pub file_bytes: u64,
    /// Number of chunks, at least 1.
    pub chunks: u64,
}
