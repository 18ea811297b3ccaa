//! The sizes of one file, as writing, decryption and `Header::layout` report them.

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
    /// Number of segments; 0 if the file is not cut into any.
    pub segments: u32,
    /// Who signed the content, a verifying key: `None` if nobody did, or if the content has not
    /// been read to its end.
    pub signer: Option<[u8; 33]>,
}
