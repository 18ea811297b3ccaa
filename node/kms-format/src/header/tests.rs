use getrandom::SysRng;
use proptest::prelude::*;
use umbral::SecretKey;

use super::*;
use crate::Encryptor;
use crate::suite::Suite;

/// A header with the given extra fields put before its MAC, which is made anew, and the secret.
fn header_with(extra: &[(u16, &[u8])]) -> (Vec<u8>, SharedSecret) {
    let key = SecretKey::random(&mut SysRng).unwrap().public_key();
    let (capsule, secret) = umbral::encapsulate(&mut SysRng, &key).unwrap();
    let access = AccessKey::new(&secret, Suite::default()).unwrap();
    let data_key = DataKey::random(&mut SysRng, Parameters::default()).unwrap();
    let parts = Parts {
        label_key: &key,
        capsule: &capsule,
        access: &access,
        sealed_name: None,
        locator: None,
    };
    let mut bytes = Header::build(&parts, &data_key).unwrap().bytes;
    bytes.truncate(bytes.len() - MAC_BYTES);
    for (field, value) in extra {
        push(&mut bytes, *field, value).unwrap();
    }
    set_length(&mut bytes, MAC_BYTES);
    let mac = data_key.mac_key().unwrap().make(&[&bytes]).unwrap();
    bytes.extend_from_slice(&mac);
    (bytes, secret)
}

fn set_length(bytes: &mut [u8], more: usize) {
    let length = u32::try_from(bytes.len() + more).unwrap();
    bytes[16..20].copy_from_slice(&length.to_be_bytes());
}

fn read(bytes: &[u8]) -> Result<Header> {
    Header::read(&mut &*bytes)
}

fn refuses(bytes: &[u8], code: &str) {
    assert_eq!(read(bytes).unwrap_err().code(), code);
}

/// The four required fields: offset and length with their heads.
const FIELDS: [(usize, usize); 4] = [(20, 37), (57, 102), (159, 52), (211, 36)];

#[test]
fn reads_what_it_wrote_and_stops_there() {
    let (mut bytes, secret) = header_with(&[]);
    let length = bytes.len();
    bytes.extend_from_slice(b"body");
    let mut reader = &*bytes;
    let header = Header::read(&mut reader).unwrap();
    assert_eq!(reader, b"body");
    assert_eq!(header.as_bytes(), &bytes[..length]);
    assert_eq!(length, 279);
    header.unlock(&secret).unwrap();
}

#[test]
fn a_header_of_version_1_has_at_most_515_bytes() {
    let key = SecretKey::random(&mut SysRng).unwrap().public_key();
    let locator = Locator {
        chain_id: 31337,
        contract: [1; 20],
    };
    for (length, expected) in [(48, 387), (80, 419), (112, 451), (144, 483), (176, 515)] {
        let name = SealedName::from_bytes(&vec![9; length]).unwrap();
        let mut file = Vec::new();
        let encryptor = Encryptor::new(&key)
            .with_locator(locator)
            .with_sealed_name(name.clone());
        encryptor
            .encrypt(&mut SysRng, &b""[..], &mut file, &mut |_| ())
            .unwrap();
        let header = read(&file).unwrap();
        assert_eq!(header.as_bytes().len(), expected);
        assert_eq!(header.locator(), Some(&locator));
        assert_eq!(header.sealed_name(), Some(&name));
        assert_eq!(*header.label_key(), key);
    }
}

