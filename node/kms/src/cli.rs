//! The command line: the flags every verb takes, and the verbs. Each verb's own flags stand beside
//! its code in `verbs`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Chatter, Format};
use crate::verbs;

const AFTER_HELP: &str = "\
A first session, on one machine:
  kms dev &                                         a chain with the contracts
  kms init --network local                          keys and settings in KMS_HOME
  kms label new films/demo                          a thing to share
  kms encrypt -t films/demo movie.mp4 -o movie.kms  offline
  kms card add bob.card                             the line `kms card make` gave Bob
  kms grant films/demo --to bob --threshold 3/5 --periods 30
  kms read movie.kms -o movie.mp4                   as Bob
  kms revoke films/demo --to bob

Passphrases come from a prompt, from the file KMS_PASSPHRASE_FILE names, or from the descriptor
KMS_PASSPHRASE_FD names; never from the command line.

Exit codes: 0 done; 2 usage; 3 not found; 10 no policy; 11 policy expired; 12 revoked; 13 too few
miners; 14 inconsistent shares; 20 bad file; 21 wrong key; 22 tampered; 30 chain unreachable;
31 transaction reverted; 32 insufficient funds; 33 fee above the limit; 40 nobody to ask for a
passphrase; 50 interrupted; 70 internal.";

/// Encrypt once, share with whom you like, take it back when you like.
///
/// Owners encrypt under a label of their own, before they know who will read. To share, an owner
/// splits a re-encryption key over n miners and pays them in KMS for some periods; any m of them
/// let the reader in, none of them ever sees data or a key, and the owner can take it back.
#[derive(Debug, Parser)]
#[command(name = "kms", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Flags of every verb.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The home directory: keys, labels, cards, journals [default: the XDG data directory]
    #[arg(
        long,
        global = true,
        env = "KMS_HOME",
        value_name = "DIR",
        hide_env_values = true
    )]
    #[arg(help_heading = "Everywhere")]
    pub(crate) home: Option<PathBuf>,
    /// Write one JSON object per line; errors too, on stderr
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Say nothing but results and errors
    #[arg(
        long,
        short,
        global = true,
        help_heading = "Everywhere",
        conflicts_with = "verbose"
    )]
    pub(crate) quiet: bool,
    /// Say more; twice for the log of the libraries
    #[arg(long, short, global = true, help_heading = "Everywhere", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    pub(crate) fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Human
        }
    }

    pub(crate) fn chatter(&self) -> Chatter {
        match (self.quiet, self.verbose) {
            (true, _) => Chatter::Quiet,
            (false, 0) => Chatter::Normal,
            (false, _) => Chatter::Verbose,
        }
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Init(verbs::init::InitArgs),
    #[command(subcommand)]
    Key(verbs::key::KeyVerb),
    #[command(subcommand)]
    Label(verbs::label::LabelVerb),
    #[command(subcommand)]
    Card(verbs::card::CardVerb),
    Encrypt(verbs::encrypt::EncryptArgs),
    Decrypt(verbs::decrypt::DecryptArgs),
    Inspect(verbs::inspect::InspectArgs),
    Grant(verbs::grant::GrantArgs),
    Read(verbs::read::ReadArgs),
    Revoke(verbs::revoke::RevokeArgs),
    Renew(verbs::renew::RenewArgs),
    Refund(verbs::refund::RefundArgs),
    #[command(subcommand)]
    Policies(verbs::policies::PoliciesVerb),
    Status(verbs::status::StatusArgs),
    #[command(subcommand)]
    Stake(verbs::stake::StakeVerb),
    #[command(subcommand)]
    Worker(verbs::worker::WorkerVerb),
    #[command(subcommand)]
    Rewards(verbs::rewards::RewardsVerb),
    #[command(subcommand)]
    Fees(verbs::fees::FeesVerb),
    #[command(subcommand)]
    Node(verbs::node::NodeVerb),
    Dev(verbs::dev::DevArgs),
}

impl Verb {
    /// True for verbs that run until they are asked to stop, and end in order.
    pub(crate) fn stops_itself(&self) -> bool {
        match self {
            Self::Node(verb) => verb.stops_itself(),
            Self::Dev(args) => args.stops_itself(),
            _ => false,
        }
    }

    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Init(args) => verbs::init::run(args, context),
            Self::Key(verb) => verbs::key::run(verb, context),
            Self::Label(verb) => verbs::label::run(verb, context),
            Self::Card(verb) => verbs::card::run(verb, context),
            Self::Encrypt(args) => verbs::encrypt::run(&args, context),
            Self::Decrypt(args) => verbs::decrypt::run(&args, context),
            Self::Inspect(args) => verbs::inspect::run(&args, context),
            Self::Grant(args) => verbs::grant::run(args, context).await,
            Self::Read(args) => verbs::read::run(&args, context).await,
            Self::Revoke(args) => verbs::revoke::run(args, context).await,
            Self::Renew(args) => verbs::renew::run(args, context).await,
            Self::Refund(args) => verbs::refund::run(args, context).await,
            Self::Policies(verb) => verbs::policies::run(verb, context).await,
            Self::Status(args) => verbs::status::run(args, context).await,
            Self::Stake(verb) => verbs::stake::run(verb, context).await,
            Self::Worker(verb) => verbs::worker::run(verb, context).await,
            Self::Rewards(verb) => verbs::rewards::run(verb, context).await,
            Self::Fees(verb) => verbs::fees::run(verb, context).await,
            Self::Node(verb) => verbs::node::run(verb, context).await,
            Self::Dev(args) => verbs::dev::run(args, context).await,
        }
    }
}

#[cfg(test)]
mod tests;
