use getrandom::SysRng;

use super::*;

fn secret(byte: u8) -> Secret {
    Secret(Zeroizing::new([byte; 32]))
}

fn data_key(byte: u8, suite: Suite) -> DataKey {
    let parameters = Parameters {
        suite,
        ..Parameters::default()
    };
    AccessKey::data_key(secret(byte), parameters)
}

fn access(byte: u8) -> AccessKey {
    AccessKey::from_bytes(&[byte; 32], Suite::default()).unwrap()
}

/// What comes of unwrapping, in a word.
fn unwrapped(access: &AccessKey, wrapped: &[u8; 48], commitment: &[u8; 32]) -> &'static str {
    match access.unwrap_key(wrapped, commitment) {
        Unwrapped::Key(key) if *key.0 == [7; 32] => "key",
        Unwrapped::Key(_) => "another key",
        Unwrapped::Changed => "changed",
        Unwrapped::WrongKey => "wrong key",
    }
}

#[test]
fn unwraps_what_it_wrapped() {
    for suite in Suite::ALL {
        let access = AccessKey::from_bytes(&[1; 32], suite).unwrap();
        let wrapped = access.wrap(&secret(7)).unwrap();
        assert_eq!(unwrapped(&access, &wrapped, access.commitment()), "key");
    }
}

#[test]
fn tells_a_wrong_key_from_a_change() {
    let (right, wrong) = (access(1), access(2));
    let wrapped = right.wrap(&secret(7)).unwrap();
    let commitment = *right.commitment();
    assert_eq!(unwrapped(&wrong, &wrapped, &commitment), "wrong key");
    assert_eq!(unwrapped(&right, &wrapped, wrong.commitment()), "changed");
    for bit in 0..WRAPPED_BYTES * 8 {
        let mut changed = wrapped;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            unwrapped(&right, &changed, &commitment),
            "changed",
            "bit {bit}"
        );
    }
}

#[test]
fn the_suites_have_different_keys() {
    let [one, two] = Suite::ALL.map(|suite| AccessKey::from_bytes(&[1; 32], suite).unwrap());
    let wrapped = one.wrap(&secret(7)).unwrap();
    assert_eq!(unwrapped(&two, &wrapped, one.commitment()), "changed");
}

#[test]
fn every_derived_value_differs_from_every_other() {
    let mut values = vec![vec![9; 32], access(9).commitment().to_vec()];
    for suite in Suite::ALL {
        let data = data_key(9, suite);
        for purpose in [&b"header"[..], b"chunks", b"body", b"signature"] {
            values.push(data.derive::<32>(purpose).unwrap().to_vec());
        }
    }
    for (index, value) in values.iter().enumerate() {
        for other in &values[index + 1..] {
            assert_ne!(value[..16], other[..16]);
        }
    }
}

#[test]
fn every_segment_has_a_cipher_of_its_own() {
    let body = data_key(9, Suite::default()).body_keys().unwrap();
    let key = SegmentKey(secret(1));
    let other = SegmentKey(secret(2));
    let sealed = |segment, key| {
        let mut buffer = [0; 32];
        let cipher = body.cipher(segment, key).unwrap();
        cipher.seal(ONLY, &[], &mut buffer).unwrap();
        buffer
    };
    let all = [
        sealed(0, None),
        sealed(0, Some(&key)),
        sealed(0, Some(&other)),
        sealed(1, Some(&key)),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[index + 1..].contains(one));
    }
}

#[test]
fn a_mac_covers_every_byte() {
    let mac = data_key(3, Suite::default()).mac_key().unwrap();
    let tag = mac.make(&[&[5; 20], &[5; 20]]).unwrap();
    assert!(mac.holds(&[5; 40], &tag));
    assert!(!mac.holds(&[5; 39], &tag));
    assert!(!mac.holds(&[5; 40], &tag[..31]));
    let other = data_key(4, Suite::default()).mac_key().unwrap();
    assert!(!other.holds(&[5; 40], &tag));
}

#[test]
fn prints_no_secret() {
    let key = data_key(0x41, Suite::default());
    assert_eq!(format!("{key:?}"), "DataKey(<redacted>)");
    let key = SegmentKey(Secret::random(&mut SysRng).unwrap());
    assert_eq!(format!("{key:?}"), "SegmentKey(<redacted>)");
}
