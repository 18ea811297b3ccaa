//! A home that was lost and made again from its seed: the same list, and every verb goes on.

use kms_protocol::pair::PairKey;
use kms_protocol::{B256, Terms};
use tempfile::TempDir;

use super::*;
use crate::home::{Home, HomeLock};
use crate::journal::{Grant, GrantState};
use crate::testkit::world::{LABEL, lease};
use crate::testkit::{Habit, TestNode, address, home_at, label};
use kms_core::keys::{OwnerKeys, Seed};

/// Another machine: a home made of the same seed, which knows nothing.
struct Elsewhere {
    home: Home,
    lock: HomeLock,
    _dir: TempDir,
}

impl Elsewhere {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = home_at(&dir.path().join("alice"));
        let lock = home.lock().unwrap();
        Self {
            home,
            lock,
            _dir: dir,
        }
    }

    fn owner<'a>(&'a self, world: &'a World) -> Owner<'a> {
        let limits = world.owner().limits;
        Owner::new(&self.home, &world.chain, &world.http).with_limits(limits)
    }

    fn spend<'a>(&'a self, world: &'a World) -> Spend<'a> {
        Spend {
            lock: &self.lock,
            pay: &world.pay,
        }
    }

    async fn rebuild(&self, world: &World) -> Rebuilt {
        let owner = self.owner(world);
        owner.rebuild(&world.keys, &self.lock).await.unwrap()
    }

    fn grant(&self, policy: PolicyId) -> Grant {
        self.home.journal().get(policy).unwrap().unwrap()
    }
}

fn rebuilt(labels: usize, grants: usize, unknown: usize) -> Rebuilt {
    Rebuilt {
        labels,
        grants,
        unknown,
    }
}

/// Puts a policy on the chain that nobody of this world granted.
fn plant(world: &World, terms: Terms, memo: Vec<u8>) -> PolicyId {
    let domain = kms_kit::chain::domain();
    let id = terms.id(domain.chain_id, &domain.contract);
    world.chain.state().policies.push(kms_kit::chain::Policy {
        id,
        state: kms_chain::PolicyState {
            revoked: false,
            effective_last: terms.last_period,
            refunded_through: None,
        },
        terms,
        memo,
        dismissed: Vec::new(),
        block_number: 100,
    });
    id
}

async fn created(world: &World, policy: PolicyId) -> crate::ports::CreatedPolicy {
    let mut found = world
        .chain
        .policies(PolicyFilter::Id(policy))
        .await
        .unwrap();
    found.remove(0)
}

#[tokio::test]
async fn the_list_is_the_lost_one_with_every_name() {
    let world = World::new(3).await;
    for miner in 1..=3 {
        let long = lease(40);
        world.chain.state().leases.insert(address(miner), long);
    }
    let revoked = world.granted(2, 3).await;
    world.nodes.iter().for_each(TestNode::revoke);
    revoke(&world.owner(), revoked, world.spend())
        .await
        .unwrap();
    world.granted(2, 3).await;
    let partly = world.granted(1, 3).await;
    end(
        &world.hasty_owner(),
        partly,
        Scope::Arrangement(address(2)),
        world.spend(),
    )
    .await
    .unwrap();

    let elsewhere = Elsewhere::new();
    let nameless = elsewhere.owner(&world).policies().await.unwrap();
    assert!(nameless.iter().all(|report| report.label.is_none()));
    assert_eq!(elsewhere.rebuild(&world).await, rebuilt(1, 3, 0));
    let mut lost = world.owner().policies().await.unwrap();
    let mut found = elsewhere.owner(&world).policies().await.unwrap();
    assert_eq!(lost.len(), 3);
    // The nodes of this world refuse every policy, so that none says that it holds a kfrag.
    for report in lost.iter_mut().chain(&mut found) {
        report.grant = report.grant.filter(|state| *state == GrantState::Revoked);
    }
    assert_eq!(found, lost);
    assert!(found.iter().all(|r| r.reader.as_deref() == Some("bob")));
    // Nothing is left to bring back, and nothing is changed.
    assert_eq!(elsewhere.rebuild(&world).await, rebuilt(0, 0, 0));
    assert_eq!(
        elsewhere.owner(&world).policies().await.unwrap()[2],
        lost[2]
    );
}

