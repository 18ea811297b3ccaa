//! The ciphers by ring.

use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::{digest, hkdf, hmac};
use zeroize::Zeroizing;

use super::{NONCE_BYTES, Suite};
use crate::error::{Error, Result};
use crate::spec::{MAC_BYTES, TAG_BYTES};

/// A key of a suite's cipher.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(suite: Suite, key: &[u8; 32]) -> Result<Self> {
        let algorithm = match suite {
            Suite::Aes256Gcm => &AES_256_GCM,
            Suite::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        };
        let key = UnboundKey::new(algorithm, key);
        key.map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| Error::Bug("the ciphers have keys of 32 bytes"))
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
        let nonce = Nonce::assume_unique_for_key(nonce);
        let made = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(data), body);
        let made = made.map_err(|_| Error::Bug("a chunk can be sealed"))?;
        tag.copy_from_slice(made.as_ref());
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
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = self.0.open_within(nonce, Aad::from(data), buffer, from..);
        plain.ok().map(|plain| plain.len())
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF with SHA-256.
pub(crate) fn derive<const N: usize>(
    salt: &[u8],
    secret: &[u8],
    info: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut out = Zeroizing::new([0; N]);
    let filled = prk
        .expand(info, Length(N))
        .and_then(|okm| okm.fill(&mut *out));
    filled.map_err(|_| Error::Bug("HKDF-SHA-256 gives up to 8160 bytes"))?;
    Ok(out)
}

/// A key of HMAC-SHA-256.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(crate) fn make(&self, parts: &[&[u8]]) -> Result<[u8; MAC_BYTES]> {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let tag = context.sign();
        let tag = tag.as_ref().first_chunk().copied();
        tag.ok_or(Error::Bug("HMAC-SHA-256 has 32 bytes"))
    }

    /// Whether `mac` is that of the message. Constant time.
    pub(crate) fn holds(&self, message: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.0, message, mac).is_ok()
    }
}

/// SHA-256 of what is fed to it.
#[derive(Clone)]
pub(crate) struct Digest(digest::Context);

impl Digest {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Result<[u8; 32]> {
        let digest = self.0.finish();
        let digest = digest.as_ref().first_chunk().copied();
        digest.ok_or(Error::Bug("SHA-256 has 32 bytes"))
    }
}
