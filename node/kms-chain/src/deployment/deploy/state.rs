//! A deployment under way, as its journal keeps it: parameters resolved at the beginning, and every
//! signed transaction from before it is sent. Also the plan of what it will create.

use std::path::Path;

use ethers::core::utils::get_contract_address;
use ethers::types::U256;
use kms_protocol::hex_serde::hex_bytes;
use kms_protocol::{Address, B256};
use serde::{Deserialize, Serialize};

use super::args::{self, Addresses};
use crate::contracts::Contract;
use crate::convert::{address, h160};
use crate::deployment::params::{DeployParams, Genesis};
use crate::deployment::{Artifact, probe};
use crate::devnet::CHAIN_ID;
use crate::error::{ChainError, IdentityPart, JsonFile, ParamProblem};
use crate::files::{self, Existing};
use crate::rpc::Rpc;
use crate::types::header::WireHeader;
use crate::types::wire::{HashOnly, Quantity};

const NONE: [(); 0] = [];
/// Intrinsic gas of a transaction that creates a contract.
const CREATION_GAS: u64 = 53_000;
/// Gas of a non-zero byte of calldata; below, of a word of creation code and of a byte of code
/// kept.
const CALLDATA_GAS: u64 = 16;
const WORD_GAS: u64 = 2;
const CODE_GAS: u64 = 200;
/// Gas that the dearest constructor spends on calls and storage, rounded up.
const CONSTRUCTOR_GAS: u64 = 400_000;

/// A deployment from its first signature to its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployState {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Hash of block 0 of the chain.
    pub genesis_hash: B256,
    /// Account that signs and pays.
    pub deployer: Address,
    /// Nonce of the first contract; the others follow.
    pub first_nonce: u64,
    /// Parameters, with the genesis and all powers resolved.
    pub params: DeployParams,
    /// Signed creations, in the order of deployment.
    pub sent: Vec<SentCreation>,
}

/// A creation that was signed, and perhaps sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentCreation {
    /// Name of the contract in Solidity.
    pub contract: String,
    /// keccak256 of the signed transaction.
    pub hash: B256,
    /// The signed transaction. Public once it is sent.
    #[serde(with = "hex_bytes")]
    pub raw: Vec<u8>,
}

/// A contract to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedContract {
    /// Name of the contract in Solidity.
    pub contract: &'static str,
    /// The deployer's nonce that creates it.
    pub nonce: u64,
    /// Address that follows from deployer and nonce.
    pub address: Address,
    /// ABI-encoded arguments of its constructor.
    pub constructor_args: Vec<u8>,
    /// Creation code and arguments: the data of the transaction.
    pub creation: Vec<u8>,
    /// Upper bound of the gas, computed from sizes: no endpoint can estimate it before the
    /// contracts that the constructor calls exist.
    pub gas_at_most: u64,
}

impl DeployState {
    /// Resolves the parameters on the chain behind `rpc`: the genesis, and on a local chain the
    /// powers nobody was given. Nothing is sent.
    ///
    /// # Errors
    /// `Params`, `ChainUnsupported`, and as `Rpc::request`.
    pub async fn begin(
        rpc: &Rpc,
        deployer: Address,
        params: &DeployParams,
    ) -> Result<Self, ChainError> {
        params.validate()?;
        let chain_id: Quantity = rpc.request("eth_chainId", &NONE).await?;
        if chain_id.0 != params.chain_id {
            return Err(refused("chain_id", ParamProblem::OtherChain(chain_id.0)));
        }
        probe::prove(rpc, chain_id.0).await?;
        let genesis = genesis_hash(rpc).await?;
        let params = with_powers(params, deployer)?;
        let params = with_genesis(rpc, params).await?;
        let nonce: Quantity = rpc
            .request("eth_getTransactionCount", &(deployer, "pending"))
            .await?;
        Ok(Self {
            chain_id: chain_id.0,
            genesis_hash: genesis,
            deployer,
            first_nonce: nonce.0,
            params,
            sent: Vec::new(),
        })
    }

