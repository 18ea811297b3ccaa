//! `kms challenge`: makes a paid miner answer on chain, or has it fined and suspended.

use std::fmt;
use std::time::Duration;

use clap::Args;
use kms_client::{AskedMiner, Challenger, Demand, DemandState, Ended};
use kms_protocol::Address;

use crate::context::Context;
use crate::failure::Outcome;
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::session::Session;
use crate::target::Target;
use crate::text::utc;

/// Ask a silent miner of your grant on chain: it answers, or is fined and suspended
///
/// A bond is posted, half of which goes to a miner that answers in time: a challenge pays only if
/// the miner is silent. It has a window of time; the same command looks again, and closes the
/// challenge when the window is over, which returns the bond and pays the gas. Close it within a
/// second window, or the miner goes free. --wait stays until then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms policies show films/demo --to bob                      who holds its kfrag, who is down
  kms challenge films/demo --to bob --miner 0x5151... --dry-run
  kms challenge films/demo --to bob --miner 0x5151...        asks; again later: closes
  kms challenge 0x3f... --miner 0x5151... --wait 7200 --json")]
pub(crate) struct ChallengeArgs {
    #[command(flatten)]
    target: Target,
    /// The miner that is silent
    #[arg(long, value_name = "ADDRESS")]
    miner: Address,
    /// Seconds to wait for its answer, or the end of its time
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    wait: u64,
    #[command(flatten)]
    dry: DryArgs,
}

fn demand_text(demand: &Demand) -> String {
    let Demand {
        miner,
        bond,
        penalty,
        window_seconds,
        suspension_periods,
        ..
    } = demand;
    match (demand.state, demand.deadline) {
        (DemandState::Waiting, Some(deadline)) => {
            format!("{miner} has until {} to answer", utc(deadline))
        }
        (DemandState::Overdue, _) => format!(
            "{miner} did not answer: it would lose {penalty} unless it is suspended already, \
             and be suspended for {suspension_periods} periods; the bond of {bond} returns"
        ),
        _ => format!(
            "{miner} would have {window_seconds} s to answer; if it does, half of the bond of \
             {bond} is lost to it; if not, it loses {penalty} and {suspension_periods} periods, \
             and the bond returns with the gas"
        ),
    }
}

struct Told<'a>(&'a AskedMiner);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AskedMiner {
            miner,
            penalty,
            reward,
            fee,
            ..
        } = self.0;
        match self.0.outcome {
            Ended::Waiting => {
                let until = self.0.deadline.map_or_else(String::new, utc);
                write!(f, "{miner} has until {until} to answer; run it again then")
            }
            Ended::Answered => {
                write!(f, "{miner} answered on chain; half of the bond is its")
            }
            Ended::Silent => {
                write!(f, "{miner} was silent: it lost {penalty}")?;
                if let Some(through) = self.0.suspended_through {
                    write!(f, ", suspended through period {through}")?;
                }
                write!(f, "\nthe bond is back, with {reward} and {fee} for closing")
            }
            Ended::Void => write!(
                f,
                "its access was revoked meanwhile: {miner} owed no answer, the bond is back"
            ),
            Ended::Lapsed => write!(
                f,
                "nobody closed the challenge in time: {miner} goes free, the bond is back"
            ),
        }
    }
}

pub(crate) async fn run(args: ChallengeArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let policy = args.target.find(&session, context).await?;
    let keys = session.home.unlock_owner(&context.passphrases)?;
    let challenger = Challenger {
        home: &session.home,
        network: &session.network,
    };
    let plan = challenger.plan(policy, args.miner, &keys).await?;
    if args.dry.dry_run {
        let demand = plan.aim();
        context.out.emit_as(demand, || demand_text(demand))?;
        return session.rehearse(plan, context).await;
    }
    let account = session.account(context)?;
    let steps = Steps::new(context.out, "");
    let wait = Duration::from_secs(args.wait);
    let report = challenger
        .challenge(&plan, account.spend(), wait, &steps)
        .await?;
    context.out.emit_as(&report, || Told(&report).to_string())?;
    account.told()
}
