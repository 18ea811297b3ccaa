//! The record of a deployment: `deployments/<chain-id>.json`, and the contracts' artifacts.
//!
//! Everything that speaks to the contracts starts from a `Deployment`: it names the chain by id and
//! genesis hash and each contract by address and hash of its code, so that no endpoint can pass off
//! another chain.

use std::path::Path;

use kms_protocol::hex_serde::hex_bytes;
use kms_protocol::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::error::{ChainError, IdentityPart};
use crate::files::{self, Existing};
use crate::params::DeployParams;
use crate::rpc::Identity;

/// One set of the four contracts on one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Hash of its block 0.
    pub genesis_hash: B256,
    /// Height of the block that holds the first contract: following starts there.
    pub block: u64,
    /// The contracts.
    pub contracts: Contracts,
    /// What they were deployed with, genesis resolved.
    pub params: DeployParams,
}

/// The four contracts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// KMSToken.
    pub token: ContractRecord,
    /// StakingEscrow.
    pub escrow: ContractRecord,
    /// MiningRewards.
    pub rewards: ContractRecord,
    /// PolicyManager.
    pub policies: ContractRecord,
}

/// One deployed contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRecord {
    /// Its address.
    pub address: Address,
    /// keccak256 of the code on chain, immutables included.
    pub code_hash: B256,
    /// ABI-encoded arguments of its constructor.
    #[serde(with = "hex_bytes")]
    pub constructor_args: Vec<u8>,
}

impl Deployment {
    /// Reads a deployment from its JSON text.
    ///
    /// # Errors
    /// Of serde_json; unknown fields are refused.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Its JSON text, with a final newline.
    ///
    /// # Errors
    /// None in practice: every field serialises.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads the file.
    ///
    /// # Errors
    /// `File`, `Json`.
    pub fn load(path: &Path) -> Result<Self, ChainError> {
        Self::from_json(&files::read(path)?).map_err(json_fault(path))
    }

    /// Writes the file in one step, over an older one.
    ///
    /// # Errors
    /// `File`.
    pub fn save(&self, path: &Path) -> Result<(), ChainError> {
        let text = self.to_json().map_err(json_fault(path))?;
        files::write(path, text.as_bytes(), Existing::Replace)
    }

    /// What an endpoint must show to be used for this deployment.
    pub(crate) fn identity(&self) -> Identity {
        let Contracts {
            token,
            escrow,
            rewards,
            policies,
        } = &self.contracts;
        let code = [
            (IdentityPart::TokenCode, token),
            (IdentityPart::EscrowCode, escrow),
            (IdentityPart::RewardsCode, rewards),
            (IdentityPart::PoliciesCode, policies),
        ];
        Identity {
            chain_id: self.chain_id,
            genesis_hash: self.genesis_hash,
            code: code
                .map(|(part, record)| (part, record.address, record.code_hash))
                .to_vec(),
        }
    }
}

fn json_fault(path: &Path) -> impl FnOnce(serde_json::Error) -> ChainError + use<'_> {
    move |source| ChainError::Json {
        what: "deployment",
        path: path.to_owned(),
        source,
    }
}

/// A compiled contract, embedded from `deployments/artifacts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the contract.
    pub contract: &'static str,
    /// The whole JSON file.
    pub json: &'static str,
}

impl Artifact {
    /// Creation code, without constructor arguments.
    ///
    /// # Errors
    /// `Artifact` when the file holds none.
    pub fn bytecode(&self) -> Result<Vec<u8>, ChainError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(with = "hex_bytes")]
            bytecode: Vec<u8>,
        }
        let fault = ChainError::Artifact {
            contract: self.contract,
        };
        match serde_json::from_str::<File>(self.json) {
            Ok(file) if !file.bytecode.is_empty() => Ok(file.bytecode),
            _ => Err(fault),
        }
    }
}

/// The four artifacts, in the order of deployment.
#[must_use]
pub fn artifacts() -> [Artifact; 4] {
    macro_rules! artifact {
        ($name:literal) => {
            Artifact {
                contract: $name,
                json: include_str!(concat!("../../../deployments/artifacts/", $name, ".json")),
            }
        };
    }
    [
        artifact!("KMSToken"),
        artifact!("StakingEscrow"),
        artifact!("MiningRewards"),
        artifact!("PolicyManager"),
    ]
}

#[cfg(test)]
mod tests;
