//! What must not cost twice, and must not be lost: grants whose payment an earlier run, a
//! reorganisation or a lagging endpoint leaves in doubt; the same grant asked for again.

use kms_chain::ChainError;
use kms_protocol::Period;

use super::*;
use crate::journal::GrantState;
use crate::testkit::world::lease;
use crate::testkit::{Habit, PayMode, TestNode, World, address, label};
use kms_core::card::Card;
use kms_core::keys::{OwnerKeys, ReaderKey, Seed};

/// A grant that is paid, with a miner that has not stored its kfrag.
async fn undelivered() -> (World, PolicyId) {
    let world = World::new(3).await;
    world.nodes[1].set(Habit::Refuses(kms_protocol::Refusal::KfragInvalid));
    let policy = grant(&world, &world.owner()).await.unwrap().policy;
    assert_eq!(only_grant(&world).state, GrantState::Paid);
    world.nodes[1].set(Habit::Honest);
    (world, policy)
}

/// A grant that is written down and was never sent.
async fn unsent() -> (World, PolicyId) {
    let world = World::new(3).await;
    world.pay.set(PayMode::Unreachable);
    grant(&world, &world.owner()).await.unwrap_err();
    world.pay.set(PayMode::Mined);
    let policy = only_grant(&world).policy;
    (world, policy)
}

async fn resume(world: &World, policy: PolicyId) -> Result<GrantReport> {
    let owner = world.owner();
    owner
        .resume(policy, &world.keys, world.spend(), &Silent)
        .await
}

/// Takes the newest block away, with the policy that it made.
fn reorganise(world: &World) {
    world.chain.drop_blocks(1);
    world.chain.state().policies.clear();
    world.chain.mine_many(2);
}

/// The home has seen blocks that the endpoint has not.
fn lag(world: &World) {
    let mut grant = only_grant(world);
    grant.seen_block = world.chain.height() + 1;
    world.home.journal().put(&grant).unwrap();
    world.chain.state().policies.clear();
}

fn payments(world: &World) -> usize {
    world.chain.effects("create_policy")
}

#[tokio::test]
async fn a_grant_that_recorded_its_payment_leaves_no_result() {
    let (world, policy) = undelivered().await;
    assert_eq!(world.pay.untold(), 0);
    assert_eq!(resume(&world, policy).await.unwrap().delivered.len(), 3);

    let world = World::new(3).await;
    world.pay.set(PayMode::DiesAfterSending);
    grant(&world, &world.owner()).await.unwrap_err();
    world.pay.set(PayMode::Mined);
    let policy = only_grant(&world).policy;
    resume(&world, policy).await.unwrap();
    assert_eq!((world.pay.untold(), payments(&world)), (0, 1));
}

#[tokio::test]
async fn a_grant_that_a_reorganisation_took_back_is_paid_for_again() {
    let (world, policy) = undelivered().await;
    reorganise(&world);
    let refused = grant(&world, &world.owner()).await.unwrap_err();
    assert_eq!(refused.policy(), Some(policy));
    assert_eq!(refused.code(), "grant_unfinished");
    assert_eq!(only_grant(&world).state, GrantState::Dropped);
    let resumed = resume(&world, policy).await.unwrap();
    assert_eq!((resumed.policy, resumed.delivered.len()), (policy, 3));
    assert_eq!(only_grant(&world).state, GrantState::Delivered);
    assert!(world.chain.policy_state(policy).await.unwrap().is_some());
}

#[tokio::test]
async fn one_that_the_chain_took_again_by_itself_is_not_paid_for() {
    let (world, policy) = undelivered().await;
    let mut taken = only_grant(&world);
    taken.dropped();
    world.home.journal().put(&taken).unwrap();
    let before = payments(&world);
    resume(&world, policy).await.unwrap();
    assert_eq!(payments(&world), before);
    assert_eq!(only_grant(&world).state, GrantState::Delivered);
}

#[tokio::test]
async fn one_that_is_too_late_to_pay_for_is_forgotten_and_one_that_is_there_is_not() {
    for (reason, kept) in [("PolicyPeriodsInvalid", 0), ("PolicyExists", 1)] {
        let (world, policy) = undelivered().await;
        reorganise(&world);
        world.chain.state().refuse = Some(("create_policy", reason));
        let refused = resume(&world, policy).await.unwrap_err();
        assert_eq!(refused.code(), "tx_reverted");
        let left = world.home.journal().list().unwrap();
        assert_eq!(left.len(), kept, "{reason}");
    }
}

