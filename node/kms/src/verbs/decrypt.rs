//! `kms decrypt`: opens a file of one of the owner's labels, offline.

use clap::Args;
use kms_client::{Label, data_key, data_key_of_label};

use crate::context::Context;
use crate::failure::Outcome;
use crate::open::{OpenArgs, Opened};

/// Open a file of one of your own labels: offline, with every miner and the chain gone
///
/// The seed is enough: the label's name, from which its key is derived, is sealed in the file for
/// you alone, by producers too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms decrypt movie.kms -o movie.mp4
  kms decrypt - < photos.tar.kms | tar -x
  kms decrypt --label films/demo movie.kms -o movie.mp4      its writer left the name out
  kms decrypt --range 500M-501M movie.kms | sha256sum")]
pub(crate) struct DecryptArgs {
    #[command(flatten)]
    open: OpenArgs,
    /// The label of the file, if no name of yours is sealed in it
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
}

pub(crate) fn run(args: &DecryptArgs, context: &Context) -> Outcome {
    let label = args.label.as_deref().map(Label::new).transpose()?;
    let home = context.home()?;
    let opened = Opened::new(&args.open)?;
    let keys = home.unlock_owner(&context.passphrases)?;
    let key = match label {
        Some(label) => data_key_of_label(&keys, &label, &opened.header)?,
        None => data_key(&keys, &home.labels()?, &opened.header)?,
    };
    opened.write(&key, context)
}
