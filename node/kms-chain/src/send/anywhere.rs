//! Looks for a transaction at every endpoint: one may show a receipt many seconds after the nonce.

use kms_protocol::B256;

use super::tx::fee_of;
use crate::chain::Chain;
use crate::error::ChainError;
use crate::types::TxReceipt;
use crate::types::wire::WireReceipt;

const METHOD: &str = "eth_getTransactionReceipt";

impl Chain {
    /// Reads the receipt of a transaction. Where its sender's nonce shows that it, or another one
    /// in its place, is mined (`used`), every endpoint is asked before there is none.
    ///
    /// # Errors
    /// As [`Chain::receipt`]; if `used`, also when an endpoint does not answer and none has it.
    pub async fn receipt_of(
        &self,
        hash: B256,
        used: bool,
    ) -> Result<Option<TxReceipt>, ChainError> {
        match self.receipt(hash).await? {
            None if used => self.receipt_anywhere(hash).await,
            found => Ok(found),
        }
    }

    /// Does what [`Chain::receipt_of`] does, by those endpoints that answer: for a sender who may
    /// send the same again, and who must not wait for an endpoint that is down.
    ///
    /// # Errors
    /// As [`Chain::receipt`].
    pub async fn receipt_shown(
        &self,
        hash: B256,
        used: bool,
    ) -> Result<Option<TxReceipt>, ChainError> {
        match self.receipt(hash).await? {
            None if used => Ok(self.receipt_anywhere(hash).await.unwrap_or_default()),
            found => Ok(found),
        }
    }

    async fn receipt_anywhere(&self, hash: B256) -> Result<Option<TxReceipt>, ChainError> {
        let answers = self
            .rpc()
            .request_each::<_, Option<WireReceipt>>(METHOD, &[hash])
            .await;
        let mut last = None;
        for (_, answer) in answers {
            let bad = ChainError::BadReply {
                method: METHOD,
                reason: "a receipt of something else",
            };
            match answer {
                Ok(Some(wire)) => match wire.parse(hash) {
                    Some(receipt) if wire.effective_gas_price.is_some() => {
                        return Ok(Some(receipt));
                    }
                    Some(mut receipt) => {
                        receipt.fee = fee_of(self.rpc(), &receipt).await?;
                        return Ok(Some(receipt));
                    }
                    None => last = Some(bad),
                },
                Ok(None) => {}
                Err(error) => last = Some(error),
            }
        }
        last.map_or(Ok(None), Err)
    }
}

#[cfg(test)]
mod tests;
