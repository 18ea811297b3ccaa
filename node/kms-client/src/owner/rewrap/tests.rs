use std::fs;

use kms_format::{Decryptor, Segments};
use tempfile::TempDir;

use super::*;
use kms_core::keys::Seed;

fn keys() -> OwnerKeys {
    OwnerKeys::from_seed(&Seed::from_bytes(&[0x21; 32]).unwrap()).unwrap()
}

fn label(name: &str) -> Label {
    Label::new(name).unwrap()
}

/// A file of the label "old" of these keys.
fn write(keys: &OwnerKeys, path: &Path, plain: &[u8], segments: Option<Segments>) {
    let key = keys.producer_key(&label("old")).unwrap();
    let mut encryptor =
        Encryptor::new(&key.public_key()).with_sealed_name(key.sealed_name().clone());
    if let Some(segments) = segments {
        encryptor = encryptor.with_segments(segments);
    }
    let mut file = Vec::new();
    encryptor
        .encrypt(&mut SysRng, plain, &mut file, &mut |_| ())
        .unwrap();
    fs::write(path, file).unwrap();
}

/// The label and the content of a file.
fn read(keys: &OwnerKeys, path: &Path) -> (Label, Vec<u8>) {
    let file = fs::read(path).unwrap();
    let mut rest = &*file;
    let header = Header::read(&mut rest).unwrap();
    let label = label_of(keys, &Labels::default(), &header).unwrap();
    let key = data_key_of_label(keys, &label, &header).unwrap();
    let mut plain = Vec::new();
    let decryptor = Decryptor::new(&header, &key, rest).unwrap();
    decryptor.decrypt(&mut plain, &mut |_| ()).unwrap();
    (label, plain)
}

#[test]
fn a_file_moves_to_the_new_label_and_keeps_its_chunks() {
    let (folder, keys) = (TempDir::new().unwrap(), keys());
    let path = folder.path().join("f.kms");
    let plain = vec![3; 100_000];
    write(&keys, &path, &plain, None);
    let before = fs::read(&path).unwrap();
    let to = keys.producer_key(&label("new")).unwrap();
    let rewrap = || rewrap(&keys, &Labels::default(), &to, &path).unwrap();
    assert_eq!(rewrap(), Rewrapped::From(label("old")));
    assert_eq!(read(&keys, &path), (label("new"), plain));
    let after = fs::read(&path).unwrap();
    assert!(after.ends_with(&before[before.len() - 100_000..]));
    // Again, as after an interruption: nothing is left to do.
    assert_eq!(rewrap(), Rewrapped::Already);
    assert_eq!(fs::read(&path).unwrap(), after);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn whatever_is_refused_stays_as_it_was() {
    let (folder, keys) = (TempDir::new().unwrap(), keys());
    let stranger = OwnerKeys::from_seed(&Seed::from_bytes(&[0x22; 32]).unwrap()).unwrap();
    let to = keys.producer_key(&label("new")).unwrap();
    let path = folder.path().join("f.kms");
    let check = |code: &str| {
        let before = fs::read(&path).unwrap();
        let error = rewrap(&keys, &Labels::default(), &to, &path).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    };
    write(&stranger, &path, b"theirs", None);
    check("sealed_name_foreign");
    write(&keys, &path, b"in segments", Some(Segments::BY_HAND));
    check("not_movable");
    write(&keys, &path, &[7; 1000], None);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    check("file_truncated");
    let mut changed = whole.clone();
    changed[300] ^= 1;
    fs::write(&path, changed).unwrap();
    check("header_tampered");
    fs::write(&path, b"no file of ours").unwrap();
    check("not_a_kms_file");
}
