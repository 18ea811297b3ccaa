//! Transactions: simulates, signs, signs again at other fees, broadcasts, looks up. Keeps no state
//! and never waits: nonces and journals are the caller's (`wallet`, or the node's sender).

use ethers::types::{Eip1559TransactionRequest, NameOrAddress, Signature, U64, U256};
use ethers::utils::rlp::Rlp;
use kms_protocol::{Address, B256, EthSecret, EthSignature, Wei, keccak256};
use serde_json::{Value, json};

use super::gas::GasLimit;
use super::rejection::{TxRejection, Verdict, classify};
use crate::chain::Chain;
use crate::contracts::call::Call;
use crate::contracts::revert::decode_error;
use crate::convert::h160;
use crate::error::ChainError;
use crate::rpc::Rpc;
use crate::types::wire::{BigQuantity, HexBytes, Quantity, WireReceipt, WireTx};
use crate::types::{Fees, Tag, TxReceipt};

/// EIP-2718 type of an EIP-1559 transaction.
const TX_TYPE: u8 = 2;

/// A transaction to be signed, with all its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxPlan {
    /// Number of transactions that the sender sent before.
    pub nonce: u64,
    /// The effect of the transaction on chain.
    pub call: Call,
    /// Gas limit, margin included already.
    pub gas_limit: GasLimit,
    /// Fees that it offers per gas.
    pub fees: Fees,
}

/// A signed transaction, ready to be journaled and then broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTx {
    /// Signed transaction in EIP-2718 encoding.
    pub raw: Vec<u8>,
    /// keccak256 of `raw`, which names the transaction.
    pub hash: B256,
    /// Nonce, shared by all attempts of an intent.
    pub nonce: u64,
    /// Fees that it offers per gas.
    pub fees: Fees,
}

/// The fields that a signature covers; `to` is absent for a creation.
pub(crate) struct TxFields {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) to: Option<Address>,
    pub(crate) data: Vec<u8>,
    pub(crate) value: u128,
    pub(crate) gas_limit: GasLimit,
    pub(crate) fees: Fees,
}

impl Chain {
    /// Runs `call` from `from` on top of the pool without sending it, and returns the gas limit to
    /// send it with.
    ///
    /// # Errors
    /// `Reverted` with the decoded custom error; as `Rpc::request`.
    pub async fn simulate(&self, from: Address, call: &Call) -> Result<GasLimit, ChainError> {
        let limit = estimate_gas(self.rpc(), &self.wire_call(from, call)).await?;
        Ok(match call.rolls() {
            true => limit.with_roll(),
            false => limit,
        })
    }

    /// Runs `call` on the state after block `number`, to find why a mined transaction failed.
    ///
    /// # Errors
    /// `Reverted` with the decoded custom error; as `Rpc::request`.
    pub async fn replay(&self, from: Address, call: &Call, number: u64) -> Result<(), ChainError> {
        self.replay_wire(&self.wire_call(from, call), number).await
    }

    /// Does what `replay` does for an encoded call.
    pub(crate) async fn replay_wire(&self, call: &Value, number: u64) -> Result<(), ChainError> {
        let params = (call, Quantity(number));
        let result: Result<HexBytes, _> = self.rpc().request("eth_call", &params).await;
        result.map(|_| ()).map_err(decode_error)
    }

    fn wire_call(&self, from: Address, call: &Call) -> Value {
        json!({
            "from": from,
            "to": call.target(self.deployment()),
            "data": HexBytes(call.data(self.deployment())),
            "value": BigQuantity(call.value().0),
        })
    }

