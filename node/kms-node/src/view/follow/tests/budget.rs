//! What an idle node asks of its provider, on a chain of 12 s blocks that come at uneven moments.

use kms_protocol::PeriodClock;

use super::*;

/// Requests that a node may make in a day, and the blocks of one.
const DAILY: u64 = 30_000;
const DAY_BLOCKS: u64 = 7_200;
/// Blocks until the node is at rest, and blocks that are watched.
const WARM_UP: u64 = 40;
const WATCHED: u64 = 600;

/// When a block reaches the endpoint: up to 2.5 s after its time.
fn arrival(block: u64) -> Duration {
    Duration::from_millis(block * 12_000 + block * 7_919 % 2_500)
}

#[tokio::test]
async fn an_idle_node_stays_within_its_budget_and_sees_blocks_soon() {
    let world = World::new().set("poll_interval_ms", "0");
    let genesis = world.chain.state().params.clock.genesis_time;
    world.chain.state().params.clock = PeriodClock::new(genesis, 86_400).unwrap();
    world.chain.queue_stake();
    let mut running = world.start().await;
    let (mut now, mut arrived, mut delay) = (Duration::ZERO, 0, Duration::ZERO);
    while arrived < WARM_UP + WATCHED {
        let before = running.follower.indexer.head();
        let pause = running.follower.look(now).await.unwrap();
        if running.follower.indexer.head() > before && arrived > WARM_UP {
            delay += now.saturating_sub(arrival(arrived));
        }
        // However often the duties are looked at, they ask for nothing.
        for _ in 0..4 {
            let Some(snapshot) = running.node.snapshot() else {
                break;
            };
            running.sender.tick(&snapshot).await.unwrap();
            running.sweeper.sweep(&snapshot).await.unwrap();
        }
        now += pause;
        while arrival(arrived + 1) <= now {
            arrived += 1;
            world.chain.advance(12);
            if arrived == WARM_UP {
                assert_eq!(world.chain.effects("confirm_activity"), 1);
                world.chain.state().requests = 0;
            }
        }
    }
    let requests = world.chain.state().requests;
    let daily = requests * DAY_BLOCKS / WATCHED;
    assert!(daily <= DAILY, "{daily} requests a day");
    let mean = delay / u32::try_from(WATCHED).unwrap();
    assert!(mean <= Duration::from_secs(2), "{mean:?} behind");
    println!("{daily} requests a day, {mean:?} behind");
}
