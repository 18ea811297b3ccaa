//! A home is lost and the backup of its seed is left: names that nobody remembers come back from
//! the files themselves. All offline, but for the making of the homes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::world::World;
use kms_kit::kms::{Kms, Output};

/// The names that will be forgotten; the last one is known to a producer by its line only. Two are
/// typed in decomposed form.
const NAMES: [&str; 3] = [
    "films/2026",
    "re\u{301}sume\u{301}s",
    "lettres \u{e0} E\u{301}lise",
];

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The objects of an output, one per line.
fn rows(output: &Output) -> Vec<Value> {
    let lines = output.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// An owner's files, and the backup of its seed.
struct Left {
    world: World,
    folder: PathBuf,
    seed: String,
}

impl Left {
    /// Makes three files under three names, and loses the home.
    async fn behind() -> Self {
        let world = World::new().await;
        let folder = world.path("files");
        std::fs::create_dir_all(folder.join("from/a/producer")).unwrap();
        let alice = Kms::at(&world.path("alice"));
        alice.init(&world.deployment_file, &world.rpc_url, &[]);
        let seed = text(&world.path("seed.backup"));
        alice.run(&["key", "backup", "-o", &seed]).assert_success();
        for (number, name) in NAMES.iter().enumerate() {
            let line = alice
                .json(&["label", "new", name])
                .assert_success()
                .text("key");
            let plain = world.path("plain");
            std::fs::write(&plain, format!("file {number}")).unwrap();
            let made_by_a_producer = number == 2;
            let (who, to, out) = if made_by_a_producer {
                // It has no home, and nothing but the line.
                let producer = Kms::at(&world.path("producer"));
                (
                    producer,
                    line.as_str(),
                    folder.join("from/a/producer/2.kms"),
                )
            } else {
                (alice.clone(), *name, folder.join(format!("{number}.kms")))
            };
            who.run(&["encrypt", "-t", to, &text(&plain), "-o", &text(&out)])
                .assert_success();
        }
        std::fs::remove_dir_all(alice.home()).unwrap();
        Self {
            world,
            folder,
            seed,
        }
    }

    fn files(&self) -> [PathBuf; 3] {
        ["0.kms", "1.kms", "from/a/producer/2.kms"].map(|name| self.folder.join(name))
    }

    /// A fresh home from the backup.
    fn home(&self, name: &str) -> Kms {
        let home = Kms::at(&self.world.path(name));
        let import = ["--import-seed", &self.seed];
        home.init(&self.world.deployment_file, &self.world.rpc_url, &import);
        home
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_files_under_three_forgotten_names_open_with_the_seed_alone() {
    let left = Left::behind().await;
    let home = left.home("restored");
    assert!(rows(&home.json(&["label", "list"])).is_empty());
    for (number, file) in left.files().iter().enumerate() {
        let told = home.json(&["inspect", &text(file)]).assert_success();
        assert_eq!(told.field("has_sealed_name"), true);
        assert_eq!(told.field("label"), Value::Null);
        let out = left.world.path("out");
        home.run(&["decrypt", &text(file), "-o", &text(&out)])
            .assert_success();
        let plain = std::fs::read_to_string(&out).unwrap();
        assert_eq!(plain, format!("file {number}"));
    }
    // The list was not needed, and is filled on demand.
    let folder = text(&left.folder);
    std::fs::write(left.folder.join("notes.txt"), "of another kind").unwrap();
    let listed = home.json(&["label", "list", "--rebuild", &folder]);
    let names: BTreeSet<String> = rows(&listed.assert_success())
        .iter()
        .map(|row| row["label"].as_str().unwrap().to_owned())
        .collect();
    let composed = [
        "films/2026",
        "r\u{e9}sum\u{e9}s",
        "lettres \u{e0} \u{c9}lise",
    ];
    assert_eq!(names, composed.map(str::to_owned).into());
    // What producers were given before is what they would be given now.
    let line = home.json(&["label", "pubkey", NAMES[2]]).assert_success();
    let header = home.json(&["inspect", &text(&left.files()[2])]);
    assert_eq!(line.text("key"), header.assert_success().text("label_key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_others_and_damaged_names_are_told_one_by_one() {
    let left = Left::behind().await;
    let stranger = Kms::at(&left.world.path("stranger"));
    stranger.init(&left.world.deployment_file, &left.world.rpc_url, &[]);
    stranger.run(&["label", "new", NAMES[0]]).assert_success();
    let foreign = left.folder.join("foreign.kms");
    let plain = text(&left.world.path("plain"));
    let args = ["encrypt", "-t", NAMES[0], &plain, "-o", &text(&foreign)];
    stranger.run(&args).assert_success();
    let damaged = left.folder.join("damaged.kms");
    let mut bytes = std::fs::read(&left.files()[0]).unwrap();
    // Inside the sealed name, by FORMAT.md.
    bytes[260] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();

    let home = left.home("restored");
    let out = text(&left.world.path("out"));
    for file in [&foreign, &damaged] {
        let error = home
            .json(&["decrypt", &text(file), "-o", &out])
            .assert_failure(21, "sealed_name_foreign");
        assert!(
            error["hint"].as_str().unwrap().contains("--label"),
            "{error}"
        );
    }
    let listed = home.json(&["label", "list", "--rebuild", &text(&left.folder)]);
    let rows = rows(&listed.assert_success());
    let told: Vec<&str> = rows.iter().filter_map(|row| row["file"].as_str()).collect();
    assert_eq!(told, [text(&damaged), text(&foreign)]);
    assert_eq!(rows.iter().filter(|row| !row["label"].is_null()).count(), 3);
    // Whoever knows the name sees that the header was changed; another name is another label.
    let named = |label: &str| home.json(&["decrypt", "--label", label, &text(&damaged)]);
    named(NAMES[0]).assert_failure(22, "header_tampered");
    named(NAMES[1]).assert_failure(21, "file_of_other_label");
    home.json(&[
        "label",
        "list",
        "--rebuild",
        &text(&left.world.path("nothing")),
    ])
    .assert_failure(3, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_character_that_is_not_seen_is_refused_with_its_code_point() {
    let world = World::new().await;
    let home = Kms::at(&world.path("alice"));
    home.init(&world.deployment_file, &world.rpc_url, &[]);
    for (name, point) in [
        ("a\u{202e}b", "U+202E"),
        ("a\u{200b}b", "U+200B"),
        ("a\u{2066}b", "U+2066"),
        ("\u{feff}ab", "U+FEFF"),
    ] {
        for verb in [
            &["label", "new", name][..],
            &["label", "pubkey", name],
            &["encrypt", "-t", name],
            &["decrypt", "--label", name],
            &["key", "show", name],
        ] {
            let error = home.json(verb).assert_failure(2, "name_invalid");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(point), "{message}");
            assert!(!message.contains(name), "{message:?}");
        }
    }
    let line = |name: &str| {
        home.json(&["label", "new", name])
            .assert_success()
            .text("key")
    };
    assert_eq!(line("caf\u{e9}"), line("cafe\u{301}"));
}
