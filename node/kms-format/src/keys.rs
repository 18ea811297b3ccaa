//! The key schedule of FORMAT.md, section 3: capsule key -> wrapping key and commitment; data key
//! -> keys of the body, of the signature and of the MACs.

use std::fmt;

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq as _;
use umbral::SharedSecret;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::parameters::Parameters;
use crate::spec::TAG_BYTES;
use crate::suite::{Cipher, MacKey, ONLY, Suite, derive};

/// Bytes of a wrapped key: the key and its tag.
pub(crate) const WRAPPED_BYTES: usize = 48;
/// Bytes of the commitment to the capsule's key.
pub(crate) const COMMITMENT_BYTES: usize = 32;
/// Bytes of the associated data of a chunk.
pub(crate) const BODY_ID_BYTES: usize = 16;

const DATA_KEY: &[u8] = b"KMS v1 data key";

/// 32 random bytes: the key of a file or of a segment. Never cloned, compared or printed; erased on
/// drop.
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(crate) fn random<G: TryCryptoRng + ?Sized>(rng: &mut G) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(&mut *bytes).map_err(|_| Error::Rng)?;
        Ok(Self(bytes))
    }
}

/// The random key of one file, with the file's parameters, to which it is bound. Never cloned,
/// compared or printed; erased on drop.
pub struct DataKey {
    secret: Secret,
    parameters: Parameters,
}

impl DataKey {
    pub(crate) fn random<G: TryCryptoRng + ?Sized>(
        rng: &mut G,
        parameters: Parameters,
    ) -> Result<Self> {
        let secret = Secret::random(rng)?;
        Ok(Self { secret, parameters })
    }

    /// The parameters of the file.
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    fn derive<const N: usize>(&self, purpose: &[u8]) -> Result<Zeroizing<[u8; N]>> {
        let parameters = self.parameters.to_bytes();
        derive(DATA_KEY, &*self.secret.0, &[purpose, &parameters])
    }

    /// Derives the key of the MACs over header, segments and end.
    pub(crate) fn mac_key(&self) -> Result<MacKey> {
        Ok(MacKey::new(&*self.derive::<32>(b"header")?))
    }

    /// Derives what the keys of the chunks are made of.
    pub(crate) fn body_keys(&self) -> Result<BodyKeys> {
        Ok(BodyKeys {
            root: self.derive(b"chunks")?,
            body_id: *self.derive(b"body")?,
            suite: self.parameters.suite,
        })
    }

    /// Derives the key that seals the signature.
    pub(crate) fn signature_key(&self) -> Result<Cipher> {
        let key = self.derive::<32>(b"signature")?;
        Cipher::new(self.parameters.suite, &key)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(<redacted>)")
    }
}

/// The random key of one segment. Never cloned, compared or printed; erased on drop.
pub struct SegmentKey(pub(crate) Secret);

impl fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentKey(<redacted>)")
    }
}

/// What the keys of a file's chunks are derived from, and the associated data of them all: it
/// stands for the file and its parameters, and stays the same when the header is replaced.
pub(crate) struct BodyKeys {
    root: Zeroizing<[u8; 32]>,
    pub(crate) body_id: [u8; BODY_ID_BYTES],
    suite: Suite,
}

impl BodyKeys {
    /// The cipher of a segment's chunks; a file without segments is segment 0, without a key of its
    /// own.
    pub(crate) fn cipher(&self, segment: u32, key: Option<&SegmentKey>) -> Result<Cipher> {
        let mut secret = Zeroizing::new(Vec::with_capacity(64));
        secret.extend_from_slice(&*self.root);
        if let Some(SegmentKey(key)) = key {
            secret.extend_from_slice(&*key.0);
        }
        let number = segment.to_be_bytes();
        let key = derive::<32>(b"KMS v1 segment key", &secret, &[&number])?;
        Cipher::new(self.suite, &key)
    }
}

/// The keys derived from a capsule's key.
pub(crate) struct AccessKey {
    wrap: Cipher,
    commitment: Zeroizing<[u8; COMMITMENT_BYTES]>,
}

/// What came of unwrapping a key.
pub(crate) enum Unwrapped {
    Key(Secret),
    /// The capsule's key is right, and what is beside the capsule was changed.
    Changed,
    /// The capsule's key is another one.
    WrongKey,
}

impl AccessKey {
    pub(crate) fn new(secret: &SharedSecret, suite: Suite) -> Result<Self> {
        Self::from_bytes(secret.expose(), suite)
    }

    fn from_bytes(secret: &[u8], suite: Suite) -> Result<Self> {
        let salt = b"KMS v1 capsule key";
        let wrap = derive::<32>(salt, secret, &[b"KMS v1 wrap", &[suite.number()]])?;
        Ok(Self {
            wrap: Cipher::new(suite, &wrap)?,
            commitment: derive(salt, secret, &[b"KMS v1 commitment"])?,
        })
    }

    /// The commitment to the capsule's key; public.
    pub(crate) fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.commitment
    }

    /// Encrypts a key. The nonce is constant: a capsule's key is random and used once.
    pub(crate) fn wrap(&self, key: &Secret) -> Result<[u8; WRAPPED_BYTES]> {
        let mut out = [0; WRAPPED_BYTES];
        let (body, _) = out.split_at_mut(WRAPPED_BYTES - TAG_BYTES);
        body.copy_from_slice(&*key.0);
        self.wrap.seal(ONLY, &[], &mut out)?;
        Ok(out)
    }

    /// Encrypts the key of a file.
    pub(crate) fn wrap_data(&self, key: &DataKey) -> Result<[u8; WRAPPED_BYTES]> {
        self.wrap(&key.secret)
    }

    /// Decrypts a key, and compares the commitment: if one of the two holds, the capsule's key is
    /// right.
    pub(crate) fn unwrap_key(
        &self,
        wrapped: &[u8; WRAPPED_BYTES],
        commitment: &[u8; COMMITMENT_BYTES],
    ) -> Unwrapped {
        let committed: bool = self.commitment.ct_eq(commitment).into();
        let mut buffer = Zeroizing::new(*wrapped);
        let opened = self.wrap.open(ONLY, &[], &mut *buffer, 0).is_some();
        match (committed, opened, buffer.first_chunk::<32>()) {
            (true, true, Some(key)) => Unwrapped::Key(Secret(Zeroizing::new(*key))),
            (false, false, _) => Unwrapped::WrongKey,
            _ => Unwrapped::Changed,
        }
    }

    /// Binds an unwrapped key to the parameters of its file.
    pub(crate) fn data_key(secret: Secret, parameters: Parameters) -> DataKey {
        DataKey { secret, parameters }
    }
}

#[cfg(test)]
mod tests;
