//! Transactions: simulate, sign, broadcast, look up. Nothing here keeps state or waits: nonces and
//! journals are the caller's (`wallet`, or the node's sender).

use ethers::types::{Eip1559TransactionRequest, NameOrAddress, U64, U256};
use kms_protocol::{Address, B256, EthSecret, keccak256};
use serde_json::json;

use super::Chain;
use crate::call::Call;
use crate::classify::{TxRejection, Verdict, classify};
use crate::convert::h160;
use crate::error::{ChainError, RpcFault};
use crate::journal::JournaledTx;
use crate::revert::decode_error;
use crate::rpc::Rpc;
use crate::types::wire::{BigQuantity, HexBytes, Quantity, WireReceipt};
use crate::types::{SignedTx, Tag, TxPlan, TxReceipt, ethers_signature};

/// EIP-2718 type of an EIP-1559 transaction.
const TX_TYPE: u8 = 2;

/// What a signature covers; `to` is absent for a creation.
pub(crate) struct TxFields {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) to: Option<Address>,
    pub(crate) data: Vec<u8>,
    pub(crate) value: u128,
    pub(crate) gas_limit: u64,
    pub(crate) fees: crate::types::Fees,
}

impl Chain {
    /// Runs `call` from `from` on top of the pool without sending it, and returns a gas limit: what
    /// it needs plus a quarter.
    ///
    /// # Errors
    /// `Reverted` with the decoded custom error; as `Rpc::request`.
    pub async fn simulate(&self, from: Address, call: &Call) -> Result<u64, ChainError> {
        let params = (self.wire_call(from, call), Tag::Pending.as_str());
        let gas: Result<Quantity, _> = self.inner.rpc.request("eth_estimateGas", &params).await;
        let Quantity(gas) = gas.map_err(decode_error)?;
        Ok(gas.saturating_add(gas / 4))
    }

    /// Runs `call` again on the state after block `number`: tells why a mined transaction failed.
    ///
    /// # Errors
    /// `Reverted` with the decoded custom error; as `Rpc::request`.
    pub async fn replay(&self, from: Address, call: &Call, number: u64) -> Result<(), ChainError> {
        let params = (self.wire_call(from, call), Quantity(number));
        let result: Result<HexBytes, _> = self.inner.rpc.request("eth_call", &params).await;
        result.map(|_| ()).map_err(decode_error)
    }

    /// As `replay`, for a transaction of a journal.
    pub(crate) async fn replay_tx(&self, tx: &JournaledTx, number: u64) -> Result<(), ChainError> {
        let call = json!({
            "from": tx.sender,
            "to": tx.to,
            "data": HexBytes(tx.data.clone()),
            "value": BigQuantity(tx.value.0),
        });
        let result: Result<HexBytes, _> = self
            .inner
            .rpc
            .request("eth_call", &(call, Quantity(number)))
            .await;
        result.map(|_| ()).map_err(decode_error)
    }

    fn wire_call(&self, from: Address, call: &Call) -> serde_json::Value {
        json!({
            "from": from,
            "to": call.target(&self.inner.deployment),
            "data": HexBytes(call.data(&self.inner.deployment)),
            "value": BigQuantity(call.value().0),
        })
    }

    /// Signs a plan. Pure; the bytes must be journaled before they are broadcast.
    #[must_use]
    pub fn sign(&self, secret: &EthSecret, plan: &TxPlan) -> SignedTx {
        let deployment = &self.inner.deployment;
        let fields = TxFields {
            chain_id: deployment.chain_id,
            nonce: plan.nonce,
            to: Some(plan.call.target(deployment)),
            data: plan.call.data(deployment),
            value: plan.call.value().0,
            gas_limit: plan.gas_limit,
            fees: plan.fees,
        };
        sign_fields(secret, &fields)
    }

    /// Gives signed bytes to every endpoint. Done when one of them took them or had them already.
    ///
    /// # Errors
    /// `Rejected` with the most telling refusal; `Unreachable` when nobody answered.
    pub async fn broadcast(&self, raw: &[u8]) -> Result<B256, ChainError> {
        broadcast(&self.inner.rpc, raw).await
    }

