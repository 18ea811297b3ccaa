//! `kms stake`: creates, changes, shows and withdraws a miner's stake.

use std::fmt;

use clap::{Args, Subcommand, ValueEnum};
use kms_client::{StakeStatus, WindDown, stake_status};
use kms_protocol::{Address, Amount, Period};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::plan::DryArgs;
use crate::session::Session;

/// The tokens a miner locks: its weight, its share of new tokens, and its deposit
#[derive(Debug, Subcommand)]
pub(crate) enum StakeVerb {
    /// Lock tokens, for the first time or on top
    #[command(
        after_help = "Examples:\n  kms stake create --amount \"1000 KMS\" --periods 30\n  \
                            kms stake create --amount \"500 KMS\" --periods 30 --dry-run"
    )]
    Create(CreateArgs),
    /// Show a stake: lock, worker, lease, reward due
    #[command(after_help = "Examples:\n  kms stake status\n  kms stake status 0xAa... --json")]
    Status(MinerArgs),
    /// Lengthen the lock
    #[command(after_help = "Examples:\n  kms stake extend --periods 60")]
    Extend(ExtendArgs),
    /// Let the lock run out, or keep its length after all
    #[command(after_help = "Examples:\n  kms stake wind-down start\n  kms stake wind-down stop")]
    WindDown(WindDownArgs),
    /// Move locked tokens to the unbonding tranche, which is free when its lock is over
    #[command(after_help = "Examples:\n  kms stake unbond --amount \"200 KMS\"")]
    Unbond(UnbondArgs),
    /// Pay out everything that is free
    #[command(after_help = "Examples:\n  kms stake withdraw\n  kms stake withdraw --to 0xAa...")]
    Withdraw(WithdrawArgs),
    /// Let the worker lock rewards on top of the stake, or forbid it. `kms node` claims them; this
    /// is for other programs that hold the worker's key. `kms rewards restake` needs no leave
    #[command(after_help = "Examples:\n  kms stake restake on\n  kms stake restake off")]
    Restake(RestakeArgs),
    /// Post the least rate that grants must offer
    #[command(after_help = "Examples:\n  kms stake min-rate \"0.05 KMS\"")]
    MinRate(MinRateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Tokens to lock, such as "1000 KMS"
    #[arg(long)]
    amount: Amount,
    /// Lock duration in periods; on top of an older stake, at least that one's. To serve a policy,
    /// it must outlast its last period by evidence_periods of the network (15 on the main one)
    #[arg(long, value_name = "NUMBER")]
    periods: u32,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MinerArgs {
    /// The owner's address [default: this home's account]
    miner: Option<Address>,
}

impl MinerArgs {
    /// The given miner, or the home's account.
    pub(crate) fn miner_at(&self, session: &Session) -> Address {
        self.miner.unwrap_or_else(|| session.home.wallet_address())
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExtendArgs {
    /// New lock duration in periods
    #[arg(long, value_name = "NUMBER")]
    periods: u32,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Switch {
    Start,
    Stop,
}

#[derive(Debug, Args)]
pub(crate) struct WindDownArgs {
    /// Whether the lock runs out
    switch: Switch,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Leave {
    On,
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct RestakeArgs {
    /// Whether the worker may
    leave: Leave,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UnbondArgs {
    /// Tokens to unbond; what stays locked is zero or at least the network's minimum
    #[arg(long)]
    amount: Amount,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// Who receives it [default: this home's account]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MinRateArgs {
    /// Per period, such as "0.05 KMS"
    rate: Amount,
    #[command(flatten)]
    dry: DryArgs,
}

pub(crate) async fn run(verb: StakeVerb, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let staker = session.staker();
    let (done, dry, plan) = match verb {
        StakeVerb::Create(CreateArgs {
            amount,
            periods,
            dry,
        }) => ("locked", dry, staker.deposit(amount, periods)),
        StakeVerb::Status(args) => {
            let status = stake_status(&session.network, args.miner_at(&session)).await?;
            return context.out.emit(&StakeReport::from(status));
        }
        StakeVerb::Extend(ExtendArgs { periods, dry }) => {
            ("extended", dry, staker.extend_lock(periods))
        }
        StakeVerb::WindDown(WindDownArgs { switch, dry }) => match switch {
            Switch::Start => ("winding down", dry, staker.wind_down(WindDown::Start)),
            Switch::Stop => {
                let plan = staker.wind_down(WindDown::Stop);
                ("stopped winding down", dry, plan)
            }
        },
        StakeVerb::Unbond(UnbondArgs { amount, dry }) => ("unbonding", dry, staker.unbond(amount)),
        StakeVerb::Withdraw(WithdrawArgs { to, dry }) => {
            let recipient = to.unwrap_or_else(|| session.home.wallet_address());
            ("withdrawn", dry, staker.withdraw(recipient))
        }
        StakeVerb::Restake(RestakeArgs { leave, dry }) => match leave {
            Leave::On => ("allowed", dry, staker.allow_restake(true)),
            Leave::Off => ("forbidden", dry, staker.allow_restake(false)),
        },
        StakeVerb::MinRate(MinRateArgs { rate, dry }) => ("posted", dry, staker.set_min_rate(rate)),
    };
    session.run(plan, done, dry, context).await
}

/// The standing of a miner: stake, worker, lease, reward due.
#[derive(Serialize)]
struct StakeReport {
    miner: Address,
    locked: Amount,
    lock_periods: u32,
    unlock_period: Option<Period>,
    unbonding: Amount,
    release_period: Option<Period>,
    worker: Option<Address>,
    url: String,
    min_rate: Amount,
    leased_through: Option<Period>,
    active: bool,
    suspended_through: Option<Period>,
    claimable: Amount,
    balance: Amount,
    period: Period,
}

impl From<StakeStatus> for StakeReport {
    fn from(status: StakeStatus) -> Self {
        let StakeStatus { status, balance } = status;
        let (info, period) = (status.info, status.period);
        let position = info.position;
        let through = status.lease.through;
        let suspended = status.suspended_through;
        Self {
            miner: info.miner,
            locked: position.locked,
            lock_periods: position.lock_periods,
            unlock_period: position.unlock_period,
            unbonding: position.unbonding,
            release_period: position.release_period,
            worker: info.worker,
            url: info.url,
            min_rate: info.min_rate,
            leased_through: through,
            active: through.is_some_and(|through| through >= period),
            suspended_through: suspended.filter(|through| *through >= period),
            claimable: status.claimable,
            balance,
            period,
        }
    }
}

impl fmt::Display for StakeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            miner,
            locked,
            lock_periods,
            balance,
            claimable,
            ..
        } = self;
        writeln!(
            f,
            "miner      {miner}\nlocked     {locked} for {lock_periods} periods"
        )?;
        if let Some(unlock) = self.unlock_period {
            writeln!(f, "unlocks    in period {unlock}")?;
        }
        if let Some(release) = self.release_period {
            writeln!(f, "unbonding  {}, free in period {release}", self.unbonding)?;
        }
        match self.worker {
            Some(worker) => writeln!(f, "worker     {worker}")?,
            None => writeln!(f, "worker     none; see `kms worker bond`")?,
        }
        let url = if self.url.is_empty() {
            "not registered"
        } else {
            &self.url
        };
        writeln!(f, "node       {url}, asks {} per period", self.min_rate)?;
        let active = if self.active { "active" } else { "not active" };
        match self.leased_through {
            Some(through) => writeln!(f, "activity   {active}, leased through {through}")?,
            None => writeln!(f, "activity   {active}, never confirmed")?,
        }
        if let Some(through) = self.suspended_through {
            writeln!(f, "suspended  through period {through}")?;
        }
        write!(
            f,
            "reward     {claimable} due\nbalance    {balance}\nperiod     {}",
            self.period
        )
    }
}
