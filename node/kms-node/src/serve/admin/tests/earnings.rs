//! The figures of money are those of the chain.

use kms_protocol::messages::Delivery;
use kms_protocol::{Amount, PolicyId};

use super::*;

fn amount(value: &Value) -> u128 {
    value.as_str().unwrap().parse::<Amount>().unwrap().0
}

fn sum(rows: &Value, of: &str) -> u128 {
    let rows = rows.as_array().unwrap().iter();
    rows.filter(|row| !row[of].is_null())
        .map(|row| amount(&row[of]))
        .sum()
}

#[tokio::test]
async fn each_period_has_the_reward_that_it_brought() {
    let mut desk = Desk::staked(15).await;
    for kms in [3, 5, 7] {
        desk.earn(kms).await;
        // The claim is sent, mined and confirmed.
        desk.live(4).await;
    }
    let page = desk.read("earnings").await;
    let rows = page["periods"].as_array().unwrap();
    let rewards: Vec<_> = rows
        .iter()
        .filter_map(|row| row["reward"].as_str())
        .collect();
    let newest = &rewards[rewards.len() - 3..];
    assert_eq!(newest, ["3 KMS", "5 KMS", "7 KMS"], "{page:#}");
    let totals = &page["totals"];
    let all = amount(&totals["claimed"]) + amount(&totals["claimable"]);
    assert_eq!(all, 15 * Amount::KMS.0);
    assert_eq!(sum(&page["periods"], "reward"), all);
    // A quarter of the weight in 1/16 of 1,000 KMS.
    assert_eq!(page["projection"]["reward"], "15.625 KMS");
    let period = desk.world.chain.period();
    assert_eq!(page["projection"]["period"], period.0);
}

#[tokio::test]
async fn periods_that_the_node_did_not_see_are_one_row() {
    let mut desk = Desk::staked(15).await;
    desk.earn(2).await;
    desk.live(4).await;
    let before = desk.world.chain.period().0;
    desk.world.chain.state().claimable.0 += 9 * Amount::KMS.0;
    desk.world.chain.mine_to_period(before + 3);
    desk.running.tick().await;
    let page = desk.read("earnings").await;
    let row = page["periods"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&row["first"], &row["last"]),
        (&before.into(), &(before + 2).into())
    );
    assert_eq!(row["reward"], "9 KMS");
}

#[tokio::test]
async fn a_claim_in_flight_is_not_counted_twice_nor_left_out() {
    let mut desk = Desk::staked(15).await;
    desk.earn(4).await;
    for _ in 0..30 {
        desk.live(1).await;
        let page = desk.read("earnings").await;
        let rewards = sum(&page["periods"], "reward");
        assert!(rewards <= 4 * Amount::KMS.0, "{page:#}");
    }
    let page = desk.read("earnings").await;
    assert_eq!(sum(&page["periods"], "reward"), 4 * Amount::KMS.0);
    assert_eq!(page["totals"]["claimed"], "4 KMS");
}

/// A node that serves a policy of periods 1 to 20, given its kfrag, and collects nothing.
async fn serving() -> (Desk, Grant) {
    let grant = Grant::new(1, 20);
    let world = World::new().set("collect_every_periods", "10000");
    world.chain.queue_stake();
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    let mut desk = Desk::new(world).await;
    desk.live(2).await;
    let accepted = upload::accept(&desk.running.node, grant.upload()).await;
    accepted.unwrap();
    (desk, grant)
}

fn due(desk: &Desk, grant: &Grant, delivery: Option<Delivery>) -> u128 {
    let of = kms_chain::Collection {
        terms: grant.terms.clone(),
        delivery,
    };
    desk.world.chain.state().collectable(&of).0
}

#[tokio::test]
async fn fees_are_what_the_contract_would_pay() {
    let (mut desk, grant) = serving().await;
    let id: PolicyId = grant.id();
    for _ in 0..3 {
        let delivery = desk.running.node.store.unproved_delivery(id).await.unwrap();
        let expected = due(&desk, &grant, delivery);
        let overview = desk.read("overview").await;
        assert_eq!(amount(&overview["collectable"]), expected);
        let row = &desk.read("policies").await["policies"][0];
        assert_eq!(amount(&row["collectable"]), expected);
        let page = desk.read("earnings").await;
        assert_eq!(amount(&page["totals"]["collectable"]), expected);
        assert_eq!(sum(&page["periods"], "fees"), expected);
        let next = desk.world.chain.period().0 + 4;
        desk.world.chain.mine_to_period(next);
        desk.running.sync().await;
    }
    assert!(due(&desk, &grant, Some(grant.upload().delivery)) > 0);
}

#[tokio::test]
async fn fees_end_with_the_policy_its_revocation_and_the_lease() {
    let (mut desk, grant) = serving().await;
    let now = desk.world.chain.period();
    desk.world.chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id: grant.id(),
        effective_last: now,
        refund: Amount::ZERO,
    });
    desk.world.chain.mine_to_period(now.0 + 5);
    desk.running.sync().await;
    let page = desk.read("earnings").await;
    assert_eq!(sum(&page["periods"], "fees"), grant.terms.rate.0);
    let row = &desk.read("policies").await["policies"][0];
    assert_eq!(row["last_paid"], now.0);
    assert_eq!(row["refusal"][0], "policy_revoked");
    assert!(row["revoked_block"].is_number());

    let (mut desk, grant) = serving().await;
    let now = desk.world.chain.period();
    desk.world.chain.queue(ChainEvent::MinerSuspended {
        miner: MINER,
        end_period: now,
        through_period: Period(now.0 + 50),
    });
    desk.world.chain.mine_to_period(now.0 + 5);
    desk.running.sync().await;
    let page = desk.read("earnings").await;
    assert_eq!(sum(&page["periods"], "fees"), grant.terms.rate.0);
    assert_eq!(desk.read("overview").await["suspended_through"], now.0 + 50);
}

#[tokio::test]
async fn a_policy_without_a_kfrag_brings_nothing() {
    let grant = Grant::new(1, 20);
    let world = World::new();
    world.chain.queue_stake();
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(30);
    let mut desk = Desk::new(world).await;
    desk.live(1).await;
    let row = &desk.read("policies").await["policies"][0];
    assert_eq!(row["id"], grant.id().to_string());
    assert_eq!(row["kfrag"], "missing");
    assert_eq!(row["serving"], false);
    assert_eq!(row["collectable"], "0 KMS");
    assert_eq!(desk.read("overview").await["policies_paid"], 1);
}

#[tokio::test]
async fn policies_come_in_pages() {
    let world = World::new();
    let grants: Vec<Grant> = (0..52).map(|_| Grant::new(1, 20)).collect();
    for grant in &grants {
        world.chain.queue_policy(&grant.terms);
        world.chain.mine();
    }
    let mut desk = Desk::new(world).await;
    desk.live(1).await;
    let page = desk.read("policies").await;
    assert_eq!(page["total"], 52);
    assert_eq!(page["policies"].as_array().unwrap().len(), 50);
    let newest = grants.last().unwrap().id().to_string();
    assert_eq!(page["policies"][0]["id"], newest);
    let next = page["next"].as_str().unwrap();
    let rest = desk.read(&format!("policies?cursor={next}")).await;
    assert_eq!(rest["policies"].as_array().unwrap().len(), 2);
    assert_eq!(rest["next"], Value::Null);
    let unknown = format!("policies?cursor=0x{}", "11".repeat(32));
    let none = desk.read(&unknown).await;
    assert_eq!(none["policies"], Value::Array(vec![]));
}
