//! The flags of every verb: the home, the format of results, and how much is written to stderr.

use std::path::PathBuf;

use clap::Args;

use crate::output::{Chatter, Format};

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
