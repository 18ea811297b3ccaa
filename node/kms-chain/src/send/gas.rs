//! Gas limits: the one place where a margin is added to an estimate.

use kms_protocol::Wei;

use crate::types::Fees;

/// Gas of writing a storage slot for the first time.
const NEW_SLOT: u64 = 22_100;
/// Gas of booking the periods that begin between estimate and block: for the first the totals and
/// the index, both in new slots, and the books; a second one with a change of its own again two
/// slots, and what is read.
const ROLL: u64 = 5 * NEW_SLOT + 30_000;

/// A gas limit: an estimate with its margin, which is added here and nowhere else.
///
/// The margin is a quarter and the gas of one new storage slot. Between the estimate and the block
/// that mines the transaction the state changes: a slot that another transaction cleared is written
/// for the first time (the slot, more than a quarter of a small call). A call that books periods
/// has more to book once a period begins: it gets room for two ([`GasLimit::with_roll`]). A limit
/// that is too low costs a failed transaction; unused gas is not paid, but the sender's balance
/// must cover the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GasLimit(u64);

impl GasLimit {
    /// Computes the limit for a call that an endpoint estimates at `gas`.
    #[must_use]
    pub fn for_estimate(gas: u64) -> Self {
        Self(gas.saturating_add(gas / 4).saturating_add(NEW_SLOT))
    }

    /// Adds room for two periods that begin before the transaction is mined.
    #[must_use]
    pub fn with_roll(self) -> Self {
        Self(self.0.saturating_add(ROLL))
    }

    /// The limit in units of gas.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Most that a transaction with this limit costs, in wei; pools require that the sender has it.
    #[must_use]
    pub fn cost_at_most(self, fees: Fees) -> Wei {
        Wei(fees.max_fee.0.saturating_mul(u128::from(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_a_quarter_and_a_slot_and_does_not_wrap() {
        assert_eq!(GasLimit::for_estimate(0).get(), 22_100);
        assert_eq!(GasLimit::for_estimate(100_000).get(), 147_100);
        assert_eq!(GasLimit::for_estimate(u64::MAX).get(), u64::MAX);
        assert_eq!(GasLimit::for_estimate(u64::MAX).with_roll().get(), u64::MAX);
    }

    #[test]
    fn the_cost_is_the_limit_at_the_highest_price() {
        let fees = Fees {
            max_fee: Wei(3),
            tip: Wei(1),
        };
        assert_eq!(GasLimit::for_estimate(0).cost_at_most(fees), Wei(66_300));
    }
}
