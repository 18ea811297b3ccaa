//! `kms ls`: lists what is in an archive, for its owner or for a reader.

use std::path::PathBuf;

use clap::Args;
use kms_client::{Error, Role, data_key_of_label, label_of, segment_keys};

use super::read::{Asking, open};
use crate::context::Context;
use crate::failure::Outcome;
use crate::many::Job;
use crate::miner_keys::MinerKeys;
use crate::open::{Keys, list};
use crate::progress::Steps;

/// List the files of an archive
///
/// Reads the beginning of the archive only. An archive of one of your own labels is opened offline;
/// for one that was granted to you the miners are asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kms ls photos.kms\n  kms ls --json photos.kms")]
pub(crate) struct LsArgs {
    /// The archive
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Seconds to wait for the miners
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(crate) async fn run(args: &LsArgs, context: &Context) -> Outcome {
    let home = context.home()?;
    let job = Job {
        input: args.input.clone(),
        output: PathBuf::from("-"),
    };
    let opened = open(&job, context)?;
    if home.config().role == Role::Owner {
        let keys = home.unlock_owner(&context.passphrases)?;
        match label_of(&keys, &home.labels()?, &opened.header) {
            Ok(label) => {
                let key = data_key_of_label(&keys, &label, &opened.header)?;
                let asked = Keys {
                    data: &key,
                    segments: &mut segment_keys(&keys, &label)?,
                };
                return list(&opened, asked, context);
            }
            // It is another owner's.
            Err(Error::FileOfUnknownLabel { .. } | Error::SealedNameForeign { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let asking = Asking::begin(context, args.timeout).await?;
    let reader = asking.reader();
    let steps = Steps::new(context.out.quieter(), "answered");
    let key = reader.data_key(&opened.header, &steps).await?;
    let records = opened.records(&key)?;
    let mut keys = MinerKeys::new(&reader, *opened.header.label_key(), records, &steps);
    let asked = Keys {
        data: &key,
        segments: &mut keys,
    };
    let listed = list(&opened, asked, context);
    keys.explain(listed)
}
