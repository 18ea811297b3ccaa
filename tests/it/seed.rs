//! The backup of a seed: 24 words that make the same home elsewhere, and every wrong copy of them
//! told apart. All offline.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kms_kit::kms::{Kms, Output};
use serde_json::Value;

use crate::harness::world::World;

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A place for a new home, and what `kms init --import-seed` says to a file of this content.
fn import(world: &World, name: &str, words: &str) -> (Kms, Output) {
    let file = world.path(&format!("{name}.txt"));
    std::fs::write(&file, words).unwrap();
    let person = Kms::at(&world.path(name));
    let (network, seed) = (text(&world.deployment_file), text(&file));
    let args = ["init", "--network", &network, "--rpc", &world.rpc_url];
    let made = person.json(&[&args[..], &["--import-seed", &seed]].concat());
    (person, made)
}

fn backup(person: &Kms, file: &Path) -> Output {
    person.json(&["key", "backup", "--output", &text(file)])
}

/// The rows of `kms key list`.
fn keys(person: &Kms) -> Vec<Value> {
    let listed = person.json(&["key", "list", "--readers"]).assert_success();
    let rows = listed.stdout.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

fn home_with_labels(world: &World) -> (Kms, String, PathBuf) {
    let owner = Kms::at(&world.path("alice"));
    let (network, rpc) = (text(&world.deployment_file), &world.rpc_url);
    let made = owner.json(&["init", "--network", &network, "--rpc", rpc]);
    let fingerprint = made.assert_success().text("seed");
    for label in ["films/demo", "müller"] {
        owner.run(&["label", "new", label]).assert_success();
    }
    (owner, fingerprint, world.path("backup.txt"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_makes_the_same_home_elsewhere() {
    let world = World::new().await;
    let (owner, fingerprint, file) = home_with_labels(&world);
    let saved = backup(&owner, &file).assert_success();
    assert_eq!(saved.text("seed"), fingerprint);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let words = std::fs::read_to_string(&file).unwrap();
    assert_eq!(words.split_whitespace().count(), 24);
    // Neither the words nor any of them are printed beside the file.
    let first = words.split(' ').next().unwrap();
    assert!(!format!("{} {}", saved.stdout, saved.stderr).contains(first));

    let (again, made) = import(&world, "bob", &words);
    assert_eq!(made.assert_success().text("seed"), fingerprint);
    for label in ["films/demo", "müller"] {
        again.run(&["label", "new", label]).assert_success();
    }
    let (restored, kept) = (keys(&again), keys(&owner));
    assert!(
        kept.iter().all(|key| restored.contains(key)),
        "{restored:?}"
    );
    // Which reader keys have cards is not known, so that all of them read.
    assert_eq!(restored.len(), kept.len() + 15);
    let shown = again.run(&["key", "show", "seed"]).assert_success();
    assert_eq!(shown.stdout.trim(), fingerprint);
    // To stdout goes the same text, and nothing else.
    let piped = again.run(&["key", "backup", "-o", "-"]).assert_success();
    assert_eq!(piped.stdout, words);
    assert!(piped.stderr.contains(&fingerprint), "{}", piped.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_replaces_no_file_and_needs_the_passphrase() {
    let world = World::new().await;
    let (owner, _, file) = home_with_labels(&world);
    owner
        .saying("not the passphrase")
        .json(&["key", "backup", "-o", &text(&file)])
        .assert_failure(21, "wrong_passphrase");
    assert!(!file.exists());
    std::fs::write(&file, "the old file").unwrap();
    backup(&owner, &file).assert_failure(2, "output_exists");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "the old file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_copy_of_the_words_makes_no_home() {
    let world = World::new().await;
    let words: Vec<&str> = "legal winner thank year wave sausage worth useful legal winner thank \
                            year wave sausage worth useful legal winner thank year wave sausage \
                            worth title"
        .split(' ')
        .collect();
    let changed = |change: &dyn Fn(&mut Vec<&str>)| {
        let mut words = words.clone();
        change(&mut words);
        words.join(" ")
    };
    let hex = "7f".repeat(32);
    let wrong = [
        ("typo", changed(&|w| w[6] = "wurth"), "word 7 is not in"),
        ("swapped", changed(&|w| w.swap(0, 1)), "checksum"),
        ("other", changed(&|w| w[3] = "zoo"), "checksum"),
        ("missing", changed(&|w| w.truncate(23)), "24 words, not 23"),
        ("longer", changed(&|w| w.push("zoo")), "24 words, not 25"),
        ("half", words[..12].join(" "), "24 words, not 12"),
        ("hex", hex, "24 words, not 1"),
        ("empty", String::new(), "24 words, not 0"),
    ];
    for (name, text, why) in wrong {
        let (_, refused) = import(&world, name, &text);
        let error = refused.assert_failure(2, "seed_invalid");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(why), "{name}: {message}");
        assert!(error["hint"].as_str().unwrap().contains("24 words"));
        assert!(!world.path(name).exists(), "{name}: a home was made");
    }
    // As somebody writes it down: capitals, one word a line. It is the same seed.
    let paper = words.join("\r\n").to_uppercase();
    let (_, one) = import(&world, "paper", &paper);
    let (_, two) = import(&world, "plain", &words.join(" "));
    let fingerprint = one.assert_success().text("seed");
    assert_eq!(two.assert_success().text("seed"), fingerprint);
}
