//! EIP-712 typed-data hashing: domain separators and struct hashes, written out by hand.
//!
//! Each signed message implements [`TypedData`]; the types are in `messages/` (client and node) and
//! here (those a contract verifies). Signatures are those of `eth.rs`.

use crate::abi::Words;
use crate::error::Result;
use crate::eth::{EthSecret, EthSignature};
use crate::period::Period;
use crate::primitives::{Address, B256, PolicyId, keccak256};

const DOMAIN_TYPE: &str =
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/// The `version` of every domain.
pub const DOMAIN_VERSION: &str = "1";

/// The domain that a signature is bound to besides its message: a use, a chain and a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain {
    /// EIP-712 `name`: the use of the signature.
    pub name: &'static str,
    /// EIP-712 `chainId`: the EIP-155 id.
    pub chain_id: u64,
    /// EIP-712 `verifyingContract`, or the policy manager for messages that no contract verifies.
    pub contract: Address,
}

impl Domain {
    /// The domain of messages between client and node, bound to the policy manager.
    pub const fn node(chain_id: u64, policy_manager: Address) -> Self {
        Self {
            name: "KMS Node",
            chain_id,
            contract: policy_manager,
        }
    }

    /// The domain of messages that PolicyManager verifies.
    pub const fn policy_manager(chain_id: u64, policy_manager: Address) -> Self {
        Self {
            name: "KMS PolicyManager",
            chain_id,
            contract: policy_manager,
        }
    }

    /// The domain of messages that StakingEscrow verifies.
    pub const fn staking_escrow(chain_id: u64, escrow: Address) -> Self {
        Self {
            name: "KMS StakingEscrow",
            chain_id,
            contract: escrow,
        }
    }

    /// The domain of messages that MiningRewards verifies.
    pub const fn mining_rewards(chain_id: u64, mining_rewards: Address) -> Self {
        Self {
            name: "KMS MiningRewards",
            chain_id,
            contract: mining_rewards,
        }
    }

    /// The domain of messages that Adjudicator verifies.
    pub const fn adjudicator(chain_id: u64, adjudicator: Address) -> Self {
        Self {
            name: "KMS Adjudicator",
            chain_id,
            contract: adjudicator,
        }
    }

    /// The domain of messages that SilenceChallenges verifies.
    pub const fn silence_challenges(chain_id: u64, challenges: Address) -> Self {
        Self {
            name: "KMS SilenceChallenges",
            chain_id,
            contract: challenges,
        }
    }

    /// Computes hashStruct of the domain: the EIP-712 domain separator.
    pub fn separator(&self) -> B256 {
        StructHasher::new(DOMAIN_TYPE)
            .bytes32(&keccak256(self.name.as_bytes()))
            .bytes32(&keccak256(DOMAIN_VERSION.as_bytes()))
            .uint(self.chain_id)
            .address(&self.contract)
            .finish()
    }

    /// Computes the digest that is signed: keccak256(0x19 0x01 || separator || struct hash).
    pub fn digest(&self, struct_hash: &B256) -> B256 {
        let separator = self.separator();
        keccak256(
            &[
                &[0x19, 0x01],
                separator.as_bytes().as_slice(),
                struct_hash.as_ref(),
            ]
            .concat(),
        )
    }
}

/// Builds hashStruct = keccak256(typeHash || encodeData) field by field.
#[derive(Debug, Clone)]
pub struct StructHasher(Words);

impl StructHasher {
    /// Starts with the hash of the type, e.g. `Mail(address from,bytes32 text)`.
    pub fn new(type_text: &str) -> Self {
        Self(Words::with_capacity(8).bytes32(&keccak256(type_text.as_bytes())))
    }

    /// Appends a field of type bytes32.
    #[must_use]
    pub fn bytes32(self, word: &B256) -> Self {
        Self(self.0.bytes32(word))
    }

    /// Appends a field of type address.
    #[must_use]
    pub fn address(self, address: &Address) -> Self {
        Self(self.0.address(address))
    }

    /// Appends a field of type uint8 to uint256.
    #[must_use]
    pub fn uint(self, value: impl Into<u128>) -> Self {
        Self(self.0.uint(value))
    }

    /// Hashes type and fields: the hashStruct.
    pub fn finish(self) -> B256 {
        keccak256(self.0.as_bytes())
    }
}

/// A message with an EIP-712 type: everything but its signature.
pub trait TypedData {
    /// encodeType of the message: names and types of its fields.
    const TYPE: &'static str;

    /// Appends the fields, in the order of [`TypedData::TYPE`].
    fn encode_fields(&self, hasher: StructHasher) -> StructHasher;

    /// Computes hashStruct of the message: keccak256(typeHash || encodeData).
    fn struct_hash(&self) -> B256 {
        self.encode_fields(StructHasher::new(Self::TYPE)).finish()
    }

    /// Computes the digest that is signed in `domain`.
    fn digest(&self, domain: &Domain) -> B256 {
        domain.digest(&self.struct_hash())
    }

    /// Signs the message in `domain`.
    fn sign(&self, domain: &Domain, secret: &EthSecret) -> EthSignature {
        secret.sign_digest(&self.digest(domain))
    }

    /// Checks that `expected` signed the message in `domain`.
    ///
    /// # Errors
    /// Those of [`EthSignature::verify`].
    fn check(&self, domain: &Domain, signature: &EthSignature, expected: &Address) -> Result<()> {
        signature.verify(&self.digest(domain), expected)
    }
}

/// The author's order to end a policy, relayed by anyone; domain [`Domain::policy_manager`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Policy that is to end.
    pub policy_id: PolicyId,
    /// Last block timestamp at which the order counts, in seconds.
    pub deadline: u64,
}

impl TypedData for Revocation {
    const TYPE: &'static str = "Revocation(bytes32 policyId,uint256 deadline)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher.bytes32(&self.policy_id.0).uint(self.deadline)
    }
}

/// The author's order to end the arrangement with one miner, relayed by anyone; domain
/// [`Domain::policy_manager`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrangementRevocation {
    /// Policy that goes on with the other miners.
    pub policy_id: PolicyId,
    /// Owner address of the miner that is dismissed.
    pub miner: Address,
    /// Last block timestamp at which the order counts, in seconds.
    pub deadline: u64,
}

impl TypedData for ArrangementRevocation {
    const TYPE: &'static str =
        "ArrangementRevocation(bytes32 policyId,address miner,uint256 deadline)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .uint(self.deadline)
    }
}

/// A worker's confirmation of activity, relayed by anyone; domain [`Domain::mining_rewards`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityConfirmation {
    /// Owner address of the worker's miner.
    pub miner: Address,
    /// Last period of the lease.
    pub through_period: Period,
    /// The only period in which it may be submitted.
    pub valid_period: Period,
}

impl TypedData for ActivityConfirmation {
    const TYPE: &'static str =
        "ActivityConfirmation(address miner,uint32 throughPeriod,uint32 validPeriod)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.miner)
            .uint(self.through_period.0)
            .uint(self.valid_period.0)
    }
}

#[cfg(test)]
mod tests;
