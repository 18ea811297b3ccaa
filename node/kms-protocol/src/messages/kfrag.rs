//! The upload of a kfrag and of its delegation's commitments to a miner's node, and the node's
//! signed acknowledgement.
//!
//! `reencrypt.rs` uses the stored kfrag, `erasure.rs` proves its end.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;
use umbral::{KeyFrag, PublicKey, VerifyingKey};
use zeroize::Zeroizing;

use super::{CommitmentsBytes, Delivery};
use crate::eip712::{Domain, StructHasher, TypedData};
use crate::error::{Error, Mismatch, Result};
use crate::eth::{EthSecret, EthSignature, address_of_verifying};
use crate::hex_serde::{decode_array, encode, parse_str, umbral_key};
use crate::policy::{Terms, keys_hash};
use crate::primitives::{Address, B256, PolicyId, keccak256};

/// A kfrag as it travels, 195 bytes, not verified. Secret: wiped when dropped, shown by nothing;
/// as text only in a message that is sealed next.
#[derive(Clone)]
pub struct SecretKfrag(Zeroizing<[u8; KeyFrag::BYTES]>);

impl SecretKfrag {
    /// The secret bytes.
    pub fn expose(&self) -> &[u8; KeyFrag::BYTES] {
        &self.0
    }

    /// keccak256 of the bytes, which the author and the worker sign.
    pub fn hash(&self) -> B256 {
        keccak256(self.0.as_ref())
    }
}

impl From<&[u8; KeyFrag::BYTES]> for SecretKfrag {
    fn from(bytes: &[u8; KeyFrag::BYTES]) -> Self {
        Self(Zeroizing::new(*bytes))
    }
}

impl fmt::Debug for SecretKfrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKfrag(<redacted>)")
    }
}

/// Compares in constant time.
impl PartialEq for SecretKfrag {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl Eq for SecretKfrag {}

impl FromStr for SecretKfrag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        decode_array(text).map(|bytes| Self(Zeroizing::new(bytes)))
    }
}

impl Serialize for SecretKfrag {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(encode(self.0.as_ref())))
    }
}

impl<'de> Deserialize<'de> for SecretKfrag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        parse_str(deserializer)
    }
}

/// An owner's message to one miner. Signed by the verifying key over [`KfragGrant`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KfragUpload {
    /// The terms, which hash to the policy's id.
    pub terms: Terms,
    /// Delegating key A, of the label.
    #[serde(with = "umbral_key")]
    pub delegating_key: PublicKey,
    /// Receiving key B, of the reader.
    #[serde(with = "umbral_key")]
    pub receiving_key: PublicKey,
    /// What hides both keys in `terms.keys_hash`.
    pub blinding: B256,
    /// The author's key that signs kfrags; its address is `terms.verifier`.
    #[serde(with = "crate::hex_serde::verifying_key")]
    pub verifying_key: VerifyingKey,
    /// The kfrag in clear: it travels under the envelope alone.
    pub kfrag: SecretKfrag,
    /// Commitments of the delegation, the same for every miner.
    pub commitments: CommitmentsBytes,
    /// The author's word by which the miner is paid.
    pub delivery: Delivery,
    /// Signature over the grant, by the verifying key.
    pub signature: EthSignature,
}

impl KfragUpload {
    /// Makes the statement that is signed for `miner`.
    pub fn grant(&self, domain: &Domain, miner: Address) -> KfragGrant {
        KfragGrant {
            policy_id: self.terms.id(domain.chain_id, &domain.contract),
            miner,
            threshold: self.terms.threshold,
            kfrag_hash: self.kfrag.hash(),
            commitments_hash: self.commitments.hash(),
        }
    }

    /// Signs the upload and its delivery for `miner` with the verifying key.
    #[must_use]
    pub fn signed(mut self, domain: &Domain, miner: Address, verifying: &EthSecret) -> Self {
        let grant = self.grant(domain, miner);
        self.signature = grant.sign(domain, verifying);
        self.delivery = self
            .delivery
            .signed(domain, grant.policy_id, miner, verifying);
        self
    }

