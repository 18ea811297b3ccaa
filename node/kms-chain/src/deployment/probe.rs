//! Proves by calls that a chain has what the contracts rely on: the newest opcodes in their code, a
//! clock that is the one in the block headers, the chain's id, and fees of type 2. Asked before
//! anything is sent, and again by `verify`: a chain without the opcodes takes the contracts, and
//! nothing works. Numbers of blocks are not asked for: no contract reads one, as on some rollups
//! they are those of another chain.

use serde::Deserialize;
use serde_json::json;

use crate::error::{ChainError, ChainLack};
use crate::rpc::Rpc;
use crate::types::wire::{BigQuantity, HexBytes, Quantity};

/// Creation code that is only called, never sent. It returns the time and the id of the chain, by
/// way of PUSH0 (Shanghai) and MCOPY (Cancun), the newest opcodes of the contracts:
/// `TIMESTAMP PUSH0 MSTORE CHAINID PUSH1 32 MSTORE PUSH1 64 PUSH0 PUSH1 64 MCOPY PUSH1 64 PUSH1 64
/// RETURN`.
const PROBE: [u8; 18] = [
    0x42, 0x5f, 0x52, 0x46, 0x60, 0x20, 0x52, 0x60, 0x40, 0x5f, 0x60, 0x40, 0x5e, 0x60, 0x40, 0x60,
    0x40, 0xf3,
];

const BLOCK: &str = "eth_getBlockByNumber";

/// What is read of the newest block.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Newest {
    number: Quantity,
    timestamp: Quantity,
    base_fee_per_gas: Option<BigQuantity>,
}

/// How far the time that a contract sees may be from the header's: a call may run in the block that
/// is being built.
const DRIFT_S: u64 = 900;

/// Proves that the chain behind `rpc`, which says it has this id, can run the contracts.
///
/// # Errors
/// `ChainUnsupported`, and as `Rpc::request`.
pub(super) async fn prove(rpc: &Rpc, chain_id: u64) -> Result<(), ChainError> {
    let newest: Newest = rpc.request(BLOCK, &("latest", false)).await?;
    if newest.base_fee_per_gas.is_none() {
        return lacks(ChainLack::BaseFee, "the newest block has no baseFeePerGas");
    }
    let call = (json!({ "data": HexBytes(PROBE.to_vec()) }), "latest");
    let HexBytes(seen) = match rpc.request("eth_call", &call).await {
        Err(ChainError::Rpc { message, .. }) => return lacks(ChainLack::Opcodes, &message),
        answer => answer?,
    };
    let (Some(time), Some(id), 64) = (word(&seen, 0), word(&seen, 32), seen.len()) else {
        return lacks(ChainLack::Opcodes, "the call returned something else");
    };
    if id != chain_id {
        let detail = format!("contracts see {id}, the endpoint says {chain_id}");
        return lacks(ChainLack::ChainId, &detail);
    }
    // Of block 0, some local chains show contracts no time.
    let head = newest.timestamp.0;
    if newest.number.0 > 0 && time.abs_diff(head) > DRIFT_S {
        let detail = format!("contracts see the time {time}, the newest block has {head}");
        return lacks(ChainLack::Clock, &detail);
    }
    Ok(())
}

fn lacks(lack: ChainLack, detail: &str) -> Result<(), ChainError> {
    let detail = detail.to_owned();
    Err(ChainError::ChainUnsupported { lack, detail })
}

/// The number in the word at an offset; `None` beyond 64 bits, or the end.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let (high, low) = bytes.get(at..at.checked_add(32)?)?.split_at(24);
    let low = <[u8; 8]>::try_from(low).ok()?;
    high.iter()
        .all(|byte| *byte == 0)
        .then(|| u64::from_be_bytes(low))
}

#[cfg(test)]
mod tests;
