use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use kms_protocol::{Amount, B256, Wei, keccak256};
use proptest::prelude::*;

use super::{ChainRead, Cursor, HEAD_ZONE, HEADERS_KEPT, Next, Step, next_step};
use crate::contracts::events::{ChainEvent, EventRecord};
use crate::error::ChainError;
use crate::test_support::address;
use crate::types::BlockHeader;

mod flips;

const START: u64 = 3;

/// A chain in memory, whose blocks hold `events` events each. Any of the last blocks can change.
#[derive(Default)]
struct Fake {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Canonical blocks from 0 on, with the number of their events.
    blocks: Vec<(BlockHeader, u64)>,
    salt: u64,
    calls: usize,
    /// Reorganise by so many blocks just before this call.
    interrupt: Option<(usize, u64)>,
}

impl State {
    fn push(&mut self, events: u64) {
        let number = u64::try_from(self.blocks.len()).unwrap();
        let parent = self
            .blocks
            .last()
            .map_or(B256::ZERO, |(header, _)| header.hash);
        self.salt += 1;
        let hash = keccak256(format!("{number} {parent} {}", self.salt).as_bytes());
        let header = BlockHeader {
            number,
            hash,
            parent,
            timestamp: 100 + number,
            base_fee: Wei(1),
        };
        self.blocks.push((header, events));
    }

    fn reorg(&mut self, depth: u64, length: u64, events: u64) {
        let kept = self
            .blocks
            .len()
            .saturating_sub(usize::try_from(depth).unwrap())
            .max(1);
        self.blocks.truncate(kept);
        for index in 0..length {
            self.push((events + index) % 3);
        }
    }

    fn events_of(&self, header: &BlockHeader, count: u64) -> Vec<EventRecord> {
        if header.number < START {
            return Vec::new();
        }
        let event = |index: u64| EventRecord {
            block_number: header.number,
            block_hash: header.hash,
            tx_hash: keccak256(&header.hash.0),
            log_index: index,
            event: ChainEvent::MinRatePosted {
                seq: index,
                miner: address(1),
                min_rate: Amount(u128::from(header.number)),
            },
        };
        (0..count).map(event).collect()
    }
}

impl Fake {
    fn with_blocks(count: u64) -> Self {
        let fake = Self::default();
        for number in 0..count {
            fake.state.lock().unwrap().push(number % 3);
        }
        fake
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A call: may be the one before which the chain changes.
    fn call(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.calls += 1;
        if let Some((call, depth)) = state.interrupt
            && state.calls >= call
        {
            state.interrupt = None;
            state.reorg(depth, depth + 1, 1);
        }
        state
    }

    /// Every event of the canonical chain: what a follower must hold in the end.
    fn replay(&self) -> Vec<EventRecord> {
        let state = self.state();
        let blocks = state.blocks.iter();
        let events = blocks.flat_map(|(header, count)| state.events_of(header, *count));
        events.collect()
    }
}

impl ChainRead for Fake {
    fn start_block(&self) -> u64 {
        START
    }

