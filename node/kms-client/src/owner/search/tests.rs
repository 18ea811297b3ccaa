use getrandom::SysRng;
use kms_format::Encryptor;

use super::*;
use crate::testkit::{Fixed, PASSPHRASE, home_at, label};
use kms_core::keys::Seed;

fn keys(seed: u8) -> OwnerKeys {
    OwnerKeys::from_seed(&Seed::from_bytes(&[seed; 32]).unwrap()).unwrap()
}

/// Writes a file of the label of that name, made by a producer.
fn put(path: &Path, keys: &OwnerKeys, name: &str) {
    let key = keys.producer_key(&label(name)).unwrap();
    let encryptor = Encryptor::new(&key.public_key()).with_sealed_name(key.sealed_name().clone());
    let mut file = Vec::new();
    encryptor
        .encrypt(&mut SysRng, &b"data"[..], &mut file, &mut |_| {})
        .unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, file).unwrap();
}

fn search(keys: &OwnerKeys, paths: &[&Path]) -> Result<FoundLabels> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    labels_in_files(keys, &paths, &mut |_| {})
}

fn told(found: &FoundLabels) -> Vec<(String, &'static str)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let row = |it: &Unlabelled| (name(&it.path), it.error.code());
    found.unlabelled.iter().map(row).collect()
}

#[test]
fn finds_the_names_in_folders_below_folders_and_tells_every_other_encrypted_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (ours, theirs) = (keys(7), keys(8));
    put(&at("a.kms"), &ours, "films/demo");
    put(&at("again.kms"), &ours, "films/demo");
    put(&at("deep/er/b.kms"), &ours, "photos");
    put(&at("deep/foreign.kms"), &theirs, "films/demo");
    let whole = std::fs::read(at("a.kms")).unwrap();
    std::fs::write(at("deep/cut.kms"), &whole[..100]).unwrap();
    let mut flipped = whole.clone();
    flipped[8] = 9;
    std::fs::write(at("deep/later.kms"), flipped).unwrap();
    let nameless = Encryptor::new(&ours.label_key(&label("x")).unwrap());
    let mut file = Vec::new();
    nameless
        .encrypt(&mut SysRng, &b""[..], &mut file, &mut |_| {})
        .unwrap();
    std::fs::write(at("nameless.kms"), file).unwrap();
    std::fs::write(at("notes.txt"), "hello").unwrap();
    std::fs::write(at("empty"), "").unwrap();

    let found = search(&ours, &[dir.path()]).unwrap();
    let labels: Vec<&str> = found.labels.iter().map(Label::as_str).collect();
    assert_eq!(labels, ["films/demo", "photos"]);
    assert_eq!((found.files, found.others), (3, 2));
    let mut told = told(&found);
    told.sort();
    assert_eq!(
        told,
        [
            ("cut.kms".to_owned(), "file_truncated"),
            ("foreign.kms".to_owned(), "sealed_name_foreign"),
            ("later.kms".to_owned(), "unsupported_version"),
            ("nameless.kms".to_owned(), "file_of_unknown_label"),
        ]
    );
}

#[test]
fn a_file_named_by_hand_is_told_whatever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (text, empty) = (dir.path().join("notes.txt"), dir.path().join("empty"));
    std::fs::write(&text, "hello, this is no encrypted file").unwrap();
    std::fs::write(&empty, "").unwrap();
    let found = search(&keys(7), &[&text, &empty]).unwrap();
    assert_eq!(
        told(&found),
        [
            ("notes.txt".to_owned(), "not_a_kms_file"),
            ("empty".to_owned(), "file_truncated"),
        ]
    );
    assert_eq!((found.files, found.others), (0, 0));
}

#[test]
fn a_missing_file_is_an_error_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    put(&dir.path().join("a.kms"), &keys(7), "x");
    let missing = search(&keys(7), &[dir.path(), &dir.path().join("b.kms")]);
    assert_eq!(missing.unwrap_err().code(), "not_found");
}

#[cfg(unix)]
#[test]
fn a_ring_of_links_ends_and_a_linked_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
    };
    put(&elsewhere.path().join("a.kms"), &keys(7), "linked");
    put(&dir.path().join("sub/b.kms"), &keys(7), "sub");
    link(&elsewhere.path().join("a.kms"), "a.kms");
    link(dir.path(), "ring");
    link(&dir.path().join("nothing"), "broken");
    let found = search(&keys(7), &[dir.path()]).unwrap();
    let labels: Vec<&str> = found.labels.iter().map(Label::as_str).collect();
    assert_eq!(labels, ["linked", "sub"]);
    assert_eq!((found.files, found.unlabelled.len()), (2, 0));
}

#[test]
fn progress_counts_every_file() {
    let dir = tempfile::tempdir().unwrap();
    put(&dir.path().join("a.kms"), &keys(7), "x");
    std::fs::write(dir.path().join("b"), "text").unwrap();
    let mut seen = Vec::new();
    let mut note = |done| seen.push(done);
    labels_in_files(&keys(7), &[dir.path().to_path_buf()], &mut note).unwrap();
    assert_eq!(seen, [1, 2]);
}

#[test]
fn what_was_found_is_stored_once_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let home = home_at(&dir.path().join("home"));
    let keys = home.unlock_owner(&Fixed(PASSPHRASE)).unwrap();
    let lock = home.lock().unwrap();
    home.add_label(&lock, &keys, &label("old")).unwrap();
    let names = [label("old"), label("b"), label("a")];
    let added = home.restore_labels(&lock, &keys, &names).unwrap();
    assert_eq!(added, [label("b"), label("a")]);
    assert!(
        home.restore_labels(&lock, &keys, &names)
            .unwrap()
            .is_empty()
    );
    let labels = home.labels().unwrap();
    let listed: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(listed, ["a", "b", "old"]);
    for name in &names {
        let stored = home.label_key(name).unwrap();
        assert_eq!(stored, keys.producer_key(name).unwrap());
    }
    // One label of another seed's: nothing is stored.
    let stranger = OwnerKeys::from_seed(&Seed::from_bytes(&[8; 32]).unwrap()).unwrap();
    let refused = home.restore_labels(&lock, &stranger, [&label("new"), &label("a")]);
    assert!(matches!(refused, Err(Error::LabelExists { .. })));
    assert!(home.label_key(&label("new")).is_err());
}
