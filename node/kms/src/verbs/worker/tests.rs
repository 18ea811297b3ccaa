use super::*;

fn meant(home: &Path, node: Option<PathBuf>) -> Outcome<Address> {
    let args = BondArgs {
        worker: None,
        node,
        dry: DryArgs { dry_run: false },
    };
    args.worker(home)
}

fn code(outcome: Outcome<Address>) -> (u8, String) {
    let failure = outcome.unwrap_err();
    let json: serde_json::Value = serde_json::from_str(&failure.to_json()).unwrap();
    (failure.exit(), json["code"].as_str().unwrap().to_owned())
}

fn node_at(dir: &Path, worker: Address) {
    std::fs::create_dir(dir).unwrap();
    std::fs::write(dir.join("node.toml"), "").unwrap();
    let digits = hex::encode(worker.0);
    let keystore = kms_chain::keystore::encrypt(&[1; 32], "x", Some(worker)).unwrap();
    assert!(keystore.contains(&digits));
    std::fs::write(dir.join("worker.json"), keystore).unwrap();
}

#[test]
fn the_worker_of_the_only_node_in_the_home_is_bonded() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (Address([1; 20]), Address([2; 20]));
    assert_eq!(
        code(meant(home.path(), None)),
        (3, "node_missing".to_owned())
    );
    node_at(&home.path().join("node"), first);
    assert_eq!(meant(home.path(), None).unwrap(), first);
    node_at(&home.path().join("other"), second);
    assert_eq!(code(meant(home.path(), None)), (2, "usage".to_owned()));
    let other = Some(home.path().join("other"));
    assert_eq!(meant(home.path(), other).unwrap(), second);
}
