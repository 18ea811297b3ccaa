//! `kms worker`: the key that signs for a miner's node.

use std::fmt;

use clap::{Args, Subcommand};
use kms_client::{Staker, stake_status};
use kms_protocol::Address;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::progress::Steps;
use crate::session::{Run, Session};
use crate::verbs::stake::{DryArgs, MinerArgs};

/// The hot key that signs for a miner's node, and never holds the stake
#[derive(Debug, Subcommand)]
pub(crate) enum WorkerVerb {
    /// Let a worker sign for this miner's node; `kms node init` says its address
    #[command(after_help = "Examples:\n  kms worker bond 0xAa...\n  \
                            kms worker bond 0xAa... --dry-run")]
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
    /// The worker's address
    worker: Address,
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

pub(crate) async fn run(verb: WorkerVerb, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let steps = Steps::new(context.out, "");
    match verb {
        WorkerVerb::Show(args) => {
            let miner = args.miner_at(&session);
            let worker = stake_status(&session.network, miner).await?.info.worker;
            context.out.emit(&WorkerReport { miner, worker })
        }
        WorkerVerb::Bond(args) => {
            let account = session.account(context, Run::from(args.dry.dry_run))?;
            let staker = Staker::new(&session.network, account.pay(), &steps);
            account.tell("bonded", &staker.bond_worker(args.worker).await?, context)
        }
        WorkerVerb::Unbond(args) => {
            let account = session.account(context, Run::from(args.dry_run))?;
            let staker = Staker::new(&session.network, account.pay(), &steps);
            account.tell("unbonded", &staker.unbond_worker().await?, context)
        }
    }
}
