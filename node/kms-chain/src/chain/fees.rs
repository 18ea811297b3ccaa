//! Fees from `eth_feeHistory`, or from `eth_gasPrice` where an endpoint has no history: ethers'
//! estimator fixes the tip at 3 gwei and is not used.

use kms_protocol::Wei;

use super::{BLOCK, Chain};
use crate::error::ChainError;
use crate::rpc::Rpc;
use crate::types::Fees;
use crate::types::header::WireHeader;
use crate::types::wire::{BigQuantity, Quantity, WireFeeHistory};

const METHOD: &str = "eth_feeHistory";
/// Blocks of the history that is asked for.
const BLOCKS: u64 = 20;
const PERCENTILE: u8 = 50;
/// Least tip, in wei per gas: what geth's miner asks for by default.
const TIP_FLOOR: u128 = 1_000_000;

impl Chain {
    /// Estimates the fees for one of the next blocks: the tip is the median of the last 20 blocks'
    /// median tips, the maximum leaves room for the base fee to double.
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` without a base fee.
    pub async fn fees(&self) -> Result<Fees, ChainError> {
        estimate_fees(&self.inner.rpc).await
    }
}

pub(crate) async fn estimate_fees(rpc: &Rpc) -> Result<Fees, ChainError> {
    let params = (Quantity(BLOCKS), "latest", [PERCENTILE]);
    match rpc.request::<_, WireFeeHistory>(METHOD, &params).await {
        Ok(history) => fees_of(&history),
        Err(error) if error.is_unsupported() => fees_without_history(rpc).await,
        Err(error) => Err(error),
    }
}

/// Takes what the price of gas is above the newest block's base fee for the tip.
async fn fees_without_history(rpc: &Rpc) -> Result<Fees, ChainError> {
    let price: BigQuantity = rpc.request("eth_gasPrice", &[(); 0]).await?;
    let read = |wire: WireHeader| wire.parse().map(|(header, _)| header.base_fee);
    let base = rpc.request_read(BLOCK, &("latest", false), read).await?;
    fees_above(base.0, price.0.saturating_sub(base.0))
}

/// Computes tip = max(median, floor) and max_fee = 2 * next base fee + tip.
pub(super) fn fees_of(history: &WireFeeHistory) -> Result<Fees, ChainError> {
    let next_base = history
        .base_fee_per_gas
        .last()
        .ok_or(ChainError::BadReply {
            method: METHOD,
            reason: "no base fee",
        })?;
    let rewards = history.reward.as_deref().unwrap_or_default();
    let mut tips: Vec<u128> = rewards
        .iter()
        .filter_map(|block| block.as_ref()?.first())
        .map(|tip| tip.0)
        // An empty block has no tips.
        .filter(|tip| *tip > 0)
        .collect();
    tips.sort_unstable();
    let median = tips.get(tips.len() / 2).copied().unwrap_or(0);
    fees_above(next_base.0, median)
}

fn fees_above(base: u128, tip: u128) -> Result<Fees, ChainError> {
    let tip = tip.max(TIP_FLOOR);
    let max_fee = base
        .checked_mul(2)
        .and_then(|twice| twice.checked_add(tip))
        .ok_or(ChainError::BadReply {
            method: METHOD,
            reason: "fees beyond 128 bits",
        })?;
    Ok(Fees {
        max_fee: Wei(max_fee),
        tip: Wei(tip),
    })
}

#[cfg(test)]
mod tests;
