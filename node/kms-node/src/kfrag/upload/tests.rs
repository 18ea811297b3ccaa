mod shares;

use kms_chain::ChainEvent;
use kms_protocol::messages::Delivery;
use kms_protocol::{Amount, EthSecret, Period, PolicyId};

use super::*;
use crate::testkit::grant::Grant;
use crate::testkit::{MINER, Running, World, domain};

/// A node whose head has the policy of `grant`, unconfirmed.
async fn seen(grant: &Grant) -> (World, Running) {
    let world = World::new();
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    (world, running)
}

async fn refusal(running: &Running, id: PolicyId, upload: KfragUpload) -> Refusal {
    let refused = accept(&running.node, upload).await.unwrap_err().code;
    assert!(
        running.node.store.kfrag(id).await.unwrap().is_none(),
        "nothing was stored"
    );
    refused
}

#[tokio::test]
async fn acknowledges_what_is_durable_and_the_same_bytes_again() {
    let grant = Grant::new(1, 5);
    let (world, running) = seen(&grant).await;
    let upload = grant.upload();
    let worker = running.node.keys.worker.address();
    let ack = accept(&running.node, upload.clone()).await.unwrap();
    assert_eq!(running.node.metrics.kfrags.get(), 1);
    ack.verify(&domain(), &upload, &MINER, &worker).unwrap();
    drop(running);
    let mut again = world.start().await;
    again.sync().await;
    let held = again.node.metrics.kfrags.get();
    let second = accept(&again.node, upload).await.unwrap();
    assert_eq!(
        again.node.metrics.kfrags.get(),
        held,
        "it was stored before"
    );
    assert_eq!(second, ack);
}

#[tokio::test]
async fn refuses_keys_whose_blinding_is_not_that_of_the_terms() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let mut upload = grant.upload();
    upload.blinding.0[0] ^= 1;
    let signer = EthSecret::from_signer(&grant.signer).unwrap();
    let upload = upload.signed(&domain(), MINER, &signer);
    let code = refusal(&running, grant.id(), upload).await;
    assert_eq!(code, Refusal::KfragInvalid);
}

#[tokio::test]
async fn refuses_a_kfrag_that_was_exchanged_after_the_author_signed() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let mut upload = grant.upload();
    let other = grant.upload_of(&grant.share_for(&grant.policy(), MINER));
    upload.kfrag = other.kfrag;
    assert_eq!(
        refusal(&running, grant.id(), upload).await,
        Refusal::BadSignature
    );
}

#[tokio::test]
async fn refuses_another_kfrag_for_the_same_policy() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let first = grant.upload();
    let other = grant.upload_of(&grant.share_for(&grant.policy(), MINER));
    accept(&running.node, first.clone()).await.unwrap();
    let refused = accept(&running.node, other).await.unwrap_err();
    assert_eq!(refused.code, Refusal::KfragConflict);
    let row = running.node.store.kfrag(grant.id()).await.unwrap().unwrap();
    assert_eq!(row.kfrag_hash, first.kfrag.hash());
}

#[tokio::test]
async fn refuses_a_policy_that_the_chain_does_not_show() {
    let (_world, running) = seen(&Grant::new(1, 5)).await;
    let unpaid = Grant::new(1, 5);
    let upload = unpaid.upload();
    assert_eq!(
        refusal(&running, unpaid.id(), upload).await,
        Refusal::PolicyUnknown
    );
}

/// Other terms are another policy.
#[tokio::test]
async fn refuses_terms_that_were_altered() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let mut upload = grant.upload();
    upload.terms.rate = Amount(1);
    assert_eq!(
        refusal(&running, grant.id(), upload).await,
        Refusal::PolicyUnknown
    );
}

#[tokio::test]
async fn refuses_keys_that_the_policy_does_not_name() {
    let (grant, other) = (Grant::new(1, 5), Grant::new(1, 5));
    let (_world, running) = seen(&grant).await;
    let good = grant.upload();
    let mut upload = good.clone();
    upload.receiving_key = other.receiving.public_key();
    assert_eq!(
        refusal(&running, grant.id(), upload).await,
        Refusal::KfragInvalid
    );
    let mut upload = good;
    upload.verifying_key = other.signer.verifying_key();
    assert_eq!(
        refusal(&running, grant.id(), upload).await,
        Refusal::KfragInvalid
    );
}

#[tokio::test]
async fn refuses_a_signature_of_anybody_else() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let upload = grant.upload();
    let stranger = EthSecret::random().unwrap();
    let forged = upload.clone().signed(&domain(), MINER, &stranger);
    assert_eq!(
        refusal(&running, grant.id(), forged).await,
        Refusal::BadSignature
    );
    let mut unsigned = upload;
    unsigned.signature = EthSignature::UNSIGNED;
    assert_eq!(
        refusal(&running, grant.id(), unsigned).await,
        Refusal::BadSignature
    );
}

/// The upload as its author signs it on another day.
fn dated(grant: &Grant, period: Period) -> KfragUpload {
    let mut upload = grant.upload();
    upload.delivery = Delivery::unsigned(period);
    let signer = EthSecret::from_signer(&grant.signer).unwrap();
    upload.signed(&domain(), MINER, &signer)
}

