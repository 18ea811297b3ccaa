use super::*;

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
fn refuses_to_read_past_the_end() {
    let mut reader = Reader::new(&[1, 2], "object", 2).unwrap();
    assert_eq!(reader.take::<3>(), Err(ENDS));
    assert_eq!(reader.take::<2>(), Ok(&[1, 2]));
    assert_eq!(reader.take::<1>(), Err(ENDS));
}

#[test]
fn concatenates_in_order() {
    assert_eq!(concat::<4>(&[&[1], &[], &[2, 3], &[4]]), [1, 2, 3, 4]);
}
