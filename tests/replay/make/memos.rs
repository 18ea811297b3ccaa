//! The memos of `sealed.json`: to whom a policy was granted, and under which label.

use kms_client::{Label, Memo, OwnerKeys, Seed};
use kms_protocol::{Address, B256, Terms};
use serde_json::{Value, json};

use super::files::{LABEL, SEED};
use super::policies::terms;
use super::sealed::{Cases, seal};
use crate::bytes::Drawn;

const MEMO: &[u8] = b"kms/v1/memo";
const TAG: &[u8] = b"KMS v1 policy memo";

/// The owner's keys.
fn owner() -> OwnerKeys {
    OwnerKeys::from_seed(&Seed::from_bytes(&SEED).unwrap()).unwrap()
}

fn memo(label: &str, reader: &str) -> Memo {
    Memo {
        number: 7,
        receiving_key: owner().reader(0).unwrap().receiving_key(),
        label: Label::new(label).unwrap(),
        reader: reader.to_owned(),
    }
}

/// Version, number, key, label, reader's name, zeros up to a sealed length of 32 times n.
fn plain(label: &[u8], reader: &[u8]) -> Vec<u8> {
    let key = memo(LABEL, "bob").receiving_key.to_bytes();
    let mut plain = [&[1, 0, 0, 0, 7][..], &key].concat();
    for name in [label, reader] {
        plain.push(u8::try_from(name.len()).unwrap());
        plain.extend_from_slice(name);
    }
    plain.resize((16 + plain.len()).next_multiple_of(32) - 16, 0);
    plain
}

/// Plaintexts that no writer makes, though their code holds.
fn wrong() -> Vec<(&'static str, Vec<u8>)> {
    let (label, bob) = (LABEL.as_bytes(), &b"bob"[..]);
    let good = plain(label, bob);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut plain = good.clone();
        change(&mut plain);
        plain
    };
    let long = [b'n'; 129];
    vec![
        ("version 0", changed(&|p| p[0] = 0)),
        ("version 2", changed(&|p| p[0] = 2)),
        ("a key of tag 04", changed(&|p| p[5] = 4)),
        ("a key off the curve", changed(&|p| p[6..38].fill(5))),
        ("a label of no bytes", plain(b"", bob)),
        ("a label of 129 bytes", plain(&long, bob)),
        (
            "a label not in its form",
            plain("de\u{301}mo".as_bytes(), bob),
        ),
        ("a label with a line end", plain(b"films\n", bob)),
        ("a label that is not UTF-8", plain(b"films\xff", bob)),
        ("a label without end", changed(&|p| p[38] = 255)),
        ("a reader of no bytes", plain(label, b"")),
        ("a reader of 65 bytes", plain(label, &long[..65])),
        ("a reader's name with a dot first", plain(label, b".bob")),
        ("a reader's name with space", plain(label, b"bob eve")),
        ("a reader without end", changed(&|p| p[49] = 255)),
        (
            "a byte that is not zero",
            changed(&|p| *p.last_mut().unwrap() = 1),
        ),
        ("32 zeros more", changed(&|p| p.resize(p.len() + 32, 0))),
        ("a zero more", changed(&|p| p.push(0))),
        ("a zero less", changed(&|p| p.truncate(p.len() - 1))),
        ("nothing", Vec::new()),
        ("zeros", vec![0; 48]),
    ]
}

fn given(terms: &Terms, sealed: &[u8]) -> Value {
    json!({
        "seed": hex::encode(SEED), "keys_hash": hex::encode(terms.keys_hash),
        "author": hex::encode(terms.author), "sealed": hex::encode(sealed),
    })
}

pub(super) fn memos(cases: &mut Cases) {
    let terms = terms(&mut Drawn::new("memo"), 2);
    let sealed = |memo: &Memo| owner().memos().seal(memo, &terms).unwrap();
    let (label, reader) = ("\u{e9}".repeat(64), "r".repeat(64));
    for (label, reader) in [
        (LABEL, "bob"),
        ("a", "b"),
        (&label, &reader),
        ("1234567", "b"),
    ] {
        let memo = memo(label, reader);
        let name = format!("{} and {} bytes", label.len(), reader.len());
        cases.push("memo", &name, given(&terms, &sealed(&memo)));
    }
    for number in [0, u32::MAX] {
        let memo = Memo {
            number,
            ..memo(LABEL, "bob")
        };
        cases.push(
            "memo",
            &format!("grant {number}"),
            given(&terms, &sealed(&memo)),
        );
    }
    let good = sealed(&memo(LABEL, "bob"));
    let beside: [&[u8]; 3] = [TAG, &terms.keys_hash.0, &terms.author.0];
    assert_eq!(good, seal(MEMO, &beside, &plain(LABEL.as_bytes(), b"bob")));
    for at in [0, 15, 16, 20, 54, 60, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        cases.push(
            "memo",
            &format!("byte {at} changed"),
            given(&terms, &changed),
        );
    }
    for length in [0, 15, 16, 64, good.len() - 1] {
        let cut = given(&terms, &good[..length]);
        cases.push("memo", &format!("{length} bytes of it"), cut);
    }
    let longer = [&good[..], &[0; 32]].concat();
    cases.push("memo", "32 bytes more", given(&terms, &longer));
    for (name, keys_hash, author) in [
        ("another keys hash", B256([5; 32]), terms.author),
        ("another author", terms.keys_hash, Address([5; 20])),
    ] {
        let terms = Terms {
            keys_hash,
            author,
            ..terms.clone()
        };
        cases.push("memo", &format!("beside {name}"), given(&terms, &good));
    }
    let mut foreign = given(&terms, &good);
    foreign["seed"] = hex::encode([7; 32]).into();
    cases.push("memo", "of another seed", foreign);
    for (what, plain) in wrong() {
        let forged = seal(MEMO, &beside, &plain);
        cases.push("memo", &format!("of {what}"), given(&terms, &forged));
    }
}
