//! The miners of `kms dev`: accounts of the test mnemonic lock tokens, and a node of each runs in
//! this process, the same code as `kms node run`. Their keys guard test money alone.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kms_chain::devnet::{self, Devnet};
use kms_chain::{Call, Chain, Deployment, DirJournal, Wallet, WalletOptions};
use kms_node::{ConsentTo, InitOptions, NodeConfig, NodeError, Sources};
use kms_protocol::{Address, Amount, EthSecret, Wei};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use zeroize::Zeroizing;

use super::fund;
use super::place::Place;
use crate::failure::{Failure, Outcome};

/// Passphrase of the workers' keystores. No secret: the accounts that hold the stakes are those of
/// a mnemonic that everybody knows.
const PASSPHRASE: &str = "the miners of a local chain";
/// Stake of the first miner in shares of the least stake, of the second twice as much, and so on.
const LEAST_STAKES: u128 = 10;
/// Ether of a worker, for gas.
const WORKER_ETH: Wei = Wei(100 * Wei::ETH.0);
/// Interval at which the chain is asked whether the miners are active.
const ACTIVE_POLL: Duration = Duration::from_millis(200);
/// Interval at which a transaction is looked for; the chain makes a block for each.
const SEND_POLL_MS: u64 = 20;

/// A miner as `kms dev` reports it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MinerRow {
    pub(super) miner: Address,
    pub(super) url: String,
    /// Where its operator looks.
    pub(super) dashboard: String,
    pub(super) locked: Amount,
}

/// The running nodes. Dropped, they are aborted.
pub(super) struct Miners {
    rows: Vec<MinerRow>,
    nodes: JoinSet<Result<(), NodeError>>,
    stop: watch::Sender<bool>,
}

impl Miners {
    /// Makes the miners that are missing, and starts the nodes of all. The chain makes a block for
    /// each transaction meanwhile.
    pub(super) async fn start(
        count: u16,
        port: u16,
        chain: &Chain,
        devnet: &Devnet,
        place: &Place,
    ) -> Outcome<Self> {
        let mut making: JoinSet<Outcome<(u16, NodeConfig)>> = JoinSet::new();
        for number in 1..=count {
            let owner = devnet::account(u32::from(number))?.address();
            let site = Site {
                dir: place.miner(number),
                deployment: place.deployment_file(),
                rpc_url: devnet.url().to_owned(),
                listen: listen(port, number)?,
                admin_listen: free()?,
            };
            making.spawn_blocking(move || Ok((number, site.config(owner)?)));
        }
        let mut configs = Vec::new();
        while let Some(made) = making.join_next().await {
            configs.push(made.map_err(panicked)??);
        }
        configs.sort_by_key(|(number, _)| *number);
        let (stop, _) = watch::channel(false);
        let mut miners = Self {
            rows: Vec::new(),
            nodes: JoinSet::new(),
            stop,
        };
        for (number, config) in configs {
            let owner = devnet::account(u32::from(number))?;
            let dir = place.miner(number);
            let worker = kms_node::worker_of(&dir)?;
            devnet.set_balance(worker, WORKER_ETH).await?;
            let locked = stake(chain, owner, worker, number, &dir).await?;
            let admin = config.admin_listen;
            let row = MinerRow {
                miner: config.miner,
                url: config.public_url.clone(),
                dashboard: admin
                    .map(|address| format!("http://{address}"))
                    .unwrap_or_default(),
                locked,
            };
            miners.spawn(row, config);
        }
        Ok(miners)
    }

    fn spawn(&mut self, row: MinerRow, config: NodeConfig) {
        let mut stop = self.stop.subscribe();
        let passphrase = Zeroizing::new(PASSPHRASE.to_owned());
        self.rows.push(row);
        self.nodes
            .spawn(kms_node::run(config, passphrase, async move {
                // Fails when the sender is gone, which ends the node too.
                let _ = stop.wait_for(|stop| *stop).await;
            }));
    }

    pub(super) fn rows(&self) -> &[MinerRow] {
        &self.rows
    }

    /// Returns when each miner has confirmed the present period. Fails if a node ends before.
    pub(super) async fn active(&mut self, chain: &Chain) -> Outcome {
        let clock = chain.params().await?.clock;
        let rows = self.rows.clone();
        let all = async {
            loop {
                let period = clock.period_at(chain.head().await?.timestamp);
                let mut active = 0;
                for row in &rows {
                    if let Some(period) = period {
                        active += usize::from(chain.is_active(row.miner, period).await?);
                    }
                }
                if active == rows.len() {
                    return Ok(());
                }
                tokio::time::sleep(ACTIVE_POLL).await;
            }
        };
        tokio::select! {
            active = all => active,
            failure = self.failed() => Err(failure),
        }
    }

