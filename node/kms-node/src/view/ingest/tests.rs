use kms_chain::{ChainEvent, Next, next_step};
use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, Amount, Period, Terms};
use proptest::prelude::*;

use super::*;
use crate::testkit::chain::{FakeChain, Parties, params};
use crate::testkit::grant::Grant;
use crate::testkit::{MINER, World, domain};

const ASKED: Parties = Parties {
    miner: MINER,
    requester: Address([3; 20]),
};

/// One move of the chain.
#[derive(Debug, Clone)]
enum Move {
    Create(usize),
    Extend(usize, u32),
    Revoke(usize, u32),
    /// This miner's arrangement alone is revoked.
    Dismiss(usize, u32),
    Suspend(u32),
    Slash,
    Collect(usize, u32),
    Challenge(usize, u64),
    EndChallenge(usize),
    Foreign,
    Stake,
    Lease(u32),
    Mine(u64),
    Reorg(usize),
    /// The follower catches up.
    Follow,
    /// The node stops and starts.
    Restart,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..4_usize).prop_map(Move::Create),
        (0..4_usize, 1..30_u32).prop_map(|(policy, last)| Move::Extend(policy, last)),
        (0..4_usize, 0..30_u32).prop_map(|(policy, last)| Move::Revoke(policy, last)),
        (0..4_usize, 0..30_u32).prop_map(|(policy, last)| Move::Dismiss(policy, last)),
        (0..4_usize, 1..30_u32).prop_map(|(policy, through)| Move::Collect(policy, through)),
        (1..30_u32).prop_map(Move::Suspend),
        Just(Move::Slash),
        (0..4_usize, 1..1_000_u64).prop_map(|(policy, end)| Move::Challenge(policy, end)),
        (0..4_usize).prop_map(Move::EndChallenge),
        Just(Move::Foreign),
        Just(Move::Stake),
        (1..30_u32).prop_map(Move::Lease),
        (1..4_u64).prop_map(Move::Mine),
        (1..80_u64).prop_map(Move::Mine),
        (1..20_usize).prop_map(Move::Reorg),
        Just(Move::Follow),
        Just(Move::Follow),
        Just(Move::Restart),
    ];
    prop::collection::vec(one, 1..40)
}

struct Scene {
    chain: FakeChain,
    terms: Vec<Terms>,
    foreign: Terms,
}

impl Scene {
    fn id(&self, index: usize) -> PolicyId {
        self.terms[index].id(domain().chain_id, &domain().contract)
    }

    fn play(&self, step: &Move) {
        let chain = &self.chain;
        match *step {
            Move::Create(index) => {
                // The contract takes each set of terms once.
                let mut terms = self.terms[index].clone();
                terms.salt.0[0] ^= 1;
                chain.queue_policy(&terms);
                chain.queue_policy(&self.terms[index]);
            }
            Move::Extend(index, last) => chain.queue(ChainEvent::PolicyExtended {
                seq: 0,
                policy_id: self.id(index),
                last_period: Period(last),
                payer: MINER,
            }),
            Move::Revoke(index, last) => chain.queue(ChainEvent::PolicyRevoked {
                seq: 0,
                policy_id: self.id(index),
                effective_last: Period(last),
                refund: Amount(1),
            }),
            Move::Dismiss(index, last) => chain.queue(ChainEvent::ArrangementRevoked {
                seq: 0,
                policy_id: self.id(index),
                miner: MINER,
                effective_last: Period(last),
                refund: Amount(1),
            }),
            Move::Suspend(through) => chain.queue(ChainEvent::MinerSuspended {
                miner: MINER,
                end_period: Period(through.saturating_sub(2)),
                through_period: Period(through),
            }),
            Move::Slash => chain.queue(slashed(MINER)),
            Move::Collect(index, through) => chain.queue(ChainEvent::FeesCollected {
                policy_id: self.id(index),
                miner: MINER,
                through_period: Period(through),
                amount: Amount(1),
            }),
            Move::Challenge(index, deadline) => {
                let capsule = CapsuleBytes::from([7; 98]);
                chain.queue_challenge(&self.terms[index], ASKED, deadline, capsule);
            }
            Move::EndChallenge(index) => chain.queue(lapsed(self.id(index))),
            Move::Foreign => chain.queue_policy(&self.foreign),
            Move::Stake => chain.queue_stake(),
            Move::Lease(through) => chain.queue(ChainEvent::ActivityConfirmed {
                miner: MINER,
                from_period: Period(1),
                through_period: Period(through),
                weight: Amount(1),
                locked: Amount(1),
            }),
            Move::Mine(count) => chain.mine_many(count),
            Move::Reorg(depth) => {
                let height = usize::try_from(chain.height()).unwrap();
                chain.drop_blocks(depth.min(height));
                chain.mine();
            }
            Move::Follow | Move::Restart => {}
        }
    }
}

