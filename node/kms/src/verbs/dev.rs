//! `kms dev`: a chain with the contracts on this machine, and miners if asked for, until Ctrl-C.
//! `place` has the folders, `miners` the miners, `fund` the money.

pub(crate) mod fund;
mod miners;
mod place;

use std::fmt;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::{Args, Subcommand};
use kms_chain::devnet::{self, Devnet, DevnetOptions, Mining};
use kms_chain::{Chain, DeployParams, Deployment};
use kms_protocol::Address;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::interrupt;

use miners::{MinerRow, Miners};
use place::{Place, Published};

/// Accounts of the test mnemonic that hold ether; anvil's own default.
const ACCOUNTS: u32 = 10;
/// Most miners that `--miners` starts.
const MINERS_MAX: i64 = 16;
/// Interval at which anvil is checked to be alive.
const WATCH_PAUSE: Duration = Duration::from_secs(2);

/// Looks in a row at which the chain must fail to answer before it counts as ended.
const FAILURES_MAX: u32 = 5;

/// Run a chain with the contracts on this machine, and miners at work, until Ctrl-C
///
/// Starts anvil, deploys the contracts, and gives the account of the home here, if there is one,
/// money. With `--miners` as many miners lock tokens, serve, confirm and claim. Writes
/// deployments/31337.json, which `kms init --network local` reads. Nothing outlives it: the next
/// run is a new chain, unless `--state` keeps this one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  kms dev --miners 3
  kms dev --miners 3 --state ~/kms-chain
  kms dev --port 9545 --block-time 1 --fund 0xAa...
  kms dev fund 0xAa... --kms \"1000 KMS\" --eth \"10 ETH\"")]
pub(crate) struct DevArgs {
    #[command(subcommand)]
    verb: Option<DevVerb>,
    /// Miners to run, each with a stake and a node
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=MINERS_MAX))]
    miners: u16,
    /// Port on 127.0.0.1, the miners' nodes at those above it; 0 takes free ones
    #[arg(
        long,
        default_value_t = 8545,
        env = "KMS_DEV_PORT",
        hide_env_values = true
    )]
    port: u16,
    /// Seconds between two blocks; 0 makes one per transaction
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    block_time: u64,
    /// Keep chain and miners in this folder, and go on with those that are there
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Parameters of the contracts, a TOML file [default: periods of six seconds]
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Where the deployment file goes [default: deployments/ here or above]
    #[arg(long, value_name = "DIR")]
    deployments: Option<PathBuf>,
    /// Give this account 100,000 KMS and 100 ETH
    #[arg(long, value_name = "ADDRESS")]
    fund: Vec<Address>,
}

#[derive(Debug, Subcommand)]
enum DevVerb {
    Fund(fund::FundArgs),
}

#[derive(Serialize)]
struct DevReport {
    rpc_url: String,
    chain_id: u64,
    deployment: PathBuf,
    period_seconds: u32,
    process_id: u32,
    miners: Vec<MinerRow>,
}

impl fmt::Display for DevReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chain_id, rpc_url) = (self.chain_id, &self.rpc_url);
        writeln!(f, "chain       {chain_id} at {rpc_url}")?;
        writeln!(f, "periods     of {} s", self.period_seconds)?;
        write!(f, "deployment  {}", self.deployment.display())?;
        for row in &self.miners {
            let MinerRow { miner, url, .. } = row;
            write!(f, "\nminer       {miner} at {url}, {} locked", row.locked)?;
            write!(f, "\n  dashboard {}", row.dashboard)?;
        }
        Ok(())
    }
}

impl DevArgs {
    /// True for `kms dev` itself: it ends the chain in order.
    pub(crate) fn stops_itself(&self) -> bool {
        self.verb.is_none()
    }

    fn params(&self) -> Outcome<DeployParams> {
        let Some(path) = &self.params else {
            return Ok(DeployParams::local()?);
        };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Failure::io(path.display(), &error))?;
        Ok(DeployParams::from_toml(&text)?)
    }
}

/// Everything that runs. What is dropped without [`Running::end`] ends too, saving nothing.
struct Running {
    miners: Miners,
    chain: Chain,
    devnet: Devnet,
    _published: Published,
    _journal: fund::Journal,
}

