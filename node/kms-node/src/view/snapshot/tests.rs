use kms_protocol::Wei;

use super::*;

fn header(number: u64, timestamp: u64) -> BlockHeader {
    let (hash, parent) = (B256([1; 32]), B256([2; 32]));
    BlockHeader {
        number,
        hash,
        parent,
        timestamp,
        base_fee: Wei(1),
    }
}

fn snapshot(headers: &[BlockHeader], confirmations: u64) -> Option<Snapshot> {
    let clock = PeriodClock::new(1_000, 100).unwrap();
    Snapshot::new(headers, &clock, confirmations, Index::default())
}

#[test]
fn the_confirmed_period_lags_by_the_confirmations() {
    let headers: Vec<BlockHeader> = (0..5)
        .map(|number| header(number, 1_000 + number * 100))
        .collect();
    let view = snapshot(&headers, 2).unwrap();
    assert_eq!((view.period, view.confirmed_period), (Period(5), Period(3)));
    assert_eq!(snapshot(&headers, 0).unwrap().confirmed_period, Period(5));
    assert_eq!(
        snapshot(&headers, 9).unwrap().confirmed_period,
        Period::NEVER
    );
}

#[test]
fn gaps_between_headers_only_delay_the_confirmed_period() {
    let headers = [header(10, 1_000), header(90, 1_500), header(91, 1_600)];
    assert_eq!(snapshot(&headers, 2).unwrap().confirmed_period, Period(1));
}

#[test]
fn there_is_no_view_without_a_block_and_no_period_before_genesis() {
    assert_eq!(snapshot(&[], 2), None);
    assert_eq!(
        snapshot(&[header(1, 999)], 0).unwrap().period,
        Period::NEVER
    );
}

#[test]
fn a_block_is_confirmed_by_the_blocks_on_top() {
    let view = snapshot(&[header(100, 1_000)], 2).unwrap();
    assert!(view.is_confirmed(98) && !view.is_confirmed(99) && !view.is_confirmed(u64::MAX));
    assert_eq!(view.confirmed_block(), 98);
}

#[test]
fn extensions_count_from_their_block_and_never_shorten() {
    let policy = PolicyView {
        created_block: 1,
        rate: Amount(1_000),
        first_period: Period(1),
        last_period: Period(9),
        extensions: vec![(50, Period(12)), (60, Period(15))],
        revocation: None,
        collected_through: Period::NEVER,
    };
    let last = [(49, 9), (50, 12), (59, 12), (60, 15)];
    for (block, expected) in last {
        assert_eq!(policy.last_as_of(block), Period(expected), "block {block}");
    }
    assert_eq!(policy.last_paid(), Period(15));
    let revoked = PolicyView {
        revocation: Some((70, Period(3))),
        ..policy
    };
    assert_eq!(revoked.last_paid(), Period(3));
}

#[test]
fn a_view_has_no_age_until_it_was_refreshed_or_after_it_was_dropped() {
    let age = ViewAge::new();
    assert_eq!(age.age(), None);
    age.refresh();
    assert!(age.age().unwrap() < Duration::from_secs(5));
    age.invalidate();
    assert_eq!(age.age(), None);
}
