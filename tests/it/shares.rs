//! The signed message, from outside: a kfrag is good for one policy, one miner and one chain, and
//! an author whose shares do not fit together is told apart from a false miner.

use kms_client::Seed;
use kms_protocol::messages::KfragUpload;
use kms_protocol::{Period, Refusal};
use umbral::{Granted, SecretKey, SecretKeyFactory};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};
use kms_kit::kms::Kms;

/// The upload for a miner out of any delegation.
fn upload_of(grant: &Grant, granted: &Granted, miner: &Miner) -> KfragUpload {
    let parcel = grant.parcel_of(granted, miner.address());
    grant.upload_of(&parcel, miner.address())
}

/// The code with which a node refuses an upload.
async fn refusal(miner: &Miner, upload: &KfragUpload) -> Refusal {
    let refused = miner.node.wire().hand_over(upload).await;
    refused.expect_err("the fragment was accepted").code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_for_another_policy_miner_or_chain_is_refused_at_upload() {
    let world = World::new().await;
    let [ours, other] = world.miners().await;
    let miners = [ours.address(), other.address()];
    let grant = Grant::prepare(&world, &miners, 2).await;
    grant.pay(&world, &[&ours.node, &other.node]).await;

    let policy = grant.policy();
    let elsewhere = [
        umbral::Policy {
            policy_id: [7; 32],
            ..policy
        },
        umbral::Policy {
            chain_id: policy.chain_id + 1,
            ..policy
        },
        umbral::Policy {
            contract: [7; 20],
            ..policy
        },
    ];
    for wrong in &elsewhere {
        let granted = grant.grant_again(wrong, &grant.terms.miners);
        let upload = upload_of(&grant, &granted, &ours);
        let code = refusal(&ours, &upload).await;
        assert_eq!(code, Refusal::KfragForeign, "{wrong:?}");
    }
    // Each miner is given the other's kfrag.
    let mut swapped = grant.terms.miners.clone();
    swapped.reverse();
    let granted = grant.grant_again(&policy, &swapped);
    for miner in [&ours, &other] {
        let upload = upload_of(&grant, &granted, miner);
        let code = refusal(miner, &upload).await;
        assert_eq!(code, Refusal::KfragForeign);
    }
    // The kfrag of one delegation, the commitments of another.
    let mut mixed = grant.grant_again(&policy, &grant.terms.miners);
    mixed.commitments = grant.grant_again(&policy, &grant.terms.miners).commitments;
    let upload = upload_of(&grant, &mixed, &ours);
    let code = refusal(&ours, &upload).await;
    assert_eq!(code, Refusal::CommitmentsInvalid);

    grant.hand_over(&ours).await.unwrap();
    grant.hand_over(&other).await.unwrap();
    let frags = [
        grant.ask(&world, &ours).await.unwrap(),
        grant.ask(&world, &other).await.unwrap(),
    ];
    assert!(grant.opens(&frags));
}

/// A home whose seed the test knows, and the key it reads with.
pub(crate) fn reader(world: &World) -> (Kms, SecretKey) {
    let seed = [7; 32];
    let words = Seed::from_bytes(&seed).unwrap().expose_words().unwrap();
    let file = world.path("seed");
    std::fs::write(&file, words.as_bytes()).unwrap();
    let person = Kms::at(&world.path("bob"));
    let seed_file = ["--import-seed", &file.display().to_string()];
    person.init(&world.deployment_file, &world.rpc_url, &seed_file);
    let readers = SecretKeyFactory::from_secret_bytes(&seed).make_factory(b"kms/v1/reader");
    let key = readers.unwrap().make_key(&0_u32.to_be_bytes()).unwrap();
    (person, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_with_inconsistent_shares_is_told_to_the_reader_by_a_code_of_its_own() {
    let world = World::new().await;
    let miners: [Miner; 2] = world.miners().await;
    let addresses = miners.each_ref().map(Miner::address);
    let (bob, key) = reader(&world);
    let first: Period = world.period().await;
    let grant = Grant::prepare_for(&world, &addresses, 2, first, key).await;
    grant.pay(&world, &[&miners[0].node, &miners[1].node]).await;
    // Two delegations for one policy, each rightly signed: no node can tell.
    grant.hand_over(&miners[0]).await.unwrap();
    let second = grant.grant_again(&grant.policy(), &grant.terms.miners);
    let upload = upload_of(&grant, &second, &miners[1]);
    miners[1].node.wire().hand_over(&upload).await.unwrap();

    let file = world.path("file.kms");
    let mut encrypted = Vec::new();
    kms_format::Encryptor::new(&grant.delegating.public_key())
        .encrypt(
            &mut getrandom::SysRng,
            &b"x"[..],
            &mut encrypted,
            &mut |_| {},
        )
        .unwrap();
    std::fs::write(&file, encrypted).unwrap();
    let read = tokio::task::block_in_place(|| {
        let (file, plain) = (file.display().to_string(), world.path("plain"));
        bob.json(&["read", &file, "-o", &plain.display().to_string()])
    });
    let error = read.assert_failure(14, "shares_inconsistent");
    assert_eq!(error["policy"], grant.id().to_string());
    let nodes = error["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0]["code"], "inconsistent_share");
    assert!(!world.path("plain").exists());
}