fn lapsed(policy_id: PolicyId) -> ChainEvent {
    ChainEvent::ChallengeClosed {
        policy_id,
        miner: MINER,
        challenger: Address([3; 20]),
        outcome: 2,
        penalty: Amount(0),
        reward: Amount(0),
        fee: Amount(0),
        to_sponsor: Amount(0),
    }
}

fn slashed(miner: Address) -> ChainEvent {
    ChainEvent::Slashed {
        seq: 0,
        miner,
        penalty: Amount(10),
        challenger: Address([0xcc; 20]),
        reward: Amount(1),
        locked: Amount(90),
        unbonding: Amount(0),
    }
}

async fn indexer(world: &World) -> (Indexer, watch::Receiver<Option<Arc<Snapshot>>>) {
    let (publisher, snapshots) = watch::channel(None);
    let scope = Scope {
        miner: MINER,
        domain: domain(),
    };
    let store = world.store().await;
    let mut indexer = Indexer::empty(store, scope, params().clock, 2, publisher);
    indexer.reload().await.unwrap();
    (indexer, snapshots)
}

async fn follow(indexer: &mut Indexer, chain: &FakeChain) {
    while let Next::Step(step) = next_step(chain, indexer.cursor()).await.unwrap() {
        match indexer.take(step).await {
            Ok(_) => {}
            // A policy created twice, which the contract forbids and the moves do not.
            Err(error) => panic!("{error}"),
        }
    }
    indexer.publish();
}

/// Second creations and revocations are left out: the contract refuses them.
fn legal(script: &[Move]) -> Vec<Move> {
    let mut created = [false; 4];
    let mut revoked = [false; 4];
    let mut dismissed = [false; 4];
    let keep = |step: &&Move| match **step {
        Move::Create(index) => !std::mem::replace(&mut created[index], true),
        Move::Revoke(index, _) => !std::mem::replace(&mut revoked[index], true),
        Move::Dismiss(index, _) => {
            !revoked[index] && !std::mem::replace(&mut dismissed[index], true)
        }
        _ => true,
    };
    script.iter().filter(keep).cloned().collect()
}

async fn check(script: Vec<Move>) {
    let world = World::new();
    let mut foreign = Grant::new(1, 50).terms.clone();
    foreign.miners = vec![Address([0xbb; 20])];
    let terms = (0..4).map(|_| Grant::new(1, 20).terms.clone()).collect();
    let scene = Scene {
        chain: world.chain.clone(),
        terms,
        foreign,
    };
    let (mut live, mut snapshots) = indexer(&world).await;
    for step in legal(&script) {
        scene.play(&step);
        match step {
            Move::Follow => follow(&mut live, &scene.chain).await,
            Move::Restart => (live, snapshots) = indexer(&world).await,
            _ => {}
        }
    }
    scene.chain.mine();
    follow(&mut live, &scene.chain).await;
    let fresh_world = World::new();
    let (mut fresh, fresh_snapshots) = indexer(&fresh_world).await;
    follow(&mut fresh, &scene.chain).await;
    let live = snapshots.borrow().clone().unwrap();
    let fresh = fresh_snapshots.borrow().clone().unwrap();
    assert_eq!(*live, *fresh);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_was_undone_the_index_equals_a_fresh_one(script in moves()) {
        tokio::runtime::Runtime::new().unwrap().block_on(check(script));
    }
}

#[tokio::test]
async fn terms_that_no_node_can_serve_are_not_indexed_and_stop_nothing() {
    let world = World::new();
    let mut broken = Grant::new(1, 20).terms.clone();
    broken.verifier = Address::ZERO;
    world.chain.queue_policy(&broken);
    let mut honest = Grant::new(1, 20).terms.clone();
    honest.salt.0[0] ^= 1;
    world.chain.queue_policy(&honest);
    world.chain.mine();
    let (mut live, snapshots) = indexer(&world).await;
    follow(&mut live, &world.chain).await;
    let snapshot = snapshots.borrow().clone().unwrap();
    assert_eq!(snapshot.policies.len(), 1);
    drop(live);
    let (again, _) = indexer(&world).await;
    assert_eq!(again.index.policies.len(), 1, "the database reads back");
}

