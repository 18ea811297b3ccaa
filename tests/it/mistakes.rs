//! Wrong chains, wrong contracts, wrong numbers: each is told apart, nothing is spent.

use kms_chain::{Call, Deployment};
use kms_protocol::B256;
use serde_json::Value;

use crate::harness::world::World;
use kms_kit::kms::Kms;
use kms_kit::process::free_port;

/// A home on the world's chain, made with another deployment file than the true one.
fn home_with(world: &World, name: &str, deployment: &Deployment) -> Kms {
    let file = world.path(&format!("{name}.json"));
    deployment.save(&file).unwrap();
    let person = Kms::at(&world.path(name));
    person.init(&file, &world.rpc_url, &[]);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_an_endpoint_that_serves_another_chain_or_other_contracts() {
    let world = World::new().await;
    let truth = &world.deployment;
    let other_id = Deployment {
        chain_id: 1,
        ..truth.clone()
    };
    let other_genesis = Deployment {
        genesis_hash: B256([7; 32]),
        ..truth.clone()
    };
    let mut other_code = truth.clone();
    other_code.contracts.policies.code_hash = B256([7; 32]);
    let mut no_code = truth.clone();
    no_code.contracts.escrow.address = kms_protocol::Address([7; 20]);
    let wrong = [
        ("id", other_id, "wrong_chain"),
        ("genesis", other_genesis, "wrong_chain"),
        ("code", other_code, "contract_code_differs"),
        ("none", no_code, "contract_code_differs"),
    ];
    for (name, deployment, code) in wrong {
        let person = home_with(&world, name, &deployment);
        let error: Value = person.json(&["status"]).assert_failure(30, code);
        assert!(error["hint"].is_string(), "{name}: {error}");
    }
    home_with(&world, "right", truth)
        .run(&["status"])
        .assert_success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_refuses_to_start_on_another_chain() {
    let world = World::new().await;
    let miner = world.stopped_miner("node").await;
    let wrong = Deployment {
        genesis_hash: B256([7; 32]),
        ..world.deployment.clone()
    };
    let data_dir = &miner.node.data_dir;
    wrong.save(&data_dir.join("deployment.json")).unwrap();
    let data_dir = data_dir.display().to_string();
    let output = Kms::at(&world.path("node-home")).json(&["node", "run", "--data-dir", &data_dir]);
    output.assert_failure(30, "wrong_chain");
    drop(miner);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_refuses_a_wrong_passphrase_and_an_unknown_setting() {
    let world = World::new().await;
    let _miner = world.stopped_miner("node").await;
    let data_dir = world.path("node").display().to_string();
    let node = Kms::at(&world.path("node-home"));
    let run = ["node", "run", "--data-dir", &data_dir];
    let wrong = node.saying("not the passphrase").json(&run);
    assert_eq!(wrong.code, 21, "{wrong:?}");
    let unknown = node.json(&[&run[..], &["--set", "lissten=127.0.0.1:1"]].concat());
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown.stderr.contains("did you mean `listen`"),
        "{unknown:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn says_that_the_chain_cannot_be_reached() {
    let world = World::new().await;
    let person = Kms::at(&world.path("alice"));
    let nobody = format!("http://127.0.0.1:{}", free_port());
    person.init(&world.deployment_file, &nobody, &[]);
    let output = person.json(&["status"]);
    assert_eq!(output.code, 30, "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_is_missing_when_there_is_no_money() {
    let world = World::new().await;
    let poor = home_with(&world, "poor", &world.deployment);
    let output = poor.json(&["stake", "create", "--amount", "1000 KMS", "--periods", "20"]);
    assert!([31, 32].contains(&output.code), "{output:?}");
    assert!(!output.stderr.contains("panicked"), "{output:?}");
    // A transaction that would revert is not sent.
    let stranger = world.account(10).await;
    let call = Call::Unbond {
        amount: kms_protocol::Amount(1),
    };
    let refused = world
        .chain
        .simulate(stranger.address(), &call)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("EscrowNoPosition"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_numbers_without_a_unit_and_nonsense() {
    for args in [
        &["stake", "create", "--amount", "1000", "--periods", "20"][..],
        &["stake", "create", "--amount", "1000 KMS", "--periods", "-1"],
        &[
            "grant",
            "label",
            "--to",
            "bob",
            "--threshold",
            "4/3",
            "--periods",
            "1",
        ],
        &[
            "grant",
            "label",
            "--to",
            "bob",
            "--threshold",
            "0/3",
            "--periods",
            "1",
        ],
        &["frobnicate"],
    ] {
        let output = Kms::anywhere().run(args);
        assert_eq!(output.code, 2, "{output:?}");
    }
}
