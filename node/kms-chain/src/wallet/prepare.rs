//! Prepares a transaction: simulates it, prices it, takes a nonce, signs.

use kms_protocol::Address;

use super::journal::{JournaledTx, TxJournal};
use super::{OnSendEvent, SendEvent, Wallet};
use crate::chain::Chain;
use crate::contracts::call::Call;
use crate::error::ChainError;
use crate::send::TxPlan;
use crate::types::wire::Quantity;
use crate::types::{Fees, Tag};

impl Chain {
    /// The lowest next nonce that an endpoint shows, its pool counted, above one that turned out
    /// to be used: one that is too low is refused and taken again, one that is too high waits.
    ///
    /// # Errors
    /// As `Rpc::request`, when no endpoint answers.
    pub(super) async fn next_nonce(
        &self,
        account: Address,
        used: Option<u64>,
    ) -> Result<u64, ChainError> {
        let params = (account, Tag::Pending.as_str());
        let answers = self
            .rpc()
            .request_each::<_, Quantity>("eth_getTransactionCount", &params)
            .await;
        let shown = answers.into_iter().filter_map(|(_, answer)| answer.ok());
        let lowest = shown
            .map(|nonce| nonce.0)
            .filter(|nonce| used.is_none_or(|used| *nonce > used))
            .min();
        match lowest {
            Some(nonce) => Ok(nonce),
            None => {
                let tag = used.map_or(Tag::Pending, |_| Tag::Latest);
                let shown = self.nonce(account, tag).await?;
                Ok(shown.max(used.map_or(0, |used| used.saturating_add(1))))
            }
        }
    }
}

impl<J: TxJournal> Wallet<J> {
    pub(super) async fn prepare(
        &self,
        call: &Call,
        used: Option<u64>,
        events: OnSendEvent<'_>,
    ) -> Result<JournaledTx, ChainError> {
        let (gas_limit, fees) = self.dry_run(call).await?;
        events(SendEvent::Simulated { gas_limit, fees });
        let nonce = self.chain.next_nonce(self.address(), used).await?;
        let plan = TxPlan {
            nonce,
            call: call.clone(),
            gas_limit,
            fees,
        };
        Ok(self.signed(&plan))
    }

    /// Signs a plan, as it is journaled.
    pub(super) fn signed(&self, plan: &TxPlan) -> JournaledTx {
        let signed = self.chain.sign(&self.secret, plan);
        let (deployment, call) = (self.chain.deployment(), &plan.call);
        JournaledTx {
            kind: call.kind().to_owned(),
            adds: call.adds(),
            once: call.once(),
            chain_id: deployment.chain_id,
            sender: self.address(),
            nonce: plan.nonce,
            to: call.target(deployment),
            data: call.data(deployment),
            value: call.value(),
            gas_limit: plan.gas_limit.get(),
            max_fee: plan.fees.max_fee,
            tip: plan.fees.tip,
            hash: signed.hash,
            raw: signed.raw,
        }
    }

    /// Reads the market's fees and limits them by the cap.
    pub(super) async fn fees(&self) -> Result<Fees, ChainError> {
        let rules = self.options.rules();
        let fees = rules.first_fees(self.chain.fees().await?);
        fees.map_err(|needed| ChainError::FeeCap {
            needed_wei: needed.0,
            cap_wei: rules.max_fee_cap.0,
        })
    }
}
