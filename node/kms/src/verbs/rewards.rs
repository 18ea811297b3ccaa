//! `kms rewards`: shows and claims a miner's rewards.

use std::fmt;

use clap::{Args, Subcommand};
use kms_client::ChainPort as _;
use kms_protocol::{Address, Amount};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::plan::DryArgs;
use crate::session::Session;
use crate::verbs::stake::MinerArgs;

/// New tokens a miner has earned: its locked tokens' share of each period's emission
#[derive(Debug, Subcommand)]
pub(crate) enum RewardsVerb {
    /// Show what a claim would mint now
    #[command(after_help = "Examples:\n  kms rewards show\n  kms rewards show 0xAa... --json")]
    Show(MinerArgs),
    /// Mint the reward due; the node does this by itself too
    #[command(after_help = "Examples:\n  kms rewards claim\n  kms rewards claim --to 0xAa...")]
    Claim(ClaimArgs),
    /// Lock the reward due on top of the stake, instead of claiming it
    #[command(after_help = "Examples:\n  kms rewards restake --dry-run\n  kms rewards restake")]
    Restake(DryArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    /// Who receives it [default: this home's account]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Serialize)]
struct RewardReport {
    miner: Address,
    claimable: Amount,
}

impl fmt::Display for RewardReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} due", self.claimable)
    }
}

pub(crate) async fn run(verb: RewardsVerb, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    match verb {
        RewardsVerb::Show(args) => {
            let miner = args.miner_at(&session);
            let claimable = session.network.claimable(miner).await?;
            context.out.emit(&RewardReport { miner, claimable })
        }
        RewardsVerb::Claim(args) => {
            let recipient = args.to.unwrap_or_else(|| session.home.wallet_address());
            let plan = session.staker().claim_to(recipient).await?;
            session.pay_out(plan, "claimed", args.dry, context).await
        }
        RewardsVerb::Restake(args) => {
            let plan = session.staker().restake().await?;
            session.pay_out(plan, "restaked", args, context).await
        }
    }
}
