//! `kms dev`: a chain with the contracts on this machine, until Ctrl-C.

mod fund;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use kms_chain::devnet::{self, Devnet, DevnetOptions, Mining};
use kms_chain::{Chain, DeployParams};
use kms_protocol::{Address, Amount, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::interrupt;

const GIFT_KMS: u64 = 100_000;
const GIFT_ETH: u128 = 100;
/// Interval at which anvil is checked to be alive.
const WATCH_PAUSE: Duration = Duration::from_secs(2);

/// Run a chain with the contracts on this machine, until Ctrl-C
///
/// Starts anvil, deploys the contracts, and writes deployments/31337.json, which
/// `kms init --network local` reads. Nothing outlives it: the next run is a new chain.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  kms dev
  kms dev --port 9545 --block-time 1 --fund 0xAa...
  kms dev fund 0xAa... --kms \"1000 KMS\" --eth \"10 ETH\"")]
pub(crate) struct DevArgs {
    #[command(subcommand)]
    verb: Option<DevVerb>,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// Seconds between two blocks; 0 makes one per transaction
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    block_time: u64,
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
}

impl fmt::Display for DevReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rpc_url,
            chain_id,
            deployment,
            period_seconds,
            ..
        } = self;
        write!(
            f,
            "chain       {chain_id} at {rpc_url}\nperiods     of {period_seconds} s"
        )?;
        write!(f, "\ndeployment  {}", deployment.display())
    }
}

impl DevArgs {
    /// True for `kms dev` itself: it ends the chain in order.
    pub(crate) fn stops_itself(&self) -> bool {
        self.verb.is_none()
    }
}

pub(crate) async fn run(args: DevArgs, context: &Context) -> Outcome {
    if let Some(DevVerb::Fund(fund)) = args.verb {
        return fund::run(fund, context).await;
    }
    // Dropping the future stops anvil.
    tokio::select! {
        outcome = serve(args, context) => outcome,
        stopped = interrupt::asked_to_stop() => {
            context.out.note("stopped");
            stopped.map_err(|error| Failure::io("signals", &error))
        }
    }
}

async fn serve(args: DevArgs, context: &Context) -> Outcome {
    let params = match &args.params {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| Failure::io(path.display(), &error))?;
            DeployParams::from_toml(&text)?
        }
        None => DeployParams::local()?,
    };
    let options = DevnetOptions {
        port: args.port,
        mining: Mining::Auto,
        ..Default::default()
    };
    let devnet = Devnet::start(&options).await?;
    let deployment = devnet.deploy(&params).await?;
    let _journal = fund::Journal::of(&deployment);
    let chain = Chain::connect(&devnet.rpc_config(), deployment.clone()).await?;
    let gift = fund::Gift {
        kms: Amount::from_kms(GIFT_KMS),
        eth: Wei::ETH.checked_mul(GIFT_ETH),
    };
    for account in args.fund {
        fund::give(&chain, account, gift).await?;
    }
    if args.block_time > 0 {
        devnet.set_mining(Mining::Every(args.block_time)).await?;
    }
    let dir = match args.deployments {
        Some(dir) => dir,
        None => deployments_dir()?,
    };
    std::fs::create_dir_all(&dir).map_err(|error| Failure::io(dir.display(), &error))?;
    let path = dir.join(format!("{}.json", devnet::CHAIN_ID));
    deployment.save(&path)?;
    context.out.emit(&DevReport {
        rpc_url: devnet.url().to_owned(),
        chain_id: deployment.chain_id,
        deployment: path,
        period_seconds: deployment.params.period_seconds,
        process_id: devnet.process_id(),
    })?;
    context.out.note("running; Ctrl-C stops it");
    loop {
        tokio::time::sleep(WATCH_PAUSE).await;
        chain.head().await?;
    }
}

/// Finds `deployments/` in the working directory or the nearest one above.
fn deployments_dir() -> Outcome<PathBuf> {
    let here = std::env::current_dir().map_err(|error| Failure::io("this directory", &error))?;
    let found = here
        .ancestors()
        .map(|dir| dir.join("deployments"))
        .find(|dir| dir.is_dir());
    Ok(found.unwrap_or_else(|| Path::new("deployments").to_path_buf()))
}