#[test]
fn refuses_a_sealed_name_of_another_length() {
    for length in [0, 1, 16, 32, 47, 49, 79, 81, 175, 177, 208] {
        let (bytes, _) = header_with(&[(FIELD_SEALED_NAME, &vec![0; length])]);
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn a_sealed_name_is_covered_by_the_mac() {
    let (bytes, secret) = header_with(&[(FIELD_SEALED_NAME, &[3; 48])]);
    read(&bytes).unwrap().unlock(&secret).unwrap();
    let end = bytes.len() - MAC_BYTES;
    for at in end - 48..end {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let error = read(&changed).unwrap().unlock(&secret).unwrap_err();
        assert_eq!(error.code(), "header_tampered", "byte {at}");
    }
    // Taken out, and the length made right.
    let mut without = bytes.clone();
    without.drain(end - 52..end);
    set_length(&mut without, 0);
    let error = read(&without).unwrap().unlock(&secret).unwrap_err();
    assert_eq!(error.code(), "header_tampered");
}

#[test]
fn skips_an_unknown_field_that_is_not_critical_but_authenticates_it() {
    let (bytes, secret) = header_with(&[(0x0100, b"later")]);
    read(&bytes).unwrap().unlock(&secret).unwrap();
    let at = bytes.len() - MAC_BYTES - 1;
    let mut changed = bytes;
    changed[at] ^= 1;
    let error = read(&changed).unwrap().unlock(&secret).unwrap_err();
    assert_eq!(error.code(), "header_tampered");
}

#[test]
fn refuses_an_unknown_critical_field() {
    let (bytes, _) = header_with(&[(0x8007, b"")]);
    let error = read(&bytes).unwrap_err();
    assert!(matches!(
        error,
        Error::UnknownCriticalField { field: 0x8007 }
    ));
}

#[test]
fn refuses_a_field_twice() {
    for field in [0x0100, FIELD_LOCATOR] {
        let (bytes, _) = header_with(&[(field, &[0; 52]), (field, &[0; 52])]);
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn refuses_fields_out_of_order() {
    let (bytes, _) = header_with(&[(0x0101, b""), (0x0100, b"")]);
    refuses(&bytes, "header_malformed");
    let (bytes, _) = header_with(&[(FIELD_LOCATOR, &[0; 52]), (FIELD_SEALED_NAME, &[0; 48])]);
    refuses(&bytes, "header_malformed");
}

#[test]
fn refuses_a_known_field_with_the_wrong_critical_bit() {
    let (bytes, _) = header_with(&[(FIELD_LOCATOR | CRITICAL, &[0; 52])]);
    refuses(&bytes, "header_malformed");
    for (at, _) in FIELDS {
        let (mut bytes, _) = header_with(&[]);
        bytes[at] ^= 0x80;
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn refuses_field_number_zero() {
    let (mut bytes, _) = header_with(&[]);
    bytes.splice(20..20, [0, 0, 0, 0]);
    set_length(&mut bytes, 0);
    refuses(&bytes, "header_malformed");
}

#[test]
fn refuses_a_header_without_a_required_field() {
    for (at, length) in FIELDS {
        let (mut bytes, _) = header_with(&[]);
        bytes.drain(at..at + length);
        set_length(&mut bytes, 0);
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn refuses_a_field_of_the_wrong_length() {
    for (at, length) in FIELDS {
        let (mut bytes, _) = header_with(&[]);
        bytes.remove(at + length - 1);
        bytes[at + 3] -= 1;
        set_length(&mut bytes, 0);
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn refuses_a_field_that_reaches_into_the_mac() {
    let (mut bytes, _) = header_with(&[(0x0100, &[0; 40])]);
    let at = bytes.len() - MAC_BYTES - 41;
    bytes[at] = 41;
    refuses(&bytes, "header_malformed");
}

#[test]
fn refuses_a_cut_field_head() {
    for cut in 1..4 {
        let (mut bytes, _) = header_with(&[]);
        let at = bytes.len() - MAC_BYTES;
        bytes.splice(at..at, vec![1; cut]);
        set_length(&mut bytes, 0);
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn refuses_a_length_out_of_range() {
    for length in [0, 19, 51, 16_385, u32::MAX] {
        let (mut bytes, _) = header_with(&[]);
        bytes[16..20].copy_from_slice(&length.to_be_bytes());
        refuses(&bytes, "header_malformed");
    }
}

#[test]
fn refuses_parameters_it_does_not_know() {
    for (at, name) in [
        (9, "suite"),
        (10, "flags"),
        (12, "chunk_log2"),
        (13, "look_ahead"),
        (15, "reserved"),
    ] {
        let (mut bytes, _) = header_with(&[]);
        bytes[at] ^= 0x80;
        let error = read(&bytes).unwrap_err();
        let Error::UnsupportedParameter { parameter, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(parameter, name);
    }
}

#[test]
fn refuses_another_version() {
    for version in [0, 2, 255] {
        let (mut bytes, _) = header_with(&[]);
        bytes[8] = version;
        refuses(&bytes, "unsupported_version");
    }
}

#[test]
fn tells_a_wrong_key_from_a_changed_header() {
    let (bytes, secret) = header_with(&[]);
    let (_, foreign) = header_with(&[]);
    let header = read(&bytes).unwrap();
    assert_eq!(header.unlock(&foreign).unwrap_err().code(), "wrong_key");
    for at in [163, 215, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let error = read(&changed).unwrap().unlock(&secret).unwrap_err();
        assert_eq!(error.code(), "header_tampered", "byte {at}");
    }
}

#[test]
fn refuses_the_capsule_of_another_file() {
    let (bytes, secret) = header_with(&[]);
    let (other, other_secret) = header_with(&[]);
    let mut mixed = bytes;
    mixed[61..159].copy_from_slice(&other[61..159]);
    let mixed = read(&mixed).unwrap();
    // Whoever opens the foreign capsule gets its key; whoever had the right one sees the change.
    assert_eq!(mixed.unlock(&other_secret).unwrap_err().code(), "wrong_key");
    assert_eq!(mixed.unlock(&secret).unwrap_err().code(), "header_tampered");
}

proptest! {
    #[test]
    fn never_panics_on_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes);
    }

    #[test]
    fn never_panics_on_arbitrary_fields(
        fields in proptest::collection::vec(any::<u8>(), 32..600),
    ) {
        let mut bytes = [MAGIC, Parameters::default().to_bytes()].concat();
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&fields);
        set_length(&mut bytes, 0);
        let _ = read(&bytes);
    }

    #[test]
    fn never_panics_on_a_damaged_header(at in 0_usize..279, cut in 0_usize..279, byte: u8) {
        let (mut bytes, secret) = header_with(&[]);
        bytes[at] = byte;
        bytes.truncate(cut.max(at));
        if let Ok(header) = read(&bytes) {
            let _ = header.unlock(&secret);
        }
    }
}
