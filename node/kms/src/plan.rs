//! Plans on the command line: `--dry-run` prints one; the plan of a miner's owner is carried out
//! and its transactions reported here. Neighbour: `session` opens the home and the account.

use std::fmt;

use clap::Args;
use kms_chain::Call;
use kms_client::{Leftover, Leftovers, Plan, Sent, Step};
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
    /// Whether an earlier run sent it: nothing was sent now.
    sent_before: bool,
}

impl fmt::Display for MinedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in block {}; gas cost {}",
            self.done, self.block_number, self.fee
        )?;
        write_before(f, self.sent_before)
    }
}

/// Says that what was told is not of this run.
fn write_before(f: &mut fmt::Formatter<'_>, sent_before: bool) -> fmt::Result {
    match sent_before {
        true => f.write_str(
            "\nan earlier run had sent it and could not tell: nothing was sent now, \
             run it again for another",
        ),
        false => Ok(()),
    }
}

/// The report of a transaction that paid rewards or fees.
#[derive(Serialize)]
struct PaidReport {
    done: &'static str,
    amount: Amount,
    tx_hash: B256,
    sent_before: bool,
}

impl fmt::Display for PaidReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.done, self.amount)?;
        write_before(f, self.sent_before)
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
        for sent in self.carry_out(&plan, &account, context).await? {
            let receipt = sent.receipt;
            context.out.emit(&MinedReport {
                done,
                tx_hash: receipt.tx_hash,
                block_number: receipt.block_number,
                gas_used: receipt.gas_used,
                fee: receipt.fee,
                sent_before: sent.sent_before,
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
        let mined = self.carry_out(&plan, &account, context).await?;
        for (step, sent) in plan.steps.iter().zip(mined) {
            context.out.emit(&PaidReport {
                done,
                amount: step.amount.unwrap_or(Amount::ZERO),
                tx_hash: sent.receipt.tx_hash,
                sent_before: sent.sent_before,
            })?;
        }
        account.told()
    }

    async fn carry_out(
        &self,
        plan: &Plan,
        account: &Account,
        context: &Context,
    ) -> Outcome<Vec<Sent>> {
        let steps = Steps::new(context.out, "");
        let pay = account.spend().pay;
        Ok(plan.carry_out(&self.network, pay, &steps).await?)
    }
}
