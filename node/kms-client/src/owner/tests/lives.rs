//! What comes after a grant: revocations, lists, renewals.

use kms_protocol::{Amount, Period};

use super::*;
use crate::journal::GrantState;
use crate::progress::Silent;
use crate::testkit::{Habit, PayMode, World, label};

#[tokio::test]
async fn a_revocation_waits_for_refusals_and_keeps_their_words() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    assert_eq!(
        world
            .owner()
            .policy_of(&label("films/demo"), &card(&world), &world.keys)
            .await
            .unwrap(),
        policy
    );
    world
        .nodes
        .iter()
        .for_each(crate::testkit::TestNode::revoke);
    let report = revoke(&world.owner(), policy, world.spend()).await.unwrap();
    assert_eq!(report.refund, Some(Amount(5)));
    assert_eq!((report.refusing.len(), report.erased.len()), (3, 3));
    assert!(report.pending.is_empty() && report.tx_hash.is_some());
    assert_eq!(only_grant(&world).state, GrantState::Revoked);
    let again = revoke(&world.owner(), policy, world.spend()).await.unwrap();
    assert_eq!((again.tx_hash, again.refusing.len()), (None, 3));
    assert_eq!(world.chain.kinds(), ["create_policy", "revoke_policy"]);
    assert_eq!(
        world.owner().policies().await.unwrap()[0].standing,
        Standing::Revoked
    );
}

fn card(world: &World) -> String {
    world.spec(1, 1).card.to_string()
}

#[tokio::test]
async fn a_node_that_goes_on_serving_is_named() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.nodes[0].revoke();
    world.nodes[1].set(Habit::Hangs);
    let report = revoke(&world.hasty_owner(), policy, world.spend())
        .await
        .unwrap();
    assert_eq!(report.refusing.len(), 1);
    assert_eq!(codes(&report.pending), ["timeout", "still_serving"]);
}

#[tokio::test]
async fn refuses_to_revoke_what_is_over_unknown_or_not_ours() {
    let world = World::new(1).await;
    let policy = world.granted(1, 1).await;
    let unknown = PolicyId(B256([3; 32]));
    let refused = revoke(&world.owner(), unknown, world.spend()).await;
    assert!(matches!(refused, Err(Error::NoPolicy { .. })));
    let stranger = crate::testkit::FakePay::new(crate::testkit::address(9), &world.chain);
    let spend = Spend {
        lock: &world.lock,
        pay: &stranger,
    };
    let refused = revoke(&world.owner(), policy, spend).await;
    assert!(matches!(refused, Err(Error::NotAuthor { .. })));
    world.chain.advance(100_000);
    let refused = revoke(&world.owner(), policy, world.spend()).await;
    assert!(matches!(refused, Err(Error::PolicyExpired { .. })));
}

#[tokio::test]
async fn a_restored_home_finds_policies_and_names_again() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let journals = world.home.path().join("journal");
    let journal = journals.join(world.home.config().network_id());
    std::fs::remove_dir_all(&journal).unwrap();
    std::fs::create_dir(&journal).unwrap();
    let mut nameless = world.owner().policies().await.unwrap();
    world.owner().name(&mut nameless, &world.keys).unwrap();
    assert_eq!(
        (nameless[0].policy, nameless[0].label.clone()),
        (policy, None)
    );
    world
        .home
        .add_card(&world.lock, &world.spec(1, 1).card)
        .unwrap();
    let mut named = world.owner().policies().await.unwrap();
    world.owner().name(&mut named, &world.keys).unwrap();
    assert_eq!(named[0].label, Some(label("films/demo")));
    assert_eq!(named[0].reader.as_deref(), Some("bob"));
    world
        .nodes
        .iter()
        .for_each(crate::testkit::TestNode::revoke);
    assert!(revoke(&world.owner(), policy, world.spend()).await.is_ok());
}