    /// Checks that `rpc` serves the chain of this state, and that `deployer` is its deployer.
    pub(super) async fn check(&self, rpc: &Rpc, deployer: Address) -> Result<(), ChainError> {
        if deployer != self.deployer {
            return Err(ChainError::OtherDeployer {
                expected: self.deployer,
                found: deployer,
            });
        }
        let chain_id: Quantity = rpc.request("eth_chainId", &NONE).await?;
        let genesis = genesis_hash(rpc).await?;
        let wrong = |part, expected: String, found: String| {
            let endpoint = rpc.health().first().map(|health| health.name.clone());
            ChainError::WrongChain {
                endpoint: endpoint.unwrap_or_default(),
                part,
                expected,
                found,
            }
        };
        if chain_id.0 != self.chain_id {
            let (expected, found) = (self.chain_id.to_string(), chain_id.0.to_string());
            return Err(wrong(IdentityPart::ChainId, expected, found));
        }
        if genesis != self.genesis_hash {
            let (expected, found) = (self.genesis_hash.to_string(), genesis.to_string());
            return Err(wrong(IdentityPart::GenesisHash, expected, found));
        }
        Ok(())
    }

    /// Lists the contracts that will be created, in order.
    ///
    /// # Errors
    /// `Artifact`.
    pub fn plan(&self) -> Result<Vec<PlannedContract>, ChainError> {
        let addresses = self.addresses();
        let arguments = args::all(&self.params, &addresses)?;
        let mut planned = Vec::new();
        for (((contract, address), nonce), arguments) in Contract::ALL
            .into_iter()
            .zip(addresses.all())
            .zip(self.first_nonce..)
            .zip(arguments.all())
        {
            let artifact = Artifact::of(contract);
            let constructor_args = arguments.as_bytes().to_vec();
            let creation = [artifact.bytecode()?, constructor_args.clone()].concat();
            let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
            let gas_at_most = CREATION_GAS
                + CALLDATA_GAS * size(creation.len())
                + WORD_GAS * size(creation.len().div_ceil(32))
                + CODE_GAS * size(artifact.deployed_bytes()?)
                + CONSTRUCTOR_GAS;
            planned.push(PlannedContract {
                contract: artifact.contract,
                nonce,
                address: *address,
                constructor_args,
                creation,
                gas_at_most,
            });
        }
        Ok(planned)
    }

    fn addresses(&self) -> Addresses {
        let mut next = self.first_nonce;
        let addresses = Contract::ALL.map(|_| {
            let nonce = U256::from(next);
            next = next.saturating_add(1);
            address(get_contract_address(h160(self.deployer), nonce))
        });
        addresses.into()
    }

    /// Checks that `params` are those this deployment was begun with.
    ///
    /// # Errors
    /// `ParamsChanged`.
    pub fn check_params(&self, params: &DeployParams) -> Result<(), ChainError> {
        params.check_resolved(&self.params)
    }