#[tokio::test]
async fn an_endpoint_that_lags_takes_no_payment_back() {
    let (world, policy) = undelivered().await;
    lag(&world);
    let before = payments(&world);
    // The nodes know better than the endpoint.
    assert_eq!(resume(&world, policy).await.unwrap().delivered.len(), 3);
    assert_eq!(payments(&world), before);
}

#[tokio::test]
async fn an_endpoint_that_lags_makes_no_grant_forgotten() {
    let (world, policy) = unsent().await;
    lag(&world);
    let refused = grant(&world, &world.owner()).await.unwrap_err();
    assert_eq!(refused.code(), "grant_unfinished");
    let refused = resume(&world, policy).await.unwrap_err();
    assert_eq!(refused.code(), "chain_behind");
    assert_eq!(only_grant(&world).policy, policy);
    assert_eq!(payments(&world), 0);
    world.chain.mine_many(2);
    let refused = resume(&world, policy).await.unwrap_err();
    assert_eq!(refused.code(), "no_policy");
    assert!(world.home.journal().list().unwrap().is_empty());
}

/// Grants to a reader unless it has a grant in force.
async fn grant_once(world: &World, to: &ReaderKey, of: &str) -> Result<GrantReport> {
    let owner = world.owner();
    let spec = GrantSpec {
        card: Card::make("bob", to).unwrap(),
        label: label(of),
        repeat: Repeat::Refuse,
        ..world.spec(2, 3)
    };
    let quote = owner.quote(&spec).await.unwrap();
    owner
        .grant(quote, &world.keys, world.spend(), &Silent)
        .await
}

#[tokio::test]
async fn the_same_grant_is_refused_with_the_policy_until_a_second_one_is_asked_for() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let refused = grant_once(&world, &world.bob[0], "films/demo").await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "already_granted");
    assert_eq!(refused.policy(), Some(policy));
    assert_eq!(payments(&world), 1);
    grant(&world, &world.owner()).await.unwrap();
    assert_eq!(payments(&world), 2);
}

#[tokio::test]
async fn a_grant_that_is_over_stands_in_no_ones_way() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.nodes.iter().for_each(TestNode::revoke);
    revoke(&world.owner(), policy, world.spend()).await.unwrap();
    grant_once(&world, &world.bob[0], "films/demo")
        .await
        .unwrap();
    let newest = world.chain.state().policies.len() - 1;
    world.chain.state().policies[newest].state.effective_last = Period(1);
    grant_once(&world, &world.bob[0], "films/demo")
        .await
        .unwrap();
    assert_eq!(payments(&world), 3);
}

#[tokio::test]
async fn another_reader_and_another_label_are_other_grants() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let carol = ReaderKey::random().unwrap();
    grant_once(&world, &carol, "films/demo").await.unwrap();
    let name = label("films/other");
    world
        .home
        .add_label(&world.lock, &world.keys, &name)
        .unwrap();
    grant_once(&world, &world.bob[0], "films/other")
        .await
        .unwrap();
    assert_eq!(payments(&world), 3);
}

#[tokio::test]
async fn a_rehearsal_tells_a_label_of_another_seed_and_a_grant_that_is_there() {
    let world = World::new(3).await;
    let owner = world.owner();
    let spec = GrantSpec {
        repeat: Repeat::Refuse,
        ..world.spec(2, 3)
    };
    let quote = owner.quote(&spec).await.unwrap();
    owner.check_grant(&quote, &world.keys).await.unwrap();
    let other = OwnerKeys::from_seed(&Seed::from_bytes(&[8; 32]).unwrap()).unwrap();
    let refused = owner.check_grant(&quote, &other).await.unwrap_err();
    assert_eq!(refused.code(), "label_exists");
    let policy = world.granted(2, 3).await;
    let refused = owner.check_grant(&quote, &world.keys).await.unwrap_err();
    assert_eq!(refused.policy(), Some(policy));
    assert_eq!(payments(&world), 1);
}

