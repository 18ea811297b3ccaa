//! `sealed.json`: what an owner seals for itself: names of labels here, memos in `memos`.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use kms_client::{Label, OwnerKeys, Seed};
use kms_format::SealedName;
use serde_json::{Value, json};
use umbral::SecretKeyFactory;

use super::files::{LABEL, SEED, label_key};
use super::{case, text};
use crate::play;

const NAMES: &[u8] = b"kms/v1/names";
const NAME_TAG: &[u8] = b"KMS v1 label name";

pub(super) struct Cases(Vec<Value>);

impl Cases {
    pub(super) fn push(&mut self, kind: &str, name: &str, given: Value) {
        let outcome = play::sealed::run(kind, &given);
        self.0
            .push(case(kind, &format!("{kind}: {name}"), given, outcome));
    }
}

/// Seals any bytes under a key of the kit's owner, whether or not the product would.
pub(super) fn seal(purpose: &[u8], associated: &[&[u8]], plain: &[u8]) -> Vec<u8> {
    let root = SecretKeyFactory::from_secret_bytes(&SEED);
    let key = root.make_secret(purpose).unwrap();
    let mut cipher = Aes256Siv::new((&*key).into());
    cipher.encrypt(associated, plain).unwrap()
}

/// The sealed name of a label, as the holder of a seed writes it.
pub(super) fn name_of(seed: [u8; 32], label: &str) -> SealedName {
    let keys = OwnerKeys::from_seed(&Seed::from_bytes(&seed).unwrap()).unwrap();
    let made = keys.producer_key(&Label::new(label).unwrap()).unwrap();
    made.sealed_name().clone()
}

/// A sealed plaintext of a name, beside the key of [`LABEL`].
pub(super) fn forged_name(plain: &[u8]) -> Vec<u8> {
    let key = label_key(LABEL).public_key().to_bytes();
    seal(NAMES, &[NAME_TAG, &key], plain)
}

/// Length, name, zeros to the next multiple of 32.
pub(super) fn padded(name: &[u8]) -> Vec<u8> {
    let mut plain = vec![u8::try_from(name.len()).unwrap()];
    plain.extend_from_slice(name);
    plain.resize(plain.len().next_multiple_of(32), 0);
    plain
}

/// Plaintexts that no writer makes, though their code holds.
pub(super) fn wrong_names() -> Vec<(&'static str, Vec<u8>)> {
    let good = padded(LABEL.as_bytes());
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut plain = good.clone();
        change(&mut plain);
        plain
    };
    vec![
        ("of a label with another key", padded(b"films/other")),
        ("of no bytes", padded(b"")),
        (
            "not in the normal form",
            padded("films/de\u{301}mo".as_bytes()),
        ),
        ("that is not UTF-8", padded(b"films/dem\xff")),
        ("with a control character", padded(b"films/demo\n")),
        ("with space at its end", padded(b"films/demo ")),
        ("that begins like a key", padded(b"kmslabel1abc")),
        ("a byte shorter than it says", changed(&|p| p[0] += 1)),
        ("a byte longer than it says", changed(&|p| p[0] -= 1)),
        ("longer than the whole", changed(&|p| p[0] = 32)),
        ("with a byte that is not zero", changed(&|p| p[31] = 1)),
        ("with 32 zeros more", changed(&|p| p.resize(64, 0))),
    ]
}

fn names(cases: &mut Cases) {
    let given = |key: &[u8], sealed: &[u8]| {
        let (key, sealed) = (hex::encode(key), hex::encode(sealed));
        json!({ "seed": hex::encode(SEED), "key": key, "sealed": sealed })
    };
    let key = |label: &str| label_key(label).public_key().to_bytes();
    let (short, long) = ("x".repeat(31), "\u{e9}".repeat(64));
    for label in [LABEL, "films/other", "a", "Gr\u{f6}\u{df}e", &short, &long] {
        let sealed = name_of(SEED, label);
        let first: String = label.chars().take(1).collect();
        let name = format!("{} bytes from {first}", label.len());
        cases.push("name", &name, given(&key(label), sealed.as_bytes()));
    }
    let good = name_of(SEED, LABEL).as_bytes().to_vec();
    assert_eq!(good, forged_name(&padded(LABEL.as_bytes())));
    let beside = key(LABEL);
    for at in [0, 15, 16, 17, 26, 47] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        cases.push(
            "name",
            &format!("byte {at} changed"),
            given(&beside, &changed),
        );
    }
    for length in [0, 15, 16, 32, 47] {
        let cut = given(&beside, &good[..length]);
        cases.push("name", &format!("{length} bytes of it"), cut);
    }
    for more in [1, 32, 128, 160] {
        let longer = [&good[..], &vec![0; more]].concat();
        cases.push(
            "name",
            &format!("{more} bytes more"),
            given(&beside, &longer),
        );
    }
    cases.push(
        "name",
        "beside another key",
        given(&key("films/other"), &good),
    );
    let other = name_of(SEED, "films/other");
    cases.push("name", "another label's", given(&beside, other.as_bytes()));
    let mut foreign = given(&beside, &good);
    foreign["seed"] = hex::encode([7; 32]).into();
    cases.push("name", "of another seed", foreign);
    for (what, plain) in wrong_names() {
        cases.push(
            "name",
            &format!("one {what}"),
            given(&beside, &forged_name(&plain)),
        );
    }
}

pub(crate) fn make() -> String {
    let mut cases = Cases(Vec::new());
    names(&mut cases);
    super::memos::memos(&mut cases);
    let about = "What an owner seals for itself: names of labels, memos of policies";
    text(about, &[], &cases.0)
}