#[tokio::test]
async fn a_policy_shows_which_nodes_are_well() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.nodes[1].set(Habit::Garbage);
    let detail = world.owner().policy(policy).await.unwrap();
    assert_eq!(detail.healthy(), 2);
    assert_eq!(detail.miners[1].failure.as_ref().unwrap().code, "bad_reply");
    assert_eq!(detail.refundable, Amount(3));
}

#[tokio::test]
async fn a_renewal_pays_for_the_new_periods_only() {
    let world = World::new(1).await;
    let policy = world.granted(1, 1).await;
    let last = world
        .chain
        .policy_state(policy)
        .await
        .unwrap()
        .unwrap()
        .effective_last;
    let none = Extension {
        span: Span::Periods(0),
        max_fee: FeeLimit::AsQuoted,
        unwilling: Unwilling::Refuse,
    };
    let refused = renew(&world, policy, none).await;
    assert!(matches!(refused, Err(Error::SpecInvalid { .. })));
    let dear = Extension {
        span: Span::Periods(5),
        max_fee: FeeLimit::AtMost(Amount(4_999)),
        unwilling: Unwilling::Refuse,
    };
    let refused = renew(&world, policy, dear).await;
    assert!(matches!(refused, Err(Error::FeeAboveMax { .. })));
    let clock = world.chain.state().params.clock;
    for (span, field) in [
        (Span::Seconds(0), "periods"),
        (Span::Until(clock.end_of(last).unwrap()), "until"),
        (Span::Until(0), "until"),
    ] {
        let max_fee = FeeLimit::AsQuoted;
        let refused = renew(
            &world,
            policy,
            Extension {
                span,
                max_fee,
                unwilling: Unwilling::Refuse,
            },
        )
        .await;
        let Err(Error::SpecInvalid { field: named, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(named, field);
    }
    let good = Extension {
        span: Span::Periods(5),
        max_fee: FeeLimit::AtMost(Amount(5_000)),
        unwilling: Unwilling::Refuse,
    };
    let report = renew(&world, policy, good).await.unwrap();
    assert_eq!(
        (report.last_period, report.price),
        (Period(last.0 + 5), Some(Amount(5_000)))
    );
    let calls = world.chain.kinds();
    assert_eq!(calls, ["create_policy", "extend_policy"]);
}

#[tokio::test]
async fn a_renewal_killed_while_mined_is_not_paid_twice() {
    for settled_by_another in [false, true] {
        check_killed_renewal(settled_by_another).await;
    }
}

async fn check_killed_renewal(settled_by_another: bool) {
    let world = World::new(1).await;
    let policy = world.granted(1, 1).await;
    let before = world
        .chain
        .policy_state(policy)
        .await
        .unwrap()
        .unwrap()
        .effective_last;
    let more = Extension {
        span: Span::Periods(5),
        max_fee: FeeLimit::AsQuoted,
        unwilling: Unwilling::Refuse,
    };
    world.pay.set(PayMode::DiesAfterSending);
    let created = world.owner().find(policy).await.unwrap();
    let last_period = Period(before.0 + 5);
    let call = kms_chain::Call::ExtendPolicyViaTransfer {
        price: Amount(5 * created.terms.rate.0),
        terms: created.terms,
        last_period,
        without: Vec::new(),
    };
    world.pay.send(&call, &Silent).await.unwrap_err();
    world.pay.set(PayMode::Mined);
    if settled_by_another {
        let staker = crate::staker::Staker::new(&world.chain, world.pay.address());
        let other = staker.set_min_rate(Amount(1));
        let sent = other.carry_out(&world.chain, &world.pay, &Silent).await;
        assert_eq!(sent.unwrap().len(), 1);
    }
    let report = renew(&world, policy, more).await.unwrap();
    assert_eq!(report.last_period, last_period);
    let mut kinds = world.chain.kinds();
    kinds.retain(|kind| *kind != "set_min_rate");
    assert_eq!(kinds, ["create_policy", "extend_policy"]);
}
