//! A group of this home, opened by whichever keys the home has.

use std::time::{SystemTime, UNIX_EPOCH};

use kms_client::{
    Channel, GroupEntry, GroupStore, Home, OwnerKeys, Reader, ReaderKey, ReaderKeys, Role, store_at,
};

use crate::context::Context;
use crate::failure::Outcome;
use crate::progress::Steps;
use crate::session::Session;

/// A group of this home, open.
pub(super) struct OpenGroup {
    home: Home,
    entry: GroupEntry,
    pub(super) store: Box<dyn GroupStore>,
    pub(super) channel: Channel,
}

impl OpenGroup {
    /// Opens a group: as its admin by the seed alone, or else by a grant, through the miners.
    pub(super) async fn new(name: &str, context: &Context) -> Outcome<Self> {
        let home = context.home()?;
        let entry = home.group(name)?;
        let store = store_at(&entry.store)?;
        let keys = unlock(&home, context)?;
        let mut channel = match &keys {
            Unlocked::Owner(keys) if Channel::is_admin(&entry.line, keys)? => {
                Channel::open_as_admin(&entry.line, &*store, entry.seen, keys).await?
            }
            keys => {
                let keys = keys.readers(&home)?;
                let session = Session::open(context).await?;
                let network = &session.network;
                let reader = Reader::new(&keys, network, network.nodes());
                let steps = Steps::new(context.out.quieter(), "answered");
                Channel::open(&entry.line, &*store, entry.seen, &reader, &steps).await?
            }
        };
        channel.resume_at(entry.position);
        Ok(Self {
            channel,
            home,
            entry,
            store,
        })
    }

    /// Remembers what was seen of the group.
    pub(super) fn remember(mut self, name: &str, context: &Context) -> Outcome {
        let lock = context.lock(&self.home)?;
        self.entry.seen = Some(self.channel.seen());
        self.entry.position = self.channel.position();
        Ok(self.home.set_group(&lock, name, &self.entry)?)
    }
}

/// The keys of a home, whichever it has.
enum Unlocked {
    Owner(OwnerKeys),
    Readers(ReaderKeys),
}

fn unlock(home: &Home, context: &Context) -> Outcome<Unlocked> {
    Ok(match home.config().role {
        Role::Owner => Unlocked::Owner(home.unlock_owner(&context.passphrases)?),
        Role::Reader => Unlocked::Readers(home.unlock_readers(&context.passphrases)?),
    })
}

impl Unlocked {
    fn readers(&self, home: &Home) -> Outcome<Vec<ReaderKey>> {
        let key = |number| match self {
            Self::Owner(keys) => keys.reader(number),
            Self::Readers(keys) => keys.key(number),
        };
        Ok((0..home.config().reader_keys)
            .map(key)
            .collect::<Result<_, _>>()?)
    }
}

/// The time by this machine's clock.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
