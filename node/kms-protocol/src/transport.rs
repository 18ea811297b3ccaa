//! The envelope of messages between client and node: HPKE (RFC 9180), base mode, DHKEM(X25519,
//! HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. Bytes in, bytes out; `messages/message.rs` has what
//! is inside.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use zeroize::Zeroizing;

use crate::eip712::Domain;
use crate::error::{Error, Result};
use crate::primitives::{Address, B256, keccak256};

/// Version of the envelope, its first byte.
pub const ENVELOPE_VERSION: u8 = 1;

const HEAD_BYTES: usize = 1 + KEY_ID_BYTES;
const KEY_ID_BYTES: usize = 8;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const REPLY_NONCE_BYTES: usize = 32;

/// Domain tags of HPKE's info and of the exported secret.
const INFO: &[u8] = b"KMS v1 message";
const EXPORT: &[u8] = b"KMS v1 reply";

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// A public transport key: 32 bytes of X25519.
pub type TransportKey = B256;

/// The id of a transport key, by which a node finds the secret for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransportKeyId([u8; KEY_ID_BYTES]);

impl TransportKeyId {
    /// The id of a key: the first 8 bytes of its keccak256.
    pub fn of(key: &TransportKey) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = keccak256(key.as_ref()).0;
        Self([a, b, c, d, e, f, g, h])
    }

    /// The key that a sealed message names.
    ///
    /// # Errors
    /// [`Error::Envelope`] for another version or for too few bytes.
    pub fn named_by(sealed: &[u8]) -> Result<Self> {
        match sealed.split_first_chunk::<HEAD_BYTES>() {
            Some(([ENVELOPE_VERSION, id @ ..], rest)) if rest.len() >= KEY_BYTES + TAG_BYTES => {
                Ok(Self(*id))
            }
            Some(_) | None => Err(Error::Envelope),
        }
    }
}

/// Where a message goes: it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Chain and policy manager.
    pub domain: &'a Domain,
    /// Owner address of the miner.
    pub miner: &'a Address,
}

impl Destination<'_> {
    /// HPKE's info: tag, chain id (8 bytes, big-endian), policy manager (20), miner (20).
    fn info(&self) -> Vec<u8> {
        [
            INFO,
            &self.domain.chain_id.to_be_bytes(),
            self.domain.contract.as_ref(),
            self.miner.as_ref(),
        ]
        .concat()
    }
}

/// The secret half of a transport key. Kept in memory alone, wiped when dropped.
pub struct TransportSecret {
    secret: Private,
    key: TransportKey,
}

impl TransportSecret {
    /// Draws a key from the operating system's randomness.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn random() -> Result<Self> {
        Ok(Self::derive(&*seed()?))
    }

    /// Derives a key from 32 secret bytes, as RFC 9180 (section 7.1.3) does.
    pub fn derive(ikm: &[u8; 32]) -> Self {
        let (secret, public) = X25519HkdfSha256::derive_keypair(ikm);
        Self {
            secret,
            key: B256(public.to_bytes().into()),
        }
    }

    /// The public half.
    pub const fn key(&self) -> TransportKey {
        self.key
    }

    /// Opens a sealed message; the exchange seals its reply.
    ///
    /// # Errors
    /// [`Error::Envelope`] for a message that is damaged, sealed to another key or for another
    /// destination.
    pub fn open(
        &self,
        destination: &Destination<'_>,
        sealed: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, Exchange)> {
        if TransportKeyId::named_by(sealed)? != TransportKeyId::of(&self.key) {
            return Err(Error::Envelope);
        }
        let (head, rest) = sealed.split_at_checked(HEAD_BYTES).ok_or(Error::Envelope)?;
        let (encapsulated, ciphertext) = rest
            .split_first_chunk::<KEY_BYTES>()
            .ok_or(Error::Envelope)?;
        let info = destination.info();
        let peer = Encapsulated::from_bytes(encapsulated).map_err(|_| Error::Envelope)?;
        let mut context = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.secret,
            &peer,
            &info,
        )
        .map_err(|_| Error::Envelope)?;
        let plain = context
            .open(ciphertext, head)
            .map_err(|_| Error::Envelope)?;
        let exchange = Exchange::new(*encapsulated, sealed, |out| context.export(EXPORT, out))?;
        Ok((Zeroizing::new(plain), exchange))
    }
}

