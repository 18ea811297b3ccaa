//! `kms renew`: more periods for a grant.

use std::fmt;

use clap::Args;
use kms_client::{Extension, FeeLimit, RenewalReport};
use kms_protocol::{Amount, B256, Period, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::progress::Steps;
use crate::session::{Run, Session};
use crate::target::Target;
use crate::text::utc;

/// Add periods to a grant: same miners, same shares, same rate
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms renew films/demo --to bob --periods 30
  kms renew 0x3f... --periods 30 --max-fee \"10 KMS\" --dry-run")]
pub(crate) struct RenewArgs {
    #[command(flatten)]
    target: Target,
    /// Periods to add after the last paid one
    #[arg(long, value_name = "NUMBER")]
    periods: u32,
    /// Refuse to pay more than this
    #[arg(long, value_name = "AMOUNT")]
    max_fee: Option<Amount>,
    /// Only simulate the transactions
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct RenewedReport {
    policy: PolicyId,
    tx_hash: B256,
    last_period: Period,
    expires_at: u64,
    price: Amount,
}

impl From<RenewalReport> for RenewedReport {
    fn from(report: RenewalReport) -> Self {
        let RenewalReport {
            policy,
            tx_hash,
            last_period,
            expires_at,
            price,
        } = report;
        Self {
            policy,
            tx_hash,
            last_period,
            expires_at,
            price,
        }
    }
}

impl fmt::Display for RenewedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policy,
            last_period,
            expires_at,
            price,
            ..
        } = self;
        let expires = utc(*expires_at);
        write!(
            f,
            "renewed {policy} for {price}\nthrough period {last_period}, expires {expires}"
        )
    }
}

pub(crate) async fn run(args: RenewArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let policy = args.target.find(&session).await?;
    let account = session.account(context, Run::from(args.dry_run))?;
    let max_fee = args.max_fee.map_or(FeeLimit::AsQuoted, FeeLimit::AtMost);
    let extension = Extension {
        periods: args.periods,
        max_fee,
    };
    let steps = Steps::new(context.out, "");
    let report = session
        .owner()
        .renew(policy, extension, account.spend(), &steps)
        .await?;
    if let Some(simulated) = account.simulated() {
        context.out.note(&format!("would cost {}", report.price));
        return context.out.emit(&simulated);
    }
    context.out.emit(&RenewedReport::from(report))
}
