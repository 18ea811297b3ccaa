//! Deploys the four contracts from their embedded artifacts and records where they are.
//!
//! The token's only minter is fixed at construction, so the address of MiningRewards is predicted
//! from the deployer's nonce. Used by `kms dev`, by kms-scripts and by tests.

use std::time::Duration;

use ethers::core::utils::get_contract_address;
use ethers::types::U256;
use kms_protocol::abi::Words;
use kms_protocol::{Address, EthSecret, keccak256};
use serde_json::json;
use tokio::time::Instant;

use crate::chain::{TxFields, broadcast, estimate_fees, receipt, sign_fields};
use crate::convert::{address, h160};
use crate::deployment::{Artifact, ContractRecord, Contracts, Deployment, artifacts};
use crate::error::ChainError;
use crate::params::{DeployParams, Genesis, ParamProblem};
use crate::revert::decode_error;
use crate::rpc::Rpc;
use crate::types::wire::{HashOnly, HexBytes, Quantity, WireHeader};
use crate::types::{SignedTx, TxReceipt};

const NONE: [(); 0] = [];
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(300);
/// State on which nonces and gas are asked for: what is in the pool counts.
const PENDING: &str = "pending";

/// Deploys with `deployer` paying, who also gets the initial supply unless the parameters name
/// somebody. The deployer must not send anything else meanwhile.
///
/// # Errors
/// `Params`, `Artifact`, `Reverted`, `Rejected`, `NotMined`, and as `Rpc::request`.
pub async fn deploy(
    rpc: &Rpc,
    deployer: &EthSecret,
    params: &DeployParams,
) -> Result<Deployment, ChainError> {
    params.validate()?;
    let params = resolve(rpc, params).await?;
    let chain_id: Quantity = rpc.request("eth_chainId", &NONE).await?;
    let genesis: HashOnly = rpc.request("eth_getBlockByNumber", &("0x0", false)).await?;
    let nonce: Quantity = rpc
        .request("eth_getTransactionCount", &(deployer.address(), PENDING))
        .await?;
    let deployer = Deployer {
        rpc,
        secret: deployer,
        chain_id: chain_id.0,
        first_nonce: nonce.0,
    };

    let [token, escrow, rewards, policies] = artifacts();
    let (block, token) = deployer
        .create(token, 0, token_args(&params, &deployer))
        .await?;
    let (_, escrow) = deployer
        .create(escrow, 1, escrow_args(&params, &token)?)
        .await?;
    let args = rewards_args(&params, &token, &escrow);
    let (_, rewards) = deployer.create(rewards, 2, args).await?;
    let args = Words::default()
        .address(&token.address)
        .address(&escrow.address)
        .address(&rewards.address)
        .uint(params.max_policy_periods);
    let (_, policies) = deployer.create(policies, 3, args).await?;
    Ok(Deployment {
        chain_id: chain_id.0,
        genesis_hash: genesis.hash,
        block,
        contracts: Contracts {
            token,
            escrow,
            rewards,
            policies,
        },
        params,
    })
}

/// Puts the newest block's time in place of "now"; a genesis to come is refused.
async fn resolve(rpc: &Rpc, params: &DeployParams) -> Result<DeployParams, ChainError> {
    let method = "eth_getBlockByNumber";
    let head: WireHeader = rpc.request(method, &("latest", false)).await?;
    let head = head.parse().ok_or(ChainError::BadReply {
        method,
        reason: "impossible header",
    })?;
    let genesis = match params.genesis {
        Genesis::Now => head.timestamp,
        Genesis::At(time) if time <= head.timestamp => time,
        Genesis::At(_) => {
            return Err(ChainError::Params {
                field: "genesis",
                problem: ParamProblem::Future,
            });
        }
    };
    Ok(DeployParams {
        genesis: Genesis::At(genesis),
        ..params.clone()
    })
}

/// `constructor(cap, initialSupply, initialHolder, minter)`.
fn token_args(params: &DeployParams, deployer: &Deployer<'_>) -> Words {
    Words::default()
        .uint(params.cap.0)
        .uint(params.initial_supply.0)
        .address(&params.initial_holder.unwrap_or(deployer.secret.address()))
        .address(&deployer.address_of(2))
}

/// `constructor(Params(token, genesisTime, periodSeconds, minLocked, minLockPeriods,
/// maxLockPeriods, workerCooldown))`.
fn escrow_args(params: &DeployParams, token: &ContractRecord) -> Result<Words, ChainError> {
    let Genesis::At(genesis) = params.genesis else {
        return Err(ChainError::Bug("the genesis is resolved"));
    };
    Ok(Words::default()
        .address(&token.address)
        .uint(genesis)
        .uint(params.period_seconds)
        .uint(params.min_locked.0)
        .uint(params.min_lock_periods)
        .uint(params.max_lock_periods)
        .uint(params.worker_cooldown_periods))
}

/// `constructor(Params(token, escrow, maxLeasePeriods, halfLifeSeconds, kappaEnabled,
/// kappaPeriods))`.
fn rewards_args(params: &DeployParams, token: &ContractRecord, escrow: &ContractRecord) -> Words {
    Words::default()
        .address(&token.address)
        .address(&escrow.address)
        .uint(params.max_lease_periods)
        .uint(params.half_life_seconds)
        .uint(u8::from(params.kappa_enabled))
        .uint(params.kappa_periods)
}

struct Deployer<'a> {
    rpc: &'a Rpc,
    secret: &'a EthSecret,
    chain_id: u64,
    first_nonce: u64,
}

impl Deployer<'_> {
    /// Address of the `index`th contract (CREATE).
    fn address_of(&self, index: u64) -> Address {
        let nonce = U256::from(self.first_nonce) + index;
        address(get_contract_address(h160(self.secret.address()), nonce))
    }

    /// Creates a contract and returns its block and its record.
    async fn create(
        &self,
        artifact: Artifact,
        index: u64,
        args: Words,
    ) -> Result<(u64, ContractRecord), ChainError> {
        let constructor_args = args.into_bytes();
        let code = [artifact.bytecode()?, constructor_args.clone()].concat();
        let signed = self.sign(index, code).await?;
        broadcast(self.rpc, &signed.raw).await?;
        let expected = self.address_of(index);
        let receipt = self.wait(&signed, expected).await?;
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
        tracing::info!(contract = artifact.contract, address = %expected, "deployed");
        let code_hash = keccak256(&code.0);
        let record = ContractRecord {
            address: expected,
            code_hash,
            constructor_args,
        };
        Ok((receipt.block_number, record))
    }

    async fn sign(&self, index: u64, code: Vec<u8>) -> Result<SignedTx, ChainError> {
        let call = json!({ "from": self.secret.address(), "data": HexBytes(code.clone()) });
        let gas: Result<Quantity, _> = self.rpc.request("eth_estimateGas", &(call, PENDING)).await;
        let Quantity(gas) = gas.map_err(decode_error)?;
        let fields = TxFields {
            chain_id: self.chain_id,
            nonce: self.first_nonce.saturating_add(index),
            to: None,
            data: code,
            value: 0,
            gas_limit: gas.saturating_add(gas / 4),
            fees: estimate_fees(self.rpc).await?,
        };
        Ok(sign_fields(self.secret, &fields))
    }

    async fn wait(&self, tx: &SignedTx, expected: Address) -> Result<TxReceipt, ChainError> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some((receipt, created)) = receipt(self.rpc, tx.hash).await? {
                return check(receipt, created == Some(expected));
            }
            tokio::time::sleep(POLL).await;
        }
        Err(ChainError::NotMined {
            hash: tx.hash,
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
