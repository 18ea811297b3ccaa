//! Every mode of a faulty provider, for a node that has no other and for one that has: nothing that
//! cannot be undone happens, the node tells what is wrong or serves on, and recovers by itself.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kms_chain::Call;
use kms_kit::faults::{Fault, FaultProxy};
use kms_kit::node::Place;
use kms_kit::wait::until;
use kms_kit::world::grant::Grant;
use kms_kit::world::{Miner, World};
use kms_protocol::messages::KfragState;

use super::bounds::{Bounds, block_on};
use super::report::Figures;
use crate::say;

/// How long a fault lasts.
const FAULT: Duration = Duration::from_secs(12);
/// The same for who waits.
const SHORT_FAULT: Duration = Duration::from_secs(4);
/// Time between two blocks of the chain.
const BLOCK: Duration = Duration::from_millis(500);
const HEAD: [&str; 2] = [
    "| fault | endpoints | told as, after | served during the fault | ready again after |",
    "|---|---|---|---|---|",
];

/// A node with a fragment, behind a proxy.
struct Behind {
    proxy: FaultProxy,
    miner: Miner,
    grant: Grant,
    endpoints: u8,
}

/// What was seen of a node during a fault.
#[derive(Default)]
struct Seen {
    told: Option<(String, Duration)>,
    asked: u32,
    served: u32,
}

pub(super) fn run(bounds: &mut Bounds) -> Result<Figures> {
    block_on(async {
        let world = World::new().await;
        let nodes = [
            Behind::new(&world, "alone", 1).await?,
            Behind::new(&world, "beside", 2).await?,
        ];
        let mut rows = HEAD.map(str::to_owned).to_vec();
        let (mut modes, length) = match bounds.quick {
            true => (vec!["times=100000000", "error", "no-logs"], SHORT_FAULT),
            false => ([&Fault::BAD[..], &Fault::POOR[..]].concat(), FAULT),
        };
        modes.truncate(usize::try_from(bounds.count).unwrap_or(usize::MAX));
        let mut done = 0;
        for mode in modes {
            if !bounds.allow(done) {
                break;
            }
            let [alone, beside] = &nodes;
            let (alone, beside) = tokio::join!(
                alone.endure(&world, mode, length),
                beside.endure(&world, mode, length)
            );
            for (row, endpoints) in [(alone, "one endpoint"), (beside, "two endpoints")] {
                rows.push(row.with_context(|| format!("{mode}, {endpoints}"))?);
            }
            done += 1;
            say::line(&format!("{mode}: ok"));
        }
        let done = format!(
            "{done} modes of a faulty provider, {} s each, for a node that has no other and for a \
             node with a second, honest one, blocks every {} ms. No kfrag was erased, no \
             transaction sent that had no effect, and each node recovered by itself.",
            length.as_secs(),
            BLOCK.as_millis()
        );
        Ok(Figures::new(done, rows))
    })
}

impl Behind {
    async fn new(world: &World, name: &str, endpoints: u8) -> Result<Self> {
        let proxy = FaultProxy::start(&world.rpc_url).await;
        // A view that is a little older than usual is too old already.
        let settings = ["max_view_age_ms=3000"];
        let miner = world
            .stopped_miner_with(name, &Place::free(), &settings)
            .await;
        let urls = match endpoints {
            1 => proxy.url.clone(),
            _ => format!("{},{}", proxy.url, world.rpc_url),
        };
        miner.node.reach_chain_by(&urls);
        world.at_work(&miner).await;
        let grant = Grant::prepare(world, &[miner.address()], 1).await;
        grant.complete(world, std::slice::from_ref(&miner)).await;
        Ok(Self {
            proxy,
            miner,
            grant,
            endpoints,
        })
    }

    /// The row of one fault.
    async fn endure(&self, world: &World, mode: &str, length: Duration) -> Result<String> {
        let node = &self.miner.node;
        self.recovered(world).await;
        self.proxy.set(mode).await;
        let seen = self.watch(world, length).await?;
        self.proxy.set("none").await;
        let begun = Instant::now();
        self.recovered(world).await;
        let recovery = begun.elapsed();
        let status = node.status(self.grant.id()).await;
        ensure!(
            status.kfrag == KfragState::Stored,
            "the kfrag is {:?}",
            status.kfrag
        );
        node.decides(world.head().await.number).await;
        let (sent, effects) = world.sent_by(&self.miner).await;
        ensure!(sent == effects, "{sent} transactions, {effects} effects");
        let Seen {
            told,
            asked,
            served,
        } = seen;
        ensure!(
            told.is_some() || served == asked,
            "it did not serve, nor say why"
        );
        let told = told.map_or("-".to_owned(), |(check, after)| {
            format!("`{check}`, {:.1} s", after.as_secs_f32())
        });
        Ok(format!(
            "| `{mode}` | {} | {told} | {served} of {asked} | {:.1} s |",
            self.endpoints,
            recovery.as_secs_f32()
        ))
    }

    /// Waits until the node is ready, and serves as of the newest block.
    async fn recovered(&self, world: &World) {
        until("the node to recover", async || {
            world.mine(1).await;
            let ready = self.miner.node.is_ready().await;
            (ready && self.serves(world).await).then_some(())
        })
        .await;
    }

    async fn serves(&self, world: &World) -> bool {
        self.grant.ask(world, &self.miner).await.is_ok()
    }

    async fn watch(&self, world: &World, length: Duration) -> Result<Seen> {
        // Something of the miner's to leave out.
        let other = Grant::prepare(world, &[self.miner.address()], 1).await;
        let (terms, memo) = (other.terms.clone(), Vec::new());
        let pay = Call::CreatePolicyViaTransfer { terms, memo };
        world.send(&other.sponsor, pay).await;
        let (begun, mut seen) = (Instant::now(), Seen::default());
        while begun.elapsed() < length {
            world.mine(1).await;
            tokio::time::sleep(BLOCK).await;
            seen.asked += 1;
            seen.served += u32::from(self.serves(world).await);
            if seen.told.is_none() {
                let complaints = self.miner.node.complaints().await;
                let first = complaints.into_iter().next();
                seen.told = first.map(|(check, _)| (check, begun.elapsed()));
            }
        }
        ensure!(!self.miner.node.has_ended(), "the node ended");
        Ok(seen)
    }
}
