//! Kfrags and commitments that the policy's author uploads and that this node must refuse.

use super::*;
use crate::testkit::grant::Share;

/// Uploads a kfrag of the policy's author and returns the refusal.
async fn share_refusal(grant: &Grant, running: &Running, share: &Share) -> Refusal {
    let upload = grant.upload_of(share);
    refusal(running, grant.id(), upload).await
}

#[tokio::test]
async fn refuses_a_kfrag_for_another_policy_miner_or_chain() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let policy = grant.policy();
    let others = [
        umbral::Policy {
            chain_id: policy.chain_id + 1,
            ..policy
        },
        umbral::Policy {
            contract: [9; 20],
            ..policy
        },
        umbral::Policy {
            policy_id: [9; 32],
            ..policy
        },
        umbral::Policy {
            not_before: 2,
            ..policy
        },
        umbral::Policy {
            expiry: 7,
            ..policy
        },
        umbral::Policy {
            conditions: [1; 32],
            ..policy
        },
    ];
    for other in &others {
        let share = grant.share_for(other, MINER);
        let code = share_refusal(&grant, &running, &share).await;
        assert_eq!(code, Refusal::KfragForeign, "{other:?}");
    }
    let share = grant.share_for(&policy, kms_protocol::Address([0xbb; 20]));
    let code = share_refusal(&grant, &running, &share).await;
    assert_eq!(code, Refusal::KfragForeign);
    let share = grant.share_for(&policy, MINER);
    let upload = grant.upload_of(&share);
    accept(&running.node, upload).await.unwrap();
}

#[tokio::test]
async fn refuses_a_kfrag_of_another_delegator() {
    let (grant, other) = (Grant::new(1, 5), Grant::new(1, 5));
    let (_world, running) = seen(&grant).await;
    let share = Share {
        commitments: grant.share.commitments.clone(),
        ..other.share_for(&grant.policy(), MINER)
    };
    let code = share_refusal(&grant, &running, &share).await;
    assert_eq!(code, Refusal::KfragForeign);
}

#[tokio::test]
async fn refuses_a_damaged_kfrag_and_one_of_version_1() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    // The version, rk, and U1.
    for (byte, code) in [
        (0, Refusal::KfragInvalid),
        (64, Refusal::KfragInvalid),
        (98, Refusal::KfragInvalid),
    ] {
        let mut share = grant.share.clone();
        share.kfrag[byte] ^= 1;
        assert_eq!(share_refusal(&grant, &running, &share).await, code);
    }
}

#[tokio::test]
async fn refuses_commitments_that_are_not_the_kfrags() {
    let (grant, other) = (Grant::new(1, 5), Grant::new(1, 5));
    let (_world, running) = seen(&grant).await;
    let policy = grant.policy();
    let elsewhere = umbral::Policy {
        policy_id: [9; 32],
        ..policy
    };
    let mut damaged = grant.share.commitments.as_ref().to_vec();
    damaged[40] ^= 1;
    let longer = [grant.share.commitments.as_ref(), &[0; 33]].concat();
    for commitments in [
        // Of another author, of another policy, of another delegation for this one.
        other.share_for(&policy, MINER).commitments,
        grant.share_for(&elsewhere, MINER).commitments,
        grant.share_for(&policy, MINER).commitments,
        CommitmentsBytes::try_from(damaged.as_slice()).unwrap(),
        CommitmentsBytes::try_from(longer.as_slice()).unwrap(),
    ] {
        let share = Share {
            commitments,
            ..grant.share.clone()
        };
        let code = share_refusal(&grant, &running, &share).await;
        assert_eq!(code, Refusal::CommitmentsInvalid);
    }
}

#[tokio::test]
async fn refuses_commitments_to_another_threshold() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let policy = umbral::Policy {
        quorum: umbral::Quorum::new(2, 2).unwrap(),
        ..grant.policy()
    };
    let params = umbral::GrantParams {
        delegating: &grant.delegating,
        receiving: &grant.receiving.public_key(),
        signer: &grant.signer,
        policy: &policy,
        miners: &[MINER.0, [0xbb; 20]],
    };
    let granted = umbral::generate_kfrags(&mut getrandom::SysRng, &params).unwrap();
    let share = Share {
        commitments: CommitmentsBytes::try_from(&granted.commitments).unwrap(),
        ..grant.share.clone()
    };
    let code = share_refusal(&grant, &running, &share).await;
    assert_eq!(code, Refusal::CommitmentsInvalid);
}

#[tokio::test]
async fn refuses_commitments_changed_after_the_author_signed() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let mut upload = grant.upload();
    upload.commitments = grant.share_for(&grant.policy(), MINER).commitments;
    let code = refusal(&running, grant.id(), upload).await;
    assert_eq!(code, Refusal::BadSignature);
}

#[tokio::test]
async fn other_commitments_for_the_stored_kfrag_are_a_conflict() {
    let grant = Grant::new(1, 5);
    let (_world, running) = seen(&grant).await;
    let upload = grant.upload();
    accept(&running.node, upload.clone()).await.unwrap();
    let stored = running.node.store.kfrag(grant.id()).await.unwrap().unwrap();
    let other = KfragRow {
        commitments: vec![1],
        ..stored
    };
    let inserted = running
        .node
        .store
        .insert_kfrag(&other, &grant.upload().delivery)
        .await
        .unwrap();
    assert_eq!(inserted, Inserted::Different);
}
