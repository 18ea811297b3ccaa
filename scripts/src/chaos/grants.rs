//! `kill -9` of `kms grant` at any moment, by several owners at once. What a command told, and what
//! the chain was paid, is there: `kms grant --resume` delivers it, and nothing is paid twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use kms_chain::ChainEvent;
use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_kit::world::{Miner, World};
use kms_protocol::messages::KfragState;
use kms_protocol::{Address, PolicyId};
use serde_json::Value;
use tokio::runtime::Handle;

use super::bounds::{Bounds, block_on};
use super::dice::Dice;
use super::kills::spawn;
use super::report::Figures;
use crate::say;

/// Owners that grant at the same time.
const OWNERS: u64 = 3;
/// Kills of an owner's command between two looks at what is left.
const ROUND: u64 = 10;
const GRANT: [&str; 12] = [
    "grant",
    "things",
    "--to",
    "bob",
    "--threshold",
    "1/1",
    "--periods",
    "5",
    "--rate",
    "1 KMS",
    "--again",
    "--json",
];

/// What all owners have done together.
#[derive(Default)]
struct Count {
    kills: AtomicU64,
    finished: AtomicU64,
    policies: AtomicU64,
}

struct Owner {
    name: String,
    kms: Kms,
    account: Address,
    runs: u64,
    told: BTreeSet<PolicyId>,
    dice: Dice,
}

pub(super) fn run(bounds: &mut Bounds) -> Result<Figures> {
    block_on(async {
        let world = World::new().await;
        let [miner] = world.miners().await;
        let card = reader(&world)?;
        let mut owners = Vec::new();
        let lanes = OWNERS.min(bounds.count.div_ceil(ROUND)).max(1);
        for number in 0..lanes {
            let dice = Dice::new(bounds.dice.below(u64::MAX));
            owners.push(Owner::new(&world, number, &card, dice).await?);
        }
        world.devnet.set_mining(Mining::Every(1)).await?;
        let (count, handle) = (Count::default(), Handle::current());
        thread::scope(|scope| -> Result<()> {
            let (world, miner, count, bounds) = (&world, &miner, &count, &*bounds);
            let lane = |owner| {
                let handle = handle.clone();
                scope.spawn(move || handle.block_on(work(owner, world, miner, count, bounds)))
            };
            let lanes: Vec<_> = owners.iter_mut().map(lane).collect();
            lanes.into_iter().try_for_each(|lane| {
                let joined = lane.join();
                joined.unwrap_or_else(|_| bail!("a thread panicked"))
            })
        })?;
        let told = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let done = format!(
            "{} kills of `kms grant` at random moments, by {lanes} owners at once; {} more grants \
             ended before their kill. {} policies were paid, none twice, and after \
             `kms grant --resume` the miner holds the kfrag of each, also of each that a \
             command had told.",
            told(&count.kills),
            told(&count.finished),
            told(&count.policies)
        );
        Ok(Figures::new(done, Vec::new()))
    })
}

/// A reader's card.
fn reader(world: &World) -> Result<String> {
    let bob = Kms::at(&world.path("bob"));
    bob.init(&world.deployment_file, &world.rpc_url, &[]);
    let made = bob.json(&["card", "make", "--name", "bob"]).success()?;
    Ok(made.text("card"))
}

/// Kills this owner's grants until the count is full, and looks at what is left now and then.
async fn work(
    owner: &mut Owner,
    world: &World,
    miner: &Miner,
    count: &Count,
    bounds: &Bounds,
) -> Result<()> {
    let longest = owner.run_unhindered().await?;
    while bounds.allow(count.kills.load(Ordering::Relaxed)) {
        for _ in 0..ROUND {
            if !bounds.allow(count.kills.load(Ordering::Relaxed)) {
                break;
            }
            let counted = match owner.kill_within(world, longest).await? {
                true => &count.kills,
                false => &count.finished,
            };
            let now = counted.fetch_add(1, Ordering::Relaxed) + 1;
            if now.is_multiple_of(50) {
                say::line(&format!("{now} grants"));
            }
        }
        owner.resume()?;
        owner.check(world, miner).await?;
    }
    let paid = owner.paid(world).await.len();
    count
        .policies
        .fetch_add(u64::try_from(paid)?, Ordering::Relaxed);
    Ok(())
}

