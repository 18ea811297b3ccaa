//! What a person does about a transaction that an earlier use left open: offer more for it now, or
//! put a transfer of nothing in its place. Both are one more attempt at its nonce, so that at most
//! one of all is ever mined; the next use settles them.

use kms_protocol::Wei;

use super::journal::{JournaledTx, TxJournal};
use super::{OnSendEvent, SendEvent, Wallet};
use crate::contracts::call::Call;
use crate::error::ChainError;
use crate::send::{TxPlan, reprice};
use crate::types::Fees;

const KIND: &str = "cancel";

impl<J: TxJournal> Wallet<J> {
    /// Fees that [`Self::bump`] and [`Self::cancel`] would offer; `None` if no transaction of this
    /// nonce is open.
    ///
    /// # Errors
    /// `FeeCap`; those of the journal and of `Rpc::request`.
    pub async fn raised(&self, nonce: u64) -> Result<Option<Fees>, ChainError> {
        match self.newest(nonce)? {
            Some(newest) => self.raised_from(&newest).await.map(Some),
            None => Ok(None),
        }
    }

    /// Signs the open transaction of this nonce again at higher fees, and sends it; `None` if none
    /// is open.
    ///
    /// # Errors
    /// As [`Self::raised`]; `JournalBusy`, `Rejected`.
    pub async fn bump(
        &self,
        nonce: u64,
        events: OnSendEvent<'_>,
    ) -> Result<Option<JournaledTx>, ChainError> {
        let _lock = self.lock(events).await?;
        let Some(newest) = self.newest(nonce)? else {
            return Ok(None);
        };
        let fees = self.raised_from(&newest).await?;
        let signed = reprice(&self.secret, &newest.raw, fees)?;
        let dearer = JournaledTx {
            max_fee: fees.max_fee,
            tip: fees.tip,
            hash: signed.hash,
            raw: signed.raw,
            ..newest
        };
        self.offer_by_hand(dearer, events).await.map(Some)
    }

    /// Sends a transfer of nothing to the sender itself in place of the open transaction of this
    /// nonce; `None` if none is open. Whichever is mined first stands.
    ///
    /// # Errors
    /// As [`Self::bump`].
    pub async fn cancel(
        &self,
        nonce: u64,
        events: OnSendEvent<'_>,
    ) -> Result<Option<JournaledTx>, ChainError> {
        let _lock = self.lock(events).await?;
        let Some(newest) = self.newest(nonce)? else {
            return Ok(None);
        };
        let fees = self.raised_from(&newest).await?;
        let call = Call::TransferEth {
            to: self.address(),
            wei: Wei(0),
        };
        let gas_limit = self.chain.simulate(self.address(), &call).await?;
        let plan = TxPlan {
            nonce,
            call,
            gas_limit,
            fees,
        };
        let instead = JournaledTx {
            kind: KIND.to_owned(),
            adds: false,
            ..self.signed(&plan)
        };
        self.offer_by_hand(instead, events).await.map(Some)
    }

    /// The dearest open attempt of a nonce.
    fn newest(&self, nonce: u64) -> Result<Option<JournaledTx>, ChainError> {
        let chain_id = self.chain.deployment().chain_id;
        let open = self.journal.load(chain_id, self.address())?;
        Ok(open.into_iter().rfind(|tx| tx.nonce == nonce))
    }

    async fn raised_from(&self, newest: &JournaledTx) -> Result<Fees, ChainError> {
        let rules = self.options.rules();
        let (old, market) = (newest.fees(), self.chain.fees().await?);
        rules
            .raised_fees(old, market)
            .ok_or_else(|| ChainError::FeeCap {
                needed_wei: old.max_fee.0.saturating_add(old.max_fee.0.div_ceil(8)),
                cap_wei: rules.max_fee_cap.0,
            })
    }

    async fn offer_by_hand(
        &self,
        tx: JournaledTx,
        events: OnSendEvent<'_>,
    ) -> Result<JournaledTx, ChainError> {
        self.journal.record(&tx)?;
        let hash = self.chain.broadcast(&tx.raw).await?;
        events(SendEvent::Broadcast { hash });
        Ok(tx)
    }
}
