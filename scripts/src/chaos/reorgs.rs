//! Histories of policies that are reorganised, up to 64 blocks deep: the index of a node that saw
//! it all is that of a node that reads the last chain once.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kms_chain::{Call, ChainEvent};
use kms_kit::grant::{Grant, Offer};
use kms_kit::node::Node;
use kms_kit::world::{Miner, World};
use kms_protocol::{Address, Amount, EthSecret, Period, Terms};

use super::bounds::{Bounds, block_on};
use super::dice::Dice;
use super::report::Figures;
use crate::say;

/// Reorganisations of a history, and the deepest.
const REORGS: u64 = 4;
const DEEPEST: u64 = 64;
/// Steps of a history between two of them.
const STEPS: u64 = 12;
const AUTHORS: u64 = 3;
const RATE: Amount = Amount(1_000_000_000_000_000);
/// The index, as text: what a node derives from the events of the chain, in one order.
const DUMP: &str = r#"
import sqlite3, sys
index = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for table in ("policy", "policy_extension", "policy_revocation", "policy_collection", "miner_fact",
              "challenge", "challenge_end"):
    for row in sorted(map(repr, index.execute(f"select * from {table}"))):
        print(table, row)
print(sorted(index.execute("select contract, max(seq) from event_seq group by contract")))
print(*index.execute("select * from block_header order by number desc limit 1"))
"#;

struct History<'a> {
    world: &'a World,
    miner: &'a Miner,
    authors: Vec<Arc<EthSecret>>,
    dice: Dice,
    /// Signed transactions since the last reorganisation, with their blocks.
    sent: Vec<(u64, Vec<u8>)>,
    calls: u64,
    again: u64,
}

pub(super) fn run(bounds: &mut Bounds) -> Result<Figures> {
    block_on(async {
        let world = World::new().await;
        let [miner] = world.miners().await;
        let mut history = History::begin(&world, &miner, bounds.dice.clone()).await;
        let (mut seeds, mut depths) = (0, Vec::new());
        while bounds.allow(seeds) {
            for reorg in 0..REORGS {
                // All depths come in turn, the deepest first.
                let depth = DEEPEST - (seeds * REORGS + reorg) % DEEPEST;
                history.go_on(depth).await?;
                history.reorganise(depth).await?;
                depths.push(depth);
            }
            compare(&world, &miner, seeds).await?;
            seeds += 1;
            say::line(&format!("{seeds} histories"));
        }
        depths.sort_unstable();
        depths.dedup();
        let rows = index(&miner.node)?.lines().count();
        let done = format!(
            "{} reorganisations of {} different depths from 1 to {DEEPEST} blocks over {seeds} \
             seeds, with {} payments, extensions and revocations, {} of them mined again \
             afterwards. After each seed the index of the node was, row for row, that of a new \
             node ({rows} rows at the end).",
            seeds * REORGS,
            depths.len(),
            history.calls,
            history.again
        );
        Ok(Figures::new(done, Vec::new()))
    })
}

impl<'a> History<'a> {
    async fn begin(world: &'a World, miner: &'a Miner, dice: Dice) -> Self {
        let mut authors = Vec::new();
        for _ in 0..AUTHORS {
            authors.push(Arc::new(world.account(100_000).await));
        }
        world.mine(DEEPEST).await;
        Self {
            world,
            miner,
            authors,
            dice,
            sent: Vec::new(),
            calls: 0,
            again: 0,
        }
    }

    fn author(&mut self) -> Result<Arc<EthSecret>> {
        let number = usize::try_from(self.dice.below(AUTHORS))?;
        Ok(self.authors.get(number).context("an author")?.clone())
    }

    /// At least so many blocks, some of them with a call.
    async fn go_on(&mut self, blocks: u64) -> Result<()> {
        let begun = self.world.head().await.number;
        for _ in 0..STEPS {
            self.world.mine(self.dice.below(blocks / STEPS + 1)).await;
            let author = self.author()?;
            let Some(call) = self.call(author.address()).await? else {
                continue;
            };
            let raw = self.world.sign(&author, call).await;
            let receipt = self.world.broadcast(&raw).await;
            self.sent.push((receipt.block_number, raw));
            self.calls += 1;
        }
        let head = self.world.head().await.number;
        self.world.mine((begun + blocks).saturating_sub(head)).await;
        Ok(())
    }

