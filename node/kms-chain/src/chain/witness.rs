//! What the other endpoints say: how far each one is, and how many events the contracts count. An
//! endpoint that stands still or leaves events out shows by that.

use ethers::abi::AbiDecode;
use ethers::contract::EthCall;
use kms_protocol::Address;
use serde_json::json;

use super::Chain;
use crate::contracts::bindings::{
    policy_manager as policies, silence_challenges as challenges, staking_escrow as escrow,
};
use crate::error::ChainError;
use crate::types::LastSeqs;
use crate::types::wire::{HexBytes, Quantity};

/// Blocks by which an endpoint may be behind another one; it is passed over while it is more.
const LAG_MAX: u64 = 8;
const NONE: [(); 0] = [];

impl Chain {
    /// Asks every endpoint for its height and passes over those that are far behind the best, until
    /// they have caught up. Returns the best height.
    ///
    /// # Errors
    /// As `Rpc::request`, when no endpoint answers.
    pub async fn check_heads(&self) -> Result<u64, ChainError> {
        let answers = self
            .rpc()
            .request_each::<_, Quantity>("eth_blockNumber", &NONE)
            .await;
        let mut last = None;
        let mut heights = Vec::with_capacity(answers.len());
        for (_, answer) in answers {
            let height = answer.map(|height| height.0);
            heights.push(height.as_ref().ok().copied());
            last = height.err().or(last);
        }
        let best = heights.iter().copied().flatten().max();
        let best = best.ok_or(last.unwrap_or(ChainError::NoEndpoint))?;
        let behind = heights
            .iter()
            .map(|height| height.is_some_and(|height| height.saturating_add(LAG_MAX) < best));
        self.rpc().set_behind(behind);
        Ok(best)
    }

    /// The highest counts of events that an endpoint shows as of a block: whoever leaves events out
    /// is contradicted by one that does not. `None` where there is one endpoint, whose counts
    /// [`Chain::last_seqs`] reads, and while no endpoint has the state of that block.
    ///
    /// # Errors
    /// None of an endpoint: one that does not answer says nothing.
    pub async fn last_seqs_at(&self, number: u64) -> Result<Option<LastSeqs>, ChainError> {
        if self.rpc().endpoints() < 2 {
            return Ok(None);
        }
        let contracts = &self.deployment().contracts;
        let block = format!("{number:#x}");
        let (escrows, managers, judges) = tokio::join!(
            self.views_at::<_, u64>(contracts.escrow.address, escrow::LastSeqCall {}, &block),
            self.views_at::<_, u64>(contracts.policies.address, policies::LastSeqCall {}, &block),
            self.views_at::<_, u64>(
                contracts.challenges.address,
                challenges::LastSeqCall {},
                &block
            ),
        );
        let highest = |seqs: Vec<u64>| seqs.into_iter().max();
        let counts = (highest(escrows), highest(managers), highest(judges));
        let (Some(escrow), Some(policies), Some(challenges)) = counts else {
            return Ok(None);
        };
        Ok(Some(LastSeqs {
            escrow,
            policies,
            challenges,
        }))
    }

    /// The answers of those endpoints that have the state of a block.
    async fn views_at<C, R>(&self, to: Address, call: C, block: &str) -> Vec<R>
    where
        C: EthCall,
        R: AbiDecode,
    {
        let call = json!({ "to": to, "data": HexBytes(call.encode()) });
        let answers = self
            .rpc()
            .request_each::<_, HexBytes>("eth_call", &(call, block))
            .await;
        let views = answers.into_iter().map(|(_, answer)| answer.ok());
        views
            .flatten()
            .filter_map(|bytes| R::decode(&bytes.0).ok())
            .collect()
    }

    /// Proves again that an endpoint serves this deployment: for when the chain that it shows is
    /// another one than before.
    ///
    /// # Errors
    /// `WrongChain` if those that answer serve another chain, `Unreachable` if none answers.
    pub async fn prove_again(&self) -> Result<(), ChainError> {
        self.rpc().verify_all().await
    }
}

#[cfg(test)]
mod tests;