#[tokio::test]
async fn events_of_other_miners_leave_no_row() {
    let world = World::new();
    let mut foreign = Grant::new(1, 20).terms.clone();
    foreign.miners = vec![Address([0xbb; 20])];
    world.chain.queue_policy(&foreign);
    let policy_id = foreign.id(domain().chain_id, &domain().contract);
    let (last_period, payer) = (Period(30), MINER);
    world.chain.queue(ChainEvent::PolicyExtended {
        seq: 0,
        policy_id,
        last_period,
        payer,
    });
    world.chain.mine();
    let (mut live, _snapshots) = indexer(&world).await;
    follow(&mut live, &world.chain).await;
    assert!(live.index.policies.is_empty());
    assert_eq!(
        live.store.last_seq("policies").await.unwrap(),
        2,
        "but both were counted"
    );
}

async fn snapshot_of(world: &World) -> Arc<Snapshot> {
    world.chain.mine();
    let (mut live, snapshots) = indexer(world).await;
    follow(&mut live, &world.chain).await;
    snapshots.borrow().clone().unwrap()
}

fn arrangement_revoked(policy_id: PolicyId, miner: Address, last: u32) -> ChainEvent {
    ChainEvent::ArrangementRevoked {
        seq: 0,
        policy_id,
        miner,
        effective_last: Period(last),
        refund: Amount(1),
    }
}

#[tokio::test]
async fn a_revoked_arrangement_ends_the_policy_for_this_miner_and_no_other() {
    let world = World::new();
    let terms = Grant::new(1, 20).terms.clone();
    let id = terms.id(domain().chain_id, &domain().contract);
    world.chain.queue_policy(&terms);
    world
        .chain
        .queue(arrangement_revoked(id, Address([0xbb; 20]), 3));
    let snapshot = snapshot_of(&world).await;
    assert_eq!(snapshot.policy(&id).unwrap().revocation, None);
    world.chain.queue(arrangement_revoked(id, MINER, 5));
    let snapshot = snapshot_of(&world).await;
    let policy = snapshot.policy(&id).unwrap();
    assert_eq!(policy.revocation.map(|(_, last)| last), Some(Period(5)));
    assert_eq!(policy.last_paid(), Period(5));
}

#[tokio::test]
async fn neither_an_extension_nor_the_policys_end_revives_a_revoked_arrangement() {
    let world = World::new();
    let terms = Grant::new(1, 20).terms.clone();
    let policy_id = terms.id(domain().chain_id, &domain().contract);
    world.chain.queue_policy(&terms);
    world.chain.queue(arrangement_revoked(policy_id, MINER, 5));
    let (last_period, payer) = (Period(30), MINER);
    world.chain.queue(ChainEvent::PolicyExtended {
        seq: 0,
        policy_id,
        last_period,
        payer,
    });
    world.chain.mine();
    world.chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id,
        effective_last: Period(25),
        refund: Amount(1),
    });
    let live = snapshot_of(&world).await;
    assert_eq!(live.policy(&policy_id).unwrap().last_paid(), Period(5));
    let (again, _) = indexer(&world).await;
    assert_eq!(again.index.policies[&policy_id].last_paid(), Period(5));
}

#[tokio::test]
async fn a_conviction_lowers_the_stake_and_bars_confirmations() {
    let world = World::new();
    world.chain.queue_stake();
    world.chain.queue(slashed(Address([0xbb; 20])));
    let before = snapshot_of(&world).await;
    assert!(before.miner.locked > Amount(90));
    world.chain.queue(slashed(MINER));
    world.chain.queue(ChainEvent::MinerSuspended {
        miner: MINER,
        end_period: Period(37),
        through_period: Period(40),
    });
    let after = snapshot_of(&world).await;
    assert_eq!(after.miner.locked, Amount(90));
    assert_eq!(after.miner.suspended_through, Period(40));
}

#[tokio::test]
async fn a_restaked_reward_does_not_end_a_wind_down_and_a_deposit_does() {
    let world = World::new();
    world.chain.queue_stake();
    let deposit = |payer| ChainEvent::Deposited {
        miner: MINER,
        payer,
        amount: Amount(5),
        locked: Amount(105),
        lock_periods: 10,
    };
    world.chain.queue(ChainEvent::WindDownSet {
        miner: MINER,
        unlock_period: Some(Period(30)),
    });
    world.chain.queue(deposit(Address([0xbb; 20])));
    let snapshot = snapshot_of(&world).await;
    let miner = &snapshot.miner;
    assert_eq!(
        (miner.unlock_period, miner.locked),
        (Period(30), Amount(105))
    );
    world.chain.queue(deposit(MINER));
    let snapshot = snapshot_of(&world).await;
    assert_eq!(snapshot.miner.unlock_period, Period::NEVER);
}
