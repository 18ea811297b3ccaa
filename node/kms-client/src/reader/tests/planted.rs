//! Policies that a stranger plants between owner and reader: none is asked for anything, hides the
//! owner's or delays it, and the owner's own are found whatever their number.

use kms_chain::Call;
use kms_protocol::{Address, PairKey, Period, PolicyId, keccak256};

use super::*;
use crate::ports::PolicyFilter;
use crate::testkit::TestNode;
use crate::testkit::world::LABEL;

fn pair(world: &World) -> PairKey {
    let label = world
        .keys
        .delegating(&crate::testkit::label(LABEL))
        .unwrap();
    PairKey::of_owner(&label, &world.bob[0].receiving_key()).unwrap()
}

async fn terms_of(world: &World, policy: PolicyId) -> Terms {
    let filter = PolicyFilter::Id(policy);
    let mut found = world.chain.policies(filter).await.unwrap();
    found.remove(0).terms
}

fn plant(world: &World, terms: Terms) {
    let memo = Vec::new();
    let call = Call::CreatePolicyViaTransfer { terms, memo };
    world.chain.send(&call).unwrap();
}

/// The miner that the policy does not name, and its node, which hangs whoever asks it.
fn stranger<'a>(world: &'a World, terms: &Terms) -> (Address, &'a TestNode) {
    let miners = (1..=3).map(|byte| Address([byte; 20]));
    let numbered = miners.zip(&world.nodes);
    let mut others = numbered.filter(|(miner, _)| !terms.includes(miner));
    let (miner, node) = others.next().unwrap();
    node.set(Habit::Hangs);
    (miner, node)
}

/// Plants 33 newer one-miner policies, then reads in the time that one read takes.
async fn check_planted(keys_hash: fn(&World, &Terms) -> B256) {
    let world = World::new(3).await;
    let policy = world.granted(2, 2).await;
    let (capsule, secret) = world.capsule();
    let own = terms_of(&world, policy).await;
    let (miner, node) = stranger(&world, &own);
    for number in 0..33_u8 {
        let planted = Terms {
            author: Address([0x66; 20]),
            sponsor: Address([0x66; 20]),
            keys_hash: keys_hash(&world, &own),
            threshold: 1,
            salt: B256([number; 32]),
            miners: vec![miner],
            ..own.clone()
        };
        plant(&world, planted);
    }
    let read = world.read(&world.reader(), &capsule).await;
    assert_eq!(read.unwrap().expose(), secret.expose());
    assert_eq!(
        (node.infos(), node.uploads()),
        (0, 0),
        "the stranger's node"
    );
}

#[tokio::test]
async fn copies_of_the_look_up_value_neither_hide_nor_delay_the_owners() {
    check_planted(|_, own| own.keys_hash).await;
}

#[tokio::test]
async fn the_hash_of_both_public_keys_finds_nobody() {
    check_planted(|world, own| {
        let label = crate::testkit::label(LABEL);
        let label = world.keys.label_key(&label).unwrap().to_bytes();
        let reader = world.bob[0].receiving_key().to_bytes();
        let public = keccak256(&[label, reader].concat());
        assert_ne!(own.keys_hash, public, "anybody could look the grant up");
        public
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_the_owners_terms_with_other_miners_is_not_asked() {
    let world = World::new(3).await;
    let policy = world.granted(2, 2).await;
    let (capsule, secret) = world.capsule();
    let own = terms_of(&world, policy).await;
    let (miner, node) = stranger(&world, &own);
    let copy = Terms {
        miners: vec![miner],
        threshold: 1,
        ..own
    };
    plant(&world, copy);
    let read = world.read(&world.reader(), &capsule).await;
    assert_eq!(read.unwrap().expose(), secret.expose());
    assert_eq!(node.infos(), 0);
}

#[tokio::test]
async fn only_planted_policies_are_no_policy() {
    let world = World::new(1).await;
    let policy = world.granted(1, 1).await;
    let (capsule, _) = world.capsule();
    let own = terms_of(&world, policy).await;
    let planted = Terms {
        salt: B256([9; 32]),
        ..own
    };
    world.chain.state().policies.clear();
    plant(&world, planted);
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(error.code(), "no_policy");
}

#[tokio::test]
async fn grants_of_one_pair_share_no_look_up_value_and_the_newest_opens() {
    let world = World::new(1).await;
    let mut hashes = Vec::new();
    for number in 0..2 {
        let policy = world.granted(1, 1).await;
        let terms = terms_of(&world, policy).await;
        assert_eq!(terms.keys_hash, pair(&world).keys_hash(number));
        assert!(!hashes.contains(&terms.keys_hash));
        hashes.push(terms.keys_hash);
        let mut state = world.chain.state();
        state.policy(policy).unwrap().state.revoked = number < 1;
    }
    let (capsule, secret) = world.capsule();
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
}

#[tokio::test]
async fn a_grant_beyond_the_first_windows_is_found() {
    let world = World::new(1).await;
    let first = world.granted(1, 1).await;
    let own = terms_of(&world, first).await;
    let (pair, domain) = (pair(&world), kms_kit::chain::domain());
    for number in 1..32 {
        let over = Terms {
            keys_hash: pair.keys_hash(number),
            first_period: Period(1),
            last_period: Period(2),
            ..own.clone()
        };
        plant(&world, pair.tagged(over, domain.chain_id, &domain.contract));
    }
    world.chain.state().policy(first).unwrap().state.revoked = true;
    let policy = world.granted(1, 1).await;
    let newest = terms_of(&world, policy).await;
    assert_eq!(newest.keys_hash, pair.keys_hash(32));
    let (capsule, secret) = world.capsule();
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
}

#[tokio::test]
async fn a_search_that_is_not_answered_ends_with_the_reads_time() {
    let world = World::new(1).await;
    world.granted(1, 1).await;
    let (capsule, _) = world.capsule();
    world.chain.state().stalled = true;
    let error = world.read(&world.reader_within(100), &capsule).await;
    assert_eq!(error.unwrap_err().code(), "search_timeout");
}