    /// Reads a journal; `None` if there is none.
    ///
    /// # Errors
    /// `File`, `Json`.
    pub fn load(path: &Path) -> Result<Option<Self>, ChainError> {
        if !path.exists() {
            return Ok(None);
        }
        let parsed = serde_json::from_str(&files::read(path)?);
        parsed.map(Some).map_err(|source| ChainError::Json {
            what: JsonFile::DeployJournal,
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the journal, durably and in one step.
    ///
    /// # Errors
    /// `File`.
    pub fn save(&self, path: &Path) -> Result<(), ChainError> {
        let text = serde_json::to_string_pretty(self).map_err(|source| ChainError::Json {
            what: JsonFile::DeployJournal,
            path: path.to_owned(),
            source,
        })?;
        files::write(path, (text + "\n").as_bytes(), Existing::Replace)
    }
}

impl DeployParams {
    /// Checks that `resolved` came from these parameters: what was left open (a genesis of "now",
    /// powers on a local chain) may have any value there.
    ///
    /// # Errors
    /// `ParamsChanged` with the first key that differs.
    pub fn check_resolved(&self, resolved: &Self) -> Result<(), ChainError> {
        let mut given = self.clone();
        if given.genesis == Genesis::Now {
            given.genesis = resolved.genesis;
        }
        let (control, powers) = (&mut given.control, &resolved.control);
        if control.proposers.is_empty() {
            control.proposers.clone_from(&powers.proposers);
        }
        if control.executors.is_empty() {
            control.executors.clone_from(&powers.executors);
        }
        control.guardian = control.guardian.or(powers.guardian);
        given.initial_holder = given.initial_holder.or(resolved.initial_holder);
        let bug = |_| ChainError::Bug("parameters serialise");
        let given = serde_json::to_value(&given).map_err(bug)?;
        let resolved = serde_json::to_value(resolved).map_err(bug)?;
        match first_difference("", &given, &resolved) {
            Some(field) => Err(ChainError::ParamsChanged { field }),
            None => Ok(()),
        }
    }
}

fn first_difference(name: &str, a: &serde_json::Value, b: &serde_json::Value) -> Option<String> {
    let (Some(left), Some(right)) = (a.as_object(), b.as_object()) else {
        return (a != b).then(|| name.to_owned());
    };
    let keys = left
        .keys()
        .chain(right.keys().filter(|key| !left.contains_key(*key)));
    keys.into_iter().find_map(|key| {
        let dot = if name.is_empty() { "" } else { "." };
        let name = format!("{name}{dot}{key}");
        match (left.get(key), right.get(key)) {
            (Some(a), Some(b)) => first_difference(&name, a, b),
            _ => Some(name),
        }
    })
}

fn refused(field: &'static str, problem: ParamProblem) -> ChainError {
    ChainError::Params { field, problem }
}

/// Gives the powers that the parameters leave open to the deployer on a local chain; refuses them
/// elsewhere.
pub(super) fn with_powers(
    params: &DeployParams,
    deployer: Address,
) -> Result<DeployParams, ChainError> {
    let mut params = params.clone();
    let control = &mut params.control;
    let local = params.chain_id == CHAIN_ID;
    for (field, missing) in [
        ("control.proposers", control.proposers.is_empty()),
        ("control.executors", control.executors.is_empty()),
        ("control.guardian", control.guardian.is_none()),
    ] {
        if missing && !local {
            return Err(refused(field, ParamProblem::Missing));
        }
    }
    if control.proposers.is_empty() {
        control.proposers = vec![deployer];
    }
    if control.executors.is_empty() {
        control.executors = vec![deployer];
    }
    control.guardian.get_or_insert(deployer);
    params.initial_holder.get_or_insert(deployer);
    Ok(params)
}

/// Puts the newest block's time in place of "now"; refuses a genesis in the future.
async fn with_genesis(rpc: &Rpc, params: DeployParams) -> Result<DeployParams, ChainError> {
    let method = "eth_getBlockByNumber";
    let read = |wire: WireHeader| wire.parse().map(|(header, _)| header);
    let head = rpc.request_read(method, &("latest", false), read).await?;
    let genesis = match params.genesis {
        Genesis::Now => head.timestamp,
        Genesis::At(time) if time <= head.timestamp => time,
        Genesis::At(_) => return Err(refused("genesis", ParamProblem::Future)),
    };
    Ok(DeployParams {
        genesis: Genesis::At(genesis),
        ..params
    })
}

async fn genesis_hash(rpc: &Rpc) -> Result<B256, ChainError> {
    let genesis: HashOnly = rpc.request("eth_getBlockByNumber", &("0x0", false)).await?;
    Ok(genesis.hash)
}