    /// Signs a plan. Pure: the caller journals the bytes before it broadcasts them.
    #[must_use]
    pub fn sign(&self, secret: &EthSecret, plan: &TxPlan) -> SignedTx {
        let deployment = self.deployment();
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

    /// Sends signed bytes to every endpoint. Succeeds when one of them accepts them or has them
    /// already.
    ///
    /// # Errors
    /// `Rejected` with the most exact refusal; `Unreachable` when no endpoint answered.
    pub async fn broadcast(&self, raw: &[u8]) -> Result<B256, ChainError> {
        broadcast(self.rpc(), raw).await
    }

    /// Reads the receipt of a transaction; `None` while it is not in the canonical chain.
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` for a receipt of something else.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TxReceipt>, ChainError> {
        Ok(receipt(self.rpc(), hash).await?.map(|(receipt, _)| receipt))
    }
}

/// Estimates a call on top of the pool, or of the newest block where no endpoint does that, and
/// adds the margin.
pub(crate) async fn estimate_gas(rpc: &Rpc, call: &Value) -> Result<GasLimit, ChainError> {
    let at = async |tag: Tag| -> Result<Quantity, ChainError> {
        rpc.request("eth_estimateGas", &(call, tag.as_str())).await
    };
    let gas = match at(Tag::Pending).await {
        Err(error) if error.is_unsupported() => at(Tag::Latest).await,
        answer => answer,
    };
    Ok(GasLimit::for_estimate(gas.map_err(decode_error)?.0))
}

/// Signs and encodes a transaction.
pub(crate) fn sign_fields(secret: &EthSecret, fields: &TxFields) -> SignedTx {
    let request = Eip1559TransactionRequest {
        from: None,
        to: fields.to.map(|to| NameOrAddress::Address(h160(to))),
        gas: Some(fields.gas_limit.get().into()),
        value: Some(U256::from(fields.value)),
        data: Some(fields.data.clone().into()),
        nonce: Some(fields.nonce.into()),
        access_list: ethers::types::transaction::eip2930::AccessList::default(),
        max_priority_fee_per_gas: Some(fields.fees.tip.0.into()),
        max_fee_per_gas: Some(fields.fees.max_fee.0.into()),
        chain_id: Some(U64::from(fields.chain_id)),
    };
    sign_request(secret, &request, fields.nonce, fields.fees)
}

/// Signs the transaction in `raw` again, at other fees: everything else stays, the nonce included.
///
/// # Errors
/// `Bug` when `raw` is not a transaction of this crate.
pub fn reprice(secret: &EthSecret, raw: &[u8], fees: Fees) -> Result<SignedTx, ChainError> {
    let foreign = ChainError::Bug("a stored transaction is one that this program signed");
    let body = match raw.split_first() {
        Some((&TX_TYPE, body)) => body,
        Some(_) | None => return Err(foreign),
    };
    let Ok((mut request, _)) = Eip1559TransactionRequest::decode_signed_rlp(&Rlp::new(body)) else {
        return Err(foreign);
    };
    let nonce = request.nonce.filter(|nonce| *nonce <= U256::from(u64::MAX));
    let nonce = nonce.ok_or(foreign)?.as_u64();
    request.max_fee_per_gas = Some(fees.max_fee.0.into());
    request.max_priority_fee_per_gas = Some(fees.tip.0.into());
    Ok(sign_request(secret, &request, nonce, fees))
}

/// Signs with RFC 6979; the hash is keccak256 of the bytes.
fn sign_request(
    secret: &EthSecret,
    request: &Eip1559TransactionRequest,
    nonce: u64,
    fees: Fees,
) -> SignedTx {
    let typed = |body: &[u8]| [&[TX_TYPE], body].concat();
    let digest = keccak256(&typed(&request.rlp()));
    let signature = ethers_signature(&secret.sign_digest(&digest));
    let raw = typed(&request.rlp_signed(&signature));
    SignedTx {
        hash: keccak256(&raw),
        raw,
        nonce,
        fees,
    }
}

/// Converts to r, s and the parity of y: ethers' encoder takes a v of 27 or 28 for one of EIP-155,
/// and overflows.
fn ethers_signature(signature: &EthSignature) -> Signature {
    let (r, rest) = signature.0.split_at(32);
    let (s, v) = rest.split_at(32);
    Signature {
        r: U256::from_big_endian(r),
        s: U256::from_big_endian(s),
        v: u64::from(v == [28]),
    }
}

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
        // An endpoint that did not answer may have accepted it: then no refusal is final.
        (_, Some(error)) if may_have_taken(&error) => Err(error),
        (Some((reason, message)), _) => Err(ChainError::Rejected { reason, message }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(ChainError::NoEndpoint),
    }
}

fn may_have_taken(error: &ChainError) -> bool {
    match error {
        ChainError::Unreachable { fault, .. } => !fault.is_untaken(),
        error => !matches!(error, ChainError::WrongChain { .. }),
    }
}

/// Reads a receipt, and the address of the contract if the transaction created one.
pub(crate) async fn receipt(
    rpc: &Rpc,
    hash: B256,
) -> Result<Option<(TxReceipt, Option<Address>)>, ChainError> {
    let read = |wire: Option<WireReceipt>| {
        let Some(wire) = wire else { return Ok(None) };
        let receipt = wire.parse(hash).ok_or("a receipt of something else")?;
        Ok(Some((receipt, wire)))
    };
    let method = "eth_getTransactionReceipt";
    let Some((mut receipt, wire)) = rpc.request_read(method, &[hash], read).await? else {
        return Ok(None);
    };
    if wire.effective_gas_price.is_none() {
        receipt.fee = fee_of(rpc, &receipt).await?;
    }
    Ok(Some((receipt, wire.contract_address)))
}

/// Computes the fee of a mined transaction by its own price, for receipts that have none.
pub(crate) async fn fee_of(rpc: &Rpc, receipt: &TxReceipt) -> Result<Wei, ChainError> {
    let read = |wire: WireTx| {
        let fee = wire.gas_price.0.checked_mul(receipt.gas_used.into());
        fee.map(Wei).ok_or("a fee beyond 128 bits")
    };
    let hash = [receipt.tx_hash];
    rpc.request_read("eth_getTransactionByHash", &hash, read)
        .await
}

#[cfg(test)]
mod tests;
