//! `kms node`: runs a miner's node and shows its settings.

mod consent;
mod init;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use kms_chain::Deployment;
use kms_node::{ConsentTo, LoadedConfig, NodeConfig, Sources};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::output::Row;
use crate::passphrase::Passphrases;

/// A miner's daemon: keeps kfrags and serves readers
#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    Init(init::InitArgs),
    Consent(consent::ConsentArgs),
    /// Run the node until it is asked to stop (Ctrl-C, SIGTERM)
    ///
    /// Follows the chain, serves readers whose policies are paid and neither ended nor revoked,
    /// confirms activity, claims rewards and collects fees. Ends with 0 when asked to stop.
    #[command(after_help = "\
Examples:
  kms node run
  kms node run --data-dir /var/lib/kms --set listen=0.0.0.0:8470
  kms node run --role api --set database=postgres://kms@db.example/kms
  KMS_PASSPHRASE_FILE=/etc/kms/pass KMS_NODE_CONFIRMATIONS=3 kms node run --json

Settings come from node.toml in the data directory, then KMS_NODE_<KEY>, then --set;
the last one wins.")]
    Run(RunArgs),
    /// Show the node's settings
    #[command(subcommand)]
    Config(ConfigVerb),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Show every setting, and where it was made; of the chain's URLs only scheme and host
    #[command(after_help = "Examples:\n  kms node config show\n  \
                            kms node config show --set listen=127.0.0.1:9000")]
    Show(RunArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    dir: DataDir,
    /// What it does of what nodes that share a database do: all, api or chain (setting `role`)
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// A setting for this run
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
}

#[derive(Debug, Args)]
struct DataDir {
    /// Directory of the node's keys, settings and database [default: node/ in the home]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    fn path(&self, context: &Context) -> PathBuf {
        self.data_dir
            .clone()
            .unwrap_or_else(|| context.home_dir().join("node"))
    }
}

/// A key and value, such as `listen=127.0.0.1:8470`.
#[derive(Debug, Clone)]
struct Setting(String, String);

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self(key.to_owned(), value.to_owned())),
            _ => Err(format!("{text:?} is not KEY=VALUE")),
        }
    }
}

/// How long a consent holds, in seconds: a year. It names the one miner that may use it.
const CONSENT_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Where a worker that consents now may be bonded, and until when, by this machine's clock.
fn consent_to(network: &Deployment) -> Outcome<ConsentTo> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(Failure::bug)?;
    Ok(ConsentTo {
        escrow: network.escrow_domain(),
        until: now.as_secs().saturating_add(CONSENT_SECONDS),
    })
}

impl NodeVerb {
    /// True for `kms node run`, which handles SIGINT and SIGTERM itself.
    pub(crate) fn stops_itself(&self) -> bool {
        matches!(self, Self::Run(_))
    }
}

pub(crate) async fn run(verb: NodeVerb, context: &Context) -> Outcome {
    match verb {
        NodeVerb::Init(args) => init::run(args, context),
        NodeVerb::Consent(args) => consent::run(args, context),
        NodeVerb::Run(args) => run_node(args, context).await,
        NodeVerb::Config(ConfigVerb::Show(args)) => show(args, context),
    }
}

async fn run_node(args: RunArgs, context: &Context) -> Outcome {
    let config = load(args, context)?.config;
    let passphrase = Passphrases::of_node(&config.data_dir)?;
    context.start_log("info");
    let stop = async {
        if let Err(error) = interrupt::asked_to_stop().await {
            tracing::error!(%error, "signals cannot be heard; stopping");
        }
    };
    Ok(kms_node::run(config, passphrase, stop).await?)
}

fn load(args: RunArgs, context: &Context) -> Outcome<LoadedConfig> {
    let file = args.dir.path(context).join("node.toml");
    if !file.is_file() {
        return Err(Failure::new(
            "node_missing",
            format!("there is no node at {}", file.display()),
            "make one with `kms node init`, or name its directory with --data-dir",
        ));
    }
    // A variable that is not Unicode cannot be a setting.
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let sources = Sources {
        file: Some(file),
        env: env.collect(),
        flags: args
            .set
            .into_iter()
            .map(|Setting(key, value)| (key, value))
            .chain(args.role.map(|role| ("role".to_owned(), role)))
            .collect(),
    };
    Ok(NodeConfig::load(&sources)?)
}

#[derive(Serialize)]
struct SettingRow {
    key: &'static str,
    value: String,
    origin: String,
}

impl Row for SettingRow {
    const HEAD: &'static [&'static str] = &["KEY", "VALUE", "FROM"];

    fn cells(&self) -> Vec<String> {
        vec![self.key.to_owned(), self.value.clone(), self.origin.clone()]
    }
}

impl fmt::Display for SettingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

fn show(args: RunArgs, context: &Context) -> Outcome {
    let loaded = load(args, context)?;
    let row = |(key, value): (&&'static str, &kms_node::Value)| SettingRow {
        key,
        value: kms_node::shown_setting(key, &value.text),
        origin: value.origin.to_string(),
    };
    let rows: Vec<SettingRow> = loaded.values.iter().map(row).collect();
    context.out.list(&rows, "no settings")
}
