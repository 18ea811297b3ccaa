use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kms_chain::Deployment;

use super::{Place, Published};

/// A deployment on a chain of this genesis.
fn deployment(genesis: u8) -> Deployment {
    let word = |byte: u8| format!("0x{}", format!("{byte:02x}").repeat(32));
    let record = serde_json::json!({
        "address": "0x00000000000000000000000000000000000000aa",
        "code_hash": word(1),
        "constructor_args": "0x",
    });
    let names = [
        "token",
        "escrow",
        "rewards",
        "policies",
        "adjudicator",
        "challenges",
        "timelock",
        "control",
    ];
    let contracts: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), record.clone()))
        .collect();
    let params = serde_json::to_value(kms_chain::DeployParams::local().unwrap()).unwrap();
    let text = serde_json::json!({
        "chain_id": 31337,
        "genesis_hash": word(genesis),
        "block": 1,
        "contracts": contracts,
        "params": params,
    });
    Deployment::from_json(&text.to_string()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_fleeting_place_goes_with_its_value_and_a_kept_one_stays_for_its_owner_alone() {
    let place = Place::take(None).unwrap();
    let dir = place
        .miner(1)
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .to_path_buf();
    assert!(place.chain_file().is_none());
    std::fs::create_dir_all(place.miner(1)).unwrap();
    drop(place);
    assert!(!dir.exists());

    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/chain");
    drop(Place::take(Some(&dir)).unwrap());
    assert_eq!(names(&dir), ["kms-dev.lock"]);
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn refuses_a_place_that_another_run_has() {
    let parent = tempfile::tempdir().unwrap();
    let first = Place::take(Some(parent.path())).unwrap();
    let refused = Place::take(Some(parent.path())).unwrap_err();
    assert!(refused.to_json().contains("already_running"), "{refused:?}");
    drop(first);
    assert!(Place::take(Some(parent.path())).is_ok());
}

#[test]
fn keeps_miners_with_their_chain_only() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, fill) = (parent.path(), || {
        let place = Place::take(Some(parent.path())).unwrap();
        std::fs::create_dir_all(place.miner(1)).unwrap();
        std::fs::write(place.deployment_file(), "{}").unwrap();
        place.chain_file().unwrap()
    });
    let chain = fill();
    drop(Place::take(Some(dir)).unwrap());
    assert_eq!(names(dir), ["kms-dev.lock"]);

    fill();
    std::fs::write(chain, "{}").unwrap();
    drop(Place::take(Some(dir)).unwrap());
    assert_eq!(
        names(dir),
        ["chain.json", "deployment.json", "kms-dev.lock", "miners"]
    );
}

#[test]
fn refuses_a_file_in_place_of_a_folder() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("file");
    std::fs::write(&path, "mine").unwrap();
    assert!(Place::take(Some(&path)).is_err());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
}

#[test]
fn takes_its_deployment_file_back_and_nothing_else() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("deployments");
    let publish = |genesis| Published::write(Some(dir.clone()), &deployment(genesis)).unwrap();
    drop(publish(1));
    assert!(!dir.exists(), "the folder was made for the file");

    std::fs::create_dir(&dir).unwrap();
    drop(publish(1));
    assert_eq!(names(&dir), [""; 0]);

    let first = publish(1);
    let second = publish(2);
    drop(first);
    assert_eq!(Deployment::load(second.path()).unwrap(), deployment(2));
}

#[test]
fn refuses_a_folder_with_things_of_another_origin_and_changes_nothing() {
    for theirs in ["miners/x", "deployment.json", "chain.json"] {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join(theirs);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "mine").unwrap();
        std::fs::write(parent.path().join("lock"), "mine").unwrap();
        let before = names(parent.path());
        let refused = Place::take(Some(parent.path())).unwrap_err();
        assert_eq!(refused.exit(), 2, "{theirs}");
        assert_eq!(names(parent.path()), before);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}

#[test]
fn leaves_a_file_named_lock_alone() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("lock");
    std::fs::write(&path, "mine").unwrap();
    drop(Place::take(Some(parent.path())).unwrap());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
}
