//! Folders, many files, segments and signatures through the command line: offline as their owner,
//! and by the miners as a reader.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::world::{Miner, World};
use kms_kit::kms::Kms;

/// Somebody with a home, a label and a folder; the chain it was made for is gone.
struct Desk {
    owner: Kms,
    folder: tempfile::TempDir,
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Files in a folder, and in one inside it.
fn make_folder(root: &Path) {
    fs::create_dir_all(root.join("inside/deep")).unwrap();
    fs::write(root.join("one.txt"), "one").unwrap();
    fs::write(root.join("inside/two.bin"), vec![7; 100_000]).unwrap();
    fs::write(root.join("inside/deep/three"), "three").unwrap();
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let owner = Kms::at(&folder.path().join("home"));
        owner.init(&world.deployment_file, &world.rpc_url, &[]);
        owner.run(&["label", "new", "things"]).assert_success();
        make_folder(&folder.path().join("from"));
        Self { owner, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        text(&self.path(name))
    }

    /// Encrypts the folder.
    fn archive(&self) -> String {
        let (from, to) = (self.text("from"), self.text("all.kms"));
        let encrypt = ["encrypt", "-t", "things", "-r", &from, "-o", &to];
        self.owner.run(&encrypt).assert_success();
        to
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_becomes_one_file_and_comes_back_whole_or_in_part() {
    let desk = Desk::new().await;
    let all = desk.archive();
    let listed = desk.owner.run(&["ls", &all]).assert_success().stdout;
    for path in ["one.txt", "inside", "inside/two.bin", "inside/deep/three"] {
        assert!(listed.lines().any(|line| line.ends_with(path)), "{listed}");
    }
    assert!(
        !listed.contains(&desk.text("from")),
        "no path of this machine"
    );
    let to = desk.text("to");
    let whole = desk
        .owner
        .json(&["decrypt", &all, "-o", &to])
        .assert_success();
    assert_eq!(whole.field("entries"), 5);
    for path in ["one.txt", "inside/two.bin", "inside/deep/three"] {
        let read = |root: &str| fs::read(desk.path(root).join(path)).unwrap();
        assert_eq!(read("to"), read("from"), "{path}");
    }
    let part = ["decrypt", &all, "--path", "inside/deep/three"];
    let shown = desk.owner.run(&part).assert_success().stdout;
    assert_eq!(shown, "three");
    let some = desk.text("some");
    let part = ["decrypt", &all, "--path", "inside", "-o", &some];
    desk.owner.run(&part).assert_success();
    assert!(desk.path("some/inside/deep/three").is_file());
    assert!(!desk.path("some/one.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_unpacked_into_a_new_folder_or_not_at_all() {
    let desk = Desk::new().await;
    let all = desk.archive();
    let to = desk.text("to");
    let refuse = |args: &[&str], exit, code: &str| {
        let args = [&["decrypt"], args].concat();
        desk.owner.json(&args).assert_failure(exit, code);
        assert!(!desk.path("to").exists());
        for entry in fs::read_dir(desk.folder.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains(".part"), "{name} was left behind");
        }
    };
    refuse(&[&all], 2, "usage");
    refuse(&[&all, "--path", "inside/none", "-o", &to], 3, "not_found");
    refuse(&[&all, "--path", "../one.txt", "-o", &to], 2, "usage");
    refuse(&[&all, "-o", &desk.text("from")], 2, "output_exists");
    let mut damaged = fs::read(&all).unwrap();
    let at = damaged.len() - 40_000;
    damaged[at] ^= 1;
    let bad = desk.text("bad.kms");
    fs::write(&bad, &damaged).unwrap();
    refuse(&[&bad, "-o", &to], 22, "chunk_tampered");
    fs::write(&bad, &damaged[..at]).unwrap();
    refuse(&[&bad, "-o", &to], 20, "file_truncated");
    std::os::unix::fs::symlink("/etc/passwd", desk.path("from/out")).unwrap();
    let (from, out) = (desk.text("from"), desk.text("no.kms"));
    desk.owner
        .json(&["encrypt", "-t", "things", "-r", &from, "-o", &out])
        .assert_failure(2, "not_packable");
    assert!(!desk.path("no.kms").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_become_and_come_from_files_of_their_own() {
    let desk = Desk::new().await;
    let names = ["one.txt", "inside/two.bin", "inside/deep/three"];
    let files = names.map(|name| text(&desk.path("from").join(name)));
    let [one, two, three] = &files;
    fs::create_dir(desk.path("locked")).unwrap();
    fs::create_dir(desk.path("open")).unwrap();
    let (locked, open) = (desk.text("locked"), desk.text("open"));
    let encrypt = ["encrypt", "-t", "things", one, two, three, "-o", &locked];
    let reports = desk.owner.json(&encrypt).assert_success().stdout;
    assert_eq!(reports.lines().count(), 3);
    let encrypted = ["one.txt.kms", "two.bin.kms", "three.kms"]
        .map(|name| text(&desk.path("locked").join(name)));
    let [one, two, three] = &encrypted;
    let decrypt = ["decrypt", one, two, three, "-o", &open];
    desk.owner.run(&decrypt).assert_success();
    for (name, opened) in names.iter().zip(["one.txt", "two.bin", "three"]) {
        let before = fs::read(desk.path("from").join(name)).unwrap();
        assert_eq!(fs::read(desk.path("open").join(opened)).unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_says_its_suite_and_segments_and_its_readers_who_signed() {
    let desk = Desk::new().await;
    let (from, to) = (
        text(&desk.path("from/inside/two.bin")),
        desk.text("two.kms"),
    );
    let encrypt = [
        "encrypt",
        "-t",
        "things",
        &from,
        "-o",
        &to,
        "--segment",
        "64K",
        "--look-ahead",
        "1",
        "--suite",
        "chacha20-poly1305",
        "--sign",
    ];
    desk.owner.run(&encrypt).assert_success();
    let shown = desk.owner.json(&["inspect", &to]).assert_success();
    assert_eq!(shown.text("suite"), "chacha20-poly1305");
    assert_eq!(shown.field("segments"), 2);
    assert_eq!(shown.field("look_ahead"), 1);
    assert_eq!(shown.field("signed"), true);
    let out = desk.text("out");
    let opened = desk
        .owner
        .json(&["decrypt", &to, "-o", &out])
        .assert_success();
    assert!(
        opened.text("signed_by").contains("no card here"),
        "{opened:?}"
    );
    let card = desk
        .owner
        .json(&["card", "make", "--name", "me"])
        .assert_success();
    let card = card.text("card");
    desk.owner.run(&["card", "add", &card]).assert_success();
    let opened = desk
        .owner
        .json(&["decrypt", &to, "-o", &out])
        .assert_success();
    assert!(opened.text("signed_by").starts_with("me ("), "{opened:?}");
    assert_eq!(fs::read(&out).unwrap(), vec![7; 100_000]);
    let range = ["decrypt", &to, "--range", "65530-65540", "-o", &out];
    desk.owner.run(&range).assert_success();
    assert_eq!(fs::read(&out).unwrap(), [7; 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_moves_to_another_label_and_the_old_one_opens_it_no_longer() {
    let desk = Desk::new().await;
    let all = desk.archive();
    desk.owner.run(&["label", "new", "later"]).assert_success();
    let rewrap = ["rewrap", "--to", "later", &all];
    let moved = desk.owner.json(&rewrap).assert_success();
    assert_eq!(moved.text("from"), "things");
    let again = desk.owner.json(&rewrap).assert_success();
    assert_eq!(again.field("from"), serde_json::Value::Null);
    let to = desk.text("to");
    desk.owner
        .json(&["decrypt", &all, "--label", "things", "-o", &to])
        .assert_failure(21, "file_of_other_label");
    desk.owner
        .run(&["decrypt", &all, "-o", &to])
        .assert_success();
    assert_eq!(fs::read(desk.path("to/one.txt")).unwrap(), b"one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_archives_segments_and_many_files_by_the_miners() {
    let world = World::new().await;
    let _miners: [Miner; 3] = world.miners().await;
    let alice = world.person("alice", 100).await;
    let bob = world.person("bob", 0).await;
    let path = |name: &str| text(&world.path(name));
    make_folder(&world.path("from"));
    alice.run(&["label", "new", "things"]).assert_success();
    let card = bob
        .json(&["card", "make", "--name", "bob"])
        .assert_success();
    alice
        .run(&["card", "add", &card.text("card")])
        .assert_success();
    let grant = [
        "grant",
        "things",
        "--to",
        "bob",
        "--threshold",
        "2/3",
        "--periods",
        "5",
        "--rate",
        "0.1 KMS",
    ];
    alice.run(&grant).assert_success();
    world.mine(2).await;
    let (from, two) = (path("from"), path("from/inside/two.bin"));
    let encrypt = |args: &[&str]| {
        let args = [&["encrypt", "-t", "things"], args].concat();
        alice.run(&args).assert_success();
    };
    encrypt(&["-r", &from, "-o", &path("all.kms")]);
    encrypt(&[&two, "--segment", "1", "-o", &path("cut.kms")]);
    encrypt(&[&two, &path("from/one.txt")]);

    let listed = bob.run(&["ls", &path("all.kms")]).assert_success().stdout;
    assert!(listed.contains("inside/deep/three"), "{listed}");
    let read = |args: &[&str]| bob.run(&[&["read"], args].concat()).assert_success();
    read(&[&path("all.kms"), "-o", &path("to")]);
    assert_eq!(
        fs::read(world.path("to/inside/deep/three")).unwrap(),
        b"three"
    );
    read(&[&path("cut.kms"), "-o", &path("cut")]);
    assert_eq!(fs::read(world.path("cut")).unwrap(), vec![7; 100_000]);
    let part = read(&[&path("cut.kms"), "--range", "99999-100000"]);
    assert_eq!(part.stdout, "\u{7}");
    fs::create_dir(world.path("many")).unwrap();
    let (one, two) = (path("from/one.txt.kms"), path("from/inside/two.bin.kms"));
    read(&[&two, &one, "-o", &path("many")]);
    assert_eq!(fs::read(world.path("many/one.txt")).unwrap(), b"one");
    assert_eq!(fs::read(world.path("many/two.bin")).unwrap().len(), 100_000);
}
