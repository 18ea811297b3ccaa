//! What an owner does: quote, grant, resume, list, revoke, refund, and open own files offline.
//! Neighbours: `journal` makes grants survive crashes, `ports` reach chain, nodes and account.

mod deliver;
mod erasure;
mod grant;
mod kfrags;
mod offline;
mod pairs;
mod policies;
mod prepare;
mod quote;
mod rebuild;
mod refund;
mod relay;
mod renew;
mod revoke;
mod rewrap;
mod schedule;
mod search;
mod settle;
mod setup;
mod several;
#[cfg(test)]
mod tests;

pub use erasure::Erasure;
pub use grant::{Funds, GrantReport, Payment};
pub use offline::{data_key, data_key_of_label, label_of, segment_keys};
pub use policies::{MinerHealth, PolicyDetail, PolicyReport};
pub use quote::{FeeLimit, GrantSpec, Quote, QuotedMiner, Rate, Repeat, Selection};
pub use rebuild::Rebuilt;
pub use refund::{Refund, RefundReport};
pub use relay::RevocationOrders;
pub use renew::{Extension, Renewal, RenewalReport, Unwilling};
pub use revoke::{Ending, RevocationReport};
pub use rewrap::{Rewrapped, rewrap};
pub use schedule::{Schedule, Span, Start};
pub use search::{FoundLabels, Unlabelled, labels_in_files};
pub use setup::{Owner, Spend, WaitLimits};
