use kms_protocol::{Address, Amount, B256, Period};
use proptest::prelude::*;

use super::*;
use crate::keys::ReaderKey;

fn key(byte: u8) -> MemoKey {
    MemoKey::new(Zeroizing::new([byte; 64]))
}

fn terms() -> Terms {
    Terms {
        author: Address([1; 20]),
        sponsor: Address([2; 20]),
        verifier: Address([3; 20]),
        keys_hash: B256([4; 32]),
        rate: Amount(5),
        first_period: Period(6),
        last_period: Period(7),
        threshold: 1,
        salt: B256([8; 32]),
        miners: vec![Address([9; 20])],
    }
}

fn memo(label: &str, reader: &str) -> Memo {
    Memo {
        number: 7,
        receiving_key: ReaderKey::random().unwrap().receiving_key(),
        label: Label::new(label).unwrap(),
        reader: reader.to_owned(),
    }
}

/// Seals a plaintext as the memo of [`terms`], whatever it holds.
fn sealed(plain: &[u8]) -> Vec<u8> {
    key(1)
        .cipher()
        .encrypt(associated(&terms()), plain)
        .unwrap()
}

#[test]
fn opens_with_its_key_beside_its_policy_only() {
    let (memo, terms) = (memo("films/demo", "bob"), terms());
    let sealed = key(1).seal(&memo, &terms).unwrap();
    assert_eq!(key(1).open(&sealed, &terms), Some(memo.clone()));
    assert_eq!(key(2).open(&sealed, &terms), None);
    let elsewhere = [
        Terms {
            keys_hash: B256([5; 32]),
            ..terms.clone()
        },
        Terms {
            author: Address([2; 20]),
            ..terms.clone()
        },
    ];
    for other in elsewhere {
        assert_eq!(key(1).open(&sealed, &other), None);
    }
}

#[test]
fn the_length_tells_names_in_steps_of_32_bytes() {
    for (label, reader, length) in [
        ("a", "b", 64),
        ("12345", "bob", 64),
        ("123456", "bob", 96),
        ("films/demo", "bob", 96),
    ] {
        let sealed = key(1).seal(&memo(label, reader), &terms()).unwrap();
        assert_eq!(sealed.len(), length, "{label} {reader}");
        let label = Label::new(label).unwrap();
        assert_eq!(blank(&label, reader).len(), length);
    }
    let (label, reader) = ("l".repeat(128), "r".repeat(64));
    let longest = key(1).seal(&memo(&label, &reader), &terms()).unwrap();
    assert_eq!(longest.len(), 256, "the most that the contract takes");
}

#[test]
fn refuses_every_flipped_bit_and_every_cut() {
    let sealed = key(1).seal(&memo("films/demo", "bob"), &terms()).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key(1).open(&flipped, &terms()), None, "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert_eq!(key(1).open(&sealed[..length], &terms()), None, "{length}");
    }
    let longer = [&sealed[..], &[0; 32]].concat();
    assert_eq!(key(1).open(&longer, &terms()), None);
}

#[test]
fn refuses_content_that_is_not_canonical_though_its_code_holds() {
    let plain = encode(&memo("films/demo", "bob")).unwrap();
    let label_at = 38;
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut plain = plain.clone();
        change(&mut plain);
        key(1).open(&sealed(&plain), &terms())
    };
    assert!(changed(&|_| {}).is_some());
    assert_eq!(changed(&|p| p[0] = 2), None, "another version");
    assert_eq!(changed(&|p| p[5] = 9), None, "no point");
    assert_eq!(changed(&|p| p[label_at] = 0), None, "no label");
    assert_eq!(changed(&|p| p[label_at] = 255), None, "a label without end");
    assert_eq!(
        changed(&|p| p[label_at + 1] = 7),
        None,
        "a control character"
    );
    assert_eq!(changed(&|p| p[label_at + 1] = 0xff), None, "not UTF-8");
    assert_eq!(
        changed(&|p| p[label_at + 12] = b'/'),
        None,
        "not a card's name"
    );
    assert_eq!(changed(&|p| *p.last_mut().unwrap() = 1), None, "padding");
    assert_eq!(changed(&|p| p.extend([0; 32])), None, "more padding");
    assert_eq!(changed(&|p| p.truncate(p.len() - 1)), None, "less padding");
    assert_eq!(changed(&|p| p.clear()), None, "nothing");
}

#[test]
fn seals_no_name_that_no_card_has() {
    for reader in ["", ".bob", "bob eve", &"r".repeat(65), &"r".repeat(300)] {
        let refused = key(1).seal(&memo("films/demo", reader), &terms());
        assert_eq!(refused.unwrap_err().code(), "name_invalid", "{reader}");
    }
}

#[test]
fn a_plan_reckons_with_no_byte_cheaper_than_the_memo() {
    let label = Label::new("films/demo").unwrap();
    assert!(blank(&label, "bob").iter().all(|byte| *byte != 0));
}

proptest! {
    #[test]
    fn every_memo_comes_back(
        number: u32, label in "[a-z0-9/é]{1,60}", reader in "[a-zA-Z0-9@+]{1,64}",
        author: [u8; 20], keys_hash: [u8; 32],
    ) {
        let memo = Memo { number, ..memo(&label, &reader) };
        let terms = Terms { author: Address(author), keys_hash: B256(keys_hash), ..terms() };
        let sealed = key(3).seal(&memo, &terms).unwrap();
        prop_assert_eq!(sealed.len() % STEP, 0);
        prop_assert!(sealed.len() <= 256);
        prop_assert_eq!(&sealed, &key(3).seal(&memo, &terms).unwrap());
        prop_assert_eq!(key(3).open(&sealed, &terms), Some(memo));
    }

    #[test]
    fn any_bytes_are_opened_or_unknown(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(key(1).open(&bytes, &terms()), None);
        let _ = key(1).open(&sealed(&bytes), &terms());
    }
}
