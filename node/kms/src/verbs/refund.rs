//! `kms refund`: returns to the sponsor the fees of periods in which a miner was not active.

use clap::Args;
use kms_client::RefundReport;

use crate::context::Context;
use crate::failure::Outcome;
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::session::Session;
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
    #[command(flatten)]
    dry: DryArgs,
}

pub(crate) async fn run(args: RefundArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let owner = session.owner();
    let plan = owner
        .plan_refund(args.target.find(&session, context).await?)
        .await?;
    if args.dry.dry_run {
        return session.rehearse(plan, context).await;
    }
    if plan.steps.is_empty() {
        let nothing = plan.aim().nothing();
        return context.out.emit_as(&nothing, || {
            format!(
                "nothing is due to the sponsor of {}: nothing was sent",
                nothing.policy
            )
        });
    }
    let account = session.account(context)?;
    let steps = Steps::new(context.out, "");
    let report = owner.refund(&plan, account.spend(), &steps).await?;
    context.out.emit_as(&report, || {
        let RefundReport { policy, amount, .. } = report;
        format!("{amount} returned to the sponsor of {policy}")
    })?;
    account.told()
}
