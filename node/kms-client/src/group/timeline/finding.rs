//! What is wrong with a store, item by item.

use serde::Serialize;

use super::super::store::Stored;

/// Something that does not belong, or is missing. Others can still be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Stable name of the kind.
    pub code: &'static str,
    /// The item, or the name of the writer whose messages are concerned.
    pub what: String,
    /// What was found.
    pub detail: String,
}

impl Finding {
    fn new(code: &'static str, what: String, detail: &str) -> Self {
        let detail = detail.to_owned();
        Self { code, what, detail }
    }

    pub(super) fn forged(item: &Stored) -> Self {
        let detail = "nobody with the epoch's key wrote it, or its writer did not sign it";
        Self::new("message_forged", item.name(), detail)
    }

    pub(super) fn foreign(item: &Stored) -> Self {
        let detail = "its writer was no member of the epoch";
        Self::new("message_foreign", item.name(), detail)
    }

    pub(super) fn misplaced(item: &Stored, writer: &str) -> Self {
        let detail = format!("a message of {writer} that belongs elsewhere: it was copied");
        Self::new("message_misplaced", item.name(), &detail)
    }

    pub(super) fn backdated(item: &Stored, writer: &str) -> Self {
        let detail = format!("{writer} put it before what the admin had seen of the epoch before");
        Self::new("message_backdated", item.name(), &detail)
    }

    pub(super) fn after_removal(item: &Stored, writer: &str) -> Self {
        let detail = format!("{writer} wrote it after having been removed");
        Self::new("message_after_removal", item.name(), &detail)
    }

    pub(super) fn forked(writer: &str, number: u64) -> Self {
        let detail = format!("message {number} does not follow the one before it: there are two");
        Self::new("message_forked", writer.to_owned(), &detail)
    }

    pub(super) fn missing(writer: &str, first: u64, last: u64) -> Self {
        let detail = match first == last {
            true => format!("message {first} is held back or lost"),
            false => format!("messages {first} to {last} are held back or lost"),
        };
        Self::new("messages_missing", writer.to_owned(), &detail)
    }

    pub(super) fn unseen(writer: &str, number: u64) -> Self {
        let detail = format!("message {number} answers one that is not here");
        Self::new("message_ahead", writer.to_owned(), &detail)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} [{}]", self.what, self.detail, self.code)
    }
}
