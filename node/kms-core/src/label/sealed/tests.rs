use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::keys::{OwnerKeys, Seed};

fn label(name: &str) -> Label {
    Label::new(name).unwrap()
}

fn keys(seed: u8) -> OwnerKeys {
    OwnerKeys::from_seed(&Seed::from_bytes(&[seed; 32]).unwrap()).unwrap()
}

fn names_key(seed: u8) -> NamesKey {
    NamesKey::derive(&SecretKeyFactory::from_secret_bytes(&[seed; 32])).unwrap()
}

/// Seals any plaintext, as a program of another kind could that has the seed.
fn seal_raw(plain: &[u8], key: &PublicKey) -> SealedName {
    let sealed = names_key(7).cipher().encrypt([TAG, &key.to_bytes()], plain);
    SealedName::from_bytes(&sealed.unwrap()).unwrap()
}

#[test]
fn the_vector_of_format_md() {
    let name = label("films/demo");
    let made = keys(7).producer_key(&name).unwrap();
    assert_eq!(
        hex::encode(made.public_key().to_bytes()),
        "02149ff6abac7985020c28a041372648cc0757b47f0ead261698367d601d33faae"
    );
    assert_eq!(
        hex::encode(made.sealed_name().as_bytes()),
        "c8f63154d766e3ff2de5e6a3ffbe3d9194da3d4396b0ad61\
         3c885b5f722cb981c0bdfc4f4268f191d65740ac3430d890"
    );
    assert_eq!(
        made.to_string(),
        "kmslabel1qyppf8lk4wk8npgzps52qsfhyeyvcp6hk3lsatfxz6vrvltqr5el4tkg7cc4f4mxu0ljme0x50lmu\
         0v3jndr6sukkzkkz0ygtd0hyt9es8qtmlz0gf50rywk2aq2cdpsmzgq4hde9g"
    );
}

#[test]
fn a_name_is_padded_to_32_bytes_with_its_length_before_it() {
    let key = keys(7).label_key(&label("x")).unwrap();
    for (length, expected) in [
        (1, 48),
        (31, 48),
        (32, 80),
        (63, 80),
        (64, 112),
        (95, 112),
        (96, 144),
        (127, 144),
        (128, 176),
    ] {
        let name = label(&"x".repeat(length));
        let sealed = names_key(7).seal(&name, &key).unwrap();
        assert_eq!(sealed.as_bytes().len(), expected, "{length}");
        assert_eq!(names_key(7).open(&sealed, &key).unwrap(), name);
    }
}

#[test]
fn a_name_is_always_sealed_alike_and_hides_its_length_within_a_block() {
    let (one, two) = (
        keys(7).producer_key(&label("a")).unwrap(),
        keys(7).producer_key(&label("a")).unwrap(),
    );
    assert_eq!(one, two);
    let other = keys(7).producer_key(&label("another/name")).unwrap();
    assert_ne!(one.sealed_name(), other.sealed_name());
    assert_eq!(
        one.sealed_name().as_bytes().len(),
        other.sealed_name().as_bytes().len()
    );
}

#[test]
fn neither_another_seed_nor_another_labels_key_opens_a_name() {
    let (ours, theirs) = (keys(7), keys(8));
    let made = ours.producer_key(&label("films/demo")).unwrap();
    let key = made.public_key();
    let open = |keys: &OwnerKeys, key| keys.open_name(made.sealed_name(), key).unwrap();
    assert_eq!(open(&ours, &key), Some(label("films/demo")));
    assert_eq!(open(&theirs, &key), None);
    let moved = ours.label_key(&label("films/other")).unwrap();
    assert_eq!(open(&ours, &moved), None);
}

#[test]
fn a_name_that_does_not_derive_the_key_beside_it_is_not_taken() {
    let key = keys(7).label_key(&label("other")).unwrap();
    let sealed = names_key(7).seal(&label("films/demo"), &key).unwrap();
    assert_eq!(keys(7).open_name(&sealed, &key).unwrap(), None);
}

#[test]
fn plaintexts_that_are_no_name_in_its_one_form_are_not_taken() {
    let key = keys(7).label_key(&label("x")).unwrap();
    let block = |text: &[u8]| {
        let mut plain = text.to_vec();
        plain.resize(32, 0);
        plain
    };
    let good = seal_raw(&block(b"\x01x"), &key);
    assert_eq!(names_key(7).open(&good, &key), Some(label("x")));
    let mut longer = block(b"\x01x");
    longer.resize(64, 0);
    let bad: [&[u8]; 7] = [
        &block(b""),
        &block(b"\x01\n"),
        &block(b"\x02\xff\xff"),
        &block(b"\x03e\xcc\x81"),
        &block(b"\x01xy"),
        &block(b"\x20x"),
        &longer,
    ];
    for plain in bad {
        let sealed = seal_raw(plain, &key);
        assert_eq!(names_key(7).open(&sealed, &key), None, "{plain:?}");
    }
}

proptest! {
    #[test]
    fn every_name_comes_back(typed in "[\\p{L}\\p{M}\\p{N} /.-]{1,40}") {
        let Ok(name) = Label::new(&typed) else { return Ok(()) };
        let made = keys(7).producer_key(&name).unwrap();
        let opened = keys(7).open_name(made.sealed_name(), &made.public_key()).unwrap();
        prop_assert_eq!(opened, Some(name));
    }

    #[test]
    fn a_changed_byte_does_not_open(at in 0_usize..48, mask in 1_u8..=255) {
        let made = keys(7).producer_key(&label("films/demo")).unwrap();
        let mut bytes = made.sealed_name().as_bytes().to_vec();
        bytes[at] ^= mask;
        let changed = SealedName::from_bytes(&bytes).unwrap();
        prop_assert_eq!(keys(7).open_name(&changed, &made.public_key()).unwrap(), None);
    }

    #[test]
    fn garbage_does_not_open(blocks in 1_usize..=5, fill in vec(any::<u8>(), 176)) {
        let key = keys(7).label_key(&label("x")).unwrap();
        let garbage = SealedName::from_bytes(&fill[..16 + 32 * blocks]).unwrap();
        prop_assert_eq!(keys(7).open_name(&garbage, &key).unwrap(), None);
    }
}
