//! Groups: channels with history. A group is a chain of epochs, each begun by a record that its
//! admin signs and each with a key of its own. Who may read from an epoch on goes by a door: a
//! label, to which ONE grant leads; its capsule in the newest record and links between the epochs
//! open everything from there up to now. Messages are sealed once for all readers, signed by their
//! writers and chained. ARCHITECTURE.md draws it and says what it does not give.
//! Neighbours: `owner` grants doors, `reader` opens capsules, `home` remembers groups.

mod admin;
mod begin;
mod bytes;
mod channel;
mod cipher;
mod door;
mod entry;
mod epochs;
pub(crate) mod error;
mod ledger;
pub(crate) mod line;
mod message;
mod record;
mod sheet;
mod store;
#[cfg(test)]
mod tests;
mod timeline;

pub use admin::{Admin, Changed, History, create_group};
pub use channel::{Channel, EpochSummary};
pub use entry::GroupEntry;
pub use error::GroupError;
pub use ledger::Seen;
pub use line::GroupLine;
pub use message::{Message, TEXT_BYTES_MAX};
pub use sheet::Member;
pub use store::{FileStore, FolderStore, GroupStore, copy_items, store_at};
pub use timeline::{Entry, Finding, Position, Timeline};
