use super::*;

#[test]
fn both_encodings_are_of_one_point() {
    let u = Point::decode(&POINT_U, "U").unwrap();
    assert_eq!(point_u().affine(), u.affine());
    assert_eq!(u.to_uncompressed(), POINT_U_UNCOMPRESSED);
    assert!(u.is_judgeable());
}
