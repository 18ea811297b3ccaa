use alloc::vec::Vec;
use std::collections::HashSet;

use super::*;
use crate::testing::{ORDER, order_plus};

fn scalar(small: u64) -> Scalar {
    Scalar::from(small)
}

#[test]
fn maps_the_edges_of_the_digest_range() {
    assert_eq!(shift_into_nonzero(&[0; 32]), scalar(1));
    assert_eq!(shift_into_nonzero(&order_plus(-2)), -scalar(1));
    assert_eq!(shift_into_nonzero(&order_plus(-1)), scalar(1));
    assert_eq!(shift_into_nonzero(&ORDER), scalar(2));
    assert_eq!(shift_into_nonzero(&order_plus(1)), scalar(3));
    // 2^256 - 1 - (n - 1) + 1 = 2^256 - n + 1
    let expected = Scalar::reduce(&k256::FieldBytes::from([0xff; 32])) + scalar(2);
    assert_eq!(shift_into_nonzero(&[0xff; 32]), expected);
}

#[test]
fn every_domain_gives_another_scalar() {
    let tags = [
        CAPSULE_POINTS,
        SHARED_SECRET,
        POLYNOMIAL_ARG,
        CFRAG_VERIFICATION,
        REENCRYPTION_NONCE,
    ];
    let hashes: HashSet<[u8; 32]> = tags
        .iter()
        .map(|tag| hash_to_scalar(tag, &[b"input"]).to_bytes().into())
        .collect();
    assert_eq!(hashes.len(), tags.len());
}

#[test]
fn a_byte_moved_from_tag_to_input_gives_another_scalar() {
    assert_ne!(
        hash_to_scalar(b"TAGx", &[b"y"]),
        hash_to_scalar(b"TAG", &[b"xy"])
    );
    assert_eq!(
        hash_to_scalar(b"TAG", &[b"x", b"y"]),
        hash_to_scalar(b"TAG", &[b"xy"])
    );
}

/// RFC 5869, appendix A.3: no salt, no info.
#[test]
fn derives_as_in_the_rfc() {
    let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d\
                    9d201395faa4b61a96c8";
    let derived = derive_key::<42>(&[0x0b; 22], &[]).unwrap();
    assert_eq!(hex::encode(*derived), expected);
}

#[test]
fn refuses_more_than_hkdf_can_give() {
    assert!(matches!(
        derive_key::<8161>(b"secret", &[]),
        Err(Error::Bug(_))
    ));
}

#[test]
fn hashes_do_not_repeat() {
    let hashes: Vec<[u8; 32]> = (0..100_u8)
        .map(|i| hash_to_scalar(b"T", &[&[i]]).to_bytes().into())
        .collect();
    assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
}
