//! `kms config`: shows the settings of a home, and changes those that may change.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use kms_client::{Config, Home, NodeAddresses, Role};
use kms_protocol::{Address, B256};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::verbs::init::{deployment, endpoints};

/// The settings of this home: its network, endpoints, and which nodes it calls
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Show the settings
    #[command(after_help = "Examples:\n  kms config show\n  kms config show --json")]
    Show,
    /// Change settings: point the home at another network, or at other endpoints
    ///
    /// Keys, labels and cards stay. Grants and transactions stay with the network they were made
    /// on, and are there again when the home is pointed back at it.
    #[command(after_help = "\
Examples:
  kms config set --network local              after a new `kms dev`
  kms config set --network deployments/1.json --rpc https://rpc.example
  kms config set --rpc https://one.example --rpc https://two.example")]
    Set(SetArgs),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct SetArgs {
    /// The deployment file of the network, or `local` for the one `kms dev` wrote
    #[arg(long, value_name = "FILE|local")]
    network: Option<PathBuf>,
    /// JSON-RPC endpoint; several are tried in order [default: those in the deployment file]
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// Which nodes to call: public ones, or any, for a consortium's own network
    #[arg(long, value_name = "public|any")]
    nodes: Option<Nodes>,
}

/// Addresses of nodes that are called.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Nodes {
    Public,
    Any,
}

#[derive(Serialize)]
struct ConfigReport {
    home: PathBuf,
    role: Role,
    seed: String,
    account: Address,
    chain_id: u64,
    genesis_hash: B256,
    policies: Address,
    rpc_urls: Vec<String>,
    nodes: NodeAddresses,
}

impl ConfigReport {
    fn of(home: &Home) -> Self {
        let config = home.config();
        let deployment = &config.deployment;
        Self {
            home: home.path().to_path_buf(),
            role: config.role,
            seed: config.seed_fingerprint.clone(),
            account: config.wallet,
            chain_id: deployment.chain_id,
            genesis_hash: deployment.genesis_hash,
            policies: deployment.contracts.policies.address,
            rpc_urls: config.rpc_urls.clone(),
            nodes: config.node_addresses,
        }
    }
}

impl fmt::Display for ConfigReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Owner => "seed     ",
            Role::Reader => "readers  ",
        };
        let nodes = match self.nodes {
            NodeAddresses::Public => "public",
            NodeAddresses::Any => "any",
        };
        writeln!(f, "home      {}", self.home.display())?;
        writeln!(f, "{role} {}", self.seed)?;
        writeln!(f, "account   {}", self.account)?;
        writeln!(
            f,
            "chain     {}, genesis {}",
            self.chain_id, self.genesis_hash
        )?;
        writeln!(f, "policies  {}", self.policies)?;
        writeln!(f, "rpc       {}", self.rpc_urls.join(", "))?;
        write!(f, "nodes     {nodes}")
    }
}

pub(crate) fn run(verb: ConfigVerb, context: &Context) -> Outcome {
    let mut home = context.home()?;
    if let ConfigVerb::Set(args) = verb {
        set(args, &mut home, context)?;
    }
    context.out.emit(&ConfigReport::of(&home))
}

fn set(args: SetArgs, home: &mut Home, context: &Context) -> Outcome {
    let lock = context.lock(home)?;
    home.refresh(&lock)?;
    if let Some(network) = &args.network {
        let deployment = deployment(network)?;
        let rpc_urls = endpoints(args.rpc, &deployment)?;
        home.set_network(&lock, deployment, rpc_urls)?;
    } else if !args.rpc.is_empty() {
        let deployment = home.config().deployment.clone();
        home.set_network(&lock, deployment, args.rpc)?;
    }
    if let Some(nodes) = args.nodes {
        let node_addresses = match nodes {
            Nodes::Public => NodeAddresses::Public,
            Nodes::Any => NodeAddresses::Any,
        };
        let mut config: Config = home.config().clone();
        config.node_addresses = node_addresses;
        home.set_config(&lock, config)?;
    }
    Ok(())
}
