//! What the other endpoints say: how far each one is, and how many events the contracts count. An
//! endpoint that stands still or leaves events out shows by that.

use ethers::abi::AbiDecode;
use ethers::contract::EthCall;
use kms_protocol::{Address, B256};
use serde_json::{Value, json};

use super::Chain;
use crate::contracts::bindings::{
    policy_manager as policies, silence_challenges as challenges, staking_escrow as escrow,
};
use crate::error::ChainError;
use crate::types::header::WireHeader;
use crate::types::wire::HexBytes;
use crate::types::{BlockHeader, LastSeqs, Tag};

const BLOCK: &str = "eth_getBlockByNumber";
/// Blocks, and seconds, by which an endpoint may be behind another one; it is passed over while it
/// is more by both.
const LAG_MAX: u64 = 8;
const LAG_MAX_S: u64 = 60;

impl Chain {
    /// Asks every endpoint for its newest block and passes over those that are far behind another
    /// one, by number and by time, until they have caught up. A number alone costs a liar nothing;
    /// a time counts at most as this machine's, where block times are compared with that.
    ///
    /// # Errors
    /// As `Rpc::request`, when no endpoint answers; `BadReply` when no header can be true.
    pub async fn check_heads(&self) -> Result<(), ChainError> {
        if self.rpc().endpoints() < 2 {
            return Ok(());
        }
        let params = (Tag::Latest.as_str(), false);
        let answers = self
            .rpc()
            .request_each::<_, WireHeader>(BLOCK, &params)
            .await;
        let bad = |reason| ChainError::BadReply {
            method: BLOCK,
            reason,
        };
        let mut last = None;
        let mut heads = Vec::with_capacity(answers.len());
        for (_, answer) in answers {
            let head = answer.and_then(|wire| self.believed(&wire).map_err(bad));
            let head = head.map(|(head, _)| head);
            heads.push(head.as_ref().ok().copied());
            last = head.err().or(last);
        }
        if heads.iter().flatten().next().is_none() {
            return Err(last.unwrap_or(ChainError::NoEndpoint));
        }
        let now = self.clock().map_or(u64::MAX, |(now, _)| now);
        let behind = heads.iter().map(|own| {
            let mut others = heads.iter().flatten();
            own.is_some_and(|own| others.any(|other| is_behind(&own, other, now)))
        });
        self.rpc().set_behind(behind);
        Ok(())
    }

    /// The highest counts of events that an endpoint shows as of the block of this hash: whoever
    /// leaves events out is contradicted by one that does not. `None` where there is one endpoint,
    /// whose counts [`Chain::last_seqs`] reads, and while none has that very block on its chain.
    ///
    /// # Errors
    /// None of an endpoint: one that does not answer says nothing.
    pub async fn last_seqs_at(&self, hash: B256) -> Result<Option<LastSeqs>, ChainError> {
        if self.rpc().endpoints() < 2 {
            return Ok(None);
        }
        let contracts = &self.deployment().contracts;
        // EIP-1898: an endpoint with another block at that height counts other events.
        let block = json!({ "blockHash": hash, "requireCanonical": true });
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
    async fn views_at<C, R>(&self, to: Address, call: C, block: &Value) -> Vec<R>
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

fn is_behind(own: &BlockHeader, other: &BlockHeader, now: u64) -> bool {
    other.number > own.number.saturating_add(LAG_MAX)
        && other.timestamp.min(now) > own.timestamp.saturating_add(LAG_MAX_S)
}

#[cfg(test)]
mod tests;