#[tokio::test]
async fn what_every_node_holds_is_delivered_and_the_rest_is_delivered_again() {
    let world = World::new(3).await;
    let held = world.granted(2, 3).await;
    // For good, so that no upload is under way any more when the node changes its mind.
    world.nodes[1].set(Habit::Refuses(kms_protocol::Refusal::KfragInvalid));
    let report = grant(&world, &world.owner()).await.unwrap();
    let open = report.policy;

    let elsewhere = Elsewhere::new();
    // The node is still away.
    world.nodes[1].set(Habit::Honest);
    elsewhere.rebuild(&world).await;
    assert_eq!(elsewhere.grant(held).state, GrantState::Delivered);
    assert_eq!(elsewhere.grant(open).state, GrantState::Paid);
    let lost = world.owner().policies().await.unwrap();
    assert_eq!(elsewhere.owner(&world).policies().await.unwrap(), lost);

    let before = world.nodes[0].uploaded(open);
    let owner = elsewhere.owner(&world);
    let resumed = owner
        .resume(open, &world.keys, elsewhere.spend(&world), &Silent)
        .await
        .unwrap();
    assert_eq!(
        resumed.delivered.len(),
        3,
        "who holds one acknowledges again"
    );
    let after = world.nodes[0].uploaded(open);
    assert_eq!(before.kfrag.hash(), after.kfrag.hash());
    assert_eq!(before.commitments, after.commitments);
    world.chain.advance(100);
    let (capsule, secret) = world.capsule();
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
}

#[tokio::test]
async fn a_restored_home_revokes_renews_and_refunds() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let elsewhere = Elsewhere::new();
    elsewhere.rebuild(&world).await;
    let (owner, spend) = (elsewhere.owner(&world), elsewhere.spend(&world));
    let more = Extension {
        span: Span::Periods(5),
        max_fee: FeeLimit::AsQuoted,
        unwilling: Unwilling::Refuse,
    };
    let plan = owner.plan_renewal(policy, more).await.unwrap();
    owner.renew(&plan, spend, &Silent).await.unwrap();
    let plan = owner.plan_refund(policy).await.unwrap();
    owner.refund(&plan, spend, &Silent).await.unwrap();
    world.nodes.iter().for_each(TestNode::revoke);
    let revoked = revoke(&owner, policy, spend).await.unwrap();
    assert_eq!(revoked.refusing.len(), 3);
    assert_eq!(elsewhere.grant(policy).state, GrantState::Revoked);
    let kinds = world.chain.kinds();
    for kind in ["extend_policy", "refund_policy", "revoke_policy"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn a_stranger_that_repeats_the_memo_names_nothing() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let own = created(&world, policy).await;
    let other = |change: &dyn Fn(&mut Terms)| {
        let mut terms = own.terms.clone();
        terms.sponsor = address(0x66);
        change(&mut terms);
        terms
    };
    // The same author and keys: the memo opens, but the kfrags would be another's to sign.
    plant(
        &world,
        other(&|t| t.verifier = address(0x66)),
        own.memo.clone(),
    );
    // Everything the same, paid once more by a stranger: the tag does not hold.
    let repeated = other(&|t| t.salt.0[0] ^= 1);
    plant(&world, repeated, own.memo.clone());
    // And once more by the reader, who can compute the tag.
    let delegating = world.keys.delegating(&label(LABEL)).unwrap();
    let pair = PairKey::of_owner(&delegating, &world.bob[0].receiving_key()).unwrap();
    let domain = world.chain.domain();
    let by_reader = pair.tagged(other(&|_| {}), domain.chain_id, &domain.contract);
    plant(&world, by_reader, own.memo.clone());
    // Other keys: it does not open.
    plant(
        &world,
        other(&|t| t.keys_hash = B256([6; 32])),
        own.memo.clone(),
    );
    // No memo, a short one, a changed one.
    plant(&world, other(&|t| t.salt = B256([1; 32])), Vec::new());
    plant(
        &world,
        other(&|t| t.salt = B256([2; 32])),
        own.memo[..15].to_vec(),
    );
    let mut changed = own.memo.clone();
    changed[0] ^= 1;
    plant(&world, other(&|t| t.salt = B256([3; 32])), changed);

    let elsewhere = Elsewhere::new();
    assert_eq!(elsewhere.rebuild(&world).await, rebuilt(1, 1, 7));
    let listed = elsewhere.owner(&world).policies().await.unwrap();
    let named = listed.iter().filter(|report| report.label.is_some());
    assert_eq!(
        named.map(|report| report.policy).collect::<Vec<_>>(),
        [policy]
    );
}

