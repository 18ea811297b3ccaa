//! `kms node consent`: signs the worker's consent anew.

use std::fmt;

use clap::Args;
use kms_chain::Deployment;
use kms_protocol::Address;
use serde::Serialize;

use super::{DataDir, RunArgs, consent_to, load};
use crate::context::Context;
use crate::failure::Outcome;
use crate::passphrase::Passphrases;

/// Sign the worker's consent to be bonded to the node's miner, for another year
///
/// `kms node init` does so too. The line is public: it is of use to that miner alone, which sends
/// it by `kms worker bond`. Without it nobody can bond the key.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms node consent
  kms node consent --data-dir /var/lib/kms")]
pub(crate) struct ConsentArgs {
    #[command(flatten)]
    dir: DataDir,
}

#[derive(Serialize)]
struct ConsentReport {
    miner: Address,
    worker: Address,
    consent: String,
    /// Last chain time at which the worker may be bonded, in seconds since the Unix epoch.
    deadline: u64,
}

impl fmt::Display for ConsentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.consent)
    }
}

pub(super) fn run(args: ConsentArgs, context: &Context) -> Outcome {
    let run = RunArgs {
        role: None,
        dir: args.dir,
        set: Vec::new(),
    };
    let config = load(run, context)?.config;
    let network = Deployment::load(&config.deployment)?;
    let passphrase = Passphrases::of_node(&config.data_dir)?;
    let to = consent_to(&network)?;
    let signed = kms_node::consent(&config.data_dir, &passphrase, config.miner, &to)?;
    context.out.emit(&ConsentReport {
        miner: signed.consent.miner,
        worker: signed.consent.worker,
        consent: signed.to_string(),
        deadline: signed.consent.deadline,
    })
}
