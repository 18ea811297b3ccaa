//! `kill -9` between two steps of a transaction, of a command and of a node: before a request to
//! the chain or before its answer, or before a flush to the disk. Then the same again, unhindered:
//! the effect is there once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use kms_chain::Tag;
use kms_kit::disk::FaultyDisk;
use kms_kit::faults::{FaultProxy, Halt};
use kms_kit::kms::Kms;
use kms_kit::wait::until;
use kms_kit::world::{Miner, World};
use kms_protocol::{Address, Amount};
use tokio::process::Command;

use super::bounds::{Bounds, block_on};
use super::dice::Dice;
use super::report::Figures;
use crate::say;

/// What is repeated: each effect of it moves a token.
const STAKE: [&str; 7] = [
    "stake",
    "create",
    "--amount",
    "1 KMS",
    "--periods",
    "100",
    "--json",
];
/// Flushes of a command that sends a transaction, and some more.
const FLUSHES: u64 = 10;
/// Flushes of a node from its start until a transaction is settled, about.
const NODE_FLUSHES: u64 = 40;
/// Requests of a node that hold steps of a transaction.
const STEPS: [&str; 5] = [
    "eth_sendRawTransaction",
    "eth_getTransactionCount",
    "eth_estimateGas",
    "eth_call",
    "eth_getTransactionReceipt",
];
/// Periods that a lease spans on the chain of the drill.
const LEASE: u32 = 2;

/// Where things are killed, and how often that was.
type Points = BTreeMap<String, u64>;

/// Locked tokens and nonce of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    locked: Amount,
    nonce: u64,
}

struct Drill {
    world: World,
    proxy: FaultProxy,
    disk: FaultyDisk,
    staker: Kms,
    account: Address,
    miner: Miner,
    /// Requests of an unhindered command.
    requests: u64,
    dice: Dice,
    points: Points,
}

pub(super) fn run(bounds: &mut Bounds) -> Result<Figures> {
    block_on(async {
        let mut drill = Drill::prepare(bounds.dice.clone()).await?;
        let (mut kills, mut effects) = (0, 0);
        while bounds.allow(kills) {
            let killed = match effects % 3 {
                0 => drill.command_at_a_request(effects).await?,
                1 => drill.command_at_a_flush().await?,
                _ => drill.node(effects).await?,
            };
            effects += 1;
            kills += u64::from(killed);
            if kills % 20 == 0 && killed {
                say::line(&format!("{kills} kills"));
            }
        }
        let mut rows = vec!["| killed | times |".to_owned(), "|---|---|".to_owned()];
        let points = drill.points.iter();
        rows.extend(points.map(|(point, times)| format!("| {point} | {times} |")));
        let done = format!(
            "{kills} kills in {effects} transactions of `kms stake create` and of a node that \
             confirms its activity. Each transaction, begun again, took effect exactly once; no \
             nonce was spent on anything else."
        );
        Ok(Figures::new(done, rows))
    })
}

impl Drill {
    async fn prepare(dice: Dice) -> Result<Self> {
        let world = World::new().await;
        let proxy = FaultProxy::start(&world.rpc_url).await;
        let disk = FaultyDisk::make(&world.path(""));
        let staker = Kms::at(&world.path("staker"));
        let account = staker.init(&world.deployment_file, &proxy.url, &[]);
        world.fund(account, 100_000).await;
        let first = [
            "stake",
            "create",
            "--amount",
            "1000 KMS",
            "--periods",
            "100",
            "--json",
        ];
        staker.run(&first).success()?;
        let before = proxy.asked_at_all();
        staker.run(&STAKE).success()?;
        let requests = u64::try_from(proxy.asked_at_all() - before)?;
        let miner = world.stopped_miner("node").await;
        miner.node.reach_chain_by(&proxy.url);
        world.at_work(&miner).await;
        miner.node.kill();
        Ok(Self {
            world,
            proxy,
            disk,
            staker,
            account,
            miner,
            requests,
            dice,
            points: Points::new(),
        })
    }

    fn note(&mut self, point: String) {
        *self.points.entry(point).or_default() += 1;
    }

    /// Locked tokens and nonce of the account.
    async fn standing(&self) -> Result<Standing> {
        let chain = &self.world.chain;
        let locked = chain.position(self.account).await?.locked;
        let nonce = chain.nonce(self.account, Tag::Latest).await?;
        Ok(Standing { locked, nonce })
    }

