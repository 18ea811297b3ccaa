//! What several endpoints, or finality, vouch for: the ground for what cannot be undone. One
//! endpoint's word about its newest blocks is not enough.

use ethers::abi::AbiDecode;
use ethers::contract::EthCall;
use kms_protocol::{Address, Period, PolicyId, Terms};
use serde_json::json;

use super::Chain;
use crate::contracts::bindings::{policy_manager as policies, staking_escrow};
use crate::contracts::revert::decode_error;
use crate::convert;
use crate::error::ChainError;
use crate::types::header::WireHeader;
use crate::types::wire::HexBytes;
use crate::types::{BlockHeader, Tag};

const BLOCK: &str = "eth_getBlockByNumber";
/// Blocks on top that make a block final for an endpoint which does not know finality.
const FINAL_DEPTH: u64 = 64;
/// Endpoints that must agree, where there are as many.
const WITNESSES: usize = 2;

impl Chain {
    /// The newest of `headers`, ascending, that is settled. With one endpoint: it is final there,
    /// and is read again as it was read before. With several: two show it with the same hash and
    /// time, and none shows another block in its place. `None` while none is.
    ///
    /// # Errors
    /// `Disagreement` when an endpoint shows another block than `headers`; as `Rpc::request`.
    pub async fn settled(
        &self,
        headers: &[BlockHeader],
    ) -> Result<Option<BlockHeader>, ChainError> {
        let limit = match self.rpc().endpoints() < WITNESSES {
            true => self.final_block().await?,
            false => self.second_head().await?,
        };
        let candidate = headers.iter().rev().find(|header| header.number <= limit);
        let Some(candidate) = candidate else {
            return Ok(None);
        };
        let params = (format!("{:#x}", candidate.number), false);
        let mut agree = 0;
        for (endpoint, answer) in self
            .rpc()
            .request_each::<_, Option<WireHeader>>(BLOCK, &params)
            .await
        {
            // An endpoint that is down or behind, or shows what cannot be true, says nothing.
            let Ok(Some(Ok((shown, _)))) = answer.map(|wire| wire.map(|wire| wire.parse())) else {
                continue;
            };
            if shown != *candidate {
                let number = candidate.number;
                return Err(ChainError::Disagreement { endpoint, number });
            }
            agree += 1;
        }
        let enough = agree >= self.rpc().endpoints().min(WITNESSES);
        Ok(enough.then_some(*candidate))
    }

    /// Number of the newest final block.
    async fn final_block(&self) -> Result<u64, ChainError> {
        match self.header_at(Tag::Finalized).await {
            Ok(header) => Ok(header.number),
            Err(ChainError::Rpc { .. } | ChainError::BadReply { .. }) => {
                Ok(self.head().await?.number.saturating_sub(FINAL_DEPTH))
            }
            Err(error) => Err(error),
        }
    }

    /// Number of the newest block that two endpoints have.
    async fn second_head(&self) -> Result<u64, ChainError> {
        let params = (Tag::Latest.as_str(), false);
        let heads = self
            .rpc()
            .request_each::<_, WireHeader>(BLOCK, &params)
            .await;
        let mut numbers: Vec<u64> = heads
            .into_iter()
            .filter_map(|(_, head)| Some(head.ok()?.parse().ok()?.0.number))
            .collect();
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        Ok(numbers.get(WITNESSES - 1).copied().unwrap_or(0))
    }

    /// Whether the contracts say, at every endpoint that answers and at two if there are as many,
    /// that a miner's access under a policy is over as of `now`: revoked, or past the last paid
    /// period by their clock as well. Without terms, as for a policy that is not in the index, only
    /// the policy as a whole is asked for, and one that does not exist is over.
    ///
    /// # Errors
    /// `Unreachable` when too few endpoints answer; `Reverted` for an unknown policy or miner.
    pub async fn is_access_over(
        &self,
        id: PolicyId,
        terms: Option<&Terms>,
        miner: Address,
        now: Period,
    ) -> Result<bool, ChainError> {
        let contracts = &self.deployment().contracts;
        let (manager, escrow) = (contracts.policies.address, contracts.escrow.address);
        if let Some(terms) = terms {
            let (terms, miner) = (convert::ethers_terms(terms), convert::h160(miner));
            let call = policies::AccessEndCall { terms, miner };
            let ends = self.view_each::<_, policies::AccessEndReturn>(manager, call);
            if ends.await?.iter().all(|end| end.revoked_at != 0) {
                return Ok(true);
            }
        }
        let clocks = self.view_each::<_, u32>(escrow, staking_escrow::CurrentPeriodCall {});
        let now = clocks.await?.into_iter().fold(now.0, u32::min);
        let call = policies::StateOfCall { id: id.0.0 };
        let states = self.view_each::<_, policies::State>(manager, call).await?;
        Ok(states.iter().all(|state| match state.exists {
            true => state.effective_last < now,
            false => terms.is_none(),
        }))
    }

    /// Runs a view at every endpoint. Each answer counts; an endpoint that is down does not, but
    /// enough must answer.
    async fn view_each<C: EthCall, R: AbiDecode>(
        &self,
        to: Address,
        call: C,
    ) -> Result<Vec<R>, ChainError> {
        let call = json!({ "to": to, "data": HexBytes(call.encode()) });
        let params = (call, Tag::Latest.as_str());
        let (mut views, mut last) = (Vec::new(), None);
        let answers = self.rpc().request_each::<_, HexBytes>("eth_call", &params);
        for (_, answer) in answers.await {
            match answer.map_err(decode_error) {
                // What is no result of the view says nothing, as an endpoint that is down.
                Ok(bytes) => match R::decode(&bytes.0) {
                    Ok(view) => views.push(view),
                    Err(_) => {
                        last = Some(ChainError::BadReply {
                            method: "eth_call",
                            reason: "the result does not have the function's type",
                        });
                    }
                },
                Err(error @ ChainError::Reverted { .. }) => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        match views.len() >= self.rpc().endpoints().min(WITNESSES) {
            true => Ok(views),
            false => Err(last.unwrap_or(ChainError::NoEndpoint)),
        }
    }
}

#[cfg(test)]
mod tests;
