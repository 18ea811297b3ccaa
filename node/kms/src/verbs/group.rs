//! `kms group`: channels with history, for many readers.

mod args;
mod change;
mod open;
mod show;
mod talk;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use args::{AddArgs, CreateArgs, JoinArgs, NameArgs, PostArgs, RemoveArgs, SyncArgs};

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
    /// Post a message to the group
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
