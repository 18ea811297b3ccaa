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
        unwilling: Unwilling::Refuse,
    };
    let renewed = renew(&world, policy, more).await;
    assert_eq!(renewed.unwrap().price, Some(Amount(rate.0 * 2 * 5)));
    world.dismiss(policy, address(3));
    let refused = renew(&world, policy, more).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "arrangements_revoked");
    assert_eq!(refused.policy(), Some(policy));
}

/// A miner raised its rate: once, the plan said fine and the run left an allowance behind.
#[tokio::test]
async fn a_renewal_names_who_asks_for_more_and_goes_on_without_it() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let terms = world.owner().find(policy).await.unwrap().terms;
    let mut more = Extension {
        span: Span::Periods(5),
        max_fee: FeeLimit::AsQuoted,
        unwilling: Unwilling::Refuse,
    };
    let raised = Amount(terms.rate.0 + 1);
    raise(&world, &[(2, raised)]);
    let refused = renew(&world, policy, more).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.policy()),
        ("renewal_refused", Some(policy))
    );
    let [named] = refused.nodes() else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (named.miner, named.code.as_str()),
        (address(2), "rate_too_low")
    );
    let (asks, pays) = (raised.to_string(), terms.rate.to_string());
    assert!(
        named.detail.contains(&asks) && named.detail.contains(&pays),
        "{named}"
    );
    assert_eq!(world.chain.kinds(), ["create_policy"]);

    more.unwilling = Unwilling::LeaveOut;
    let plan = world.owner().plan_renewal(policy, more).await.unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.aim().left_out().len(), 1);
    let report = renew(&world, policy, more).await.unwrap();
    assert_eq!(report.left_out, [address(2)]);
    assert_eq!(report.price, Some(Amount(terms.rate.0 * 2 * 5)));
    let gone = world.chain.revoked_miners(&terms).await.unwrap();
    assert_eq!(gone, [address(2)]);
    assert_eq!(world.chain.kinds(), ["create_policy", "extend_policy"]);
}

#[tokio::test]
async fn a_renewal_does_not_go_on_with_too_few() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let rate = world.owner().find(policy).await.unwrap().terms.rate;
    raise(&world, &[(1, Amount(rate.0 + 1)), (3, Amount(rate.0 * 2))]);
    world.chain.state().miners[1].position.lock_periods = 0;
    for unwilling in [Unwilling::LeaveOut, Unwilling::Refuse] {
        let more = Extension {
            span: Span::Periods(5),
            max_fee: FeeLimit::AsQuoted,
            unwilling,
        };
        let refused = renew(&world, policy, more).await.unwrap_err();
        assert_eq!(refused.code(), "renewal_refused");
        let codes: Vec<_> = refused
            .nodes()
            .iter()
            .map(|node| node.code.as_str())
            .collect();
        assert_eq!(codes, ["rate_too_low", "lock_too_short", "rate_too_low"]);
    }
    assert_eq!(world.chain.kinds(), ["create_policy"]);
}

fn raise(world: &World, rates: &[(u8, Amount)]) {
    let mut state = world.chain.state();
    for (number, rate) in rates {
        let info = state
            .miners
            .iter_mut()
            .find(|info| info.miner == address(*number));
        info.unwrap().min_rate = *rate;
    }
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