    /// Receipt of a transaction; `None` while it is not mined (or not any more).
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` for a receipt of something else.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TxReceipt>, ChainError> {
        Ok(receipt(&self.inner.rpc, hash)
            .await?
            .map(|(receipt, _)| receipt))
    }
}

/// Signs with RFC 6979 and encodes; the hash is keccak256 of the bytes.
pub(crate) fn sign_fields(secret: &EthSecret, fields: &TxFields) -> SignedTx {
    let request = Eip1559TransactionRequest {
        from: None,
        to: fields.to.map(|to| NameOrAddress::Address(h160(to))),
        gas: Some(fields.gas_limit.into()),
        value: Some(U256::from(fields.value)),
        data: Some(fields.data.clone().into()),
        nonce: Some(fields.nonce.into()),
        access_list: ethers::types::transaction::eip2930::AccessList::default(),
        max_priority_fee_per_gas: Some(fields.fees.tip.0.into()),
        max_fee_per_gas: Some(fields.fees.max_fee.0.into()),
        chain_id: Some(U64::from(fields.chain_id)),
    };
    let typed = |body: &[u8]| [&[TX_TYPE], body].concat();
    let digest = keccak256(&typed(&request.rlp()));
    let signature = ethers_signature(&secret.sign_digest(&digest));
    let raw = typed(&request.rlp_signed(&signature));
    SignedTx {
        hash: keccak256(&raw),
        raw,
        nonce: fields.nonce,
    }
}

/// See `Chain::broadcast`.
pub(crate) async fn broadcast(rpc: &Rpc, raw: &[u8]) -> Result<B256, ChainError> {
    let hash = keccak256(raw);
    let params = [HexBytes(raw.to_vec())];
    let mut refusal: Option<(TxRejection, String)> = None;
    let mut fault = None;
    for (endpoint, answer) in rpc
        .request_each::<_, B256>("eth_sendRawTransaction", &params)
        .await
    {
        match answer {
            Ok(answered) if answered == hash => return Ok(hash),
            Ok(_) => {
                tracing::warn!(endpoint, "accepted a transaction under another hash");
                fault = Some(ChainError::BadReply {
                    method: "eth_sendRawTransaction",
                    reason: "another hash than the transaction's",
                });
            }
            Err(ChainError::Rpc { message, .. }) => match classify(&message) {
                Verdict::Known => return Ok(hash),
                Verdict::Rejected(reason) => {
                    if refusal
                        .as_ref()
                        .is_none_or(|(old, _)| *old == TxRejection::Unknown)
                    {
                        refusal = Some((reason, message));
                    }
                }
            },
            Err(error) if fault.as_ref().is_some_and(may_have_taken) => {
                tracing::debug!(endpoint, %error, "broadcast");
            }
            Err(error) => fault = Some(error),
        }
    }
    match (refusal, fault) {
        // An endpoint that went silent may have taken it: then nobody's refusal is final.
        (_, Some(error)) if may_have_taken(&error) => Err(error),
        (Some((reason, message)), _) => Err(ChainError::Rejected { reason, message }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(ChainError::NoEndpoint),
    }
}

fn may_have_taken(error: &ChainError) -> bool {
    match error {
        ChainError::Unreachable { fault, .. } => !matches!(
            fault,
            RpcFault::Connect | RpcFault::Limited | RpcFault::WrongChain
        ),
        ChainError::WrongChain { .. } => false,
        _ => true,
    }
}

/// Receipt, and the address of the contract if the transaction created one.
pub(crate) async fn receipt(
    rpc: &Rpc,
    hash: B256,
) -> Result<Option<(TxReceipt, Option<Address>)>, ChainError> {
    let method = "eth_getTransactionReceipt";
    let wire: Option<WireReceipt> = rpc.request(method, &[hash]).await?;
    let Some(wire) = wire else { return Ok(None) };
    let receipt = wire.parse(hash).ok_or(ChainError::BadReply {
        method,
        reason: "a receipt of something else",
    })?;
    Ok(Some((receipt, wire.contract_address)))
}

#[cfg(test)]
mod tests;