/// What a revocation of label and reader concerns.
async fn to_end(world: &World) -> Result<Vec<PolicyId>> {
    let card = world.spec(1, 1).card.to_string();
    let owner = world.owner();
    owner
        .policies_to_end(&label("films/demo"), &card, &world.keys)
        .await
}

#[tokio::test]
async fn label_and_reader_end_all_of_the_pair() {
    let world = World::new(1).await;
    assert_eq!(to_end(&world).await.unwrap_err().code(), "no_policy");
    world.chain.state().leases.insert(address(1), lease(20));
    let both = vec![world.granted(1, 1).await, world.granted(1, 1).await];
    assert_eq!(to_end(&world).await.unwrap(), both);
    // A run was killed after its first transaction, before any receipt.
    world.chain.state().policy(both[0]).unwrap().state.revoked = true;
    let mut rest = to_end(&world).await.unwrap();
    rest.sort_unstable();
    let mut all = both.clone();
    all.sort_unstable();
    assert_eq!(rest, all, "the receipts of the first are missing");

    world.nodes.iter().for_each(TestNode::revoke);
    let owner = world.owner();
    let plan = owner.plan_revocation(&all, Scope::Policy).await.unwrap();
    owner.revoke(&plan, world.spend(), &Silent).await.unwrap();
    // Nothing is left to do: the same command says what was done.
    assert_eq!(to_end(&world).await.unwrap(), both);
    let newest = world.granted(1, 1).await;
    assert_eq!(to_end(&world).await.unwrap(), [newest]);
    world.chain.advance(100_000);
    assert_eq!(to_end(&world).await.unwrap_err().code(), "no_policy");
}

#[tokio::test]
async fn a_payment_that_the_chain_refused_is_no_doubt() {
    let world = World::new(3).await;
    world.chain.state().refuse = Some(("create_policy", "PolicyPaused"));
    let refused = grant(&world, &world.owner()).await.unwrap_err();
    assert!(matches!(refused, Error::Chain(ChainError::Reverted { .. })));
    assert!(world.home.journal().list().unwrap().is_empty());
}

#[tokio::test]
async fn a_grant_that_ended_before_all_was_delivered_stands_in_no_ones_way() {
    let (world, policy) = undelivered().await;
    let owner = world.owner();
    let quote = owner.quote(&world.spec(2, 3)).await.unwrap();
    let refused = owner.check_grant(&quote, &world.keys).await.unwrap_err();
    assert_eq!(refused.code(), "grant_unfinished");
    let end = |world: &World| {
        world
            .chain
            .state()
            .policy(policy)
            .unwrap()
            .state
            .effective_last = Period(1);
    };
    end(&world);
    owner.check_grant(&quote, &world.keys).await.unwrap();
    assert_eq!(only_grant(&world).state, GrantState::Paid, "it only looks");
    let uploads = world.nodes[1].uploads();
    for _ in 0..2 {
        let refused = resume(&world, policy).await.unwrap_err();
        assert_eq!(refused.code(), "policy_expired");
    }
    assert_eq!(world.nodes[1].uploads(), uploads);
    assert_eq!(only_grant(&world).state, GrantState::Delivered);
    grant_once(&world, &world.bob[0], "films/demo")
        .await
        .unwrap();
    assert_eq!(payments(&world), 2);
}

#[tokio::test]
async fn an_endpoint_whose_search_lags_lets_nothing_be_paid_twice() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.chain.state().unindexed = true;
    let refused = grant_once(&world, &world.bob[0], "films/demo").await;
    assert_eq!(refused.unwrap_err().policy(), Some(policy));
    assert_eq!(payments(&world), 1);
    let second = grant(&world, &world.owner()).await.unwrap().policy;
    let journal = world.home.journal();
    let number = |policy| journal.get(policy).unwrap().unwrap().number;
    assert_eq!((number(policy), number(second)), (0, 1));
    // What is over by its state is in nobody's way, whatever the search finds.
    for policy in &mut world.chain.state().policies {
        policy.state.effective_last = Period(1);
    }
    let third = grant_once(&world, &world.bob[0], "films/demo").await;
    assert_eq!(number(third.unwrap().policy), 2);
}
