//! A man in the middle hears nothing, is not believed, and gets nobody blamed.

use kms_protocol::messages::{ErasureReceipt, KfragState, PolicyStatus, Problem};
use kms_protocol::{B256, EthSecret, EthSignature, PolicyId, Refusal};

use crate::error::Error;
use crate::ports::Scope;
use crate::progress::Silent;
use crate::testkit::{Forgery, Habit, Proxy, World};

/// Puts a man in the middle before every node.
async fn tapped(world: &World) -> Vec<Proxy> {
    let mut proxies = Vec::new();
    for (index, node) in world.nodes.iter().enumerate() {
        let proxy = Proxy::before(&node.url).await;
        world.chain.state().miners[index].url = proxy.url.clone();
        proxies.push(proxy);
    }
    proxies
}

async fn world(n: u8) -> (World, Vec<Proxy>) {
    let world = World::new(n).await;
    let proxies = tapped(&world).await;
    (world, proxies)
}

fn forge(proxies: &[Proxy], forgery: &Forgery) {
    proxies.iter().for_each(|proxy| proxy.set(forgery.clone()));
}

fn codes(error: &Error) -> Vec<&str> {
    let nodes = error.nodes().iter();
    nodes.map(|node| node.code.as_str()).collect()
}

/// Whether the wire held these bytes, plain or as hexadecimal text.
fn held(wire: &[u8], bytes: &[u8]) -> bool {
    let contains = |wanted: &[u8]| wire.windows(wanted.len()).any(|window| window == wanted);
    let hex = hex::encode(bytes);
    contains(bytes) || contains(hex.as_bytes()) || contains(hex.to_uppercase().as_bytes())
}

#[tokio::test]
async fn the_wire_shows_no_key_policy_capsule_or_fragment() {
    let (world, proxies) = world(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, secret) = world.capsule();
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
    world.owner().policy(policy).await.unwrap();
    let upload = world.nodes[0].uploaded(policy);
    for proxy in &proxies {
        let wire = proxy.heard();
        assert!(held(&wire, b"/v2/message"), "nothing was recorded");
        let secrets: [(&str, &[u8]); 6] = [
            ("A", &upload.delegating_key.to_bytes()),
            ("B", &upload.receiving_key.to_bytes()),
            ("policy id", policy.as_bytes()),
            ("capsule", &capsule.to_bytes()),
            ("part of a capsule", &capsule.to_bytes()[..33]),
            ("commitments", &upload.commitments.as_ref()[..40]),
        ];
        for (name, bytes) in secrets {
            assert!(!held(&wire, bytes), "{name}");
        }
        for word in ["capsules", "cfrag", "terms", "serving"] {
            assert!(!held(&wire, word.as_bytes()), "{word}");
        }
        for handed in world.nodes.iter().flat_map(|node| node.cfrags()) {
            assert!(!held(&wire, &handed[..33]), "cfrag");
        }
    }
}

#[tokio::test]
async fn forged_refusals_of_all_miners_revoke_nothing() {
    for refusal in [Refusal::PolicyRevoked, Refusal::PolicyEnded] {
        let (world, proxies) = world(3).await;
        world.granted(2, 3).await;
        let (capsule, _) = world.capsule();
        forge(&proxies, &Forgery::Refusal(refusal));
        let error = world.read(&world.reader(), &capsule).await.unwrap_err();
        assert_eq!(error.code(), "threshold_not_met");
        assert_eq!(codes(&error), ["unsigned_refusal"; 3]);
        assert!(
            error
                .nodes()
                .iter()
                .all(|node| !node.detail.contains("revoked"))
        );
    }
}

#[tokio::test]
async fn an_upload_goes_on_after_forged_refusals() {
    let (world, proxies) = world(3).await;
    let quote = world.owner().quote(&world.spec(2, 3)).await.unwrap();
    forge(&proxies, &Forgery::Refusal(Refusal::PolicyRevoked));
    let owner = world.hasty_owner();
    let refused = owner
        .grant(quote, &world.keys, world.spend(), &Silent)
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(codes(&refused), ["unsigned_refusal"; 3]);
    let policy = world.home.journal().list().unwrap()[0].policy;
    forge(&proxies, &Forgery::Listens);
    let resumed = world
        .owner()
        .resume(policy, &world.keys, world.spend(), &Silent)
        .await;
    assert_eq!(resumed.unwrap().delivered.len(), 3);
}

