//! Proof that an endpoint serves the chain of a deployment: chain id, genesis hash, code hashes.
//! One that has pruned block 0 is known by the others.

use kms_protocol::{Address, B256, keccak256};

use super::Rpc;
use super::endpoint::Endpoint;
use crate::contracts::Contract;
use crate::error::{ChainError, IdentityPart};
use crate::types::wire::{HashOnly, HexBytes, Quantity};

const NONE: [(); 0] = [];
const BLOCK: &str = "eth_getBlockByNumber";

/// The identity that an endpoint must prove before it is used.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) chain_id: u64,
    pub(crate) genesis_hash: B256,
    pub(crate) code: Vec<(Contract, Address, B256)>,
}

impl Identity {
    /// Asks one endpoint for every part; `WrongChain` names the first difference.
    pub(super) async fn check(&self, rpc: &Rpc, endpoint: &Endpoint) -> Result<(), ChainError> {
        let chain_id: Quantity = rpc.ask_unverified(endpoint, "eth_chainId", &NONE).await?;
        let differs = |part, expected: String, found: String| {
            if expected == found {
                return Ok(());
            }
            Err(ChainError::WrongChain {
                endpoint: endpoint.name().to_owned(),
                part,
                expected,
                found,
            })
        };
        differs(
            IdentityPart::ChainId,
            self.chain_id.to_string(),
            chain_id.0.to_string(),
        )?;
        if let Some(genesis) = genesis(rpc, endpoint).await? {
            let (expected, found) = (self.genesis_hash.to_string(), genesis.to_string());
            differs(IdentityPart::GenesisHash, expected, found)?;
        }
        for (contract, address, hash) in &self.code {
            let params = (address.to_string(), "latest");
            let code: HexBytes = rpc.ask_unverified(endpoint, "eth_getCode", &params).await?;
            let (expected, found) = (hash.to_string(), keccak256(&code.0).to_string());
            differs(IdentityPart::Code(*contract), expected, found)?;
        }
        Ok(())
    }
}

/// Hash of block 0; `None` where the endpoint has it no more.
async fn genesis(rpc: &Rpc, endpoint: &Endpoint) -> Result<Option<B256>, ChainError> {
    let params = ("0x0", false);
    let asked = rpc.ask_unverified::<_, Option<HashOnly>>(endpoint, BLOCK, &params);
    match asked.await {
        Ok(block) => Ok(block.map(|block| block.hash)),
        Err(ChainError::Rpc { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
