//! The ciphers by RustCrypto, which needs no operating system; where ring is, it is faster.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{AeadInOut, KeyInit as _};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Digest as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{NONCE_BYTES, Suite};
use crate::error::{Error, Result};
use crate::spec::{MAC_BYTES, TAG_BYTES};

/// A key of a suite's cipher.
pub(crate) enum Cipher {
    Aes(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

impl Cipher {
    #[allow(clippy::unnecessary_wraps, reason = "as in `native`")]
    pub(crate) fn new(suite: Suite, key: &[u8; 32]) -> Result<Self> {
        Ok(match suite {
            Suite::Aes256Gcm => Self::Aes(Box::new(Aes256Gcm::new(key.into()))),
            Suite::ChaCha20Poly1305 => Self::ChaCha(Box::new(ChaCha20Poly1305::new(key.into()))),
        })
    }

    /// Encrypts all of `buffer` but its last 16 bytes, which become the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<()> {
        let at = buffer.len().checked_sub(TAG_BYTES);
        let (body, tag) = at
            .and_then(|at| buffer.split_at_mut_checked(at))
            .ok_or(Error::Bug("there is room for the tag"))?;
        let body = InOutBuf::from(body);
        let made = match self {
            Self::Aes(key) => key.encrypt_inout_detached(&nonce.into(), data, body),
            Self::ChaCha(key) => key.encrypt_inout_detached(&nonce.into(), data, body),
        };
        tag.copy_from_slice(&made.map_err(|_| Error::Bug("a chunk can be sealed"))?);
        Ok(())
    }

    /// Decrypts what stands in `buffer` from `from` on, to the buffer's beginning; returns the
    /// bytes of plaintext, or `None` if the tag is wrong: the content is lost then.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_BYTES],
        data: &[u8],
        buffer: &mut [u8],
        from: usize,
    ) -> Option<usize> {
        let sealed = buffer.len().checked_sub(from)?;
        let length = sealed.checked_sub(TAG_BYTES)?;
        buffer.copy_within(from.., 0);
        let (body, rest) = buffer.split_at_mut_checked(length)?;
        let tag = (*rest.first_chunk::<TAG_BYTES>()?).into();
        let body = InOutBuf::from(body);
        let opened = match self {
            Self::Aes(key) => key.decrypt_inout_detached(&nonce.into(), data, body, &tag),
            Self::ChaCha(key) => key.decrypt_inout_detached(&nonce.into(), data, body, &tag),
        };
        opened.ok().map(|()| length)
    }
}

/// HKDF with SHA-256.
pub(crate) fn derive<const N: usize>(
    salt: &[u8],
    secret: &[u8],
    info: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>> {
    let mut out = Zeroizing::new([0; N]);
    let filled =
        Hkdf::<Sha256>::new(Some(salt), secret).expand_multi_info(info, out.as_mut_slice());
    filled.map_err(|_| Error::Bug("HKDF-SHA-256 gives up to 8160 bytes"))?;
    Ok(out)
}

/// A key of HMAC-SHA-256.
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        block.split_at_mut(32).0.copy_from_slice(key);
        let block: &[u8; 64] = &block;
        Self(hmac::KeyInit::new(block.into()))
    }

    #[allow(clippy::unnecessary_wraps, reason = "as in `native`")]
    pub(crate) fn make(&self, parts: &[&[u8]]) -> Result<[u8; MAC_BYTES]> {
        let mac = parts
            .iter()
            .fold(self.0.clone(), |mac, part| mac.chain_update(part));
        Ok(mac.finalize().into_bytes().into())
    }

    /// Whether `mac` is that of the message. Constant time.
    pub(crate) fn holds(&self, message: &[u8], mac: &[u8]) -> bool {
        let made = self.0.clone().chain_update(message);
        made.verify_slice(mac).is_ok()
    }
}

/// SHA-256 of what is fed to it.
#[derive(Clone)]
pub(crate) struct Digest(Sha256);

impl Digest {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    #[allow(clippy::unnecessary_wraps, reason = "as in `native`")]
    pub(crate) fn finish(self) -> Result<[u8; 32]> {
        Ok(self.0.finalize().into())
    }
}