impl Owner {
    async fn new(world: &World, number: u64, card: &str, dice: Dice) -> Result<Self> {
        let name = format!("owner{number}");
        let kms = Kms::at(&world.path(&name));
        let account = kms.init(&world.deployment_file, &world.rpc_url, &[]);
        world.fund(account, 20_000).await;
        kms.json(&["label", "new", "things"]).success()?;
        kms.json(&["card", "add", card]).success()?;
        let (runs, told) = (0, BTreeSet::new());
        Ok(Self {
            name,
            kms,
            account,
            runs,
            told,
            dice,
        })
    }

    /// How long a grant takes.
    async fn run_unhindered(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.runs += 1;
        let granted = self.kms.run(&GRANT).success()?;
        self.told.insert(granted.text("policy").parse()?);
        Ok(begun.elapsed())
    }

    /// Kills a grant at any moment of its life; whether it was still alive.
    async fn kill_within(&mut self, world: &World, longest: Duration) -> Result<bool> {
        self.runs += 1;
        let out = world.path(&format!("{}-stdout", self.name));
        let mut running = spawn(self.kms.command(&GRANT), &out)?;
        let life = u64::try_from(longest.as_micros())?;
        // Half of the kills are late, when the grant may be paid and not delivered.
        let earliest = if self.dice.coin() { life / 2 } else { 0 };
        let latest = life + life / 8;
        let moment = earliest + self.dice.below(latest - earliest);
        let moment = Duration::from_micros(moment);
        let ended = tokio::time::timeout(moment, running.wait()).await;
        if ended.is_err() {
            running.kill().await?;
        }
        let told = std::fs::read_to_string(&out)?;
        for line in told.lines() {
            // A line that was cut told nothing.
            let Ok(object) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let policy = object.get("policy").and_then(Value::as_str);
            if let Some(policy) = policy {
                self.told.insert(policy.parse()?);
            }
        }
        Ok(ended.is_err())
    }

    /// Finishes what was interrupted. The first time forgets what was never paid, and says so.
    fn resume(&self) -> Result<()> {
        let first = self.kms.json(&["grant", "--resume"]);
        if first.code != 0 {
            let code = first.error().and_then(|error| error.get("code").cloned());
            ensure!(code == Some("no_policy".into()), "{first:?}");
            self.kms.json(&["grant", "--resume"]).success()?;
        }
        Ok(())
    }

    /// The policies of this owner on chain.
    async fn paid(&self, world: &World) -> BTreeSet<PolicyId> {
        let events = world.events().await.into_iter();
        let own = |event| match event {
            ChainEvent::PolicyCreated {
                policy_id, author, ..
            } => (author == self.account).then_some(policy_id),
            _ => None,
        };
        events.filter_map(|record| own(record.event)).collect()
    }

    async fn check(&self, world: &World, miner: &Miner) -> Result<()> {
        let paid = self.paid(world).await;
        let (number, runs) = (paid.len(), self.runs);
        ensure!(
            u64::try_from(number)? <= runs,
            "{number} policies of {runs} grants"
        );
        let lost = self.told.difference(&paid).next();
        ensure!(
            lost.is_none(),
            "a policy was told that nobody paid: {lost:?}"
        );
        for policy in paid {
            let status = miner.node.status(policy).await;
            let kfrag = status.kfrag;
            ensure!(
                kfrag == KfragState::Stored,
                "policy {policy} is paid, its kfrag {kfrag:?}"
            );
        }
        let listed = self.kms.json(&["tx", "list"]).success()?.stdout;
        ensure!(
            !listed.contains("\"open\""),
            "transactions are open: {listed}"
        );
        Ok(())
    }
}
