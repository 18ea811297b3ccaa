use kms_protocol::{B256, Wei};
use proptest::prelude::*;

use super::*;

fn headers(times: &[u64]) -> Vec<BlockHeader> {
    let header = |(number, timestamp): (u64, &u64)| BlockHeader {
        number,
        hash: B256::ZERO,
        parent: B256::ZERO,
        timestamp: *timestamp,
        base_fee: Wei(0),
    };
    (0..).zip(times).map(header).collect()
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_block_is_looked_for_a_little_before_it_is_due_and_then_more_seldom() {
    let mut pace = Pace::new(None);
    pace.found(s(100), &headers(&[0, 12, 24, 36]));
    assert_eq!(pace.pause(s(100)), s(12) - s(12) / 48);
    let due = s(112) - s(12) / 48;
    assert_eq!(pace.pause(s(106)), due - s(106));
    let late: Vec<Duration> = (0..6).map(|_| pace.pause(due)).collect();
    assert_eq!(late, [s(1), s(2), s(4), s(8), s(8), s(8)]);
    pace.found(s(130), &headers(&[0, 12, 24, 36]));
    assert_eq!(pace.pause(due), s(130) + s(12) - s(12) / 48 - due);
}

#[test]
fn the_time_of_a_block_is_the_median_and_within_bounds() {
    let time_of = |times: &[u64]| {
        let mut pace = Pace::new(None);
        pace.found(Duration::ZERO, &headers(times));
        pace.block_time
    };
    assert_eq!(time_of(&[0, 12, 24, 1_000_000, 1_000_012]), s(12));
    assert_eq!(time_of(&[0, 2, 4, 6]), s(2));
    assert_eq!(time_of(&[5, 5, 5, 5]), SHORTEST);
    assert_eq!(time_of(&[0, 600, 1_200]), LONGEST);
    assert_eq!(time_of(&[7]), UNKNOWN);
    assert_eq!(time_of(&[]), UNKNOWN);
    let mut gaps = headers(&[0, 500, 1_000]);
    gaps[1].number = 50;
    gaps[2].number = 90;
    assert_eq!(block_time(&gaps), None);
}

#[test]
fn a_pause_that_the_operator_chose_holds_on_every_chain() {
    let mut pace = Pace::new(Some(Duration::from_millis(70)));
    pace.found(s(1), &headers(&[0, 12, 24]));
    for now in [s(1), s(5), s(500)] {
        assert_eq!(pace.pause(now), Duration::from_millis(70));
    }
    assert_eq!(pace.count_every(), COUNT_LEAST);
}

proptest! {
    #[test]
    fn a_pause_is_never_nothing_nor_longer_than_a_block(
        times in proptest::collection::vec(0..1_000_u64, 0..50),
        looks in proptest::collection::vec(0..40_u64, 1..50),
    ) {
        let mut pace = Pace::new(None);
        let mut now = s(10);
        pace.found(now, &headers(&times));
        for look in looks {
            let pause = pace.pause(now);
            prop_assert!(!pause.is_zero() && pause <= LONGEST, "{:?}", pause);
            now += Duration::from_millis(look * 97);
        }
    }
}
