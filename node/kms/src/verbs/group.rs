//! `kms group`: channels with history, for many readers.

mod change;
mod show;
mod talk;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use kms_client::{
    Channel, GroupEntry, GroupStore, Home, OwnerKeys, Reader, ReaderKey, Role, store_at,
};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::session::Session;
use crate::terms::TermsArgs;
use crate::time::Moment;

/// Channels: messages for many readers, with history for those who come later
///
/// A message costs the same for any number of readers. Its admin lets people in from a date on, by
/// one grant for each; whoever is taken out reads nothing of what comes after. Items lie in a
/// folder or a file, which any tool may copy. Inside an epoch there is no forward secrecy.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupVerb {
    /// Make a group; its line, kmsgroup1..., goes to the members
    #[command(
        after_help = "Examples:\n  kms group create team --store /srv/team\n  \
                            kms group create team --store team.kmsg --as alice"
    )]
    Create(CreateArgs),
    /// List the groups that this home knows
    #[command(after_help = "Examples:\n  kms group list")]
    List,
    /// Remember a group that you were let into
    #[command(after_help = "Examples:\n  kms group join kmsgroup1... --store /srv/team")]
    Join(JoinArgs),
    /// Let people in: one grant each, all of them paid by one transaction
    ///
    /// Without --since they read what comes from now on; with it, from the first epoch that begins
    /// then or later. --through lets them read the epochs of a past time, and write nothing.
    #[command(after_help = "\
Examples:
  kms group add team --member bob --member carol --for 30d
  kms group add team --member bob=bob-phone --member bob=bob-laptop --for 30d
  kms group add team --member dave --since 2026-11-23 --periods 30 --threshold 2/3
  kms group add team --member auditor --since 2026-03-01 --through 2026-05-01 --periods 5")]
    Add(AddArgs),
    /// Take people out, with all their devices: they read nothing of the next epoch
    #[command(after_help = "Examples:\n  kms group remove team --member bob")]
    Remove(RemoveArgs),
    /// Begin an epoch: a date from which people can be let in later
    #[command(after_help = "Examples:\n  kms group epoch team")]
    Epoch(NameArgs),
    /// Post a message
    #[command(
        after_help = "Examples:\n  kms group post team \"the build is green\"\n  \
                            kms group post team - < notes.txt"
    )]
    Post(PostArgs),
    /// Read every message that you were let into, and what is wrong with the store
    #[command(after_help = "Examples:\n  kms group read team\n  kms group read team --json")]
    Read(NameArgs),
    /// Show the group's epochs and members
    #[command(after_help = "Examples:\n  kms group log team")]
    Log(NameArgs),
    /// Exchange items with another folder or file of the same group
    #[command(after_help = "Examples:\n  kms group sync team /mnt/stick/team.kmsg")]
    Sync(SyncArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name of the group: letters, digits and -_.@+
    name: String,
    /// Folder for its items, or one file NAME.kmsg; made if need be
    #[arg(long, value_name = "PATH")]
    store: PathBuf,
    /// Your own name in the group
    #[arg(long = "as", value_name = "NAME", default_value = "admin")]
    admin: String,
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// The line that the admin gave you, kmsgroup1...
    line: String,
    /// Folder or file of its items
    #[arg(long, value_name = "PATH")]
    store: PathBuf,
    /// Your own name for the group [default: the admin's]
    #[arg(long = "as", value_name = "NAME")]
    known_as: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Name of the group here
    name: String,
    /// A card by its name here, or NAME=CARD; several devices may have one name
    #[arg(long, value_name = "NAME[=CARD]", required = true)]
    member: Vec<MemberArg>,
    /// From when on they may read, written as for --until [default: now]
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Let them read only the epochs that begin before this time
    #[arg(long, value_name = "TIME", requires = "since")]
    through: Option<Moment>,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Name of the group here
    name: String,
    /// Name of a member
    #[arg(long, value_name = "NAME", required = true)]
    member: Vec<String>,
    /// Seconds to wait for the miners' refusals
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name of the group here
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct PostArgs {
    /// Name of the group here
    name: String,
    /// The message; `-` is stdin
    text: String,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Name of the group here
    name: String,
    /// The other folder, or file NAME.kmsg; made if need be
    path: PathBuf,
}

/// A member's device: `NAME`, or `NAME=CARD`.
#[derive(Debug, Clone)]
pub(crate) struct MemberArg {
    name: String,
    card: String,
}

impl FromStr for MemberArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, card) = text.split_once('=').unwrap_or((text, text));
        if name.is_empty() || card.is_empty() {
            return Err(format!("{text:?} is not NAME or NAME=CARD"));
        }
        Ok(Self {
            name: name.to_owned(),
            card: card.to_owned(),
        })
    }
}

pub(crate) async fn run(verb: GroupVerb, context: &Context) -> Outcome {
    match verb {
        GroupVerb::Create(args) => change::create(&args, context).await,
        GroupVerb::List => show::list(context),
        GroupVerb::Join(args) => show::join(&args, context),
        GroupVerb::Add(args) => change::add(&args, context)
            .await
            .map_err(Failure::for_owner),
        GroupVerb::Remove(args) => change::remove(&args, context)
            .await
            .map_err(Failure::for_owner),
        GroupVerb::Epoch(args) => change::epoch(&args.name, context).await,
        GroupVerb::Post(args) => talk::post(&args, context).await,
        GroupVerb::Read(args) => talk::read(&args.name, context).await,
        GroupVerb::Log(args) => show::log(&args.name, context).await,
        GroupVerb::Sync(args) => show::sync(&args, context).await,
    }
}

/// A group of this home, open.
struct OpenGroup {
    home: Home,
    entry: GroupEntry,
    store: Box<dyn GroupStore>,
    channel: Channel,
}

impl OpenGroup {
    /// Opens a group: as its admin by the seed alone, or else by a grant, through the miners.
    async fn new(name: &str, context: &Context) -> Outcome<Self> {
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
    fn remember(mut self, name: &str, context: &Context) -> Outcome {
        let lock = context.lock(&self.home)?;
        self.entry.seen = Some(self.channel.seen());
        self.entry.position = self.channel.position();
        Ok(self.home.set_group(&lock, name, &self.entry)?)
    }
}

/// The keys of a home, whichever it has.
enum Unlocked {
    Owner(OwnerKeys),
    Readers(kms_client::ReaderKeys),
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
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
