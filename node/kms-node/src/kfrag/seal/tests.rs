use super::*;

const ID: PolicyId = PolicyId(B256([1; 32]));
const HASH: B256 = B256([2; 32]);

fn key(byte: u8) -> StorageKey {
    StorageKey::derive(&[byte; 32]).unwrap()
}

#[test]
fn opens_what_it_sealed() {
    let row = key(7).seal(ID, HASH, b"kfrag").unwrap();
    assert_eq!(key(7).open(ID, HASH, &row).unwrap().as_slice(), b"kfrag");
}

#[test]
fn refuses_another_key_policy_or_hash() {
    let row = key(7).seal(ID, HASH, b"kfrag").unwrap();
    assert_eq!(key(8).open(ID, HASH, &row), Err(SealBroken));
    assert_eq!(key(7).open(PolicyId(HASH), HASH, &row), Err(SealBroken));
    assert_eq!(key(7).open(ID, ID.0, &row), Err(SealBroken));
}

#[test]
fn refuses_every_flipped_bit_and_every_cut() {
    let row = key(7).seal(ID, HASH, b"kfrag").unwrap();
    for index in 0..row.len() {
        let mut changed = row.clone();
        changed[index] ^= 1;
        assert_eq!(
            key(7).open(ID, HASH, &changed),
            Err(SealBroken),
            "byte {index}"
        );
        assert_eq!(
            key(7).open(ID, HASH, &row[..index]),
            Err(SealBroken),
            "cut at {index}"
        );
    }
}

#[test]
fn two_rows_of_one_kfrag_differ_and_hide_it() {
    let first = key(7).seal(ID, HASH, b"kfrag").unwrap();
    let second = key(7).seal(ID, HASH, b"kfrag").unwrap();
    assert_ne!(first, second);
    assert!(!first.windows(8).any(|window| window == b"kfrag"));
}
