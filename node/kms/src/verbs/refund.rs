//! `kms refund`: fees of periods in which a miner was idle.

use std::fmt;

use clap::Args;
use kms_client::RefundReport;
use kms_protocol::{Amount, B256, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::progress::Steps;
use crate::session::{Run, Session};
use crate::target::Target;

/// Fetch back the fees of periods in which a miner of your policy was not active
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms refund films/demo --to bob --dry-run
  kms refund 0x3f...

`kms policies show` says how much is due.")]
pub(crate) struct RefundArgs {
    #[command(flatten)]
    target: Target,
    /// Only simulate the transaction
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct RefundedReport {
    policy: PolicyId,
    tx_hash: B256,
    amount: Amount,
}

impl From<RefundReport> for RefundedReport {
    fn from(report: RefundReport) -> Self {
        let RefundReport {
            policy,
            tx_hash,
            amount,
        } = report;
        Self {
            policy,
            tx_hash,
            amount,
        }
    }
}

impl fmt::Display for RefundedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} returned to the sponsor of {}",
            self.amount, self.policy
        )
    }
}

pub(crate) async fn run(args: RefundArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let policy = args.target.find(&session).await?;
    let account = session.account(context, Run::from(args.dry_run))?;
    let steps = Steps::new(context.out, "");
    let report = session
        .owner()
        .refund(policy, account.spend(), &steps)
        .await?;
    if let Some(simulated) = account.simulated() {
        context.out.note(&format!("would return {}", report.amount));
        return context.out.emit(&simulated);
    }
    context.out.emit(&RefundedReport::from(report))
}