#[tokio::test]
async fn what_is_changed_on_the_way_blames_no_miner() {
    let (world, proxies) = world(3).await;
    world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    forge(&proxies, &Forgery::Flips);
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(codes(&error), ["bad_reply"; 3]);
}

#[tokio::test]
async fn a_recorded_answer_answers_nothing_else() {
    let (world, proxies) = world(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    world.read(&world.reader(), &capsule).await.unwrap();
    forge(&proxies, &Forgery::Repeats);
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(codes(&error), ["bad_reply"; 3]);
    let detail = world.owner().policy(policy).await.unwrap();
    assert_eq!(detail.healthy(), 0);
}

/// A status as the protocol has it, with a receipt that a stranger signed.
fn forged_status(world: &World, policy: PolicyId) -> Vec<u8> {
    let domain = kms_kit::chain::domain();
    let receipt = ErasureReceipt {
        policy_id: policy,
        miner: world.chain.state().miners[0].miner,
        kfrag_hash: B256([1; 32]),
        block_number: 100,
        block_hash: B256([2; 32]),
        signature: EthSignature::UNSIGNED,
    };
    let status = PolicyStatus {
        policy_id: policy,
        serving: false,
        refusal: Some(Problem::from(Refusal::PolicyRevoked)),
        kfrag: KfragState::Erased,
        erasure: Some(receipt.signed(&domain, &EthSecret::random().unwrap())),
    };
    serde_json::to_vec(&status).unwrap()
}

#[tokio::test]
async fn a_forged_status_or_receipt_is_not_believed() {
    let (world, proxies) = world(3).await;
    let policy = world.granted(2, 3).await;
    let forged = Forgery::Answer(forged_status(&world, policy));
    forge(&proxies, &forged);
    let detail = world.owner().policy(policy).await.unwrap();
    assert!(detail.miners.iter().all(|miner| miner.kfrag.is_none()));
    let owner = world.hasty_owner();
    let plan = owner.plan_revocation(&[policy], Scope::Policy).await;
    let report = owner
        .revoke(&plan.unwrap(), world.spend(), &Silent)
        .await
        .unwrap()
        .remove(0);
    assert!(report.refusing.is_empty() && report.erased.is_empty());
    assert_eq!(report.pending.len(), 3);
    assert!(report.pending.iter().all(|node| node.code == "bad_reply"));
}

#[tokio::test]
async fn a_certificate_is_asked_for_once_and_anew_after_a_restart() {
    let world = World::new(2).await;
    world.granted(2, 2).await;
    let (capsule, secret) = world.capsule();
    for _ in 0..3 {
        world.read(&world.reader(), &capsule).await.unwrap();
    }
    // The grant was in the period before: its certificate holds for the reads as well.
    assert_eq!(world.nodes[0].infos(), 1);
    world.nodes[0].set(Habit::Forgets(1));
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
    assert_eq!(world.nodes[0].infos(), 2);
    world.chain.advance(100);
    world.read(&world.reader(), &capsule).await.unwrap();
    world.chain.advance(100);
    world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(world.nodes[0].infos(), 3, "a key serves for two periods");
}

#[tokio::test]
async fn a_node_that_knows_none_of_its_keys_is_asked_twice_and_named() {
    let world = World::new(2).await;
    world.granted(2, 2).await;
    let (capsule, _) = world.capsule();
    world.nodes[0].set(Habit::Forgets(1_000));
    let before = world.nodes[0].infos();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(codes(&error), ["unsigned_refusal"]);
    assert!(world.nodes[0].infos() <= before + 2);
}

#[tokio::test]
async fn a_key_that_the_worker_did_not_certify_gets_nothing() {
    let world = World::new(3).await;
    world.nodes[1].set(Habit::WrongCertificate);
    let owner = world.owner();
    let quote = owner.quote(&world.spec(2, 3)).await.unwrap();
    let report = owner
        .grant(quote, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!(report.delivered.len(), 2);
    assert_eq!(report.pending[0].code, "bad_certificate");
    assert_eq!(world.nodes[1].uploads(), 0);
}

#[tokio::test]
async fn an_old_certificate_of_the_worker_gets_nothing() {
    let (world, proxies) = world(2).await;
    world.granted(2, 2).await;
    let (capsule, _) = world.capsule();
    forge(&proxies, &Forgery::OldCertificate);
    world.chain.advance(300);
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(codes(&error), ["bad_certificate"; 2]);
}
