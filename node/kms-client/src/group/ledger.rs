//! The chain of a group's records, verified from the first one on, and compared with what this home
//! has seen of it before. Neighbours: `store` has the records, `epochs` opens them.

use kms_protocol::B256;
use serde::{Deserialize, Serialize};

use super::error::GroupError;
use super::line::GroupLine;
use super::record::Record;
use super::store::{GroupStore, records};
use crate::error::Result;

/// The newest record that a home has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// Every record of a group: at least one, each signed by the admin and bound to the one before.
pub(crate) struct Ledger {
    pub(super) id: B256,
    records: Vec<Record>,
    newest: Seen,
}

impl Ledger {
    pub(super) async fn read(
        line: &GroupLine,
        store: &dyn GroupStore,
        seen: Option<Seen>,
    ) -> Result<Self> {
        Ok(Self::check(line, records(store).await?, seen)?)
    }

    /// Verifies records that are in order of their numbers.
    pub(super) fn check(
        line: &GroupLine,
        stored: Vec<(u64, Vec<u8>)>,
        seen: Option<Seen>,
    ) -> Result<Self, GroupError> {
        let id = line.id();
        let mut records: Vec<Record> = Vec::with_capacity(stored.len());
        for ((given, bytes), number) in stored.iter().zip(0_u64..) {
            let wrong = |why| GroupError::RecordInvalid { number, why };
            if *given != number {
                return Err(wrong("it is missing"));
            }
            let record = Record::read(bytes, number, &id, line.admin())?;
            let (previous, earliest) = match records.last() {
                Some(last) => (last.hash, last.begins),
                None => (B256::ZERO, 0),
            };
            if record.previous != previous {
                return Err(wrong("it does not follow the one before it"));
            }
            if record.begins < earliest {
                return Err(wrong("it begins before the one before it"));
            }
            let astray = |top: u64, from: u64| from > top || top > number;
            if record.doors.iter().any(|door| astray(door.top, door.from)) {
                return Err(wrong("a door leads to an epoch that is not there"));
            }
            records.push(record);
        }
        let name = line.name().to_owned();
        let newest = records.last().ok_or(GroupError::StoreEmpty { name })?;
        let newest = Seen {
            number: newest.number,
            hash: newest.hash,
        };
        if let Some(seen) = seen {
            let number = seen.number;
            let found = newest.number;
            let same = records.iter().find(|record| record.number == number);
            let same = same.ok_or(GroupError::RolledBack {
                seen: number,
                found,
            })?;
            if same.hash != seen.hash {
                return Err(GroupError::Forked { number });
            }
        }
        Ok(Self {
            id,
            records,
            newest,
        })
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn record(&self, number: u64) -> Option<&Record> {
        self.records.get(usize::try_from(number).ok()?)
    }

    /// The newest record.
    pub(super) const fn newest(&self) -> Seen {
        self.newest
    }
}
