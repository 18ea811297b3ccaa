//! The books: the miner's income and the worker's ether as the duties read them last, for the
//! operator's pages. `act` keeps them.

use kms_protocol::{Amount, Period, Wei};

/// The worker's ether.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Purse {
    pub(crate) balance: Wei,
    /// What a unit of gas costs now, at most.
    pub(crate) gas_price: Wei,
    /// For how many days the balance pays for the duties at that price.
    pub(crate) days: f64,
}

/// Income and ether as of a block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Books {
    /// Newest block of the index when they were read.
    pub(crate) block: u64,
    /// Reward of completed periods that a claim would mint.
    pub(crate) claimable: Amount,
    /// Weight of the lease; zero without one.
    pub(crate) weight: Amount,
    /// The period they were read in, and the reward that the formula gives the miner for it.
    pub(crate) running: Option<(Period, Amount)>,
    pub(crate) purse: Purse,
    /// The period in which a confirmation is due next.
    pub(crate) next_confirmation: Option<Period>,
}
