//! The state of the acts: stage, people, miners, chain, figures. Also the handler of Ctrl-C, which
//! stops every process before this one ends.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kms_kit::kms::{Kms, write_private};
use kms_kit::node::Node;
use kms_protocol::{Address, Amount, EthSecret, PolicyId, Terms};

use super::chain::ChainView;
use super::figures::Figures;
use super::stage::Stage;
use crate::say;

/// The miners' stakes, in whole KMS: all different, so that a wrong reward shows.
pub(super) const STAKES_KMS: [u32; 5] = [40_000, 25_000, 15_000, 12_000, 8_000];
/// Timeout of every wait for the chain or a node.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);
/// Size of the generated file.
const GENERATED_BYTES: u64 = 64 * 1024 * 1024;

/// A user with a home and an account of their own.
pub(super) struct Person {
    pub(super) kms: Kms,
    pub(super) account: Address,
    /// File with the account's secret key, which `kms init` imports.
    pub(super) key_file: PathBuf,
}

/// A miner: its owner's command line, and its node.
pub(super) struct Miner {
    /// Name of the node's process.
    pub(super) name: String,
    /// The owner's command line.
    pub(super) kms: Kms,
    pub(super) owner: Address,
    pub(super) node: Node,
    pub(super) stake: Amount,
    /// Balance of the owner's account after the deposit, before any reward.
    pub(super) left: Amount,
}

/// The chain that `kms dev` started.
pub(super) struct Network {
    pub(super) rpc: String,
    pub(super) deployment_file: PathBuf,
    pub(super) view: ChainView,
}

/// The policy that the owner grants to the reader.
pub(super) struct Policy {
    pub(super) id: PolicyId,
    /// The terms from the event of its creation.
    pub(super) terms: Terms,
}

pub(super) struct Show {
    pub(super) stage: Stage,
    pub(super) runtime: tokio::runtime::Runtime,
    /// The owner of the file.
    pub(super) alice: Person,
    pub(super) bob: Person,
    /// The owners of the miners.
    pub(super) owners: Vec<Person>,
    /// The file that the owner encrypts.
    pub(super) file: PathBuf,
    /// `None` before the first act.
    network: Option<Network>,
    /// Empty before the second act.
    pub(super) miners: Vec<Miner>,
    /// `None` before the grant.
    policy: Option<Policy>,
    /// The figures measured so far.
    pub(super) figures: Figures,
    started: Instant,
}

impl Show {
    /// Prepares the stage and the file.
    pub(super) fn new(file: Option<&Path>) -> Result<Self> {
        let stage = Stage::new()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("starting the runtime")?;
        watch_signals(&runtime, &stage);
        let alice = person(&stage, "alice")?;
        let bob = person(&stage, "bob")?;
        let owners = (1..=STAKES_KMS.len()).map(|n| person(&stage, &format!("miner{n}")));
        let owners = owners.collect::<Result<_>>()?;
        let file = match file {
            Some(file) => std::fs::canonicalize(file)
                .with_context(|| format!("{} cannot be read", file.display()))?,
            None => {
                let generated = stage.path("film.bin");
                super::file::generate(&generated, GENERATED_BYTES)?;
                generated
            }
        };
        let (miners, figures) = (Vec::new(), Figures::default());
        let (network, policy, started) = (None, None, Instant::now());
        Ok(Self {
            stage,
            runtime,
            alice,
            bob,
            owners,
            file,
            network,
            miners,
            policy,
            figures,
            started,
        })
    }

    /// Every person with an account: owner, reader, owners of miners.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &Person> {
        [&self.alice, &self.bob].into_iter().chain(&self.owners)
    }

    /// Prints a line with the time since the start.
    pub(super) fn tell(&self, what: &str) {
        say::line(&format!(
            "    {:>5.1} s  {what}",
            self.started.elapsed().as_secs_f32()
        ));
    }

    pub(super) fn network(&self) -> Result<&Network> {
        self.network
            .as_ref()
            .context("BUG: an act before the first one needs the chain")
    }

    pub(super) fn set_network(&mut self, network: Network) {
        self.network = Some(network);
    }

    pub(super) fn policy(&self) -> Result<&Policy> {
        self.policy
            .as_ref()
            .context("BUG: an act before the grant needs the policy")
    }

    pub(super) fn set_policy(&mut self, policy: Policy) {
        self.policy = Some(policy);
    }

    /// The miners that the policy names.
    pub(super) fn policy_miners(&self) -> Result<Vec<&Miner>> {
        let terms = &self.policy()?.terms;
        Ok(self
            .miners
            .iter()
            .filter(|miner| terms.includes(&miner.owner))
            .collect())
    }

    /// Stops every process and copies the stage to `folder`.
    pub(super) fn keep(&self, folder: &Path) -> Result<()> {
        self.stage.processes().stop_all();
        super::file::copy_tree(&self.stage.path(""), folder)
            .with_context(|| format!("keeping the run in {}", folder.display()))
    }
}

/// Creates a person with a new account, whose secret key is in a file of mode 0600.
fn person(stage: &Stage, name: &str) -> Result<Person> {
    let secret = EthSecret::random()?;
    let key_file = stage.path(&format!("{name}.key"));
    write_private(&key_file, &hex::encode(secret.expose_bytes().as_slice()));
    Ok(Person {
        kms: Kms::at(&stage.path(name)),
        account: secret.address(),
        key_file,
    })
}

/// Stops every process and ends this one on SIGINT or SIGTERM.
fn watch_signals(runtime: &tokio::runtime::Runtime, stage: &Stage) {
    let processes = stage.processes().clone();
    let folder = stage.path("");
    runtime.spawn(async move {
        if wait_for_signal().await.is_ok() {
            say::error("interrupted; stopping everything");
            processes.stop_all();
            let _leftover = std::fs::remove_dir_all(folder);
            std::process::exit(130);
        }
    });
}

async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
