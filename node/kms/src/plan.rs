//! Plans on the command line: `--dry-run` prints one; the plan of a miner's owner is carried out
//! and its transactions reported here. Neighbour: `session` opens the home and the account.

use std::fmt;

use clap::Args;
use kms_chain::{Call, TxReceipt};
use kms_client::{Leftover, Leftovers, Plan, Step};
use kms_protocol::{Amount, B256, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::progress::Steps;
use crate::session::{Account, Session};

/// The flag of every verb that sends transactions.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DryArgs {
    /// Only print the plan: the transactions, what they move, their gas
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The report of `--dry-run`: the plan and its gas, and what earlier runs left.
#[derive(Serialize)]
#[serde(bound = "")]
struct Rehearsal<A> {
    dry_run: bool,
    #[serde(flatten)]
    plan: Plan<A>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_behind: Vec<Leftover>,
}

impl<A> fmt::Display for Rehearsal<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was sent; {} would send:", self.plan.from)?;
        for step in &self.plan.steps {
            write!(f, "\n  {}", step_text(step))?;
        }
        for left in &self.left_behind {
            let (call, hash) = (&left.call, left.tx_hash);
            match left.block_number {
                None => write!(f, "\nfirst, an earlier run's {call} is settled: {hash}")?,
                Some(block) => write!(
                    f,
                    "\nan earlier run's {call} is in block {block} and was not told: the same call \
                     would get its result and not be sent again: {hash}"
                )?,
            }
        }
        Ok(())
    }
}

/// Formats a step of a plan: the call, the amounts it moves, its gas.
pub(crate) fn step_text(step: &Step) -> String {
    let mut parts = Vec::new();
    parts.extend(step.amount.map(|amount| amount.to_string()));
    parts.extend(step.gas.map(|gas| format!("{gas} gas")));
    parts.extend(step.fee_max.map(|fee| format!("at most {fee}")));
    parts.extend(
        step.sent_before
            .then(|| "sent by an earlier run".to_owned()),
    );
    let colon = if parts.is_empty() { "" } else { ": " };
    format!("{}{colon}{}", step.call.kind(), parts.join(", "))
}

#[derive(Serialize)]
struct MinedReport {
    done: &'static str,
    tx_hash: B256,
    block_number: u64,
    gas_used: u64,
    fee: Wei,
}

impl fmt::Display for MinedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in block {}; gas cost {}",
            self.done, self.block_number, self.fee
        )
    }
}

/// The report of a transaction that paid rewards or fees.
#[derive(Serialize)]
struct PaidReport {
    done: &'static str,
    amount: Amount,
    tx_hash: B256,
}

impl fmt::Display for PaidReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.done, self.amount)
    }
}

impl Session {
    /// Prints a plan with its gas, and sends nothing.
    pub(crate) async fn rehearse<A>(&self, plan: Plan<A>, context: &Context) -> Outcome {
        let left = Leftovers::read(&self.home, &self.network)?;
        let was_sent = |call: &Call| left.contain(call);
        let plan = plan.estimate_after(&self.network, &was_sent).await?;
        context.out.emit(&Rehearsal {
            dry_run: true,
            plan,
            left_behind: left.list(),
        })
    }

    /// Prints the plan under `--dry-run`; otherwise carries it out and reports each transaction.
    pub(crate) async fn run(
        &self,
        plan: Plan,
        done: &'static str,
        args: DryArgs,
        context: &Context,
    ) -> Outcome {
        if args.dry_run {
            return self.rehearse(plan, context).await;
        }
        let account = self.account(context)?;
        for receipt in self.carry_out(&plan, &account, context).await? {
            context.out.emit(&MinedReport {
                done,
                tx_hash: receipt.tx_hash,
                block_number: receipt.block_number,
                gas_used: receipt.gas_used,
                fee: receipt.fee,
            })?;
        }
        account.told()
    }

    /// As `run`, and reports the amount that each transaction paid.
    pub(crate) async fn pay_out(
        &self,
        plan: Plan,
        done: &'static str,
        args: DryArgs,
        context: &Context,
    ) -> Outcome {
        if args.dry_run {
            return self.rehearse(plan, context).await;
        }
        let account = self.account(context)?;
        let receipts = self.carry_out(&plan, &account, context).await?;
        for (step, receipt) in plan.steps.iter().zip(receipts) {
            context.out.emit(&PaidReport {
                done,
                amount: step.amount.unwrap_or(Amount::ZERO),
                tx_hash: receipt.tx_hash,
            })?;
        }
        account.told()
    }

    async fn carry_out(
        &self,
        plan: &Plan,
        account: &Account,
        context: &Context,
    ) -> Outcome<Vec<TxReceipt>> {
        let steps = Steps::new(context.out, "");
        let pay = account.spend().pay;
        Ok(plan.carry_out(&self.network, pay, &steps).await?)
    }
}
