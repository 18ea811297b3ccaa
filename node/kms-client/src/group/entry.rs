//! What a home remembers of a group. Neighbour: `home` keeps it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ledger::Seen;
use super::line::GroupLine;
use super::timeline::Position;
use crate::store::Versioned;

/// What a home knows of a group. Nothing in it opens anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    version: u32,
    /// The admin's key and the group's name.
    pub line: GroupLine,
    /// Folder or file of its items.
    pub store: PathBuf,
    /// The newest record seen: a store that ends before it is refused.
    pub seen: Option<Seen>,
    /// The newest message read or posted.
    pub position: Option<Position>,
}

impl Versioned for GroupEntry {
    const VERSION: u32 = 1;
}

impl GroupEntry {
    /// A group of which nothing has been seen yet.
    pub const fn new(line: GroupLine, store: PathBuf) -> Self {
        Self {
            version: Self::VERSION,
            line,
            store,
            seen: None,
            position: None,
        }
    }
}
