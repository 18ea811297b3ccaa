//! `kms node init`: creates the data directory of a node.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use kms_chain::Deployment;
use kms_client::{Error, Home, MIN_PASSPHRASE_CHARS};
use kms_node::InitOptions;
use kms_protocol::Address;
use serde::Serialize;

use super::{DataDir, Setting, consent_to};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::passphrase::Passphrases;
use crate::verbs::init::{deployment, endpoints};

/// Name of the deployment file's copy in the data directory.
const DEPLOYMENT_FILE: &str = "deployment.json";

/// Make a node's directory: its worker key, its encryption key, its settings
///
/// The stake's key stays elsewhere: whoever breaks into the node cannot move the stake. What is
/// signed with the worker key can cost a part of it, on the main network 30 % in seven days or
/// 1500 KMS, until you dismiss the key with `kms worker unbond`, and for 15 days more under
/// policies that had begun by then. Miner, network and endpoints are
/// those of the home, if there is one here.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms node init --public-url http://127.0.0.1:8480 --listen 127.0.0.1:8480
  kms node init --data-dir /var/lib/kms --network deployments/1.json --rpc https://rpc.example \\
      --miner 0xAa... --public-url https://node.example --listen 0.0.0.0:8470

What the node spends: it confirms its activity in the last period of each lease. A claim goes with
a confirmation, after claim_every_periods; fees are collected after collect_every_periods, or once
a policy has ended. Neither is sent if it costs more than fee_per_kms for each KMS that it brings
in (100000 gwei if unset); nothing offers more than max_fee_per_gas. Set them with --set or in
node.toml; `kms node config show` has their values.

Afterwards, with the stake's key: kms worker bond, on another machine with the consent that is
printed here, which holds for a year and is of use to the miner alone; and give the worker some
ether.")]
pub(crate) struct InitArgs {
    #[command(flatten)]
    dir: DataDir,
    /// The URL under which clients reach the node; the node registers it on chain
    #[arg(long, value_name = "URL")]
    public_url: String,
    /// Address and port to listen on
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    /// Owner address of the miner [default: the home's account]
    #[arg(long, value_name = "ADDRESS")]
    miner: Option<Address>,
    /// The deployment file of the network, or `local` [default: the home's network]
    #[arg(long, value_name = "FILE|local")]
    network: Option<PathBuf>,
    /// JSON-RPC endpoint; several are tried in order [default: the home's]
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// Any other setting of node.toml
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
}

#[derive(Serialize)]
struct NodeReport {
    #[serde(serialize_with = "crate::output::path_text")]
    data_dir: PathBuf,
    miner: Address,
    worker: Address,
    /// By which the miner bonds the worker.
    consent: String,
    public_url: String,
}

impl fmt::Display for NodeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            data_dir,
            miner,
            worker,
            consent,
            public_url,
        } = self;
        write!(
            f,
            "node    {}\nminer   {miner}\nworker  {worker}",
            data_dir.display()
        )?;
        write!(f, "\nurl     {public_url}\nconsent {consent}")
    }
}

pub(super) fn run(args: InitArgs, context: &Context) -> Outcome {
    let home = context.home().ok();
    let data_dir = args.dir.path(context);
    let data_dir =
        std::path::absolute(&data_dir).map_err(|error| Failure::io(data_dir.display(), &error))?;
    let network = network(&args, home.as_ref())?;
    let miner = args
        .miner
        .or_else(|| home.as_ref().map(Home::wallet_address));
    let miner = miner.ok_or_else(|| Failure::usage("--miner ADDRESS is needed without a home"))?;
    let rpc_urls = rpc_urls(&args, home.as_ref(), &network)?;

    let deployment_file = data_dir.join(DEPLOYMENT_FILE);
    let mut settings = vec![
        (
            "deployment".to_owned(),
            deployment_file.display().to_string(),
        ),
        ("rpc_urls".to_owned(), rpc_urls.join(",")),
        ("miner".to_owned(), miner.to_string()),
        ("public_url".to_owned(), args.public_url.clone()),
    ];
    settings.extend(args.listen.map(|listen| ("listen".to_owned(), listen)));
    settings.extend(args.set.into_iter().map(|Setting(key, value)| (key, value)));

    let passphrase = Passphrases::of_new_node(&data_dir)?;
    let given = passphrase.chars().count();
    if given < MIN_PASSPHRASE_CHARS {
        return Err(Error::PassphraseTooShort {
            given,
            least: MIN_PASSPHRASE_CHARS,
        }
        .into());
    }
    let options = InitOptions {
        data_dir: data_dir.clone(),
        settings,
        consent: consent_to(&network)?,
    };
    let made = kms_node::init(&options, &passphrase)?;
    network.save(&deployment_file)?;
    let bond = match data_dir.parent() {
        Some(parent) if parent == context.home_dir() => "kms worker bond".to_owned(),
        _ => format!("kms worker bond --node {}", data_dir.display()),
    };
    context.out.emit(&NodeReport {
        data_dir,
        miner,
        worker: made.worker,
        consent: made.consent.to_string(),
        public_url: args.public_url,
    })?;
    let worker = made.worker;
    context.out.note(&format!(
        "next: {bond}, and give the worker {worker} some ether"
    ));
    Ok(())
}

fn network(args: &InitArgs, home: Option<&Home>) -> Outcome<Deployment> {
    match (&args.network, home) {
        (Some(network), _) => deployment(network),
        (None, Some(home)) => Ok(home.config().deployment.clone()),
        (None, None) => Err(Failure::usage("--network FILE is needed without a home")),
    }
}

fn rpc_urls(args: &InitArgs, home: Option<&Home>, network: &Deployment) -> Outcome<Vec<String>> {
    match home {
        Some(home)
            if args.rpc.is_empty() && home.config().deployment.chain_id == network.chain_id =>
        {
            Ok(home.config().rpc_urls.clone())
        }
        _ => endpoints(args.rpc.clone(), network),
    }
}