#[tokio::test]
async fn refuses_a_kfrag_without_the_word_that_pays_for_it() {
    let grant = Grant::new(1, 5);
    let (world, mut running) = seen(&grant).await;
    let other = Grant::new(1, 5).upload().delivery;
    for word in [other, Delivery::unsigned(Period(1))] {
        let mut upload = grant.upload();
        upload.delivery = word;
        let code = refusal(&running, grant.id(), upload).await;
        assert_eq!(code, Refusal::BadSignature);
    }
    let never = dated(&grant, Period::NEVER);
    let code = refusal(&running, grant.id(), never).await;
    assert_eq!(code, Refusal::BadRequest);
    let ahead = dated(&grant, Period(2));
    let code = refusal(&running, grant.id(), ahead.clone()).await;
    assert_eq!(code, Refusal::DeliveryAhead);
    world.chain.mine_to_period(2);
    running.sync().await;
    assert!(accept(&running.node, ahead).await.is_ok());
}

/// It pays for what was served before the kfrag was erased, and after a crash.
#[tokio::test]
async fn the_word_is_stored_with_the_kfrag_and_outlives_it() {
    let grant = Grant::new(1, 2);
    let (world, running) = seen(&grant).await;
    let id = grant.id();
    let none = running.node.store.unproved_delivery(id).await.unwrap();
    assert_eq!(none, None);
    let first = grant.upload();
    accept(&running.node, first.clone()).await.unwrap();
    drop(running);
    let mut again = world.start().await;
    again.sync().await;
    // The same kfrag with a word of a later day pays less: the first word stays.
    world.chain.mine_to_period(2);
    again.sync().await;
    let later = dated(&grant, Period(2));
    accept(&again.node, later).await.unwrap();
    let kept = again.node.store.unproved_delivery(id).await.unwrap();
    assert_eq!(kept, Some(first.delivery));
    world.chain.mine_to_period(3);
    world.chain.mine_many(5);
    again.sweep().await;
    assert!(again.node.store.kfrag(id).await.unwrap().is_none());
    let kept = again.node.store.unproved_delivery(id).await.unwrap();
    assert_eq!(kept, Some(first.delivery));
}

#[tokio::test]
async fn refuses_bytes_that_are_no_kfrag() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    for at in [0, 40, 100, 194] {
        let mut share = grant.share.clone();
        share.kfrag[at] ^= 1;
        let upload = grant.upload_of(&share);
        let code = refusal(&running, grant.id(), upload).await;
        let refused = matches!(code, Refusal::KfragInvalid | Refusal::KfragForeign);
        assert!(refused, "byte {at}: {code}");
    }
}

#[tokio::test]
async fn refuses_after_a_revocation() {
    let grant = Grant::new(1, 5);
    let (world, mut running) = seen(&grant).await;
    let (policy_id, effective_last, refund) = (grant.id(), Period(1), Amount(0));
    world.chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id,
        effective_last,
        refund,
    });
    world.chain.mine();
    running.sync().await;
    let upload = grant.upload();
    assert_eq!(
        refusal(&running, grant.id(), upload).await,
        Refusal::PolicyRevoked
    );
}

#[tokio::test]
async fn refuses_while_shutting_down() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    running.node.close();
    let upload = grant.upload();
    assert_eq!(
        refusal(&running, grant.id(), upload).await,
        Refusal::ShuttingDown
    );
}

#[tokio::test]
async fn the_database_does_not_hold_the_kfrag_in_clear() {
    let grant = Grant::new(1, 5);
    let (world, running) = seen(&grant).await;
    accept(&running.node, grant.upload()).await.unwrap();
    running.node.store.close().await;
    let secret = &grant.share.kfrag[33..65];
    for file in std::fs::read_dir(world.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_new_kfrags_serves_old_ones_and_recovers_alone() {
    let grants: Vec<Grant> = (0..40).map(|_| Grant::new(1, 50)).collect();
    let world = World::new();
    for grant in &grants {
        world.chain.queue_served(&grant.terms);
    }
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    let node = running.node.clone();
    accept(&node, grants[0].upload()).await.unwrap();
    node.store.limit_growth(0).await;
    let mut refused = None;
    for grant in &grants[1..] {
        if let Err(problem) = accept(&node, grant.upload()).await {
            refused = Some((grant, problem.code));
            break;
        }
    }
    let (late, code) = refused.unwrap();
    assert_eq!(code, Refusal::StorageFull);
    assert!(
        node.store.kfrag(late.id()).await.unwrap().is_none(),
        "no acknowledgement, no row"
    );
    world.chain.mine_many(2);
    running.sync().await;
    let request = grants[0].request(world.chain.time());
    assert!(
        crate::serve::reencrypt::answer(&node, request)
            .await
            .is_ok()
    );
    node.store.limit_growth(1_000).await;
    assert!(accept(&node, late.upload()).await.is_ok());
}

#[tokio::test]
async fn without_the_reserve_no_kfrag_is_taken() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    running.node.reserve.release();
    let upload = grant.upload();
    assert_eq!(
        refusal(&running, grant.id(), upload.clone()).await,
        Refusal::StorageFull
    );
    running.node.reserve.take();
    assert!(accept(&running.node, upload).await.is_ok());
}
