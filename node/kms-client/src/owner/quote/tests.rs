use proptest::prelude::*;

use super::*;
use crate::owner::Span;
use crate::testkit::world::lease;
use crate::testkit::{World, label};

fn codes(nodes: &[NodeFailure]) -> Vec<&str> {
    nodes.iter().map(|node| node.code.as_str()).collect()
}

async fn refused(world: &World, spec: &GrantSpec) -> Error {
    world.owner().quote(spec).await.unwrap_err()
}

#[tokio::test]
async fn refuses_numbers_that_cannot_be() {
    let world = World::new(2).await;
    let good = world.spec(2, 2);
    let with = |change: fn(&mut GrantSpec)| {
        let mut spec = good.clone();
        change(&mut spec);
        spec
    };
    let cases = [
        (with(|s| s.shares = 0), "shares"),
        (with(|s| s.shares = 33), "shares"),
        (with(|s| s.threshold = 0), "threshold"),
        (with(|s| s.threshold = 3), "threshold"),
        (with(|s| s.span = Span::Periods(0)), "periods"),
        (with(|s| s.rate = Rate::Offer(Amount::ZERO)), "rate"),
        (
            with(|s| s.selection = Selection::Miners(vec![Address([1; 20])])),
            "shares",
        ),
        (
            with(|s| s.selection = Selection::Miners(vec![Address([1; 20]); 2])),
            "shares",
        ),
    ];
    for (spec, expected) in cases {
        let error = refused(&world, &spec).await;
        assert!(
            matches!(error, Error::SpecInvalid { field, .. } if field == expected),
            "{error}"
        );
    }
    let unknown = with(|s| s.label = label("other"));
    assert!(matches!(
        refused(&world, &unknown).await,
        Error::LabelUnknown { .. }
    ));
}

#[tokio::test]
async fn sets_aside_each_miner_that_cannot_serve() {
    let world = World::new(9).await;
    {
        let mut state = world.chain.state();
        state.miners[0].worker = None;
        state.miners[1].url = String::new();
        state.miners[2].url = "http://user@x.org".to_owned();
        state.miners[3].url = "ftp://x.org".to_owned();
        state.miners[4].position.locked = Amount::from_kms(99).unwrap();
        state.miners[5].position.lock_periods = 39;
        state.miners[6].position.unlock_period = Some(Period(50));
        state.leases.insert(Address([8; 20]), lease(9));
        state.miners[8].suspended = true;
    }
    let error = refused(&world, &world.spec(1, 1)).await;
    assert!(matches!(
        error,
        Error::NotEnoughMiners {
            need: 1,
            usable: 0,
            ..
        }
    ));
    assert_eq!(
        codes(error.nodes()),
        [
            "worker_missing",
            "url_refused",
            "url_refused",
            "url_refused",
            "stake_missing",
            "lock_too_short",
            "lock_too_short",
            "inactive",
            "suspended",
        ]
    );
    assert_eq!(error.code(), "not_enough_miners");
}

#[tokio::test]
async fn refuses_a_rate_that_too_few_accept() {
    let world = World::new(3).await;
    let mut spec = world.spec(2, 3);
    spec.rate = Rate::Offer(Amount(2_000));
    let error = refused(&world, &spec).await;
    assert!(matches!(
        error,
        Error::NotEnoughMiners {
            need: 3,
            usable: 2,
            ..
        }
    ));
    assert_eq!(codes(error.nodes()), ["rate_too_low"]);
}

#[tokio::test]
async fn refuses_a_price_above_the_limit() {
    let world = World::new(3).await;
    let mut spec = world.spec(2, 3);
    spec.max_fee = FeeLimit::AtMost(Amount(269_999));
    let error = refused(&world, &spec).await;
    assert!(
        matches!(
            error,
            Error::FeeAboveMax {
                price: Amount(270_000),
                ..
            }
        ),
        "{error}"
    );
    spec.max_fee = FeeLimit::AtMost(Amount(270_000));
    assert!(world.owner().quote(&spec).await.is_ok());
}

#[tokio::test]
async fn the_market_rate_leaves_the_dearest_half_out() {
    let world = World::new(8).await;
    let quote = world.owner().quote(&world.spec(2, 3)).await.unwrap();
    assert_eq!(quote.rate, Amount(4_000));
    assert_eq!(quote.set_aside.len(), 4);
    assert!(
        quote
            .miners
            .iter()
            .all(|miner| miner.min_rate <= quote.rate)
    );
    assert_eq!(quote.price, Amount(4_000 * 3 * 30));
    let all = world.owner().quote(&world.spec(2, 8)).await.unwrap();
    assert_eq!(all.rate, Amount(8_000));
}

#[tokio::test]
async fn a_free_network_still_costs_something() {
    let world = World::new(1).await;
    world.chain.state().miners[0].min_rate = Amount::ZERO;
    let quote = world.owner().quote(&world.spec(1, 1)).await.unwrap();
    assert_eq!(quote.rate, Amount(1));
}

#[tokio::test]
async fn named_miners_are_taken_whole_or_refused() {
    let world = World::new(4).await;
    let mut spec = world.spec(2, 2);
    spec.selection = Selection::Miners(vec![Address([4; 20]), Address([2; 20])]);
    let quote = world.owner().quote(&spec).await.unwrap();
    let miners: Vec<_> = quote.miners.iter().map(|miner| miner.miner).collect();
    assert_eq!(miners, [Address([2; 20]), Address([4; 20])]);
    assert_eq!(quote.rate, Amount(4_000));
    world.chain.state().miners[3].worker = None;
    assert!(matches!(
        refused(&world, &spec).await,
        Error::NotEnoughMiners { usable: 1, .. }
    ));
}

#[tokio::test]
async fn one_seed_and_chain_give_one_quote() {
    let world = World::new(8).await;
    let mut spec = world.spec(2, 3);
    spec.rate = Rate::Offer(Amount::KMS);
    let mut drawn = std::collections::BTreeSet::new();
    for byte in 0..24 {
        spec.selection = Selection::Stake { seed: [byte; 32] };
        let one = world.owner().quote(&spec).await.unwrap();
        world.chain.state().miners.reverse();
        let two = world.owner().quote(&spec).await.unwrap();
        assert_eq!(one.miners, two.miners);
        assert!(one.miners.is_sorted_by(|a, b| a.miner < b.miner));
        drawn.extend(one.miners.iter().map(|miner| miner.miner));
    }
    assert_eq!(drawn.len(), 8);
}

proptest! {
    #[test]
    fn the_price_is_rate_times_miners_times_periods(
        rate in 0u128..1 << 96,
        miners in 1usize..=32,
        first in 1u32..1_000,
        more in 0u32..1_000,
    ) {
        let (first, last) = (Period(first), Period(first + more));
        let schedule = Schedule { first, last, starts_at: 0, expires_at: 0 };
        let expected = rate * u128::try_from(miners).unwrap() * u128::from(more + 1);
        prop_assert_eq!(price_of(Amount(rate), miners, schedule).unwrap(), Amount(expected));
    }
}
