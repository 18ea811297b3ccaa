//! `kms rewrap`: gives files of one of the owner's labels a new header, for another label.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use kms_client::{Label, LabelKey, Rewrapped, rewrap};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;

/// Move your files to another label: headers only, offline
///
/// As after a label's rotation: whoever was granted the old label reads the files no longer, unless
/// a copy was kept. The encrypted content stays as it is. Each file is replaced in one step;
/// after an interruption the same command goes on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms label new films/2027 && kms rewrap --to films/2027 *.kms
  kms rewrap --to kmslabel1... movie.kms                     to another owner's label")]
pub(crate) struct RewrapArgs {
    /// The new label: its name here, or its public key kmslabel1...
    #[arg(long = "to", short, value_name = "LABEL")]
    to: String,
    /// The encrypted files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct RewrapReport<'a> {
    #[serde(serialize_with = "crate::output::path_text")]
    file: &'a PathBuf,
    /// The label that the file was of; `None` if it was of the new one already.
    from: Option<Label>,
}

impl fmt::Display for RewrapReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Some(from) => write!(f, "{}: moved from {from}", self.file.display()),
            None => write!(f, "{}: is of this label already", self.file.display()),
        }
    }
}

pub(crate) fn run(args: &RewrapArgs, context: &Context) -> Outcome {
    let home = context.home()?;
    let to: LabelKey = if args.to.starts_with("kmslabel1") {
        args.to.parse()?
    } else {
        home.label_key(&Label::new(&args.to)?)?
    };
    let keys = home.unlock_owner(&context.passphrases)?;
    let labels = home.labels()?;
    for file in &args.files {
        let from = match rewrap(&keys, &labels, &to, file)? {
            Rewrapped::From(label) => Some(label),
            Rewrapped::Already => None,
        };
        context.out.emit(&RewrapReport { file, from })?;
    }
    Ok(())
}
