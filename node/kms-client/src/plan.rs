//! Plans: the calls that a verb is about to send, what each moves, its gas. `owner` and `staker`
//! make them by reads alone; carrying one out sends. A step that an earlier run was killed in is
//! not sent again. Neighbours: `ports` reach the chain and the account.

use kms_chain::{Call, ChainError, TxReceipt};
use kms_protocol::{Address, Amount, Wei};
use serde::{Serialize, Serializer};

use crate::error::{Error, Result};
use crate::ports::{ChainPort, PayPort, Settled};
use crate::progress::Progress;

/// One transaction of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What is called, with its arguments; JSON has the kind alone.
    #[serde(serialize_with = "kind_of")]
    pub call: Call,
    /// Tokens it moves, where the chain tells before.
    pub amount: Option<Amount>,
    /// Gas limit; `None` before the estimate.
    pub gas: Option<u64>,
    /// The most the gas costs at the present fees.
    pub fee_max: Option<Wei>,
    /// Whether an earlier run has sent it: it is not sent again, and costs nothing more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sent_before: bool,
}

/// A transaction that is mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its block, gas and fee.
    pub receipt: TxReceipt,
    /// Whether an earlier run sent it and could not tell: nothing was sent now.
    pub sent_before: bool,
}

/// Transactions in their order, and what they are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan<A = ()> {
    /// Account that signs the transactions and pays.
    pub from: Address,
    /// In the order in which they are sent.
    #[serde(rename = "transactions")]
    pub steps: Vec<Step>,
    #[serde(skip)]
    pub(crate) aim: A,
    /// Tokens the account must hold.
    #[serde(skip)]
    need: Amount,
}

impl<A> Plan<A> {
    pub(crate) const fn new(from: Address, aim: A) -> Self {
        Self {
            from,
            steps: Vec::new(),
            aim,
            need: Amount::ZERO,
        }
    }

    pub(crate) fn step(mut self, call: Call, amount: Option<Amount>) -> Self {
        self.steps.push(Step {
            call,
            amount,
            gas: None,
            fee_max: None,
            sent_before: false,
        });
        self
    }

    pub(crate) const fn needing(mut self, need: Amount) -> Self {
        self.need = need;
        self
    }

    /// What the steps are for.
    pub const fn aim(&self) -> &A {
        &self.aim
    }

    /// The most that the gas of the estimated steps costs.
    pub fn fee_max(&self) -> Wei {
        let fees = self.steps.iter().filter_map(|step| step.fee_max);
        Wei(fees.fold(0, |sum: u128, fee| sum.saturating_add(fee.0)))
    }

    /// Simulates the steps and fills in their gas.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`], [`Error::Chain`] with the reason why a step would revert.
    pub async fn estimate(self, chain: &dyn ChainPort) -> Result<Self> {
        self.estimate_after(chain, &|_| false).await
    }

    /// As [`Plan::estimate`], where some calls were sent by earlier runs.
    ///
    /// # Errors
    /// As [`Plan::estimate`].
    pub async fn estimate_after(
        mut self,
        chain: &dyn ChainPort,
        was_sent: &(dyn Fn(&Call) -> bool + Sync),
    ) -> Result<Self> {
        for step in &mut self.steps {
            step.sent_before = was_sent(&step.call);
        }
        if !self.steps.iter().any(|step| step.sent_before) {
            require_tokens(chain, self.from, self.need).await?;
        }
        let is_open = |step: &&mut Step| !step.sent_before;
        let approves = |step: &Step| matches!(step.call, Call::ApproveChallenges { .. });
        let approved = self.steps.iter().any(approves);
        for step in self.steps.iter_mut().filter(is_open) {
            let cost = match chain.gas_cost(self.from, &step.call).await {
                // The tokens are taken last: everything else about the call is in order.
                Err(error) if approved && lacks_allowance(&error) => continue,
                cost => cost?,
            };
            step.gas = Some(cost.gas);
            step.fee_max = Some(cost.fee_max);
        }
        Ok(self)
    }

    /// Sends the steps from an account whose earlier transactions are settled.
    pub(crate) async fn carry_on(
        &self,
        chain: &dyn ChainPort,
        sender: &Sender<'_>,
    ) -> Result<Vec<Sent>> {
        let is_settled = |step: &Step| sender.settled(&step.call).is_some();
        if !self.steps.iter().any(is_settled) {
            require_tokens(chain, self.from, self.need).await?;
        }
        let mut receipts = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            receipts.push(sender.send(&step.call).await?);
        }
        Ok(receipts)
    }
}

impl Plan {
    /// Sends the steps, one after the other, and waits until each is mined.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`] before anything is sent; [`Error::Chain`] with the reason of
    /// the step that failed, after those before it.
    pub async fn carry_out(
        &self,
        chain: &dyn ChainPort,
        pay: &dyn PayPort,
        progress: &dyn Progress,
    ) -> Result<Vec<Sent>> {
        self.carry_on(chain, &Sender::resume(pay, progress).await?)
            .await
    }
}

/// The account, with the transactions of earlier runs settled.
pub(crate) struct Sender<'a> {
    pay: &'a dyn PayPort,
    progress: &'a dyn Progress,
    settled: Vec<Settled>,
}

impl<'a> Sender<'a> {
    /// Settles the transactions of earlier runs.
    pub(crate) async fn resume(pay: &'a dyn PayPort, progress: &'a dyn Progress) -> Result<Self> {
        let settled = pay.resume(progress).await?;
        Ok(Self {
            pay,
            progress,
            settled,
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.pay.address()
    }

    /// The receipt of this very call, if an earlier run was killed while it sent it.
    pub(crate) fn settled(&self, call: &Call) -> Option<TxReceipt> {
        let call = self.pay.fingerprint(call);
        let settled = self.settled.iter().find(|settled| settled.call == call)?;
        Some(settled.receipt)
    }

    /// Receipts of the transactions that earlier runs sent and did not tell of.
    pub(crate) fn receipts(&self) -> impl Iterator<Item = TxReceipt> {
        self.settled.iter().map(|settled| settled.receipt)
    }

    /// Forgets a result, which the caller tells.
    pub(crate) fn recorded(&self, receipt: &TxReceipt) -> Result<()> {
        self.pay.recorded(receipt)
    }

    /// Sends a call, or takes what became of it in an earlier run: of one that moves tokens the
    /// account remembers it.
    pub(crate) async fn send(&self, call: &Call) -> Result<Sent> {
        let before = self.settled(call);
        let receipt = match before {
            Some(receipt) if !call.adds() => receipt,
            Some(_) | None => self.pay.send(call, self.progress).await?,
        };
        Ok(Sent {
            receipt,
            sent_before: before.is_some(),
        })
    }
}

/// Checks that the account holds the tokens that are needed.
pub(crate) async fn require_tokens(
    chain: &dyn ChainPort,
    address: Address,
    need: Amount,
) -> Result<()> {
    let have = match need.is_zero() {
        true => return Ok(()),
        false => chain.token_balance(address).await?,
    };
    if have < need {
        let (have, need) = (have.to_string(), need.to_string());
        return Err(Error::InsufficientFunds {
            address,
            have,
            need,
        });
    }
    Ok(())
}

/// Whether a call fails for want of an approval, which a step before it gives.
fn lacks_allowance(error: &Error) -> bool {
    let Error::Chain(ChainError::Reverted { name, .. }) = error else {
        return false;
    };
    name == "ERC20InsufficientAllowance"
}

fn kind_of<S: Serializer>(call: &Call, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(call.kind())
}

#[cfg(test)]
mod tests;
