//! `kms decrypt`: opens a file of one of the owner's labels, offline.

use clap::Args;
use kms_client::{Label, data_key_of_label, label_of, segment_keys};

use crate::context::Context;
use crate::failure::Outcome;
use crate::open::{Keys, OpenArgs, Opened};

/// Open a file of one of your own labels: offline, with every miner and the chain gone
///
/// The seed is enough: the label's name, from which its key is derived, is sealed in the file for
/// you alone, by producers too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms decrypt movie.kms -o movie.mp4
  kms decrypt - < photos.tar.kms | tar -x
  kms decrypt photos.kms -o photos                            an archive, into a new folder
  kms decrypt photos.kms --path 2026/sea.jpg -o sea.jpg
  kms decrypt *.kms -o FOLDER
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
    let jobs = args.open.jobs()?;
    let mut keys = None;
    for job in jobs {
        let opened = Opened::new(&job.input)?;
        let keys = match &keys {
            Some(keys) => keys,
            None => keys.insert(home.unlock_owner(&context.passphrases)?),
        };
        let label = match &label {
            Some(label) => label.clone(),
            None => label_of(keys, &home.labels()?, &opened.header)?,
        };
        let key = data_key_of_label(keys, &label, &opened.header)?;
        let mut segments = segment_keys(keys, &label)?;
        let keys = Keys {
            data: &key,
            segments: &mut segments,
        };
        opened.write(&args.open, &job.output, keys, context)?;
    }
    Ok(())
}