    /// A payment, or else an extension or the revocation of a policy of this author, if it has one.
    async fn call(&mut self, author: Address) -> Result<Option<Call>> {
        let first = self.world.period().await;
        let dice = self.dice.below(4);
        if dice < 2 {
            let offer = Offer {
                author,
                rate: RATE,
                first,
                last: Period(first.0 + 9),
                threshold: 1,
                miners: vec![self.miner.address()],
            };
            let terms = Grant::new(self.world.domain, offer).terms;
            let memo = Vec::new();
            return Ok(Some(Call::CreatePolicyViaTransfer { terms, memo }));
        }
        let living = self.living(author).await;
        let chosen = usize::try_from(self.dice.below(u64::try_from(living.len())?))?;
        let Some(terms) = living.into_iter().nth(chosen) else {
            return Ok(None);
        };
        Ok(Some(match dice {
            2 => Call::RevokePolicy { terms },
            _ => Call::ExtendPolicyViaTransfer {
                last_period: Period(terms.last_period.0 + 1),
                terms,
                without: Vec::new(),
                price: RATE,
            },
        }))
    }

    /// The policies of an author that were neither extended nor revoked.
    async fn living(&self, author: Address) -> Vec<Terms> {
        let mut living = Vec::new();
        for record in self.world.events().await {
            match record.event {
                ChainEvent::PolicyCreated {
                    policy_id, terms, ..
                } if terms.author == author => living.push((policy_id, terms)),
                ChainEvent::PolicyRevoked { policy_id, .. }
                | ChainEvent::PolicyExtended { policy_id, .. } => {
                    living.retain(|(id, _)| *id != policy_id);
                }
                _ => {}
            }
        }
        living.into_iter().map(|(_, terms)| terms).collect()
    }

    /// Replaces the newest blocks by empty ones; what was in them is mined again, or lost.
    async fn reorganise(&mut self, depth: u64) -> Result<()> {
        let head = self.world.head().await.number;
        // The node is to have seen what is taken back.
        self.miner.node.sees(head).await;
        self.world.devnet.reorg(depth).await?;
        let sent = std::mem::take(&mut self.sent);
        let lost = sent.into_iter().filter(|(block, _)| *block > head - depth);
        let returns = self.dice.coin();
        for (_, raw) in lost.filter(|_| returns) {
            self.world.broadcast(&raw).await;
            self.again += 1;
        }
        self.world.mine(1).await;
        Ok(())
    }
}

/// Fails unless the node's index is that of a new node of the same miner.
async fn compare(world: &World, miner: &Miner, seed: u64) -> Result<()> {
    let fresh = world.watcher(miner, &format!("fresh{seed}"));
    fresh.start();
    fresh.ready().await;
    let head = world.head().await.number;
    fresh.sees(head).await;
    miner.node.sees(head).await;
    let (lived, replayed) = (index(&miner.node)?, index(&fresh)?);
    fresh.kill();
    let rows = |index: &str| -> BTreeSet<String> { index.lines().map(str::to_owned).collect() };
    let (lived, replayed) = (rows(&lived), rows(&replayed));
    let wrong: Vec<_> = lived.difference(&replayed).collect();
    let missing: Vec<_> = replayed.difference(&lived).collect();
    ensure!(
        lived == replayed,
        "seed {seed}: wrong rows {wrong:?}, missing {missing:?}"
    );
    Ok(())
}

fn index(node: &Node) -> Result<String> {
    let database = node.data_dir.join("node.sqlite");
    let mut python = Command::new("python3");
    let output = python.args(["-c", DUMP]).arg(database).output();
    let output = output.context("python3, which reads the database")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the database cannot be read: {told}"
    );
    Ok(String::from_utf8(output.stdout)?)
}
