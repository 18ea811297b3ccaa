//! `kms worker`: bonds, unbonds and shows the worker key of a miner's node.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use kms_client::stake_status;
use kms_protocol::{Address, SignedConsent};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::plan::DryArgs;
use crate::session::Session;
use crate::verbs::stake::MinerArgs;

/// The hot key that signs for a miner's node, and never holds the stake
#[derive(Debug, Subcommand)]
pub(crate) enum WorkerVerb {
    /// Let a worker sign for this miner's node, by the worker's consent
    #[command(
        after_help = "Examples:\n  kms worker bond                the node made in this home\n  \
                            kms worker bond --node /var/lib/kms\n  \
                            kms worker bond kmsworker1:0xAa... --dry-run"
    )]
    Bond(BondArgs),
    /// Take the worker's rights away
    #[command(after_help = "Examples:\n  kms worker unbond")]
    Unbond(DryArgs),
    /// Show the bonded worker
    #[command(after_help = "Examples:\n  kms worker show\n  kms worker show 0xAa... --json")]
    Show(MinerArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BondArgs {
    /// The line that `kms node init` or `kms node consent` printed [default: of the node in this
    /// home]
    consent: Option<SignedConsent>,
    /// The data directory of the worker's node
    #[arg(long, value_name = "DIR", conflicts_with = "consent")]
    node: Option<PathBuf>,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Serialize)]
struct WorkerReport {
    miner: Address,
    worker: Option<Address>,
}

impl fmt::Display for WorkerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.worker {
            Some(worker) => write!(f, "{worker}"),
            None => f.write_str("none"),
        }
    }
}

impl BondArgs {
    /// The given consent, or that of the node in `--node` or in the home.
    fn consent(&self, home: &Path) -> Outcome<SignedConsent> {
        match (self.consent, &self.node) {
            (Some(consent), _) => Ok(consent),
            (None, Some(dir)) => Ok(kms_node::consent_of(dir)?),
            (None, None) => Ok(kms_node::consent_of(&node_in(home)?)?),
        }
    }
}

/// Finds the data directory of the home's node. Fails unless there is exactly one.
fn node_in(home: &Path) -> Outcome<PathBuf> {
    let entries = std::fs::read_dir(home).map_err(|error| Failure::io(home.display(), &error))?;
    let dirs = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut nodes: Vec<PathBuf> = dirs.filter(|dir| dir.join("node.toml").is_file()).collect();
    nodes.sort();
    match nodes.as_slice() {
        [node] => Ok(node.clone()),
        [] => {
            let message = format!("there is no node in {}", home.display());
            let hint =
                "make one with `kms node init`, or give its consent, or its directory with --node";
            Err(Failure::new("node_missing", message, hint))
        }
        _ => {
            let names: Vec<_> = nodes
                .iter()
                .map(|node| node.display().to_string())
                .collect();
            let message = format!("several nodes in this home: {}", names.join(", "));
            Err(Failure::usage(message).hint("name one with --node DIR"))
        }
    }
}

pub(crate) async fn run(verb: WorkerVerb, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    match verb {
        WorkerVerb::Show(args) => {
            let miner = args.miner_at(&session);
            let worker = stake_status(&session.network, miner)
                .await?
                .status
                .info
                .worker;
            context.out.emit(&WorkerReport { miner, worker })
        }
        WorkerVerb::Bond(args) => {
            let consent = args.consent(context.home_dir())?;
            let plan = session.staker().bond_worker(consent)?;
            session.run(plan, "bonded", args.dry, context).await
        }
        WorkerVerb::Unbond(args) => {
            let plan = session.staker().unbond_worker();
            session.run(plan, "unbonded", args, context).await
        }
    }
}

#[cfg(test)]
mod tests;
