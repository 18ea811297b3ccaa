//! Compares a deployment with what is on the chain: the code of each contract with its artifact
//! (immutables aside), its constructor's arguments with the parameters, and every parameter with
//! what the contract answers. Reads only.

use kms_protocol::abi::Words;
use kms_protocol::{Address, keccak256};
use serde_json::json;

use crate::contracts::Contract;
use crate::contracts::revert::decode_error;
use crate::deployment::deploy::args;
use crate::deployment::params::{DeployParams, Genesis};
use crate::deployment::{Artifact, ContractRecord, Deployment, probe};
use crate::error::{ChainError, ParamProblem};
use crate::rpc::Rpc;
use crate::types::wire::HexBytes;

mod views;

use views::{View, views};

/// A difference between the chain and the record or the parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the message of a variant shows what its fields are"
)]
pub enum Difference {
    /// No code stands at the recorded address.
    #[error("{contract}: no code at {address}")]
    NoCode {
        contract: &'static str,
        address: Address,
    },
    /// The code is not the one that was recorded.
    #[error("{contract}: the code at {address} is not the code that was deployed")]
    CodeChanged {
        contract: &'static str,
        address: Address,
    },
    /// The code is not the one of the artifact: another version of the sources, or a forgery.
    #[error("{contract}: the code at {address} is not that of the artifact of this program")]
    ForeignCode {
        contract: &'static str,
        address: Address,
    },
    /// The recorded arguments of the constructor are not those of the recorded parameters.
    #[error("{contract}: the recorded constructor arguments do not follow from the parameters")]
    Arguments { contract: &'static str },
    /// A value that can never change differs.
    #[error("{contract}.{view} is {found}, not {expected}")]
    Value {
        contract: &'static str,
        view: &'static str,
        expected: String,
        found: String,
    },
    /// A value that the timelock or the guardian may change was changed; not a fault.
    #[error("{contract}.{view} was changed since: it is {found}, at first it was {expected}")]
    Governed {
        contract: &'static str,
        view: &'static str,
        expected: String,
        found: String,
    },
}

impl Difference {
    /// Whether the difference is a fault, rather than a change within the powers.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Governed { .. } => false,
            Self::NoCode { .. }
            | Self::CodeChanged { .. }
            | Self::ForeignCode { .. }
            | Self::Arguments { .. }
            | Self::Value { .. } => true,
        }
    }
}

/// Compares everything. Returns the differences, none if all is as recorded, and the number of
/// values compared.
///
/// # Errors
/// `ChainUnsupported` if the chain cannot run the contracts, whatever stands there; as
/// `Rpc::request`; `Artifact`.
pub async fn check_deployment(
    rpc: &Rpc,
    deployment: &Deployment,
) -> Result<(usize, Vec<Difference>), ChainError> {
    probe::prove(rpc, deployment.chain_id).await?;
    let mut differences = Vec::new();
    let records = deployment.contracts.all();
    let addresses = records.map(|record| record.address).into();
    let arguments = args::all(&deployment.params, &addresses)?;
    let expected = Contract::ALL.into_iter().zip(arguments.all());
    for ((contract, arguments), record) in expected.zip(records) {
        differences.extend(check_code(rpc, contract, record).await?);
        if record.constructor_args != arguments.as_bytes() {
            differences.push(Difference::Arguments {
                contract: contract.name(),
            });
        }
    }
    // Views are asked only if every contract has code.
    if differences
        .iter()
        .any(|d| matches!(d, Difference::NoCode { .. }))
    {
        return Ok((0, differences));
    }
    let views = views(deployment)?;
    for view in &views {
        differences.extend(check_view(rpc, view).await?);
    }
    Ok((views.len(), differences))
}

async fn check_code(
    rpc: &Rpc,
    contract: Contract,
    record: &ContractRecord,
) -> Result<Option<Difference>, ChainError> {
    let (artifact, address) = (Artifact::of(contract), record.address);
    let contract = contract.name();
    let HexBytes(code) = rpc.request("eth_getCode", &(address, "latest")).await?;
    Ok(if code.is_empty() {
        Some(Difference::NoCode { contract, address })
    } else if !artifact.is_code(&code)? {
        Some(Difference::ForeignCode { contract, address })
    } else if keccak256(&code) != record.code_hash {
        Some(Difference::CodeChanged { contract, address })
    } else {
        None
    })
}

async fn check_view(rpc: &Rpc, view: &View) -> Result<Option<Difference>, ChainError> {
    let call = json!({ "to": view.address, "data": HexBytes(view.data.clone()) });
    let answer: Result<HexBytes, _> = rpc.request("eth_call", &(call, "latest")).await;
    let HexBytes(found) = match answer.map_err(decode_error) {
        // A contract without the view is another contract: a difference, no failure of the
        // endpoint.
        Err(ChainError::Reverted { .. }) => HexBytes(Vec::new()),
        answer => answer?,
    };
    let found = found.get(..view.expected.len()).unwrap_or(&found);
    if found == view.expected {
        return Ok(None);
    }
    let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    let (contract, view_name) = (view.contract, view.signature);
    let (expected, found) = (hex(&view.expected), hex(found));
    Ok(Some(if view.governed {
        Difference::Governed {
            contract,
            view: view_name,
            expected,
            found,
        }
    } else {
        Difference::Value {
            contract,
            view: view_name,
            expected,
            found,
        }
    }))
}

/// Reads the genesis of resolved parameters.
fn genesis_of(params: &DeployParams) -> Result<u64, ChainError> {
    match params.genesis {
        Genesis::At(time) => Ok(time),
        Genesis::Now => Err(ChainError::Params {
            field: "genesis",
            problem: ParamProblem::Missing,
        }),
    }
}

/// Encodes an address as one word.
fn word(address: Address) -> Words {
    Words::default().address(&address)
}

#[cfg(test)]
mod tests;