    async fn head(&self) -> Result<BlockHeader, ChainError> {
        Ok(self.call().blocks.last().unwrap().0)
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, ChainError> {
        let state = self.call();
        Ok(state
            .blocks
            .get(usize::try_from(number).unwrap())
            .map(|(header, _)| *header))
    }

    async fn events_in_range(&self, from: u64, to: u64) -> Result<Vec<EventRecord>, ChainError> {
        let state = self.call();
        let blocks = state.blocks.iter();
        let inside = blocks.filter(|(header, _)| (from..=to).contains(&header.number));
        Ok(inside
            .flat_map(|(header, count)| state.events_of(header, *count))
            .collect())
    }

    async fn events_in_block(&self, hash: B256) -> Result<Vec<EventRecord>, ChainError> {
        let state = self.call();
        // As some nodes do, a block that is gone has no logs rather than an error.
        let block = state.blocks.iter().find(|(header, _)| header.hash == hash);
        Ok(block
            .map(|(header, count)| state.events_of(header, *count))
            .unwrap_or_default())
    }

    fn is_void(&self, _: B256) -> bool {
        false
    }
}

/// What a consumer keeps, by the rules of `Step`.
#[derive(Default)]
struct Follower {
    cursor: Cursor,
    events: BTreeMap<(u64, u64), EventRecord>,
    resets: usize,
}

impl Follower {
    async fn catch_up(&mut self, chain: &Fake) {
        loop {
            match next_step(chain, &self.cursor).await {
                Ok(Next::Step(step)) => self.take(step),
                Ok(Next::UpToDate | Next::Behind) => return,
                Err(ChainError::ChainMoved) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn take(&mut self, step: Step) {
        self.cursor.advance(&step);
        match step {
            Step::Reset => {
                self.resets += 1;
                self.events.clear();
            }
            Step::Revert { to } => {
                assert_eq!(self.cursor.tip(), Some(&to));
                self.events.retain(|(number, _), _| *number <= to.number);
            }
            Step::Apply {
                headers, events, ..
            } => {
                assert_eq!(self.cursor.tip(), headers.last());
                for event in events {
                    let before = self
                        .events
                        .insert((event.block_number, event.log_index), event);
                    assert!(before.is_none(), "applied twice");
                }
            }
        }
    }

    fn held(&self) -> Vec<EventRecord> {
        self.events.values().cloned().collect()
    }

    async fn check(&mut self, chain: &Fake) {
        self.catch_up(chain).await;
        assert_eq!(self.held(), chain.replay());
        assert_eq!(
            *self.cursor.tip().unwrap(),
            chain.state().blocks.last().unwrap().0
        );
        assert!(self.cursor.headers.len() <= usize::from(HEADERS_KEPT));
        assert!(self.cursor.headers.is_sorted_by(|a, b| a.number < b.number));
    }
}

#[tokio::test]
async fn has_nothing_to_do_below_the_first_block_and_at_the_head() {
    let chain = Fake::with_blocks(START);
    let below = next_step(&chain, &Cursor::default()).await.unwrap();
    assert_eq!(below, Next::Behind);
    chain.state().push(1);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    let at_the_head = next_step(&chain, &follower.cursor).await.unwrap();
    assert_eq!(at_the_head, Next::UpToDate);
}

#[tokio::test]
async fn reads_ranges_far_behind_and_single_blocks_near_the_head() {
    let chain = Fake::with_blocks(5_000);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    // Three ranges and the head zone in sixteens, a handful of calls each.
    let calls = chain.state().calls;
    assert!(calls < 3 * 5 + 64 * 2 + 4 * 6, "{calls}");
    assert!(follower.cursor.headers.len() as u64 >= HEAD_ZONE);
}

#[tokio::test]
async fn costs_three_calls_when_one_block_comes() {
    let chain = Fake::with_blocks(50);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    chain.state().push(2);
    let before = chain.state().calls;
    let next = next_step(&chain, &follower.cursor).await.unwrap();
    assert!(matches!(next, Next::Step(_)), "{next:?}");
    assert_eq!(chain.state().calls - before, 3);
}

#[tokio::test]
async fn waits_for_an_endpoint_that_lags_without_contradiction() {
    let chain = Fake::with_blocks(100);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    let full = chain.state().blocks.clone();
    chain.state().blocks.truncate(90);
    let behind = next_step(&chain, &follower.cursor).await.unwrap();
    assert_eq!(behind, Next::Behind);
    chain.state().blocks = full;
    follower.check(&chain).await;
    assert_eq!(follower.resets, 0);
}

#[tokio::test]
async fn reverts_to_the_common_ancestor_even_when_the_new_chain_is_shorter() {
    let chain = Fake::with_blocks(100);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    chain.state().reorg(10, 4, 1);
    match next_step(&chain, &follower.cursor).await.unwrap() {
        Next::Step(Step::Revert { to }) => assert_eq!(to.number, 89),
        other => panic!("{other:?}"),
    }
    follower.check(&chain).await;
}

#[tokio::test]
async fn starts_over_when_nothing_it_holds_is_canonical() {
    let chain = Fake::with_blocks(600);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    chain.state().reorg(590, 700, 1);
    follower.check(&chain).await;
    assert_eq!(follower.resets, 1);
}

#[tokio::test]
async fn a_cursor_that_was_stored_goes_on_where_it_was() {
    let chain = Fake::with_blocks(200);
    let mut follower = Follower::default();
    for _ in 0..3 {
        let Next::Step(step) = next_step(&chain, &follower.cursor).await.unwrap() else {
            panic!("there are 200 blocks");
        };
        follower.take(step);
    }
    follower.cursor = Cursor {
        headers: follower.cursor.headers.clone(),
    };
    follower.check(&chain).await;
}

#[tokio::test]
async fn times_that_were_shown_wrong_are_undone() {
    let chain = Fake::with_blocks(80);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    let shift = |blocks: &mut Vec<(BlockHeader, u64)>, seconds: i64| {
        for (header, _) in blocks.iter_mut().skip(70) {
            header.timestamp = header.timestamp.saturating_add_signed(seconds);
        }
    };
    shift(&mut chain.state().blocks, 86_400);
    chain.state().push(1);
    chain.state().blocks[80].0.timestamp += 86_400;
    follower.check(&chain).await;
    shift(&mut chain.state().blocks, -86_400);
    follower.check(&chain).await;
    let tip = *follower.cursor.tip().unwrap();
    assert_eq!(tip.timestamp, 180);
}

#[tokio::test]
async fn a_block_older_than_its_parent_is_not_taken() {
    let chain = Fake::with_blocks(80);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    chain.state().push(1);
    chain.state().blocks[80].0.timestamp = 5;
    let refused = next_step(&chain, &follower.cursor).await;
    assert!(
        matches!(refused, Err(ChainError::BadReply { .. })),
        "{refused:?}"
    );
}

#[derive(Debug, Clone)]
enum Change {
    Grow(u64),
    Reorg { depth: u64, length: u64 },
    Interrupt { after: usize, depth: u64 },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (1..120_u64).prop_map(Change::Grow),
        (1..=64_u64, 0..80_u64).prop_map(|(depth, length)| Change::Reorg { depth, length }),
        (1..40_usize, 1..=64_u64).prop_map(|(after, depth)| Change::Interrupt { after, depth }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// N07: whatever happens, also between two calls of one step, the state is a fresh replay.
    #[test]
    fn state_is_a_fresh_replay(changes in proptest::collection::vec(change(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let chain = Fake::with_blocks(80);
            let mut follower = Follower::default();
            follower.check(&chain).await;
            for change in changes {
                match change {
                    Change::Grow(count) => {
                        (0..count).for_each(|index| chain.state().push(index % 3));
                    }
                    Change::Reorg { depth, length } => chain.state().reorg(depth, length, depth),
                    Change::Interrupt { after, depth } => {
                        let mut state = chain.state();
                        (0..30).for_each(|index| state.push(index % 2));
                        state.interrupt = Some((state.calls + after, depth));
                    }
                }
                follower.catch_up(&chain).await;
                chain.state().interrupt = None;
                // A shorter chain without contradiction is waited out: let it overtake.
                let tip = follower.cursor.tip().map_or(0, |tip| tip.number);
                while chain.state().blocks.len() as u64 <= tip + 1 {
                    chain.state().push(1);
                }
                follower.check(&chain).await;
            }
        });
    }
}
