//! The record of a deployment: `deployments/<chain-id>.json`, and the contracts' artifacts.
//!
//! A `Deployment` names the chain by id and genesis hash, and each contract by address and hash of
//! its code: an endpoint that serves another chain is found out.

use std::path::Path;

use kms_protocol::hex_serde::hex_bytes;
use kms_protocol::{Address, B256, Domain, keccak256};
use serde::{Deserialize, Serialize};

use crate::contracts::{Contract, PerContract};
use crate::deployment::params::DeployParams;
use crate::error::{ChainError, JsonFile};
use crate::files::{self, Existing};
use crate::rpc::Identity;

pub(crate) mod deploy;
pub(crate) mod params;
mod probe;
pub(crate) mod verify;

/// The record of one deployment of the contracts on one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Hash of block 0 of the chain.
    pub genesis_hash: B256,
    /// Height of the block that holds the first contract: following starts there.
    pub block: u64,
    /// Address, code hash and constructor arguments of each contract.
    pub contracts: Contracts,
    /// Parameters of the deployment, genesis resolved.
    pub params: DeployParams,
    /// JSON-RPC endpoints for whoever names none, tried in order; a proposal, proved like any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
}

/// Record of each contract of a deployment.
pub type Contracts = PerContract<ContractRecord>;

/// Address, code and arguments of one deployed contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRecord {
    /// Address that the contract was created at.
    pub address: Address,
    /// keccak256 of the code on chain, immutables included.
    pub code_hash: B256,
    /// ABI-encoded arguments of its constructor.
    #[serde(with = "hex_bytes")]
    pub constructor_args: Vec<u8>,
}

impl Deployment {
    /// Domain of the consents by which workers are bonded.
    #[must_use]
    pub fn escrow_domain(&self) -> Domain {
        Domain::staking_escrow(self.chain_id, self.contracts.escrow.address)
    }

    /// Reads a deployment from its JSON text.
    ///
    /// # Errors
    /// Those of serde_json; unknown and missing fields are refused.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Writes the JSON text, with a final newline.
    ///
    /// # Errors
    /// None in practice: every field serialises.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads a deployment from its file.
    ///
    /// # Errors
    /// `File`, `Json`; `DeploymentIncomplete` for a record that lacks a contract.
    pub fn load(path: &Path) -> Result<Self, ChainError> {
        let text = files::read(path)?;
        Self::from_json(&text).map_err(|error| match missing_contract(&text) {
            Some(contract) => ChainError::DeploymentIncomplete {
                path: path.to_owned(),
                contract,
            },
            None => json_fault(path)(error),
        })
    }

    /// Writes the file in one step, over an older one.
    ///
    /// # Errors
    /// `File`.
    pub fn save(&self, path: &Path) -> Result<(), ChainError> {
        let text = self.to_json().map_err(json_fault(path))?;
        files::write(path, text.as_bytes(), Existing::Replace)
    }

    /// The identity that an endpoint must prove to be used for this deployment.
    pub(crate) fn identity(&self) -> Identity {
        let code = Contract::ALL.into_iter().zip(self.contracts.all());
        Identity {
            chain_id: self.chain_id,
            genesis_hash: self.genesis_hash,
            code: code
                .map(|(contract, record)| (contract, record.address, record.code_hash))
                .collect(),
        }
    }
}

/// Finds the first contract that a record's list of contracts lacks.
fn missing_contract(text: &str) -> Option<Contract> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let named = value.get("contracts")?.as_object()?;
    Contract::ALL
        .into_iter()
        .find(|contract| !named.contains_key(contract.key()))
}

fn json_fault(path: &Path) -> impl FnOnce(serde_json::Error) -> ChainError + use<'_> {
    move |source| ChainError::Json {
        what: JsonFile::Deployment,
        path: path.to_owned(),
        source,
    }
}

/// A compiled contract, embedded from `deployments/artifacts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// Name of the contract in Solidity.
    pub contract: &'static str,
    /// Text of the artifact's JSON file.
    pub json: &'static str,
}

/// The part of an artifact that is read at run time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactFile {
    #[serde(with = "hex_bytes")]
    bytecode: Vec<u8>,
    deployed_bytecode_hash: B256,
    deployed_bytecode_bytes: usize,
    immutables: Vec<[usize; 2]>,
}

impl Artifact {
    /// The artifact embedded for a contract.
    #[must_use]
    pub fn of(contract: Contract) -> Self {
        Self {
            contract: contract.name(),
            json: contract.artifact_json(),
        }
    }

    fn file(&self) -> Result<ArtifactFile, ChainError> {
        match serde_json::from_str::<ArtifactFile>(self.json) {
            Ok(file) if !file.bytecode.is_empty() => Ok(file),
            _ => Err(ChainError::Artifact {
                contract: self.contract,
            }),
        }
    }

    /// Creation code, without constructor arguments.
    ///
    /// # Errors
    /// `Artifact` when the file holds none.
    pub fn bytecode(&self) -> Result<Vec<u8>, ChainError> {
        Ok(self.file()?.bytecode)
    }

    /// Length of the code a deployment leaves on chain, in bytes.
    ///
    /// # Errors
    /// As `bytecode`.
    pub fn deployed_bytes(&self) -> Result<usize, ChainError> {
        Ok(self.file()?.deployed_bytecode_bytes)
    }

    /// Whether `code` is what a deployment of this artifact leaves on chain, whatever its
    /// immutables.
    ///
    /// # Errors
    /// As `bytecode`.
    pub fn is_code(&self, code: &[u8]) -> Result<bool, ChainError> {
        let file = self.file()?;
        let mut blank = code.to_vec();
        for [start, length] in file.immutables {
            if let Some(place) = blank.get_mut(start..start.saturating_add(length)) {
                place.fill(0);
            }
        }
        Ok(keccak256(&blank) == file.deployed_bytecode_hash)
    }
}

#[cfg(test)]
mod tests;
