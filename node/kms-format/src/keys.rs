//! The key schedule of FORMAT.md, section 3: capsule key -> wrapping key and commitment; data key
//! -> chunk key, body id and header MAC.

use std::fmt;

use rand_core::TryCryptoRng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::spec::{MAC_BYTES, PARAMETERS, TAG_BYTES};

/// Bytes of a wrapped data key: the key and its tag.
pub(crate) const WRAPPED_BYTES: usize = 48;
/// Bytes of the commitment to the capsule's key.
pub(crate) const COMMITMENT_BYTES: usize = 32;
/// Bytes of the associated data of a chunk.
pub(crate) const BODY_ID_BYTES: usize = 16;

/// The random key of one file. Never cloned, compared or printed; erased on drop.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub(crate) fn random<G: TryCryptoRng + ?Sized>(rng: &mut G) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(&mut *bytes).map_err(|_| Error::Rng)?;
        Ok(Self(bytes))
    }

    fn schedule(&self) -> hkdf::Prk {
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"KMS v1 data key").extract(&*self.0)
    }

    /// Derives the key that seals the chunks.
    pub(crate) fn chunk_key(&self) -> Result<LessSafeKey> {
        aes_key(&*expand::<32>(&self.schedule(), &[b"chunks", &PARAMETERS])?)
    }

    /// Derives the associated data of every chunk: it stands for the file and its parameters, and
    /// stays the same when the header is replaced.
    pub(crate) fn body_id(&self) -> Result<[u8; BODY_ID_BYTES]> {
        expand(&self.schedule(), &[b"body", &PARAMETERS]).map(|id| *id)
    }

    /// Computes the MAC over the header.
    pub(crate) fn header_mac(&self, header: &[u8]) -> Result<[u8; MAC_BYTES]> {
        let tag = hmac::sign(&self.header_key()?, header);
        tag.as_ref()
            .first_chunk()
            .copied()
            .ok_or(Error::Bug("HMAC-SHA-256 has 32 bytes"))
    }

    /// Whether `mac` is the MAC of `header`. Constant time.
    pub(crate) fn header_mac_holds(&self, header: &[u8], mac: &[u8]) -> Result<bool> {
        Ok(hmac::verify(&self.header_key()?, header, mac).is_ok())
    }

    fn header_key(&self) -> Result<hmac::Key> {
        let key = expand::<32>(&self.schedule(), &[b"header"])?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &*key))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(<redacted>)")
    }
}

/// The keys derived from the capsule's key.
pub(crate) struct AccessKey {
    wrap: LessSafeKey,
    commitment: Zeroizing<[u8; COMMITMENT_BYTES]>,
}

impl AccessKey {
    pub(crate) fn new(capsule_key: &[u8]) -> Result<Self> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"KMS v1 capsule key").extract(capsule_key);
        let wrap = aes_key(&*expand::<32>(&prk, &[b"KMS v1 wrap"])?)?;
        Ok(Self {
            wrap,
            commitment: expand(&prk, &[b"KMS v1 commitment"])?,
        })
    }

    /// The commitment to the capsule's key; public, a field of the header.
    pub(crate) fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.commitment
    }

    pub(crate) fn commits_to(&self, commitment: &[u8; COMMITMENT_BYTES]) -> bool {
        self.commitment.ct_eq(commitment).into()
    }

    /// Encrypts a data key. The nonce is constant: a capsule's key is random and used once.
    pub(crate) fn wrap(&self, key: &DataKey) -> Result<[u8; WRAPPED_BYTES]> {
        let mut out = [0; WRAPPED_BYTES];
        let (body, tag) = out.split_at_mut(WRAPPED_BYTES - TAG_BYTES);
        body.copy_from_slice(&*key.0);
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let sealed = self
            .wrap
            .seal_in_place_separate_tag(nonce, Aad::empty(), body);
        tag.copy_from_slice(
            sealed
                .map_err(|_| Error::Bug("32 bytes can be sealed"))?
                .as_ref(),
        );
        Ok(out)
    }

    /// Decrypts a data key; `None` if the tag is wrong.
    pub(crate) fn unwrap_key(&self, wrapped: &[u8; WRAPPED_BYTES]) -> Option<DataKey> {
        let mut buffer = Zeroizing::new(*wrapped);
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let plain = self
            .wrap
            .open_in_place(nonce, Aad::empty(), &mut *buffer)
            .ok()?;
        let bytes = plain.first_chunk::<32>()?;
        Some(DataKey(Zeroizing::new(*bytes)))
    }
}

fn aes_key(bytes: &[u8]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, bytes);
    key.map(LessSafeKey::new)
        .map_err(|_| Error::Bug("an AES-256 key has 32 bytes"))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &hkdf::Prk, info: &[&[u8]]) -> Result<Zeroizing<[u8; N]>> {
    let mut out = Zeroizing::new([0; N]);
    let filled = prk
        .expand(info, Length(N))
        .and_then(|okm| okm.fill(&mut *out));
    filled.map_err(|_| Error::Bug("HKDF-SHA-256 gives up to 8160 bytes"))?;
    Ok(out)
}

#[cfg(test)]
mod tests;