#[tokio::test]
async fn an_endpoint_that_lies_about_terms_or_author_names_nothing() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let lies: [&dyn Fn(&mut Terms); 3] = [
        &|terms| terms.author = address(0x66),
        &|terms| terms.threshold = 1,
        &|terms| terms.rate.0 += 1,
    ];
    for lie in lies {
        let truth = created(&world, policy).await.terms;
        let mut false_terms = truth.clone();
        lie(&mut false_terms);
        world.chain.state().policy(policy).unwrap().terms = false_terms;
        let elsewhere = Elsewhere::new();
        let result = elsewhere.rebuild(&world).await;
        assert_eq!((result.labels, result.grants), (0, 0));
        assert!(elsewhere.home.journal().list().unwrap().is_empty());
        world.chain.state().policy(policy).unwrap().terms = truth;
    }
}

#[tokio::test]
async fn the_memo_of_another_seed_is_unknown_and_no_error() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let other = OwnerKeys::from_seed(&Seed::from_bytes(&[8; 32]).unwrap()).unwrap();
    let elsewhere = Elsewhere::new();
    let owner = elsewhere.owner(&world);
    let result = owner.rebuild(&other, &elsewhere.lock).await.unwrap();
    assert_eq!(result, rebuilt(0, 0, 1));
    let labels = owner
        .rebuild_labels(&world.keys, &elsewhere.lock)
        .await
        .unwrap();
    assert_eq!(labels, rebuilt(1, 0, 0));
    assert!(elsewhere.home.journal().list().unwrap().is_empty());
}

#[tokio::test]
async fn a_grant_that_the_home_knows_keeps_its_acknowledgements() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let before = only_grant(&world);
    let result = world
        .owner()
        .rebuild(&world.keys, &world.lock)
        .await
        .unwrap();
    assert_eq!(result, rebuilt(0, 0, 0));
    assert_eq!(only_grant(&world), before);
}

#[tokio::test]
async fn a_restored_home_finds_a_policy_by_label_and_reader_without_the_card() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let elsewhere = Elsewhere::new();
    elsewhere.rebuild(&world).await;
    let (owner, label) = (elsewhere.owner(&world), label("films/demo"));
    let found = owner.policy_of(&label, "bob", &world.keys).await;
    assert_eq!(found.unwrap(), policy);
    let missing = owner.policy_of(&label, "carol", &world.keys).await;
    assert_eq!(missing.unwrap_err().code(), "card_unknown");
    // Two readers of one name: neither is meant for sure.
    let mut other = elsewhere.grant(policy);
    other.policy = PolicyId(B256([7; 32]));
    other.receiving_key = world.keys.reader(1).unwrap().receiving_key();
    elsewhere.home.journal().put(&other).unwrap();
    let unsure = owner.policy_of(&label, "bob", &world.keys).await;
    assert_eq!(unsure.unwrap_err().code(), "card_unknown");
}
