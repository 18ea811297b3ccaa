//! What only an owner and a reader can compute, from the Diffie-Hellman point of the label's key A
//! and the reader's key B: the look-up values of their policies, and the tag by which the reader
//! knows a policy for the owner's. Nodes and contracts ignore both. Neighbour: `policy`.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use umbral::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::policy::{Terms, keys_hash};
use crate::primitives::{Address, B256};

/// Info of the derivation, before both keys.
const PAIR: &[u8] = b"KMS v1 pair";
/// Beginning of the message whose code the tag is.
const TAG: &[u8] = b"KMS v1 policy tag";
/// Length of a tag, in bytes.
pub const TAG_BYTES: usize = 16;
/// First byte of the tag in the salt.
const TAG_AT: usize = 16;
/// Length of a key, in bytes: a block of the hash, which HMAC takes as it is.
const KEY_BYTES: usize = 64;

type Key = Box<Zeroizing<[u8; KEY_BYTES]>>;

/// The secret that an owner shares with one reader of one label. Erased when dropped.
///
/// | value | bytes | computed as |
/// |---|---|---|
/// | both keys | 64 each | HKDF-SHA-256, no salt, of aB = bA, info = `KMS v1 pair` A33 B33 |
/// | blinding of number i | 32 | HMAC-SHA-256(look-up key, i as u32 big-endian) |
/// | keys hash of number i | 32 | keccak256(A33 B33 blinding), see [`keys_hash`] |
/// | tag | 16 | first 16 bytes of HMAC-SHA-256(tag key, tagged message) |
///
/// The derivation (RFC 5869, 128 bytes, of the point's 33) gives the look-up key, then the tag key.
/// The tagged message is `KMS v1 policy tag`, the chain id as u64 big-endian, the policy manager's
/// 20 bytes, abi.encode(terms). The tag takes the place of the last 16 bytes of the salt, which are
/// zero in the terms that it is computed over. The number counts the grants of a pair: 0, 1, 2...
pub struct PairKey {
    delegating: PublicKey,
    receiving: PublicKey,
    look_up: Key,
    tag: Key,
}

impl PairKey {
    /// Computes the key as the owner does, who has the label's secret key.
    ///
    /// # Errors
    /// None in practice: the derivation takes any key.
    pub fn of_owner(delegating: &SecretKey, receiving: &PublicKey) -> Result<Self> {
        let point = delegating.diffie_hellman(receiving);
        Self::derive(point.as_slice(), delegating.public_key(), *receiving)
    }

    /// Computes the key as the reader does, who has the receiving secret key.
    ///
    /// # Errors
    /// As [`PairKey::of_owner`].
    pub fn of_reader(receiving: &SecretKey, delegating: &PublicKey) -> Result<Self> {
        let point = receiving.diffie_hellman(delegating);
        Self::derive(point.as_slice(), *delegating, receiving.public_key())
    }

    fn derive(point: &[u8], delegating: PublicKey, receiving: PublicKey) -> Result<Self> {
        let info = [PAIR, &delegating.to_bytes(), &receiving.to_bytes()].concat();
        let mut keys = Zeroizing::new([0; 2 * KEY_BYTES]);
        Hkdf::<Sha256>::new(None, point)
            .expand(&info, keys.as_mut_slice())
            .map_err(|_| Error::Derivation)?;
        let key = |bytes: &[u8]| {
            let mut key = Key::new(Zeroizing::new([0; KEY_BYTES]));
            key.copy_from_slice(bytes);
            key
        };
        let (look_up, tag) = keys.split_at(KEY_BYTES);
        Ok(Self {
            delegating,
            receiving,
            look_up: key(look_up),
            tag: key(tag),
        })
    }

    /// Computes the blinding of the pair's grant of this number: what keeps its keys hash from
    /// being told by whoever knows both keys.
    pub fn blinding(&self, number: u32) -> B256 {
        B256(code(&self.look_up, &[&number.to_be_bytes()]))
    }

    /// Computes the look-up value of the pair's grant of this number: [`Terms::keys_hash`].
    pub fn keys_hash(&self, number: u32) -> B256 {
        keys_hash(&self.delegating, &self.receiving, &self.blinding(number))
    }

    /// Puts the tag of these terms in the place of the last 16 bytes of their salt; the first 16
    /// are to be random.
    #[must_use]
    pub fn tagged(&self, mut terms: Terms, chain_id: u64, contract: &Address) -> Terms {
        let tag = self.tag_of(&terms, chain_id, contract);
        terms.salt.0.split_at_mut(TAG_AT).1.copy_from_slice(&tag);
        terms
    }

    /// Whether the owner or the reader of this pair made these terms, for this chain and policy
    /// manager: whether their tag holds. Constant time.
    pub fn recognises(&self, terms: &Terms, chain_id: u64, contract: &Address) -> bool {
        let tag = self.tag_of(terms, chain_id, contract);
        terms.salt.0.split_at(TAG_AT).1.ct_eq(&tag).into()
    }

    fn tag_of(&self, terms: &Terms, chain_id: u64, contract: &Address) -> [u8; TAG_BYTES] {
        let mut untagged = terms.clone();
        untagged.salt.0.split_at_mut(TAG_AT).1.fill(0);
        let message: [&[u8]; 4] = [
            TAG,
            &chain_id.to_be_bytes(),
            contract.as_bytes(),
            &untagged.abi_encode(),
        ];
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(code(&self.tag, &message).split_at(TAG_BYTES).0);
        tag
    }
}

impl std::fmt::Debug for PairKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairKey(<redacted>)")
    }
}

/// HMAC-SHA-256 of the parts, one after the other.
fn code(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new(key.into());
    let mac = parts.iter().fold(mac, |mac, part| mac.chain_update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
