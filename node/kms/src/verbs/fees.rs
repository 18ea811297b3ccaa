//! `kms fees`: shows and collects the fees of policies that are due to a miner.

use clap::Subcommand;
use kms_client::{PolicyFees, fees_of};
use kms_protocol::{Amount, Period, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;
use crate::plan::DryArgs;
use crate::session::Session;
use crate::verbs::stake::MinerArgs;

/// Fees of policies: paid for each completed period in which the miner was active, from the period
/// on in which it was given its kfrag
#[derive(Debug, Subcommand)]
pub(crate) enum FeesVerb {
    /// List the fees due, by policy
    #[command(after_help = "Examples:\n  kms fees show\n  kms fees show 0xAa... --json")]
    Show(MinerArgs),
    /// Collect all fees due; the node does this by itself too, and alone the first time from a
    /// policy: it holds the author's word about the delivery, which that collection proves
    #[command(after_help = "Examples:\n  kms fees collect --dry-run\n  kms fees collect")]
    Collect(DryArgs),
}

#[derive(Serialize)]
struct FeeRow {
    policy: PolicyId,
    rate: Amount,
    amount: Amount,
    unproven: Amount,
    provable_through: Period,
}

impl From<&PolicyFees> for FeeRow {
    fn from(fees: &PolicyFees) -> Self {
        Self {
            policy: fees.policy,
            rate: fees.terms.rate,
            amount: fees.fees.collectable,
            unproven: fees.fees.unproven,
            provable_through: fees.fees.provable_through,
        }
    }
}

impl Row for FeeRow {
    const HEAD: &'static [&'static str] = &["DUE", "TO PROVE", "RATE", "POLICY"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.amount.to_string(),
            self.unproven.to_string(),
            self.rate.to_string(),
            self.policy.to_string(),
        ]
    }
}

pub(crate) async fn run(verb: FeesVerb, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    match verb {
        FeesVerb::Show(args) => {
            let miner = args.miner_at(&session);
            let fees = fees_of(&session.network, miner).await?;
            let rows: Vec<FeeRow> = fees.iter().map(FeeRow::from).collect();
            context.out.list(&rows, "no fees due")
        }
        FeesVerb::Collect(args) => {
            let plan = session.staker().collect_fees().await?;
            if plan.steps.is_empty() {
                context.out.note("no fees due");
                return Ok(());
            }
            session.pay_out(plan, "collected", args, context).await
        }
    }
}
