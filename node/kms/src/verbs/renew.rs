//! `kms renew`: extends a policy by paying for more periods.

use clap::Args;
use kms_client::{Extension, FeeLimit, RenewalReport, Unwilling};
use kms_protocol::Amount;

use crate::context::Context;
use crate::failure::Outcome;
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::session::Session;
use crate::span::SpanArgs;
use crate::target::Target;
use crate::text::utc;

/// Add periods to a grant: same miners, same kfrags, same rate, one transaction
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms renew films/demo --to bob --periods 30
  kms renew films/demo --to bob --until 2027-01-31
  kms renew 0x3f... --periods 30 --max-fee \"10 KMS\" --dry-run
  kms renew films/demo --to bob --periods 30 --without-unwilling

Each miner is asked on chain first. One that takes a higher rate by now, or whose lock is too short,
is named, and nothing is sent.")]
pub(crate) struct RenewArgs {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    span: SpanArgs,
    /// Refuse to pay more than this
    #[arg(long, value_name = "AMOUNT")]
    max_fee: Option<Amount>,
    /// Renew without the miners that do not serve on, if the reader needs none of them: their part
    /// ends now, and what they would have been paid returns to you
    #[arg(long)]
    without_unwilling: bool,
    #[command(flatten)]
    dry: DryArgs,
}

pub(crate) async fn run(args: RenewArgs, context: &Context) -> Outcome {
    let span = args.span.span()?;
    let session = Session::open(context).await?;
    let owner = session.owner();
    let extension = Extension {
        span,
        max_fee: args.max_fee.map_or(FeeLimit::AsQuoted, FeeLimit::AtMost),
        unwilling: match args.without_unwilling {
            true => Unwilling::LeaveOut,
            false => Unwilling::Refuse,
        },
    };
    let policy = args.target.find(&session, context).await?;
    let plan = owner.plan_renewal(policy, extension).await?;
    for left in plan.aim().left_out() {
        context.out.note(&format!("left out: {left}"));
    }
    if args.dry.dry_run {
        return session.rehearse(plan, context).await;
    }
    let account = session.account(context)?;
    let steps = Steps::new(context.out, "");
    let report = owner.renew(&plan, account.spend(), &steps).await?;
    context.out.emit_as(&report, || text(&report))?;
    account.told()
}

fn text(report: &RenewalReport) -> String {
    let RenewalReport {
        policy,
        last_period,
        price,
        left_out,
        ..
    } = report;
    let expires = utc(report.expires_at);
    let renewed = match price {
        Some(price) => format!("renewed {policy} for {price}"),
        None => format!(
            "an earlier run had renewed {policy}: nothing was sent now, run it again to add more"
        ),
    };
    let left_out = match left_out.len() {
        0 => String::new(),
        1 => "\n1 miner was left out".to_owned(),
        more => format!("\n{more} miners were left out"),
    };
    format!("{renewed}\nthrough period {last_period}, expires {expires}{left_out}")
}
