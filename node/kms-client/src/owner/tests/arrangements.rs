//! One miner taken out of a grant: the transaction, the list, the renewal, the delivery.

use kms_protocol::{Address, Amount};

use super::*;
use crate::journal::GrantState;
use crate::testkit::{FakePay, Habit, TestNode, World, address};

async fn dismiss(world: &World, policy: PolicyId, miner: Address) -> Result<RevocationReport> {
    let scope = Scope::Arrangement(miner);
    end(&world.owner(), policy, scope, world.spend()).await
}

#[tokio::test]
async fn one_miner_is_dismissed_once_and_only_its_node_is_waited_for() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.nodes[1].revoke();
    let report = dismiss(&world, policy, address(2)).await.unwrap();
    assert_eq!(report.scope, Scope::Arrangement(address(2)));
    assert_eq!((report.left, report.need), (2, 2));
    assert_eq!(
        (report.refund, report.refusing),
        (Some(Amount(2)), vec![address(2)])
    );
    assert!(report.tx_hash.is_some() && report.pending.is_empty());
    assert_eq!(report.erased.len(), 1);
    let again = dismiss(&world, policy, address(2)).await.unwrap();
    assert_eq!((again.tx_hash, again.left), (None, 2));
    let calls = world.chain.kinds();
    assert_eq!(calls, ["create_policy", "revoke_arrangement"]);
}

#[tokio::test]
async fn refuses_a_miner_the_policy_does_not_name_and_accounts_that_may_not() {
    let world = World::new(2).await;
    let policy = world.granted(1, 1).await;
    let named = world.owner().find(policy).await.unwrap().terms.miners[0];
    let refused = dismiss(&world, policy, address(9)).await.unwrap_err();
    assert_eq!(refused.code(), "miner_unknown");
    let stranger = FakePay::new(address(9), &world.chain);
    let spend = Spend {
        lock: &world.lock,
        pay: &stranger,
    };
    let scope = Scope::Arrangement(named);
    let refused = end(&world.owner(), policy, scope, spend).await;
    assert!(matches!(refused, Err(Error::NotAuthor { .. })));
    world.chain.advance(100_000);
    let refused = dismiss(&world, policy, named).await;
    assert!(matches!(refused, Err(Error::PolicyExpired { .. })));
}

#[tokio::test]
async fn the_list_names_who_was_dismissed_and_who_serves_all_the_same() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.dismiss(policy, address(1));
    world.dismiss(policy, address(2));
    world.nodes[0].revoke();
    let listed = world.owner().policies().await.unwrap();
    assert_eq!(listed[0].revoked_miners, [address(1), address(2)]);
    assert_eq!(listed[0].standing, Standing::Active);
    let detail = world.owner().policy(policy).await.unwrap();
    assert_eq!(detail.healthy(), 1);
    let of: Vec<_> = detail
        .miners
        .iter()
        .map(|miner| {
            (
                miner.revoked,
                miner.failure.as_ref().map(|f| f.code.as_str()),
            )
        })
        .collect();
    let expected = [
        (true, Some("arrangement_revoked")),
        (true, Some("still_serving")),
        (false, None),
    ];
    assert_eq!(of, expected);
    world.chain.state().policy(policy).unwrap().state.revoked = true;
    let over = world.owner().policies().await.unwrap();
    assert_eq!(over[0].standing, Standing::Revoked);
    assert!(over[0].revoked_miners.is_empty(), "{:?}", over[0]);
}

#[tokio::test]
async fn a_renewal_pays_the_miners_left_and_none_when_too_few_are() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let rate = world.owner().find(policy).await.unwrap().terms.rate;
    world.dismiss(policy, address(1));
    let more = Extension {
        span: Span::Periods(5),
        max_fee: FeeLimit::AsQuoted,
    };
    let renewed = renew(&world, policy, more).await;
    assert_eq!(renewed.unwrap().price, Some(Amount(rate.0 * 2 * 5)));
    world.dismiss(policy, address(3));
    let refused = renew(&world, policy, more).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "arrangements_revoked");
    assert_eq!(refused.policy(), Some(policy));
}

#[tokio::test]
async fn a_delivery_does_not_wait_for_who_was_dismissed() {
    let world = World::new(3).await;
    world.nodes[2].set(Habit::Hangs);
    let report = grant(&world, &world.hasty_owner()).await.unwrap();
    assert_eq!(report.pending.len(), 1);
    assert_eq!(only_grant(&world).state, GrantState::Paid);
    world.nodes[2].set(Habit::Honest);
    world.nodes.iter().for_each(TestNode::revoke);
    dismiss(&world, report.policy, address(3)).await.unwrap();
    let journaled = only_grant(&world);
    assert_eq!(journaled.state, GrantState::Delivered);
    assert_eq!(journaled.delivered().len(), 2);
    assert!(journaled.undelivered().is_empty());
}
