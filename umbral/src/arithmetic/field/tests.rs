use k256::elliptic_curve::point::DecompressPoint as _;
use proptest::prelude::*;

use super::*;
use crate::testing::{bad_points, unjudgeable_point};

fn reference(x: &[u8; 32], odd: bool) -> Option<AffinePoint> {
    AffinePoint::decompress(&(*x).into(), u8::from(odd).into()).into_option()
}

#[test]
fn refuses_what_is_not_on_the_curve() {
    for point in bad_points(unjudgeable_point()) {
        let x: &[u8; 32] = point[1..].try_into().unwrap();
        assert_eq!(decompress([(x, false)]), [reference(x, false)]);
    }
}

proptest! {
    #[test]
    fn every_lane_gives_what_one_square_root_gives(x: [[u8; 32]; 3], odd: [bool; 3]) {
        let lanes = [(&x[0], odd[0]), (&x[1], odd[1]), (&x[2], odd[2])];
        prop_assert_eq!(decompress(lanes), lanes.map(|(x, odd)| reference(x, odd)));
        for lane in lanes {
            prop_assert_eq!(decompress([lane]), [reference(lane.0, lane.1)]);
        }
    }
}
