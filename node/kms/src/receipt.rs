//! What a transaction of a miner's owner leaves behind, in one shape for all of them.

use std::fmt;

use kms_chain::TxReceipt;
use kms_client::Payout;
use kms_protocol::{Amount, B256, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::session::Account;

/// A mined transaction.
#[derive(Serialize)]
struct MinedReport {
    done: &'static str,
    tx_hash: B256,
    block_number: u64,
    gas_used: u64,
    fee: Wei,
}

impl fmt::Display for MinedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in block {}; gas cost {}",
            self.done, self.block_number, self.fee
        )
    }
}

/// A payout.
#[derive(Serialize)]
struct PaidReport {
    done: &'static str,
    amount: Amount,
    tx_hash: B256,
}

impl fmt::Display for PaidReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.done, self.amount)
    }
}

impl Account<'_> {
    /// Prints what one transaction did, or what it would have done.
    pub(crate) fn tell(&self, done: &'static str, sent: &TxReceipt, context: &Context) -> Outcome {
        if let Some(simulated) = self.simulated() {
            return context.out.emit(&simulated);
        }
        let TxReceipt {
            tx_hash,
            block_number,
            gas_used,
            fee,
            ..
        } = *sent;
        context.out.emit(&MinedReport {
            done,
            tx_hash,
            block_number,
            gas_used,
            fee,
        })
    }

    /// Prints what was paid out, or what would have been.
    pub(crate) fn tell_payouts(
        &self,
        done: &'static str,
        payouts: &[Payout],
        context: &Context,
    ) -> Outcome {
        if let Some(simulated) = self.simulated() {
            for payout in payouts {
                context.out.note(&format!("would pay {}", payout.amount));
            }
            return context.out.emit(&simulated);
        }
        payouts.iter().try_for_each(|payout| {
            let Payout { amount, tx_hash } = *payout;
            context.out.emit(&PaidReport {
                done,
                amount,
                tx_hash,
            })
        })
    }
}
