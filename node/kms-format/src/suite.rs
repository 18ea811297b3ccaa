//! The ciphers. One file for each library that they come from: `native` where there is an operating
//! system, `portable` in a browser; both give the same bytes.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(any(target_arch = "wasm32", test))]
mod portable;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Cipher, Digest, MacKey, derive};
#[cfg(target_arch = "wasm32")]
pub(crate) use portable::{Cipher, Digest, MacKey, derive};

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// The nonce of a key that seals one message.
pub(crate) const ONLY: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// The cipher of a file: of its chunks, its wrapped keys and its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suite {
    /// AES-256-GCM, the faster one where the processor knows AES.
    #[default]
    Aes256Gcm,
    /// ChaCha20-Poly1305, the faster one where it does not.
    ChaCha20Poly1305,
}

impl Suite {
    /// Every suite, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Aes256Gcm, Self::ChaCha20Poly1305];

    /// The number in a file.
    pub const fn number(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    /// The name that people are shown, and type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.number() == number)
    }
}

#[cfg(test)]
mod tests;
