//! `kms help`: the help of any command.

use clap::error::ErrorKind;
use clap::{Args, Parser as _};

use crate::cli::Cli;
use crate::failure::{Failure, Outcome};
use crate::output::write_line;

/// Show the help of kms or of one of its commands
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kms help\n  kms help grant\n  kms help node run")]
pub(crate) struct HelpArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

pub(crate) fn run(args: &HelpArgs) -> Outcome {
    let words = std::iter::once("kms").chain(args.command.iter().map(String::as_str));
    match Cli::try_parse_from(words.chain(["--help"])) {
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            write_line(error.render().to_string().trim_end())
        }
        _ => {
            let message = format!("there is no command `kms {}`", args.command.join(" "));
            Err(Failure::usage(message).hint("`kms help` lists the commands"))
        }
    }
}
