use super::*;

#[test]
fn refuses_impossible_quorums() {
    assert_eq!(Quorum::new(0, 0), Err(Error::ThresholdZero));
    assert_eq!(Quorum::new(0, 3), Err(Error::ThresholdZero));
    for (threshold, shares) in [(1, 0), (4, 3), (255, 254), (u16::MAX, 1)] {
        let refused = Quorum::new(threshold, shares);
        assert_eq!(
            refused,
            Err(Error::ThresholdAboveShares { threshold, shares })
        );
    }
    for shares in [256, 257, 65_535] {
        let refused = Quorum::new(1, shares);
        assert_eq!(
            refused,
            Err(Error::TooManyShares {
                given: shares.into(),
                limit: 255
            })
        );
    }
}

#[test]
fn accepts_the_ends_of_the_range() {
    for (threshold, shares) in [(1, 1), (1, 255), (255, 255)] {
        let quorum = Quorum::new(threshold, shares).unwrap();
        assert_eq!((quorum.threshold(), quorum.shares()), (threshold, shares));
    }
}
