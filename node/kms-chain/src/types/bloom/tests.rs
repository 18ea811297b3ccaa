use proptest::prelude::*;

use super::*;

#[test]
fn sets_three_bits_of_a_hash_as_the_yellow_paper_says() {
    // keccak256 of nothing begins with c5d2 4601 86f7: the bits 0x5d2, 0x601 and 0x6f7.
    let bytes = Bloom::of([&[][..]]).bytes();
    let set: Vec<usize> = (0..2_048)
        .filter(|bit| bytes[255 - bit / 8] & (1 << (bit % 8)) != 0)
        .collect();
    assert_eq!(set, [0x5d2, 0x601, 0x6f7]);
}

#[test]
fn takes_256_bytes_and_no_other_number() {
    assert!(Bloom::new(&[0; 256]).is_some());
    for length in [0, 1, 255, 257, 512] {
        assert_eq!(Bloom::new(&vec![0; length]), None, "{length}");
    }
}

#[test]
fn an_empty_one_holds_nothing_and_a_full_one_says_nothing() {
    let (empty, full) = (Bloom([0; 256]), Bloom([0xff; 256]));
    assert!(!empty.may_hold(&[1; 20]) && empty.is_informative());
    assert!(full.may_hold(&[1; 20]) && !full.is_informative());
}

proptest! {
    #[test]
    fn holds_what_was_put_in(items in proptest::collection::vec(any::<[u8; 20]>(), 0..40)) {
        let bloom = Bloom::of(items.iter().map(|item| &item[..]));
        prop_assert!(items.iter().all(|item| bloom.may_hold(item)));
        prop_assert!(bloom.is_informative());
    }

    #[test]
    fn holds_little_else(item: [u8; 20], other: [u8; 32]) {
        // Three given bits of 2048 by chance of other three: once in a hundred million.
        prop_assume!(places(&item).any(|place| places(&other).all(|held| held != place)));
        prop_assert!(!Bloom::of([&other[..]]).may_hold(&item));
    }
}
