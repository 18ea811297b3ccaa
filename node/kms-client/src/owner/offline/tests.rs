use getrandom::SysRng;
use kms_format::{Encryptor, SealedName};

use super::*;
use crate::testkit::label;
use kms_core::card::LabelKey;
use kms_core::keys::Seed;

fn keys(seed: u8) -> OwnerKeys {
    OwnerKeys::from_seed(&Seed::from_bytes(&[seed; 32]).unwrap()).unwrap()
}

/// What a producer makes with what it was given.
fn file_for(key: &LabelKey) -> Vec<u8> {
    let encryptor = Encryptor::new(&key.public_key()).with_sealed_name(key.sealed_name().clone());
    write(&encryptor)
}

fn write(encryptor: &Encryptor) -> Vec<u8> {
    let mut file = Vec::new();
    encryptor
        .encrypt(&mut SysRng, &b"data"[..], &mut file, &mut |_| {})
        .unwrap();
    file
}

fn header(file: &[u8]) -> Header {
    Header::read(&mut &*file).unwrap()
}

/// A home without labels, as one just made from the seed.
fn fresh() -> Labels {
    Labels::default()
}

/// A home that knows the label.
fn listing(keys: &OwnerKeys, name: &str) -> Labels {
    let mut labels = Labels::default();
    labels.insert(label(name), keys.producer_key(&label(name)).unwrap());
    labels
}

fn code(keys: &OwnerKeys, labels: &Labels, header: &Header) -> &'static str {
    data_key(keys, labels, header).unwrap_err().code()
}

#[test]
fn the_seed_alone_opens_files_of_names_that_nobody_remembers() {
    for name in ["films/demo", "x", "\u{e9}t\u{e9} 2026", &"n".repeat(128)] {
        // The producer has the line only.
        let line = keys(7).producer_key(&label(name)).unwrap().to_string();
        let header = header(&file_for(&line.parse().unwrap()));
        assert_eq!(label_of(&keys(7), &fresh(), &header).unwrap(), label(name));
        assert!(data_key(&keys(7), &fresh(), &header).is_ok(), "{name}");
    }
}

#[test]
fn a_file_without_a_name_opens_by_the_homes_labels_or_by_hand() {
    let owner = keys(7);
    let key = owner.label_key(&label("films/demo")).unwrap();
    let header = header(&write(&Encryptor::new(&key)));
    assert_eq!(code(&owner, &fresh(), &header), "file_of_unknown_label");
    assert!(data_key(&owner, &listing(&owner, "films/demo"), &header).is_ok());
    assert!(data_key_of_label(&owner, &label("films/demo"), &header).is_ok());
    let other = data_key_of_label(&owner, &label("other"), &header).unwrap_err();
    assert_eq!(other.code(), "file_of_other_label");
}

/// A producer may write what it likes into the field. Its owner opens the file when the name is
/// known, and is told what is wrong when it is not.
#[test]
fn a_hostile_producers_name_is_told_and_never_leads_to_a_key() {
    let (owner, stranger) = (keys(7), keys(8));
    let films = owner.producer_key(&label("films/demo")).unwrap();
    let others = owner.producer_key(&label("other")).unwrap();
    let foreign = stranger.producer_key(&label("films/demo")).unwrap();
    let garbage = SealedName::from_bytes(&[0xa5; 176]).unwrap();
    for name in [others.sealed_name(), foreign.sealed_name(), &garbage] {
        let encryptor = Encryptor::new(&films.public_key()).with_sealed_name(name.clone());
        let header = header(&write(&encryptor));
        assert_eq!(code(&owner, &fresh(), &header), "sealed_name_foreign");
        assert_eq!(code(&stranger, &fresh(), &header), "sealed_name_foreign");
        let listed = listing(&owner, "films/demo");
        assert!(data_key(&owner, &listed, &header).is_ok());
        assert_eq!(
            code(&owner, &listing(&owner, "other"), &header),
            "sealed_name_foreign"
        );
        assert!(data_key_of_label(&owner, &label("films/demo"), &header).is_ok());
    }
}

#[test]
fn another_owners_file_is_told_as_such() {
    let header = header(&file_for(&keys(8).producer_key(&label("x")).unwrap()));
    let listed = listing(&keys(7), "x");
    let error = data_key(&keys(7), &listed, &header).unwrap_err();
    assert_eq!(error.code(), "sealed_name_foreign");
    let fingerprint = fingerprint(header.label_key());
    assert!(error.to_string().contains(&fingerprint), "{error}");
}

/// Changed after it was written: the header's MAC tells, once the name is known.
#[test]
fn a_changed_or_exchanged_name_is_tampering_to_whoever_knows_the_label() {
    let owner = keys(7);
    let films = owner.producer_key(&label("films/demo")).unwrap();
    let others = owner.producer_key(&label("other")).unwrap();
    let file = file_for(&films);
    let name = films.sealed_name().as_bytes();
    let at = file.windows(name.len()).position(|part| part == name);
    let at = at.unwrap();
    let mut changed: Vec<Vec<u8>> = (at..at + name.len())
        .map(|byte| {
            let mut changed = file.clone();
            changed[byte] ^= 0x10;
            changed
        })
        .collect();
    let mut exchanged = file.clone();
    exchanged[at..at + name.len()].copy_from_slice(others.sealed_name().as_bytes());
    changed.push(exchanged);
    let listed = listing(&owner, "films/demo");
    for file in changed {
        let header = header(&file);
        assert_eq!(code(&owner, &fresh(), &header), "sealed_name_foreign");
        assert_eq!(code(&owner, &listed, &header), "header_tampered");
        let by_hand = data_key_of_label(&owner, &label("films/demo"), &header);
        assert_eq!(by_hand.unwrap_err().code(), "header_tampered");
    }
}

/// Key and name of another label of the same owner, over a capsule of the first.
#[test]
fn a_header_moved_to_another_label_does_not_open() {
    let owner = keys(7);
    let films = owner.producer_key(&label("films/demo")).unwrap();
    let others = owner.producer_key(&label("other")).unwrap();
    let mut file = file_for(&films);
    for (from, to) in [
        (
            films.public_key().to_bytes().to_vec(),
            others.public_key().to_bytes().to_vec(),
        ),
        (
            films.sealed_name().as_bytes().to_vec(),
            others.sealed_name().as_bytes().to_vec(),
        ),
    ] {
        let at = file.windows(from.len()).position(|part| part == from);
        let at = at.unwrap();
        file[at..at + from.len()].copy_from_slice(&to);
    }
    let header = header(&file);
    assert_eq!(label_of(&owner, &fresh(), &header).unwrap(), label("other"));
    assert_eq!(code(&owner, &fresh(), &header), "wrong_key");
}
