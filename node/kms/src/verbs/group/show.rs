//! `kms group list|join|log|sync`.

use std::fmt;

use kms_client::{EpochSummary, GroupEntry, GroupLine, copy_items, store_at};
use serde::Serialize;

use super::args::{JoinArgs, SyncArgs};
use super::open::OpenGroup;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;
use crate::text::utc;

#[derive(Serialize)]
struct GroupRow {
    name: String,
    store: String,
    line: String,
}

impl GroupRow {
    fn new(name: &str, entry: &GroupEntry) -> Self {
        Self {
            name: name.to_owned(),
            store: entry.store.display().to_string(),
            line: entry.line.to_string(),
        }
    }
}

impl Row for GroupRow {
    const HEAD: &'static [&'static str] = &["NAME", "STORE", "LINE"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.store.clone(), self.line.clone()]
    }
}

impl fmt::Display for GroupRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: items in {}", self.name, self.store)
    }
}

pub(super) fn list(context: &Context) -> Outcome {
    let groups = context.home()?.groups()?;
    let rows: Vec<GroupRow> = groups
        .iter()
        .map(|(name, entry)| GroupRow::new(name, entry))
        .collect();
    context.out.list(&rows, "no groups yet")
}

pub(super) fn join(args: &JoinArgs, context: &Context) -> Outcome {
    let line: GroupLine = args.line.parse()?;
    let home = context.home()?;
    let lock = context.lock(&home)?;
    let name = args.known_as.as_deref().unwrap_or(line.name()).to_owned();
    let path = std::path::absolute(&args.store);
    let path = path.map_err(|error| kms_client::Error::io(&args.store, error))?;
    let entry = GroupEntry::new(line, path);
    home.add_group(&lock, &name, &entry)?;
    context.out.emit(&GroupRow::new(&name, &entry))
}

#[derive(Serialize)]
struct EpochRow {
    epoch: u64,
    begins: u64,
    open: bool,
    doors: usize,
    members: Vec<MemberRow>,
}

#[derive(Serialize)]
struct MemberRow {
    name: String,
    key: String,
    /// First epoch that the device may read; `null` for the admin.
    from: Option<u64>,
}

impl From<EpochSummary> for EpochRow {
    fn from(summary: EpochSummary) -> Self {
        let member = |member: kms_client::Member| MemberRow {
            name: member.name,
            key: hex::encode(member.key.to_bytes()),
            from: member.door,
        };
        Self {
            epoch: summary.number,
            begins: summary.begins,
            open: summary.is_open,
            doors: summary.doors,
            members: summary.members.into_iter().map(member).collect(),
        }
    }
}

impl Row for EpochRow {
    const HEAD: &'static [&'static str] = &["EPOCH", "BEGINS", "DOORS", "MEMBERS"];

    fn cells(&self) -> Vec<String> {
        let members = match self.open {
            true => {
                let mut names: Vec<&str> = self.members.iter().map(|m| m.name.as_str()).collect();
                names.dedup();
                names.join(" ")
            }
            false => "closed to you".to_owned(),
        };
        let (epoch, doors) = (self.epoch.to_string(), self.doors.to_string());
        vec![epoch, utc(self.begins), doors, members]
    }
}

pub(super) async fn log(name: &str, context: &Context) -> Outcome {
    let group = OpenGroup::new(name, context).await?;
    let rows: Vec<EpochRow> = group.channel.epochs().into_iter().map(Into::into).collect();
    group.remember(name, context)?;
    context.out.list(&rows, "no epochs")
}

#[derive(Serialize)]
struct SyncReport {
    sent: usize,
    received: usize,
}

impl fmt::Display for SyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} items received, {} sent", self.received, self.sent)
    }
}

pub(super) async fn sync(args: &SyncArgs, context: &Context) -> Outcome {
    let entry = context.home()?.group(&args.name)?;
    let (own, other) = (store_at(&entry.store)?, store_at(&args.path)?);
    let received = copy_items(&*other, &*own).await?;
    let sent = copy_items(&*own, &*other).await?;
    context.out.emit(&SyncReport { sent, received })
}
