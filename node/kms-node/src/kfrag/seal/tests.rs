use super::*;

const ID: PolicyId = PolicyId(B256([1; 32]));
const HASH: B256 = B256([2; 32]);

fn root(byte: u8) -> StorageRoot {
    StorageRoot::from_bytes(&[byte; 32])
}

fn row() -> SealedRow {
    root(7).seal(ID, HASH, b"kfrag").unwrap()
}

#[test]
fn opens_what_it_sealed() {
    let plain = root(7).open(ID, HASH, &row()).unwrap();
    assert_eq!(plain.as_slice(), b"kfrag");
}

#[test]
fn refuses_another_root_policy_or_hash() {
    let row = row();
    assert_eq!(root(8).open(ID, HASH, &row), Err(SealBroken));
    assert_eq!(root(7).open(PolicyId(HASH), HASH, &row), Err(SealBroken));
    assert_eq!(root(7).open(ID, ID.0, &row), Err(SealBroken));
}

#[test]
fn refuses_the_salt_of_another_row() {
    let (first, second) = (row(), row());
    let mixed = SealedRow {
        salt: second.salt,
        ..first
    };
    assert_eq!(root(7).open(ID, HASH, &mixed), Err(SealBroken));
}

#[test]
fn refuses_every_flipped_bit_and_every_cut() {
    let row = row();
    for index in 0..row.sealed.len() {
        let mut changed = row.clone();
        changed.sealed[index] ^= 1;
        let opened = root(7).open(ID, HASH, &changed);
        assert_eq!(opened, Err(SealBroken), "byte {index}");
        let mut cut = row.clone();
        cut.sealed.truncate(index);
        let opened = root(7).open(ID, HASH, &cut);
        assert_eq!(opened, Err(SealBroken), "cut at {index}");
    }
    for index in 0..SALT_BYTES {
        let mut changed = row.clone();
        changed.salt[index] ^= 1;
        let opened = root(7).open(ID, HASH, &changed);
        assert_eq!(opened, Err(SealBroken), "salt {index}");
    }
}

#[test]
fn two_rows_of_one_kfrag_differ_and_hide_it() {
    let (first, second) = (row(), row());
    assert_ne!(first.salt, second.salt);
    assert_ne!(first.sealed, second.sealed);
    assert!(!first.sealed.windows(5).any(|window| window == b"kfrag"));
}

#[test]
fn two_nodes_have_two_roots() {
    let roots = [(); 2].map(|()| StorageRoot::random().unwrap());
    assert_ne!(roots[0].expose_bytes(), roots[1].expose_bytes());
}
