//! A miner is convicted by what its worker signed, and by nothing else: its stake is taken, its
//! accuser rewarded; what an honest node answers convicts nobody.

use kms_chain::{Call, ChainEvent};
use kms_protocol::Amount;
use kms_protocol::messages::{Entry, Fragment, ReencryptReply};
use umbral::fault::{Fault, FragPoint};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};
use kms_kit::grant::fragment;
use kms_kit::wait::until;

/// Offset of the last byte of z in a cfrag.
const RESPONSE: usize = 294;
/// `IAdjudicator.Offence` of a false cfrag.
const WRONG_FRAGMENT: u8 = 1;

/// Asks the node for its honest answer.
async fn honest(world: &World, grant: &Grant, miner: &Miner) -> ReencryptReply {
    let request = grant.request(miner.address(), world.head().await.timestamp);
    grant.post(miner, &request).await.unwrap()
}

/// Forges the proof in an answer and signs it by the worker.
fn forged(world: &World, grant: &Grant, miner: &Miner, honest: &ReencryptReply) -> ReencryptReply {
    let mut cfrag = fragment(honest, 0).unwrap().cfrag;
    cfrag.0[RESPONSE] ^= 1;
    let mut reply = ReencryptReply {
        entries: Vec::new(),
        ..honest.clone()
    };
    let (domain, worker) = (&world.domain, miner.node.worker_key());
    let requester = grant.reader().address();
    reply.push_signed(&grant.capsule_bytes(), cfrag, requester, domain, &worker);
    reply
}

async fn locked(world: &World, miner: &Miner) -> Amount {
    let position = world.chain.position(miner.address()).await.unwrap();
    position.locked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_fragment_costs_the_stake_and_pays_who_found_it() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    let honest = honest(&world, &grant, &miner).await;
    let forged = forged(&world, &grant, &miner, &honest);
    let fault = grant.fault(&forged).unwrap();
    let (relayer, finder) = (world.account(1).await, world.account(0).await);
    let accusation = grant.accusation(&miner, finder.address());
    let accuse = grant.accuse(&world, accusation, &forged, &fault);

    let (penalty, most) = world.chain.penalty_of(miner.address()).await.unwrap();
    // The policy has hardly paid yet.
    let reward = world.deployment.params.penalty.reward_floor;
    let (before, supply) = (
        locked(&world, &miner).await,
        world.chain.total_supply().await,
    );
    assert!(reward > Amount::ZERO && reward.0 * 2 <= most.0);
    assert!(most.0 * 2 < penalty.0 && penalty < before);
    assert!(!world.chain.is_convicted(&accusation).await.unwrap());
    world.send(&relayer, accuse.clone()).await;
    let left = before.checked_sub(penalty).unwrap();
    assert_eq!(locked(&world, &miner).await, left);
    let paid = world.chain.token_balance(finder.address()).await.unwrap();
    assert_eq!(paid, reward);
    // As much is held for the author.
    let burned = penalty.0 - 2 * reward.0;
    let now = world.chain.total_supply().await.unwrap();
    assert_eq!(now.0, supply.unwrap().0 - burned);
    assert!(world.chain.is_convicted(&accusation).await.unwrap());
    let again = world.refusal(&relayer, accuse).await;
    assert_eq!(again, "AdjudicatorAlreadyConvicted");

    let events = world.events().await.into_iter().map(|record| record.event);
    let convicted = ChainEvent::MinerConvicted {
        policy_id: grant.id(),
        miner: miner.address(),
        challenger: finder.address(),
        offence: WRONG_FRAGMENT,
        fault_code: fault.code(),
        capsule_hash: accusation.capsule_hash,
        penalty,
        reward,
        to_sponsor: Amount::ZERO,
        held: reward,
    };
    assert!(events.into_iter().any(|event| event == convicted));
    told_by_the_node(&world, &miner, left).await;
}

/// The node itself shows what is left of the stake, and why it earns nothing.
async fn told_by_the_node(world: &World, miner: &Miner, left: Amount) {
    miner.node.sees(world.head().await.number).await;
    let reason = until("the node to tell of its suspension", async || {
        miner.node.complaint("not_suspended").await
    })
    .await;
    assert!(reason.contains("convicted"), "{reason}");
    let told = miner.node.gauge("kms_stake_locked_kms").await;
    // Whole tokens in this test.
    let left = u32::try_from(left.0 / Amount::KMS.0).unwrap();
    assert_eq!(told, f64::from(left));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_answer_convicts_nobody() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    let honest = honest(&world, &grant, &miner).await;
    assert_eq!(grant.fault(&honest), None);
    let forged = forged(&world, &grant, &miner, &honest);
    let proven = grant.fault(&forged).unwrap();
    let finder = world.account(1).await;
    let accusation = grant.accusation(&miner, finder.address());
    let refusal = async |reply: &ReencryptReply, fault: &Fault| {
        let call: Call = grant.accuse(&world, accusation, reply, fault);
        world.refusal(&finder, call).await
    };

    let faults = [
        Fault::Scalar,
        Fault::Signature,
        Fault::PointRange(FragPoint::E1),
    ];
    for fault in faults {
        let refused = refusal(&honest, &fault).await;
        assert_eq!(refused, "AdjudicatorNoFault", "{fault:?}");
    }
    // The witness of another cfrag's fault does not fit.
    let refused = refusal(&honest, &proven).await;
    assert!(refused.starts_with("Umbral"), "{refused}");
    // A forgery that somebody else put beside the honest receipt.
    let mut swapped = forged;
    let fragment = Fragment {
        signature: fragment(&honest, 0).unwrap().signature,
        ..*fragment(&swapped, 0).unwrap()
    };
    swapped.entries = vec![Entry::Fragment(Box::new(fragment))];
    let refused = refusal(&swapped, &proven).await;
    assert_eq!(refused, "AdjudicatorReceiptInvalid");
    // And one that a stranger signed.
    swapped.entries.clear();
    let (domain, requester) = (&world.domain, grant.reader().address());
    swapped.push_signed(
        &grant.capsule_bytes(),
        fragment.cfrag,
        requester,
        domain,
        &finder,
    );
    let refused = refusal(&swapped, &proven).await;
    assert_eq!(refused, "AdjudicatorReceiptInvalid");
    assert_eq!(
        locked(&world, &miner).await,
        Amount::from_kms(1_000).unwrap()
    );
    assert_eq!(miner.node.complaint("not_suspended").await, None);
}