    /// Checks terms, keys, blinding, miner and both signatures; says nothing about the chain, the
    /// kfrag, the commitments, or whether the delivery is of the present period. Returns the
    /// policy's id.
    ///
    /// # Errors
    /// [`Error::Terms`], [`Error::Mismatch`] (miner, keys, verifying key, delivery), or why a
    /// signature is refused.
    pub fn verify(&self, domain: &Domain, miner: Address) -> Result<PolicyId> {
        self.terms.validate()?;
        if !self.terms.includes(&miner) {
            return Err(Error::Mismatch(Mismatch::Miner));
        }
        let keys = keys_hash(&self.delegating_key, &self.receiving_key, &self.blinding);
        if keys != self.terms.keys_hash {
            return Err(Error::Mismatch(Mismatch::Keys));
        }
        if address_of_verifying(&self.verifying_key) != self.terms.verifier {
            return Err(Error::Mismatch(Mismatch::VerifyingKey));
        }
        let grant = self.grant(domain, miner);
        let verifier = &self.terms.verifier;
        grant.check(domain, &self.signature, verifier)?;
        self.delivery
            .verify(domain, grant.policy_id, miner, verifier)?;
        Ok(grant.policy_id)
    }
}

/// The author's statement about a kfrag, signed by the verifying key (`Terms.verifier`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KfragGrant {
    /// Policy that the kfrag is for.
    pub policy_id: PolicyId,
    /// Owner address of the miner that receives the kfrag.
    pub miner: Address,
    /// m: number of cfrags that a reader needs.
    pub threshold: u8,
    /// keccak256 of the kfrag (195 bytes).
    pub kfrag_hash: B256,
    /// keccak256 of the commitments' bytes, signature included.
    pub commitments_hash: B256,
}

impl TypedData for KfragGrant {
    const TYPE: &'static str = "KfragGrant(bytes32 policyId,address miner,uint8 threshold,\
        bytes32 kfragHash,bytes32 commitmentsHash)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .uint(self.threshold)
            .bytes32(&self.kfrag_hash)
            .bytes32(&self.commitments_hash)
    }
}

/// The node's statement that the kfrag is on its disk, signed by the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KfragAck {
    /// Policy that the kfrag is for.
    pub policy_id: PolicyId,
    /// Owner address of the miner that stored it.
    pub miner: Address,
    /// keccak256 of the kfrag (195 bytes).
    pub kfrag_hash: B256,
    /// Signature by the miner's worker.
    pub signature: EthSignature,
}

impl KfragAck {
    /// Signs the acknowledgement with the worker's key.
    #[must_use]
    pub fn signed(mut self, domain: &Domain, worker: &EthSecret) -> Self {
        self.signature = self.sign(domain, worker);
        self
    }

    /// Checks that this answers `upload`, sent to `miner`, and that `worker` signed it.
    ///
    /// # Errors
    /// [`Error::Mismatch`], or why the signature is refused.
    pub fn verify(
        &self,
        domain: &Domain,
        upload: &KfragUpload,
        miner: &Address,
        worker: &Address,
    ) -> Result<()> {
        if self.policy_id != upload.terms.id(domain.chain_id, &domain.contract) {
            return Err(Error::Mismatch(Mismatch::Policy));
        }
        if self.miner != *miner {
            return Err(Error::Mismatch(Mismatch::Miner));
        }
        if self.kfrag_hash != upload.kfrag.hash() {
            return Err(Error::Mismatch(Mismatch::Kfrag));
        }
        self.check(domain, &self.signature, worker)
    }
}

impl TypedData for KfragAck {
    const TYPE: &'static str = "KfragAck(bytes32 policyId,address miner,bytes32 kfragHash)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .bytes32(&self.kfrag_hash)
    }
}

#[cfg(test)]
mod tests;