/// Seals `plain` to a node's transport key; the exchange opens its reply.
///
/// | bytes of a sealed message | content |
/// |---|---|
/// | 1 | version, 1 |
/// | 8 | id of the transport key: the first bytes of its keccak256 |
/// | 32 | the encapsulated key, new for each message |
/// | rest | ciphertext and tag (16); version and id are associated data |
///
/// # Errors
/// [`Error::Randomness`]; [`Error::Envelope`] for a key that no honest node has, such as zero.
pub fn seal(
    key: &TransportKey,
    destination: &Destination<'_>,
    plain: &[u8],
) -> Result<(Vec<u8>, Exchange)> {
    let public = Public::from_bytes(key.as_ref()).map_err(|_| Error::Envelope)?;
    let mut rng = ChaCha20Rng::from_seed(*seed()?);
    let (encapsulated, mut context) = hpke::setup_sender_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &public, &destination.info(), &mut rng)
    .map_err(|_| Error::Envelope)?;
    let encapsulated: [u8; KEY_BYTES] = encapsulated.to_bytes().into();
    let head = [&[ENVELOPE_VERSION][..], &TransportKeyId::of(key).0].concat();
    let ciphertext = context.seal(plain, &head).map_err(|_| Error::Envelope)?;
    let sealed = [&head[..], &encapsulated, &ciphertext].concat();
    let exchange = Exchange::new(encapsulated, &sealed, |out| context.export(EXPORT, out))?;
    Ok((sealed, exchange))
}

/// What both sides of one message know: the secret for its reply, and its hash.
///
/// A reply is 32 random bytes and a ciphertext under a key and a nonce made of them and of a secret
/// exported from the message's context, as in RFC 9458 (section 4.4): it opens for its own message
/// alone.
pub struct Exchange {
    secret: Zeroizing<[u8; KEY_BYTES]>,
    encapsulated: [u8; KEY_BYTES],
    message_hash: B256,
}

impl Exchange {
    fn new(
        encapsulated: [u8; KEY_BYTES],
        sealed: &[u8],
        export: impl FnOnce(&mut [u8]) -> core::result::Result<(), hpke::HpkeError>,
    ) -> Result<Self> {
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        export(secret.as_mut()).map_err(|_| Error::Envelope)?;
        Ok(Self {
            secret,
            encapsulated,
            message_hash: keccak256(sealed),
        })
    }

    /// keccak256 of the sealed message, which the signature of the answer names.
    pub const fn message_hash(&self) -> B256 {
        self.message_hash
    }

    /// Seals a reply: nonce (32 random bytes), ciphertext, tag.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn seal_reply(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; REPLY_NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| Error::Randomness)?;
        let (cipher, iv) = self.cipher(&nonce)?;
        let payload = Payload {
            msg: plain,
            aad: &[],
        };
        let ciphertext = cipher.encrypt(&iv.into(), payload);
        Ok([&nonce[..], &ciphertext.map_err(|_| Error::Envelope)?].concat())
    }

    /// Opens the reply to this exchange's message.
    ///
    /// # Errors
    /// [`Error::Envelope`] for a reply that is damaged, or to another message.
    pub fn open_reply(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed
            .split_first_chunk::<REPLY_NONCE_BYTES>()
            .ok_or(Error::Envelope)?;
        let (cipher, iv) = self.cipher(nonce)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &[],
        };
        let plain = cipher.decrypt(&iv.into(), payload);
        plain.map(Zeroizing::new).map_err(|_| Error::Envelope)
    }

    /// Key and nonce of a reply: HKDF-SHA256(encapsulated key || nonce, secret).
    fn cipher(
        &self,
        nonce: &[u8; REPLY_NONCE_BYTES],
    ) -> Result<(chacha20poly1305::ChaCha20Poly1305, [u8; 12])> {
        let salt = [&self.encapsulated[..], nonce].concat();
        let hkdf = hkdf::Hkdf::<sha2::Sha256>::new(Some(&salt), self.secret.as_ref());
        let (mut key, mut iv) = (Zeroizing::new([0; KEY_BYTES]), [0; 12]);
        hkdf.expand(b"key", key.as_mut())
            .map_err(|_| Error::Envelope)?;
        hkdf.expand(b"nonce", &mut iv)
            .map_err(|_| Error::Envelope)?;
        let key: &[u8; KEY_BYTES] = &key;
        Ok((chacha20poly1305::ChaCha20Poly1305::new(key.into()), iv))
    }
}

/// Draws 32 secret bytes.
fn seed() -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let mut seed = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(seed.as_mut()).map_err(|_| Error::Randomness)?;
    Ok(seed)
}

#[cfg(test)]
mod tests;
