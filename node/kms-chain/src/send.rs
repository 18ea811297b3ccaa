//! Sending transactions. `engine` decides what becomes of an intent, `gas` adds the one margin,
//! `tx` encodes, signs and broadcasts, `rejection` sorts the words in which endpoints refuse.

mod engine;
mod gas;
pub(crate) mod rejection;
mod tx;

pub use engine::{Attempt, Decision, Included, Outcome, Pursuit, Rules, Sight};
pub use gas::GasLimit;
pub use rejection::TxRejection;
pub use tx::{SignedTx, TxPlan, reprice};
pub(crate) use tx::{TxFields, broadcast, estimate_gas, receipt, sign_fields};
