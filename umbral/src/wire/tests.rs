use super::*;

const FRAMING: Error = Error::Framing { object: "object" };

#[test]
fn refuses_every_other_length() {
    for actual in [0, 1, 3, 4, 400] {
        let refused = Reader::new(&[0; 400][..actual], "object", 2).err();
        assert_eq!(
            refused,
            Some(Error::Length {
                object: "object",
                expected: 2,
                actual
            })
        );
    }
}

#[test]
fn refuses_another_header() {
    for header in [[0xc4, 2], [0xc5, 1], [0xd9, 1], [0xa1, 1]] {
        let bytes = [header[0], header[1], 7];
        let mut reader = Reader::new(&bytes, "object", 3).unwrap();
        assert_eq!(reader.bin::<1>(), Err(FRAMING));
    }
    let mut reader = Reader::new(&[0xc4, 1, 7], "object", 3).unwrap();
    assert_eq!(reader.bin::<1>(), Ok(&[7]));
}

#[test]
fn refuses_to_read_past_the_end() {
    let mut reader = Reader::new(&[1, 2], "object", 2).unwrap();
    assert_eq!(reader.take::<3>(), Err(FRAMING));
    assert_eq!(reader.take::<2>(), Ok(&[1, 2]));
    assert_eq!(reader.take::<1>(), Err(FRAMING));
    assert_eq!(reader.exactly(&[1]), Err(FRAMING));
}

#[test]
fn a_flag_is_one_of_two_bytes() {
    for byte in 0..=255 {
        let bytes = [byte];
        let read = Reader::new(&bytes, "object", 1).unwrap().flag("flag");
        match byte {
            0xc2 => assert_eq!(read, Ok(false)),
            0xc3 => assert_eq!(read, Ok(true)),
            _ => assert_eq!(read, Err(Error::InvalidFlag { field: "flag" })),
        }
    }
    assert_eq!([flag(false), flag(true)], [0xc2, 0xc3]);
}

#[test]
fn concatenates_in_order() {
    assert_eq!(concat::<4>(&[&[1], &[], &[2, 3], &[4]]), [1, 2, 3, 4]);
}
