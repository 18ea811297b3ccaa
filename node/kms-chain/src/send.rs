//! Sends transactions. `anywhere` looks for receipts at every endpoint, `engine` decides the next
//! action of an intent, `gas` adds the margin, `tx` encodes, signs and broadcasts, `rejection`
//! classifies the messages of endpoints that refuse.

mod anywhere;
mod engine;
mod gas;
pub(crate) mod rejection;
mod tx;

pub use engine::{Attempt, Decision, Included, Outcome, Pursuit, Rules, Sight};
pub use gas::GasLimit;
pub use rejection::TxRejection;
pub use tx::{SignedTx, TxPlan, reprice};
pub(crate) use tx::{TxFields, broadcast, estimate_gas, receipt, sign_fields};
