//! The reader keys of a person: a branch of the seed that a home may hold without the seed, to read
//! and nothing else. Neighbour: `keys` derives the other branches.

use kms_protocol::EthSecret;
use umbral::{PublicKey, SecretKey, SecretKeyFactory, Signer};
use zeroize::Zeroizing;

use super::seed::Seed;
use crate::error::Result;
use crate::fingerprint::tagged_fingerprint;

const READER: &[u8] = b"kms/v1/reader";
/// Tag of the hash that the fingerprint of the reader keys' root is taken from.
const FINGERPRINT_TAG: &[u8] = b"KMS reader fingerprint v1";

/// The reader keys of a seed, numbered. Nothing of them leads to the seed or to a label's key.
pub struct ReaderKeys(SecretKeyFactory);

impl ReaderKeys {
    /// Derives the root of a seed's reader keys.
    ///
    /// # Errors
    /// None in practice.
    pub fn from_seed(seed: &Seed) -> Result<Self> {
        Self::derive(&SecretKeyFactory::from_secret_bytes(seed.expose_bytes()))
    }

    pub(super) fn derive(root: &SecretKeyFactory) -> Result<Self> {
        Ok(Self(root.make_factory(READER)?))
    }

    /// Takes the root's bytes from a key file.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SecretKeyFactory::from_secret_bytes(bytes))
    }

    /// The root's bytes, for the key file.
    pub fn expose_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.to_secret_bytes()
    }

    /// Five groups of four hexadecimal digits, by which the root is known again. Public.
    pub fn fingerprint(&self) -> String {
        tagged_fingerprint(FINGERPRINT_TAG, self.expose_bytes().as_slice())
    }

    /// Derives a reader key; every home has number 0.
    ///
    /// # Errors
    /// None in practice.
    pub fn key(&self, number: u32) -> Result<ReaderKey> {
        ReaderKey::new(self.0.make_key(&number.to_be_bytes())?)
    }
}

impl std::fmt::Debug for ReaderKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReaderKeys(<redacted>)")
    }
}

/// A reader's key: opens what was granted to it, and signs the requests to the nodes.
pub struct ReaderKey {
    secret: SecretKey,
    eth: EthSecret,
}

impl ReaderKey {
    fn new(secret: SecretKey) -> Result<Self> {
        let eth = EthSecret::from_umbral(&secret)?;
        Ok(Self { secret, eth })
    }

    /// Draws a key that belongs to no seed, for programs that keep it themselves.
    ///
    /// # Errors
    /// [`crate::Error::Umbral`] if the system has no randomness to give.
    pub fn random() -> Result<Self> {
        Self::new(SecretKey::random(&mut getrandom::SysRng)?)
    }

    /// The key that owners grant to.
    pub fn receiving_key(&self) -> PublicKey {
        self.secret.public_key()
    }

    /// The secret half, for opening.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The same key as a signer of requests.
    pub fn eth(&self) -> &EthSecret {
        &self.eth
    }

    /// The signer of this key's card, and of files: whoever has the card knows who signed.
    ///
    /// # Errors
    /// None in practice.
    pub fn signer(&self) -> Result<Signer> {
        Ok(Signer::from_secret_bytes(&self.secret.to_secret_bytes())?)
    }
}

impl std::fmt::Debug for ReaderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ReaderKey({})",
            hex::encode(self.receiving_key().to_bytes())
        )
    }
}
