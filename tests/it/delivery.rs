//! Fees flow from the delivery of the kfrag on: a miner that leases and never had it collects
//! nothing, one that had it late is paid from then on, and the sponsor gets the rest back.

use kms_chain::{Call, ChainEvent, Collection, MinerFees};
use kms_kit::node::Place;
use kms_kit::wait::until;
use kms_protocol::messages::{Delivery, KfragUpload};
use kms_protocol::{EthSecret, Period, Refusal};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};

/// Makes every fee of these tests worth its collection, in each period.
const EAGER: [&str; 2] = ["fee_per_kms=1 ETH", "collect_every_periods=1"];

/// Miners at work that collect whatever they can.
async fn eager_miners<const N: usize>(world: &World) -> [Miner; N] {
    let mut miners = Vec::new();
    for number in 0..N {
        let (name, place) = (format!("eager{number}"), Place::free());
        let miner = world.stopped_miner_with(&name, &place, &EAGER).await;
        world.at_work(&miner).await;
        miners.push(miner);
    }
    let Ok(miners) = miners.try_into() else {
        unreachable!("N were made")
    };
    miners
}

/// The upload as the author signs it for a period.
fn dated(grant: &Grant, miner: &Miner, period: Period) -> KfragUpload {
    let mut upload = grant.upload(miner.address());
    upload.delivery = Delivery::unsigned(period);
    let signer = EthSecret::from_signer(&grant.signer).unwrap();
    upload.signed(&grant.domain, miner.address(), &signer)
}

/// What the miner has collected from the policy so far, and what went to the sponsor in its place.
async fn paid(world: &World, grant: &Grant, of: &Miner) -> (u128, u128) {
    let (mut collected, mut returned) = (0, 0);
    for record in world.events().await {
        match record.event {
            ChainEvent::FeesCollected {
                policy_id,
                miner,
                amount,
                ..
            } if (policy_id, miner) == (grant.id(), of.address()) => collected += amount.0,
            ChainEvent::FeesReturned {
                policy_id,
                miner,
                amount,
                ..
            } if (policy_id, miner) == (grant.id(), of.address()) => returned += amount.0,
            _ => {}
        }
    }
    (collected, returned)
}

/// Passes periods one by one until `period` is the present one; every miner keeps its lease.
async fn served_until(world: &World, miners: &[&Miner], period: Period) {
    while world.period().await < period {
        let now = world.period().await;
        for miner in miners {
            until("the node's lease", async || {
                let lease = world.chain.lease_of(miner.address()).await.unwrap();
                lease.through.filter(|through| *through > now)
            })
            .await;
        }
        world.pass_periods(1).await;
    }
}

/// A collection by hand, with whatever word.
fn collection(grant: &Grant, miner: &Miner, delivery: Option<Delivery>) -> Call {
    let (terms, miner) = (grant.terms.clone(), miner.address());
    let policies = vec![Collection { terms, delivery }];
    Call::Collect { policies, miner }
}

/// The one without a kfrag leased as the others did, and nothing makes it a word of its own.
async fn nothing_without_a_word(
    world: &World,
    grant: &Grant,
    never: &Miner,
    other: &Miner,
) -> MinerFees {
    assert_eq!(paid(world, grant, never).await, (0, 0));
    let (owner, of) = (&never.owner, |word| collection(grant, never, word));
    let empty = world.refusal(owner, of(None)).await;
    assert_eq!(empty, "PolicyNothingToCollect");
    let borrowed = Some(grant.upload(other.address()).delivery);
    let replayed = world.refusal(owner, of(borrowed)).await;
    assert_eq!(replayed, "PolicyDeliveryInvalid");
    let (terms, miner) = (&grant.terms, never.address());
    let fees = world.chain.miner_fees(terms, miner).await.unwrap();
    assert_eq!(
        (fees.collectable.0, fees.unproven.0),
        (0, 10 * terms.rate.0)
    );
    fees
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_is_paid_from_its_delivery_on_and_never_without_one() {
    let world = World::new().await;
    let [early, late, never] = eager_miners(&world).await;
    let all = [&early, &late, &never];
    world.all_active(&all).await;
    let addresses = all.map(Miner::address);
    let grant = Grant::prepare(&world, &addresses, 1).await;
    let (first, last) = (grant.terms.first_period, grant.terms.last_period);
    grant.pay(&world, &all.map(|miner| &miner.node)).await;
    let owned = world.chain.token_balance(grant.sponsor.address()).await;
    grant.hand_over(&early).await.unwrap();

    // A word of a day to come would let the author be served for nothing until then.
    served_until(&world, &all, Period(first.0 + 2)).await;
    let head = world.head().await.number;
    late.node.sees(head).await;
    let ahead = dated(&grant, &late, Period(first.0 + 3));
    let refused = late.node.wire().hand_over(&ahead).await.unwrap_err();
    assert_eq!(refused.code, Refusal::DeliveryAhead);
    let mut foreign = dated(&grant, &late, Period(first.0 + 2));
    foreign.delivery = grant.upload(early.address()).delivery;
    let refused = late.node.wire().hand_over(&foreign).await.unwrap_err();
    assert_eq!(refused.code, Refusal::BadSignature);
    let taken = dated(&grant, &late, Period(first.0 + 2));
    late.node.wire().hand_over(&taken).await.unwrap();

    served_until(&world, &all, Period(last.0 + 1)).await;
    for miner in all {
        let active = world.chain.active_periods(miner.address(), first, last);
        assert_eq!(active.await.unwrap(), 10, "all of them worked");
    }
    let rate = grant.terms.rate.0;
    until("the fees of service", async || {
        let sums = (
            paid(&world, &grant, &early).await,
            paid(&world, &grant, &late).await,
        );
        (sums == ((10 * rate, 0), (8 * rate, 2 * rate))).then_some(())
    })
    .await;

    let fees = nothing_without_a_word(&world, &grant, &never, &early).await;

    // The sponsor waits for the time of proof, and then has all that was not served.
    let refund = || Call::RefundPolicy {
        terms: grant.terms.clone(),
    };
    let early_on = world.refusal(&grant.sponsor, refund()).await;
    assert_eq!(early_on, "PolicyNothingToRefund");
    let wait = fees.provable_through.0 + 1 - world.period().await.0;
    world.pass_periods(wait).await;
    world.send(&grant.sponsor, refund()).await;
    assert_eq!(paid(&world, &grant, &never).await, (0, 10 * rate));
    let has = world.chain.token_balance(grant.sponsor.address()).await;
    assert_eq!(has.unwrap().0, owned.unwrap().0 + 12 * rate);
    let policies = world.deployment.contracts.policies.address;
    let left = world.chain.token_balance(policies).await.unwrap();
    assert_eq!(left.0, 0);
}
