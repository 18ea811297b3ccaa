//! `kms config`, `kms doctor`, `kms help`: a home is pointed at another network, and told what
//! there is to mend.

use serde_json::Value;

use crate::harness::world::World;
use kms_kit::kms::{Kms, Output};

/// The checks that `kms doctor --json` lists, by name: how each ended.
fn checks(told: &Output) -> Vec<(String, String)> {
    let rows = told.stdout.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        if field("state") != "ok" {
            assert!(!field("hint").is_empty(), "{row}");
        }
        (field("check"), field("state"))
    });
    rows.collect()
}

fn state<'a>(checks: &'a [(String, String)], name: &str) -> &'a str {
    let check = checks.iter().find(|(check, _)| check == name);
    &check
        .unwrap_or_else(|| panic!("no check {name}: {checks:?}"))
        .1
}

/// Arguments that point a home at a world.
fn set(world: &World) -> [String; 6] {
    let file = world.deployment_file.display().to_string();
    ["config", "set", "--network", &file, "--rpc", &world.rpc_url].map(str::to_owned)
}

fn point(alice: &Kms, world: &World) -> Output {
    let args = set(world);
    alice
        .json(&args.each_ref().map(String::as_str))
        .assert_success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_goes_to_another_network_and_comes_back_to_what_it_did() {
    let (old, new) = (World::new().await, World::new().await);
    let alice = old.person("alice", 1_000).await;
    alice.run(&["label", "new", "films/demo"]).assert_success();
    let wallet = alice
        .json(&["key", "show", "wallet"])
        .assert_success()
        .text("public");
    let kms = |balance: u64| (u128::from(balance) * 10_u128.pow(18)).to_string();
    let holds = |balance| {
        let status = alice.json(&["status"]).assert_success();
        assert_eq!(status.text("kms"), kms(balance));
    };
    holds(1_000);

    let report = point(&alice, &new);
    assert_eq!(
        report.text("genesis_hash"),
        new.deployment.genesis_hash.to_string()
    );
    assert_eq!(report.text("account"), wallet);
    holds(0);
    new.fund(wallet.parse().unwrap(), 7).await;
    holds(7);
    let labels = alice.json(&["label", "list"]).assert_success();
    assert!(labels.stdout.contains("films/demo"));

    point(&alice, &old);
    holds(1_000);
    let url = ["config", "set", "--rpc", &new.rpc_url];
    alice.json(&url).assert_success();
    alice.json(&["status"]).assert_failure(30, "wrong_chain");
    alice
        .json(&["config", "set", "--nodes", "any"])
        .assert_success();
    let shown = alice.json(&["config", "show"]).assert_success();
    assert_eq!(shown.text("nodes"), "any");
    assert_eq!(shown.field("rpc_urls")[0], new.rpc_url);
    alice.json(&["config", "set"]).assert_failure(2, "usage");
    alice
        .json(&["config", "set", "--network", "/nonexistent.json"])
        .assert_failure(3, "not_found");
    let after = alice.json(&["config", "show"]).assert_success();
    assert_eq!(after.stdout, shown.stdout, "a failure changed a setting");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_what_is_not() {
    let world = World::new().await;
    let nobody = Kms::at(&world.path("nobody")).json(&["doctor"]);
    nobody.assert_failure(60, "checks_failed");
    assert_eq!(checks(&nobody), [("home".to_owned(), "failed".to_owned())]);

    let alice = world.person("alice", 10).await;
    let well = alice.json(&["doctor"]).assert_success();
    let found = checks(&well);
    for name in ["home", "agent", "grants", "endpoint", "account"] {
        assert_eq!(state(&found, name), "ok", "{}", well.stdout);
    }
    assert_eq!(state(&found, "miners"), "warning");

    let poor = Kms::at(&world.path("poor"));
    poor.init(&world.deployment_file, &world.rpc_url, &[]);
    let found = checks(&poor.json(&["doctor"]).assert_success());
    assert_eq!(state(&found, "account"), "warning");

    alice
        .json(&["config", "set", "--rpc", "http://127.0.0.1:1"])
        .assert_success();
    let ill = alice.json(&["doctor"]);
    let error = ill.assert_failure(60, "checks_failed");
    assert!(
        error["message"].as_str().unwrap().starts_with("1 of "),
        "{error}"
    );
    assert_eq!(state(&checks(&ill), "endpoint"), "failed");
}

#[test]
fn help_is_that_of_the_command_named() {
    let kms = Kms::anywhere();
    for command in [&[][..], &["grant"], &["node", "run"], &["help"]] {
        let asked = kms.run(&[&["help"], command].concat()).assert_success();
        let told = kms.run(&[command, &["--help"]].concat()).assert_success();
        assert_eq!(asked.stdout, told.stdout, "{command:?}");
    }
    for command in [&["nothing"][..], &["node", "runs"]] {
        let refused = kms.json(&[&["help"], command].concat());
        refused.assert_failure(2, "usage");
    }
}