pub(crate) async fn run(args: DevArgs, context: &Context) -> Outcome {
    if let Some(DevVerb::Fund(fund)) = args.verb {
        return fund::run(fund, context).await;
    }
    context.start_log("error");
    let mut asked = pin!(interrupt::asked_to_stop());
    let place = Place::take(args.state.as_deref())?;
    let mut running = tokio::select! {
        begun = begin(args, &place, context) => begun?,
        stopped = &mut asked => return told(stopped, context),
    };
    let outcome = tokio::select! {
        failure = running.watch() => Err(failure),
        stopped = &mut asked => told(stopped, context),
    };
    running.end().await;
    outcome
}

fn told(stopped: std::io::Result<()>, context: &Context) -> Outcome {
    context.out.note("stopped");
    stopped.map_err(|error| Failure::io("signals", &error))
}

async fn begin(args: DevArgs, place: &Place, context: &Context) -> Outcome<Running> {
    let params = args.params()?;
    let devnet = Devnet::start(&DevnetOptions {
        port: args.port,
        mining: Mining::Auto,
        accounts: ACCOUNTS.max(u32::from(args.miners) + 1),
        history: false,
        state: place.chain_file(),
    })
    .await?;
    let deployment = deploy(&devnet, place, &params).await?;
    let journal = fund::Journal::of(&deployment);
    let chain = Chain::connect(&devnet.rpc_config(), deployment.clone()).await?;
    let home = context.home().ok();
    let home = home.filter(|home| home.config().deployment.chain_id == devnet::CHAIN_ID);
    let has_home = home.is_some();
    for account in args
        .fund
        .into_iter()
        .chain(home.map(|home| home.wallet_address()))
    {
        fund::give(&chain, account, fund::Gift::usual()).await?;
    }
    let mut miners = Miners::start(args.miners, args.port, &chain, &devnet, place).await?;
    if args.block_time > 0 {
        devnet.set_mining(Mining::Every(args.block_time)).await?;
    }
    if args.miners > 0 {
        let seconds = deployment.params.period_seconds;
        let note = "the miners confirm their activity, which counts from the next period on";
        context.out.note(&format!("{note} (of {seconds} s)"));
    }
    miners.active(&chain).await?;
    let published = Published::write(args.deployments, &deployment)?;
    context.out.emit(&DevReport {
        rpc_url: devnet.url().to_owned(),
        chain_id: deployment.chain_id,
        deployment: published.path().to_path_buf(),
        period_seconds: deployment.params.period_seconds,
        process_id: devnet.process_id(),
        miners: miners.rows().to_vec(),
    })?;
    for line in next_steps(has_home) {
        context.out.note(line);
    }
    Ok(Running {
        miners,
        chain,
        devnet,
        _published: published,
        _journal: journal,
    })
}

/// What to type next, in lines.
const fn next_steps(has_home: bool) -> [&'static str; 3] {
    [
        "running until Ctrl-C. Next, in another terminal, in this folder:",
        match has_home {
            true => "  kms config set --network local  the home here, with money of this chain",
            false => "  kms init --network local        a home, with money of this chain",
        },
        "  kms --help                      the rest of a first session",
    ]
}

/// Deploys the contracts, unless the chain of an earlier run has them.
async fn deploy(devnet: &Devnet, place: &Place, params: &DeployParams) -> Outcome<Deployment> {
    let path = place.deployment_file();
    let mut deployment = match path.is_file() {
        true => Deployment::load(&path)?,
        false => devnet.deploy(params).await?,
    };
    deployment.endpoints = vec![devnet.url().to_owned()];
    deployment.save(&path)?;
    Ok(deployment)
}

impl Running {
    /// Returns when the chain or a node fails.
    async fn watch(&mut self) -> Failure {
        let mut failures = 0;
        loop {
            let pause = tokio::time::sleep(WATCH_PAUSE);
            tokio::select! {
                failure = self.miners.failed() => return failure,
                () = pause => match self.chain.head().await {
                    Ok(_) => failures = 0,
                    Err(error) if failures + 1 >= FAILURES_MAX => return error.into(),
                    Err(_) => failures += 1,
                },
            }
        }
    }

    /// Ends the nodes, then the chain they work on.
    async fn end(self) {
        self.miners.stop().await;
        self.devnet.stop().await;
    }
}