    /// Returns when a node ends, which it does not by itself, with the reason; never without nodes.
    pub(super) async fn failed(&mut self) -> Failure {
        match self.nodes.join_next().await {
            None => std::future::pending().await,
            Some(Err(error)) => panicked(error),
            Some(Ok(Err(error))) => error.into(),
            Some(Ok(Ok(()))) => Failure::bug("a node ended that nobody had asked to"),
        }
    }

    /// Asks the nodes to end, and waits for them.
    pub(super) async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.nodes.join_next().await.is_some() {}
    }
}

fn panicked(error: JoinError) -> Failure {
    Failure::bug(error)
}

/// An address of this machine that nobody listens on.
fn free() -> Outcome<SocketAddr> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = bound.and_then(|listener| listener.local_addr());
    address.map_err(|error| Failure::io("a free port", &error))
}

/// The address that a miner's node listens on.
fn listen(port: u16, number: u16) -> Outcome<SocketAddr> {
    match port {
        0 => free(),
        _ => match port.checked_add(number) {
            Some(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            None => Err(Failure::usage(format!(
                "above port {port} there is none for miner {number}"
            ))),
        },
    }
}

/// Where a node keeps its files, and what it reaches and is reached by in this run.
struct Site {
    dir: PathBuf,
    deployment: PathBuf,
    rpc_url: String,
    listen: SocketAddr,
    admin_listen: SocketAddr,
}

impl Site {
    /// Makes the node's keys, unless they are there, and the settings of this run. Blocking for
    /// about a second.
    fn config(&self, miner: Address) -> Outcome<NodeConfig> {
        let setting = |key: &str, value: String| (key.to_owned(), value);
        let settings = vec![
            setting("deployment", self.deployment.display().to_string()),
            setting("rpc_urls", self.rpc_url.clone()),
            setting("miner", miner.to_string()),
            setting("listen", self.listen.to_string()),
            setting("admin_listen", self.admin_listen.to_string()),
            setting("public_url", format!("http://{}", self.listen)),
            // As often as can be: a minute is to show what a month does elsewhere.
            setting("claim_every_periods", "1".to_owned()),
            setting("collect_every_periods", "1".to_owned()),
            setting("fee_per_kms", "1 ETH".to_owned()),
        ];
        let file = self.dir.join("node.toml");
        if !file.is_file() {
            let options = InitOptions {
                data_dir: self.dir.clone(),
                settings: settings.clone(),
                consent: consent_to(&Deployment::load(&self.deployment)?),
            };
            kms_node::init(&options, PASSPHRASE)?;
        }
        let sources = Sources {
            file: Some(file),
            env: Vec::new(),
            flags: settings,
        };
        Ok(NodeConfig::load(&sources)?.config)
    }
}

/// Where a worker may be bonded: on this chain, for ever.
fn consent_to(deployment: &Deployment) -> ConsentTo {
    ConsentTo {
        escrow: deployment.escrow_domain(),
        until: u64::MAX,
    }
}

/// Locks the miner's tokens and bonds its worker, unless that is done; returns what is locked.
async fn stake(
    chain: &Chain,
    owner: EthSecret,
    worker: Address,
    number: u16,
    dir: &Path,
) -> Outcome<Amount> {
    let miner = owner.address();
    let info = chain.miner_info(&[miner]).await?.pop();
    let info = info.ok_or_else(|| Failure::bug("no entry for a miner that was asked for"))?;
    let params = &chain.deployment().params;
    let shares = LEAST_STAKES.saturating_mul(u128::from(number));
    let amount = Amount(params.min_locked.0.saturating_mul(shares));
    let mut calls = Vec::new();
    if info.position.locked.is_zero() {
        let gift = fund::Gift {
            kms: Some(amount),
            eth: None,
        };
        fund::give(chain, miner, gift).await?;
        calls.push(Call::DepositViaTransfer {
            amount,
            lock_periods: params.max_lock_periods,
        });
    }
    if info.worker != Some(worker) {
        let to = consent_to(chain.deployment());
        let consent = kms_node::consent(dir, PASSPHRASE, miner, &to)?;
        calls.push(Call::BondWorker { consent });
    }
    let options = WalletOptions {
        poll_ms: SEND_POLL_MS,
        ..WalletOptions::default()
    };
    let journal = DirJournal::open(&dir.join("stake"))?;
    let wallet = Wallet::new(chain.clone(), owner, journal, options);
    for call in calls {
        wallet.send(&call, &mut |_| ()).await?;
    }
    wallet.acknowledge()?;
    let locked = if info.position.locked.is_zero() {
        amount
    } else {
        info.position.locked
    };
    Ok(locked)
}