    /// Half of the kills are around the broadcast, the others at any request.
    async fn command_at_a_request(&mut self, number: u64) -> Result<bool> {
        let answered = self.dice.coin();
        let halt = match number % 2 {
            0 => Halt {
                method: Some("eth_sendRawTransaction".to_owned()),
                nth: 1,
                answered,
            },
            _ => Halt {
                method: None,
                nth: usize::try_from(1 + self.dice.below(self.requests))?,
                answered,
            },
        };
        let before = self.standing().await?;
        let told = self.proxy.halt(halt);
        let command = self.staker.command(&STAKE);
        let mut running = spawn(command, &self.world.path("stdout"))?;
        let killed = tokio::select! {
            reached = told => {
                running.kill().await?;
                Some(reached?)
            }
            ended = running.wait() => {
                ensure!(ended?.success(), "a command that nobody hindered failed");
                None
            }
        };
        self.proxy.go_on();
        let when = match answered {
            true => "before the answer to",
            false => "before",
        };
        if let Some(method) = &killed {
            self.note(format!("`kms stake create`, {when} `{method}`"));
        }
        self.once(before, killed.is_none()).await?;
        Ok(killed.is_some())
    }

    async fn command_at_a_flush(&mut self) -> Result<bool> {
        let nth = 1 + self.dice.below(FLUSHES);
        let before = self.standing().await?;
        let command = self.disk.killing(self.staker.command(&STAKE), nth);
        let mut running = spawn(command, &self.world.path("stdout"))?;
        let killed = running.wait().await?.code().is_none();
        if killed {
            self.note(format!("`kms stake create`, before flush {nth}"));
        }
        let told = std::fs::read_to_string(self.world.path("stdout"))?;
        self.once(before, told.contains("tx_hash")).await?;
        Ok(killed)
    }

    /// Checks that the command has taken effect once; repeats it unless it has told so.
    async fn once(&self, before: Standing, told: bool) -> Result<()> {
        if !told {
            self.staker.run(&STAKE).success()?;
        }
        let after = self.standing().await?;
        let one = before
            .locked
            .checked_add(Amount::from_kms(1).context("one token")?);
        let wanted = Standing {
            locked: one.context("more tokens than there are")?,
            nonce: before.nonce + 1,
        };
        ensure!(
            after == wanted,
            "{before:?} became {after:?}, not {wanted:?}"
        );
        Ok(())
    }

    /// A confirmation falls due, and the node is killed on its way to it.
    async fn node(&mut self, number: u64) -> Result<bool> {
        let node = &self.miner.node;
        let period = self.world.period().await;
        let killed = if number.is_multiple_of(2) {
            let method = STEPS.get(usize::try_from(self.dice.below(5))?);
            let method = method.context("a step")?.to_string();
            let answered = self.dice.coin();
            node.start();
            node.ready().await;
            let told = self.proxy.halt(Halt {
                method: Some(method.clone()),
                nth: 1,
                answered,
            });
            self.world.pass_periods(LEASE).await;
            told.await?;
            node.kill();
            let when = match answered {
                true => "before the answer to",
                false => "before",
            };
            Some(format!("a node, {when} `{method}`"))
        } else {
            let nth = 1 + self.dice.below(NODE_FLUSHES);
            self.world.pass_periods(LEASE).await;
            node.start_by(self.disk.killing(node.command(), nth));
            let ended = until("a kill or a confirmation", async || {
                match node.has_ended() {
                    true => Some(true),
                    false => self.is_leased().await.then_some(false),
                }
            })
            .await;
            node.kill();
            ended.then(|| format!("a node, before flush {nth}"))
        };
        self.proxy.go_on();
        node.start();
        until("the confirmation", async || {
            self.is_leased().await.then_some(())
        })
        .await;
        node.ready().await;
        node.decides(self.world.head().await.number).await;
        node.kill();
        let (sent, effects) = self.world.sent_by(&self.miner).await;
        ensure!(
            sent == effects,
            "period {period}: {sent} transactions, {effects} effects"
        );
        let was_killed = killed.is_some();
        killed.into_iter().for_each(|point| self.note(point));
        Ok(was_killed)
    }

    /// Whether the miner works in the coming period.
    async fn is_leased(&self) -> bool {
        let lease = self.world.chain.lease_of(self.miner.address()).await;
        let period = self.world.period().await;
        lease.is_ok_and(|lease| lease.through.is_some_and(|through| through > period))
    }
}

/// Starts a command that prints into a file.
pub(super) fn spawn(
    mut command: std::process::Command,
    stdout: &Path,
) -> Result<tokio::process::Child> {
    command
        .stdout(std::fs::File::create(stdout)?)
        .stderr(Stdio::null());
    let mut command = Command::from(command);
    Ok(command.kill_on_drop(true).spawn()?)
}
