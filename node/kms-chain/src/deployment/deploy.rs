//! Deploys the contracts from their embedded artifacts and records where they are.
//!
//! Contracts name each other, so every address is predicted from the deployer's nonces and checked.
//! `deploy/state.rs` is what a journal keeps, `deploy/args.rs` the constructors' arguments. Used by
//! `kms dev`, by kms-scripts and by tests.

use std::time::Duration;

use kms_protocol::{Address, B256, EthSecret, keccak256};
use serde_json::json;
use tokio::time::Instant;

use crate::chain::estimate_fees;
use crate::contracts::Contract;
use crate::deployment::params::DeployParams;
use crate::deployment::{ContractRecord, Contracts, Deployment};
use crate::error::ChainError;
use crate::rpc::Rpc;
use crate::send::{TxFields, broadcast, estimate_gas, receipt, sign_fields};
use crate::types::TxReceipt;
use crate::types::wire::{HexBytes, Quantity};

pub(crate) mod args;
mod state;

pub use state::{DeployState, PlannedContract, SentCreation};

const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(300);
/// Tag of the state that gives nonces and gas: transactions in the pool count.
const PENDING: &str = "pending";

/// Deploys all contracts. `deployer` pays, receives the initial supply unless the parameters name
/// somebody, and must send nothing else meanwhile. Not safe against a crash: see
/// [`deploy_journaled`].
///
/// # Errors
/// Those of [`DeployState::begin`] and [`deploy_journaled`].
pub async fn deploy(
    rpc: &Rpc,
    deployer: &EthSecret,
    params: &DeployParams,
) -> Result<Deployment, ChainError> {
    let state = DeployState::begin(rpc, deployer.address(), params).await?;
    deploy_journaled(rpc, deployer, state, &mut |_| Ok(())).await
}

/// Goes on with a deployment that was begun, or interrupted at any point. `keep` makes each state
/// durable before its transactions are sent; a transaction of a kept state is sent again unchanged,
/// so that no contract is created twice.
///
/// # Errors
/// `WrongChain`, `OtherDeployer`, `ForeignNonce` when the deployer sent something else meanwhile,
/// `Artifact`, `Reverted`, `RevertedOnChain`, `Rejected`, `NotMined`, those of `keep`, and as
/// `Rpc::request`.
pub async fn deploy_journaled(
    rpc: &Rpc,
    deployer: &EthSecret,
    state: DeployState,
    keep: &mut (dyn FnMut(&DeployState) -> Result<(), ChainError> + Send),
) -> Result<Deployment, ChainError> {
    state.check(rpc, deployer.address()).await?;
    let planned = state.plan()?;
    let mut work = Deploying {
        rpc,
        secret: deployer,
        state,
    };
    keep(&work.state)?;
    let mut first_block = 0;
    let mut records = Vec::new();
    for (index, contract) in planned.iter().enumerate() {
        if work.state.sent.len() <= index {
            work.sign(contract).await?;
            keep(&work.state)?;
        }
        let (block, record) = work.finish(index, contract).await?;
        if index == 0 {
            first_block = block;
        }
        records.push(record);
    }
    Ok(Deployment {
        chain_id: work.state.chain_id,
        genesis_hash: work.state.genesis_hash,
        block: first_block,
        contracts: contracts(records)?,
        params: work.state.params,
        endpoints: Vec::new(),
    })
}

fn contracts(records: Vec<ContractRecord>) -> Result<Contracts, ChainError> {
    let records: Result<[ContractRecord; Contract::ALL.len()], _> = records.try_into();
    let records = records.map_err(|_| ChainError::Bug("a record for each contract"))?;
    Ok(records.into())
}

struct Deploying<'a> {
    rpc: &'a Rpc,
    secret: &'a EthSecret,
    state: DeployState,
}

impl Deploying<'_> {
    /// Signs the next creation and adds it to the state, without sending it.
    async fn sign(&mut self, contract: &PlannedContract) -> Result<(), ChainError> {
        let sender = self.secret.address();
        let next: Quantity = self
            .rpc
            .request("eth_getTransactionCount", &(sender, PENDING))
            .await?;
        if next.0 != contract.nonce {
            return Err(ChainError::ForeignNonce {
                sender,
                nonce: contract.nonce,
            });
        }
        let data = HexBytes(contract.creation.clone());
        let call = json!({ "from": sender, "data": data });
        let fields = TxFields {
            chain_id: self.state.chain_id,
            nonce: contract.nonce,
            to: None,
            data: contract.creation.clone(),
            value: 0,
            gas_limit: estimate_gas(self.rpc, &call).await?,
            fees: estimate_fees(self.rpc).await?,
        };
        let signed = sign_fields(self.secret, &fields);
        self.state.sent.push(SentCreation {
            contract: contract.contract.to_owned(),
            hash: signed.hash,
            raw: signed.raw,
        });
        Ok(())
    }

    /// Sends a signed creation unless it is mined, waits, and returns block and record.
    async fn finish(
        &self,
        index: usize,
        contract: &PlannedContract,
    ) -> Result<(u64, ContractRecord), ChainError> {
        let sent = self.state.sent.get(index);
        let sent = sent.ok_or(ChainError::Bug("a creation is signed before it is sent"))?;
        if receipt(self.rpc, sent.hash).await?.is_none() {
            self.check_nonce(contract.nonce, sent.hash).await?;
            broadcast(self.rpc, &sent.raw).await?;
        }
        let expected = contract.address;
        let receipt = self.wait(sent.hash, expected).await?;
        let code: HexBytes = self
            .rpc
            .request("eth_getCode", &(expected, "latest"))
            .await?;
        if code.0.is_empty() {
            return Err(ChainError::BadReply {
                method: "eth_getCode",
                reason: "no code at a contract just created",
            });
        }
        tracing::info!(contract = contract.contract, address = %expected, "deployed");
        let record = ContractRecord {
            address: expected,
            code_hash: keccak256(&code.0),
            constructor_args: contract.constructor_args.clone(),
        };
        Ok((receipt.block_number, record))
    }

    /// Fails if the nonce was used and its transaction has no receipt: another one used it.
    async fn check_nonce(&self, nonce: u64, hash: B256) -> Result<(), ChainError> {
        let sender = self.secret.address();
        let used: Quantity = self
            .rpc
            .request("eth_getTransactionCount", &(sender, "latest"))
            .await?;
        let foreign = used.0 > nonce && receipt(self.rpc, hash).await?.is_none();
        if foreign {
            return Err(ChainError::ForeignNonce { sender, nonce });
        }
        Ok(())
    }

    async fn wait(&self, hash: B256, expected: Address) -> Result<TxReceipt, ChainError> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some((receipt, created)) = receipt(self.rpc, hash).await? {
                return check(receipt, created == Some(expected));
            }
            tokio::time::sleep(POLL).await;
        }
        Err(ChainError::NotMined {
            hash,
            waited_s: PATIENCE.as_secs(),
        })
    }
}

fn check(receipt: TxReceipt, at_expected: bool) -> Result<TxReceipt, ChainError> {
    if !receipt.succeeded {
        return Err(ChainError::RevertedOnChain {
            hash: receipt.tx_hash,
        });
    }
    if !at_expected {
        return Err(ChainError::BadReply {
            method: "eth_getTransactionReceipt",
            reason: "a contract at another address than predicted",
        });
    }
    Ok(receipt)
}

#[cfg(test)]
mod tests;
