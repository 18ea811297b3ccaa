//! Who is served and who is not: every rule of the gate, met from outside.

use kms_chain::Call;
use kms_chain::devnet::Mining;
use kms_protocol::{Amount, EthSecret, FixedBytes, Period, Refusal, Terms};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};
use kms_kit::grant::fragment;
use kms_kit::wait::until;

/// The code with which a hand-over is refused.
async fn hand_over_refusal(grant: &Grant, miner: &Miner) -> Refusal {
    grant
        .hand_over(miner)
        .await
        .expect_err("the fragment was accepted")
        .code
}

/// The code with which a reader is refused.
async fn ask_refusal(grant: &Grant, world: &World, miner: &Miner) -> Refusal {
    grant
        .ask(world, miner)
        .await
        .expect_err("the reader was served")
        .code
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_an_unpaid_policy_and_one_that_is_not_confirmed() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    assert_eq!(
        hand_over_refusal(&grant, &miner).await,
        Refusal::PolicyUnknown
    );
    assert_eq!(
        ask_refusal(&grant, &world, &miner).await,
        Refusal::PolicyUnknown
    );

    let call = Call::CreatePolicyViaTransfer {
        terms: grant.terms.clone(),
        memo: Vec::new(),
    };
    let paid = world.send(&grant.sponsor, call).await;
    // The payment is in the newest block; nothing more is mined until this test says so.
    world.devnet.set_mining(Mining::Manual).await.unwrap();
    miner.node.sees(paid.block_number).await;
    // The kfrag may come early; nobody is served before the payment is confirmed.
    grant.hand_over(&miner).await.unwrap();
    let refusal = ask_refusal(&grant, &world, &miner).await;
    assert_eq!(refusal, Refusal::PolicyUnconfirmed);
    world.mine(1).await;
    miner.node.sees(paid.block_number + 1).await;
    let refusal = ask_refusal(&grant, &world, &miner).await;
    assert_eq!(refusal, Refusal::PolicyUnconfirmed);

    world.mine(1).await;
    miner.node.sees(paid.block_number + 2).await;
    let frag = grant.ask(&world, &miner).await.unwrap();
    assert!(grant.opens(&[frag]));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_policy_of_other_miners_and_one_without_its_share() {
    let world = World::new().await;
    let [ours, other] = world.miners().await;
    let foreign = Grant::prepare(&world, &[other.address()], 1).await;
    foreign.pay(&world, &[&ours.node, &other.node]).await;
    // A node knows the policies it has a part in, and no others.
    let refusal = hand_over_refusal(&foreign, &ours).await;
    assert_eq!(refusal, Refusal::PolicyUnknown);
    let refusal = ask_refusal(&foreign, &world, &ours).await;
    assert_eq!(refusal, Refusal::PolicyUnknown);
    let refusal = ask_refusal(&foreign, &world, &other).await;
    assert_eq!(refusal, Refusal::KfragMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_before_the_first_period_and_after_the_last() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let first = Period(world.period().await.0 + 1);
    let grant = Grant::prepare_from(&world, &[miner.address()], 1, first).await;
    grant.pay(&world, &[&miner.node]).await;
    grant.hand_over(&miner).await.unwrap();
    assert_eq!(
        ask_refusal(&grant, &world, &miner).await,
        Refusal::PolicyNotStarted
    );

    world.all_active(&[&miner]).await;
    miner.node.sees(world.head().await.number).await;
    grant.ask(&world, &miner).await.unwrap();

    world
        .pass_periods(u32::try_from(grant.terms.period_count()).unwrap())
        .await;
    miner.node.sees(world.head().await.number).await;
    assert_eq!(
        ask_refusal(&grant, &world, &miner).await,
        Refusal::PolicyEnded
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_no_period_that_its_miner_has_not_leased() {
    let world = World::new().await;
    let miner = world.stopped_miner("late").await;
    miner.node.start();
    world.registered(&miner).await;
    // Its first lease begins with the next period.
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.pay(&world, &[&miner.node]).await;
    grant.hand_over(&miner).await.unwrap();
    let refused = grant.ask(&world, &miner).await.unwrap_err();
    assert_eq!(refused.code, Refusal::NotLeased, "{refused:?}");
    assert!(refused.retry_after_s.is_some(), "{refused:?}");
    world.all_active(&[&miner]).await;
    miner.node.sees(world.head().await.number).await;
    grant.ask(&world, &miner).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_from_the_block_that_revokes_and_erases_once_it_is_confirmed() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    grant.ask(&world, &miner).await.unwrap();

    let call = Call::RevokePolicy {
        terms: grant.terms.clone(),
    };
    let revoked = world.send(&grant.sponsor, call).await;
    miner.node.sees(revoked.block_number).await;
    assert_eq!(
        ask_refusal(&grant, &world, &miner).await,
        Refusal::PolicyRevoked
    );
    assert_eq!(
        hand_over_refusal(&grant, &miner).await,
        Refusal::PolicyRevoked
    );

    world.mine(3).await;
    let receipt = until("the erasure", async || {
        miner.node.status(grant.id()).await.erasure
    })
    .await;
    receipt.verify(&world.domain, &miner.worker).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_request_that_the_reader_did_not_sign_and_one_sent_twice() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    let code = async |request| {
        grant
            .post(&miner, &request)
            .await
            .map(drop)
            .map_err(|p| p.code)
    };

    let stranger = EthSecret::random().unwrap();
    let request = grant.unsigned(miner.address(), world.head().await.timestamp);
    let foreign = request.clone().signed(&world.domain, &stranger);
    assert_eq!(code(foreign).await, Err(Refusal::BadSignature));

    let signed = request.signed(&world.domain, &grant.reader());
    let mut altered = signed.clone();
    altered.block_time -= 1;
    assert_eq!(code(altered).await, Err(Refusal::BadSignature));
    assert_eq!(code(signed.clone()).await, Ok(()));
    assert_eq!(code(signed).await, Err(Refusal::Replay));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_request_for_another_miner_an_old_one_and_a_broken_capsule() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    let code = async |request: kms_protocol::messages::ReencryptRequest| {
        let signed = request.signed(&world.domain, &grant.reader());
        grant
            .post(&miner, &signed)
            .await
            .expect_err("the reader was served")
            .code
    };

    let elsewhere = EthSecret::random().unwrap().address();
    let request = grant.unsigned(elsewhere, world.head().await.timestamp);
    assert_eq!(code(request).await, Refusal::NotThisMiner);

    let mut broken = grant.unsigned(miner.address(), world.head().await.timestamp);
    broken.capsules = vec![FixedBytes([7; 98])];
    let broken = broken.signed(&world.domain, &grant.reader());
    let reply = grant.post(&miner, &broken).await.unwrap();
    assert_eq!(fragment(&reply, 0), None, "{reply:?}");

    let head = world.head().await;
    miner.node.sees(head.number).await;
    let old = grant.unsigned(miner.address(), head.timestamp - 601);
    assert_eq!(code(old).await, Refusal::StaleRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_hand_over_whose_terms_were_altered() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.pay(&world, &[&miner.node]).await;
    let wire = miner.node.wire();
    let upload = grant.upload(miner.address());

    let cheaper = Terms {
        rate: Amount(1),
        ..upload.terms.clone()
    };
    let altered = kms_protocol::messages::KfragUpload {
        terms: cheaper,
        ..upload.clone()
    };
    let refused = wire.hand_over(&altered).await.unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyUnknown);

    // The same kfrag again is accepted; another one for the same policy is a conflict.
    wire.hand_over(&upload).await.unwrap();
    wire.hand_over(&upload).await.unwrap();
    let other = grant.grant_again(&grant.policy(), &grant.terms.miners);
    let other = grant.parcel_of(&other, miner.address());
    let other = grant.upload_of(&other, miner.address());
    let conflict = wire.hand_over(&other).await.unwrap_err();
    assert_eq!(conflict.code, Refusal::KfragConflict);
}
