//! `kms status`: shows the network and the home's account.

use std::fmt;

use clap::Args;
use kms_client::{ChainPort as _, NetworkStatus, network_status};
use kms_protocol::{Address, Amount, Period, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::session::Session;
use crate::text::utc;

/// Show the network and this home's account
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kms status\n  kms status --json")]
pub(crate) struct StatusArgs {
    /// List every miner with stake
    #[arg(long)]
    miners: bool,
}

#[derive(Serialize)]
struct StatusReport {
    chain_id: u64,
    head: u64,
    head_time: u64,
    period: Period,
    period_seconds: u32,
    period_ends_at: Option<u64>,
    active_miners: usize,
    total_locked: Amount,
    active_locked: Amount,
    reserve: Amount,
    total_supply: Amount,
    account: Address,
    kms: Amount,
    eth: Wei,
    miners: Vec<MinerRow>,
    #[serde(skip)]
    lists_miners: bool,
}

#[derive(Serialize)]
struct MinerRow {
    miner: Address,
    worker: Option<Address>,
    locked: Amount,
    min_rate: Amount,
    url: String,
    leased_through: Option<Period>,
}

impl fmt::Display for StatusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            chain_id,
            head,
            period,
            period_seconds,
            ..
        } = self;
        writeln!(
            f,
            "chain     {chain_id}, block {head} of {}",
            utc(self.head_time)
        )?;
        writeln!(f, "period    {period}, of {period_seconds} s")?;
        writeln!(
            f,
            "miners    {} active, {} locked",
            self.active_miners, self.total_locked
        )?;
        writeln!(
            f,
            "supply    {}, {} to be mined",
            self.total_supply, self.reserve
        )?;
        write!(f, "account   {}: {}, {}", self.account, self.kms, self.eth)?;
        if self.lists_miners {
            for MinerRow {
                miner,
                locked,
                min_rate,
                url,
                ..
            } in &self.miners
            {
                write!(f, "\n  {miner}  {locked} locked, asks {min_rate}  {url}")?;
            }
        }
        Ok(())
    }
}

pub(crate) async fn run(args: StatusArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let status = network_status(&session.network).await?;
    let account = session.home.wallet_address();
    let kms = session.network.token_balance(account).await?;
    let eth = session.network.eth_balance(account).await?;
    let NetworkStatus {
        head,
        period,
        params,
        active,
        ..
    } = &status;
    let row = |(info, lease): &(kms_chain::MinerInfo, kms_chain::Lease)| MinerRow {
        miner: info.miner,
        worker: info.worker,
        locked: info.position.locked,
        min_rate: info.min_rate,
        url: info.url.clone(),
        leased_through: lease.through,
    };
    context.out.emit(&StatusReport {
        chain_id: session.home.config().deployment.chain_id,
        head: head.number,
        head_time: head.timestamp,
        period: *period,
        period_seconds: params.clock.period_seconds,
        period_ends_at: params.clock.end_of(*period),
        active_miners: *active,
        total_locked: status.total_locked,
        active_locked: status.totals.locked,
        reserve: status.reserve,
        total_supply: status.total_supply,
        account,
        kms,
        eth,
        miners: status.miners.iter().map(row).collect(),
        lists_miners: args.miners,
    })
}
