//! The command line: its verbs. Each verb's own flags stand beside its code in `verbs`, the flags
//! of every verb in `global`.

use clap::{Parser, Subcommand};

use crate::context::Context;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::verbs;

const SESSION: &str = "\
A first session, on one machine:
  kms dev --miners 3                                  # in a terminal of its own, until Ctrl-C
  kms init --network local                            # keys and settings; money of that chain
  kms label new films/demo                            # a thing to share
  kms encrypt -t films/demo movie.mp4 -o movie.kms    # offline
  kms --home ~/kms-bob init --reader-only             # Bob, who reads
  kms --home ~/kms-bob card make --name bob > bob.card
  kms card add bob.card
  kms grant films/demo --to bob --threshold 2/3 --periods 100
  kms --home ~/kms-bob read movie.kms -o bobs-movie.mp4
  kms revoke films/demo --to bob

Passphrases come from a prompt, once for many commands with `kms agent`; from the file that
KMS_PASSPHRASE_FILE names, or the descriptor KMS_PASSPHRASE_FD; never from the command line.

Exit codes:";

fn after_help() -> String {
    let row = |row: &exit::Exit| format!("\n  {:2}  {}", row.number, row.meaning);
    exit::TABLE
        .iter()
        .map(row)
        .fold(SESSION.to_owned(), |help, row| help + &row)
}

/// Encrypt once, share with whom you like, take it back when you like.
///
/// Owners encrypt under a label of their own, before they know who will read. To share, an owner
/// splits a re-encryption key over n miners and pays them in KMS for some periods; any m of them
/// let the reader in, none of them ever sees data or a key, and the owner can take it back.
#[derive(Debug, Parser)]
#[command(name = "kms", version, after_help = after_help(), max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

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
    Ls(verbs::ls::LsArgs),
    Rewrap(verbs::rewrap::RewrapArgs),
    Grant(verbs::grant::GrantArgs),
    Read(verbs::read::ReadArgs),
    Revoke(verbs::revoke::RevokeArgs),
    Relay(verbs::relay::RelayArgs),
    Renew(verbs::renew::RenewArgs),
    Refund(verbs::refund::RefundArgs),
    Challenge(verbs::challenge::ChallengeArgs),
    Accuse(verbs::accuse::AccuseArgs),
    #[command(subcommand)]
    Policies(verbs::policies::PoliciesVerb),
    #[command(subcommand)]
    Group(verbs::group::GroupVerb),
    #[command(subcommand)]
    Stream(verbs::stream::StreamVerb),
    Serve(verbs::serve::ServeArgs),
    Agent(verbs::agent::AgentArgs),
    #[command(subcommand)]
    Config(verbs::config::ConfigVerb),
    Doctor(verbs::doctor::DoctorArgs),
    Status(verbs::status::StatusArgs),
    #[command(subcommand)]
    Tx(verbs::tx::TxVerb),
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
    Help(verbs::help::HelpArgs),
}

impl Verb {
    /// True for verbs that handle SIGINT and SIGTERM themselves, to end in order and with 0.
    pub(crate) fn stops_itself(&self) -> bool {
        match self {
            Self::Node(verb) => verb.stops_itself(),
            Self::Dev(args) => args.stops_itself(),
            Self::Agent(args) => args.stops_itself(),
            Self::Serve(_) => true,
            Self::Stream(verb) => verb.stops_itself(),
            _ => false,
        }
    }

    pub(crate) async fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Init(args) => verbs::init::run(args, context).await,
            Self::Key(verb) => verbs::key::run(verb, context),
            Self::Label(verb) => verbs::label::run(verb, context).await,
            Self::Card(verb) => verbs::card::run(verb, context),
            Self::Encrypt(args) => verbs::encrypt::run(&args, context),
            Self::Decrypt(args) => verbs::decrypt::run(&args, context),
            Self::Inspect(args) => verbs::inspect::run(&args, context),
            Self::Ls(args) => verbs::ls::run(&args, context).await,
            Self::Rewrap(args) => verbs::rewrap::run(&args, context),
            Self::Grant(args) => verbs::grant::run(args, context)
                .await
                .map_err(Failure::for_owner),
            Self::Read(args) => verbs::read::run(&args, context).await,
            Self::Revoke(args) => verbs::revoke::run(args, context)
                .await
                .map_err(Failure::for_owner),
            Self::Relay(args) => verbs::relay::run(args, context).await,
            Self::Renew(args) => verbs::renew::run(args, context)
                .await
                .map_err(Failure::for_owner),
            Self::Refund(args) => verbs::refund::run(args, context)
                .await
                .map_err(Failure::for_owner),
            Self::Challenge(args) => verbs::challenge::run(args, context)
                .await
                .map_err(Failure::for_owner),
            Self::Accuse(args) => verbs::accuse::run(&args, context).await,
            Self::Policies(verb) => verbs::policies::run(verb, context)
                .await
                .map_err(Failure::for_owner),
            Self::Group(verb) => verbs::group::run(verb, context).await,
            Self::Stream(verb) => verbs::stream::run(verb, context).await,
            Self::Serve(args) => verbs::serve::run(&args, context).await,
            Self::Agent(args) => verbs::agent::run(args, context).await,
            Self::Config(verb) => verbs::config::run(verb, context),
            Self::Doctor(args) => verbs::doctor::run(args, context).await,
            Self::Status(args) => verbs::status::run(args, context).await,
            Self::Tx(verb) => verbs::tx::run(verb, context).await,
            Self::Stake(verb) => verbs::stake::run(verb, context).await,
            Self::Worker(verb) => verbs::worker::run(verb, context).await,
            Self::Rewards(verb) => verbs::rewards::run(verb, context).await,
            Self::Fees(verb) => verbs::fees::run(verb, context).await,
            Self::Node(verb) => verbs::node::run(verb, context).await,
            Self::Dev(args) => verbs::dev::run(args, context).await,
            Self::Help(args) => verbs::help::run(&args),
        }
    }
}

#[cfg(test)]
mod tests;
