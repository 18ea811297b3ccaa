use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::compat::testing::DelegationV1;
use crate::testing::flip;

const FRAMING: Error = Error::Framing { object: "object" };

#[test]
fn refuses_another_header() {
    for header in [[0xc4, 2], [0xc5, 1], [0xd9, 1], [0xa1, 1]] {
        let bytes = [header[0], header[1], 7];
        let mut reader = Framed::new(&bytes, "object", 3).unwrap();
        assert_eq!(reader.bin::<1>(), Err(FRAMING));
    }
    let mut reader = Framed::new(&[0xc4, 1, 7], "object", 3).unwrap();
    assert_eq!(reader.bin::<1>(), Ok(&[7]));
}

#[test]
fn a_flag_is_one_of_two_bytes() {
    for byte in 0..=255 {
        let bytes = [byte];
        let read = Framed::new(&bytes, "object", 1).unwrap().flag("flag");
        match byte {
            0xc2 => assert_eq!(read, Ok(false)),
            0xc3 => assert_eq!(read, Ok(true)),
            _ => assert_eq!(read, Err(Error::InvalidFlag { field: "flag" })),
        }
    }
    assert_eq!([flag(false), flag(true)], [0xc2, 0xc3]);
}

#[test]
fn refuses_every_other_length() {
    let mut delegation = DelegationV1::new(1, 1, 1);
    let check = |msgpack: &[u8], object, refused: &dyn Fn(&[u8]) -> Option<Error>| {
        let expected = msgpack.len();
        let longer = [msgpack, &[0]].concat();
        for bytes in [&[], &msgpack[1..], &msgpack[..expected - 1], &longer] {
            let length = crate::Error::Length {
                object,
                expected,
                actual: bytes.len(),
            };
            assert_eq!(refused(bytes), Some(length.into()));
        }
    };
    check(&delegation.capsule.to_msgpack(), "capsule", &|bytes| {
        Capsule::from_msgpack(bytes).err()
    });
    check(&delegation.cfrag().to_msgpack(), "cfrag", &|bytes| {
        CapsuleFrag::from_msgpack(bytes).err()
    });
    let kfrag = delegation.kfrags[0].to_secret_msgpack();
    check(&*kfrag, "kfrag", &|bytes| {
        KeyFrag::from_msgpack(bytes).err()
    });
}

#[test]
fn no_flipped_bit_is_a_capsule() {
    let msgpack = DelegationV1::new(1, 1, 1).capsule.to_msgpack();
    for bit in 0..msgpack.len() * 8 {
        assert!(
            Capsule::from_msgpack(&flip(&msgpack, bit)).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn no_other_header_of_a_cfrag_is_read() {
    let msgpack = DelegationV1::new(1, 1, 1).cfrag().to_msgpack();
    for at in [0, 1, 2, 36, 71, 105, 140, 141, 142, 281, 315] {
        for bit in 0..8 {
            let refused = CapsuleFrag::from_msgpack(&flip(&msgpack, at * 8 + bit));
            let framing = Error::Framing { object: "cfrag" };
            assert_eq!(refused, Err(framing), "byte {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn capsules_and_cfrags_survive_encoding(seed: u64) {
        let mut delegation = DelegationV1::new(seed, 1, 1);
        let cfrag = delegation.cfrag().frag;
        prop_assert_eq!(CapsuleFrag::from_msgpack(&cfrag.to_msgpack()), Ok(cfrag));
        let capsule = delegation.capsule;
        prop_assert_eq!(Capsule::from_msgpack(&capsule.to_msgpack()), Ok(capsule));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(Capsule::from_msgpack(&bytes).is_err());
        prop_assert!(CapsuleFrag::from_msgpack(&bytes).is_err());
        prop_assert!(KeyFrag::from_msgpack(&bytes).is_err());
    }

    #[test]
    fn damage_behind_a_good_header_never_panics(at in 0..105_usize, noise: Vec<u8>) {
        let mut bytes = DelegationV1::new(1, 1, 1).capsule.to_msgpack();
        for (slot, byte) in bytes[at..].iter_mut().zip(&noise) {
            *slot = *byte;
        }
        if let Ok(again) = Capsule::from_msgpack(&bytes) {
            prop_assert_eq!(again.to_msgpack(), bytes);
        }
    }
}
