//! Both libraries, held against each other.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Suite, native, portable};
use crate::spec::TAG_BYTES;

fn suites() -> impl Strategy<Value = Suite> {
    prop::sample::select(&Suite::ALL[..])
}

proptest! {
    #[test]
    fn what_one_seals_the_other_opens(
        suite in suites(), key: [u8; 32], nonce: [u8; 12], data in vec(any::<u8>(), 0..40),
        plain in vec(any::<u8>(), 0..300), from in 0_usize..9,
    ) {
        let mut slot = plain.clone();
        slot.resize(plain.len() + TAG_BYTES, 0);
        let mut other = slot.clone();
        native::Cipher::new(suite, &key).unwrap().seal(nonce, &data, &mut slot).unwrap();
        let portable = portable::Cipher::new(suite, &key).unwrap();
        portable.seal(nonce, &data, &mut other).unwrap();
        prop_assert_eq!(&slot, &other);
        let mut buffer = [vec![0; from], slot].concat();
        let length = portable.open(nonce, &data, &mut buffer, from);
        prop_assert_eq!(length, Some(plain.len()));
        prop_assert_eq!(&buffer[..plain.len()], &plain[..]);
    }

    #[test]
    fn neither_opens_what_was_changed(
        suite in suites(), key: [u8; 32], data in vec(any::<u8>(), 0..20),
        plain in vec(any::<u8>(), 0..60), at: prop::sample::Index, bit in 0_u8..8,
    ) {
        let mut slot = plain.clone();
        slot.resize(plain.len() + TAG_BYTES, 0);
        let (one, two) = (
            native::Cipher::new(suite, &key).unwrap(),
            portable::Cipher::new(suite, &key).unwrap(),
        );
        one.seal([7; 12], &data, &mut slot).unwrap();
        let at = at.index(slot.len());
        slot[at] ^= 1 << bit;
        prop_assert_eq!(one.open([7; 12], &data, &mut slot.clone(), 0), None);
        prop_assert_eq!(two.open([7; 12], &data, &mut slot, 0), None);
    }

    #[test]
    fn keys_codes_and_digests_are_the_same(
        salt in vec(any::<u8>(), 0..80), secret in vec(any::<u8>(), 0..80), key: [u8; 32],
        parts in vec(vec(any::<u8>(), 0..90), 0..4),
    ) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let derived = native::derive::<48>(&salt, &secret, &parts).unwrap();
        prop_assert_eq!(*derived, *portable::derive::<48>(&salt, &secret, &parts).unwrap());
        let mac = native::MacKey::new(&key).make(&parts).unwrap();
        let portable = portable::MacKey::new(&key);
        prop_assert_eq!(mac, portable.make(&parts).unwrap());
        let message = parts.concat();
        prop_assert!(portable.holds(&message, &mac));
        prop_assert!(!portable.holds(&message, &mac[1..]));
        let (mut one, mut two) = (native::Digest::new(), portable::Digest::new());
        one.update(&message);
        two.update(&message);
        prop_assert_eq!(one.finish().unwrap(), two.finish().unwrap());
    }
}

#[test]
fn too_few_bytes_are_no_chunk() {
    for suite in Suite::ALL {
        let cipher = portable::Cipher::new(suite, &[1; 32]).unwrap();
        assert_eq!(cipher.open([0; 12], &[], &mut [0; 15], 0), None);
        assert_eq!(cipher.open([0; 12], &[], &mut [0; 16], 17), None);
        assert!(cipher.seal([0; 12], &[], &mut [0; 15]).is_err());
    }
}
