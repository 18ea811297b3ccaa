use kms_chain::{ChainEvent, EventRecord};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

use super::{Dated, Replay, RewardLedger, flows};

const DECAY: u64 = 1 << 60;
const RESERVE: Amount = Amount(1 << 90);

fn ledger() -> RewardLedger {
    RewardLedger::new(RESERVE, DECAY, Amount::ZERO)
}

fn miner(n: u8) -> Address {
    Address([n; 20])
}

fn dated(period: u32, event: ChainEvent) -> Dated {
    let record = EventRecord {
        block_number: u64::from(period),
        block_hash: B256::ZERO,
        tx_hash: B256::ZERO,
        log_index: 0,
        event,
    };
    Dated {
        period: Period(period),
        record,
    }
}

fn confirmed(n: u8, current: u32, through: u32, locked: u128) -> Dated {
    let event = ChainEvent::ActivityConfirmed {
        miner: miner(n),
        from_period: Period(current + 1),
        through_period: Period(through),
        weight: Amount(locked),
        locked: Amount(locked),
    };
    dated(current, event)
}

fn claimed(n: u8, current: u32, amount: u128) -> Dated {
    let event = ChainEvent::RewardClaimed {
        miner: miner(n),
        recipient: miner(n),
        amount: Amount(amount),
    };
    dated(current, event)
}

fn terms() -> Terms {
    Terms {
        author: miner(9),
        sponsor: miner(9),
        verifier: miner(8),
        keys_hash: B256::ZERO,
        rate: Amount(10),
        first_period: Period(2),
        last_period: Period(5),
        threshold: 1,
        salt: B256::ZERO,
        miners: vec![miner(1), miner(2)],
    }
}

#[test]
fn pays_in_proportion_to_the_locked_tokens() {
    let events = [
        confirmed(1, 1, 2, 3 << 40),
        confirmed(2, 1, 2, 1 << 40),
        claimed(1, 3, 0),
        claimed(2, 3, 0),
    ];
    let replay = Replay::run(ledger(), &events).unwrap();
    let (large, small) = (replay.earned(&miner(1)), replay.earned(&miner(2)));
    // R = 2^90 * 2^60 / 2^64 = 2^86, divided 3 : 1 without a remainder.
    assert_eq!(large.expected, Amount((1 << 86) / 4 * 3));
    assert_eq!(small.expected, Amount((1 << 86) / 4));
}

#[test]
fn a_warm_up_pays_the_part_that_is_locked() {
    let events = [confirmed(1, 1, 2, 1 << 40), claimed(1, 3, 0)];
    let warm_up = RewardLedger::new(RESERVE, DECAY, Amount(1 << 43));
    let replay = Replay::run(warm_up, &events).unwrap();
    assert_eq!(replay.earned(&miner(1)).expected, Amount((1 << 86) / 8));
}

#[test]
fn expects_nothing_for_a_period_without_a_lease() {
    let events = [
        confirmed(1, 1, 2, 1 << 40),
        claimed(1, 3, 7),
        claimed(1, 9, 7),
    ];
    let replay = Replay::run(ledger(), &events).unwrap();
    let earned = replay.earned(&miner(1));
    assert_eq!(
        (earned.expected, earned.claimed),
        (Amount(1 << 86), Amount(14))
    );
    assert!(replay.is_active(&miner(1), Period(2)) && !replay.is_active(&miner(1), Period(3)));
}

#[test]
fn refuses_a_lease_that_does_not_begin_next() {
    let mut event = confirmed(1, 1, 2, 300);
    event.period = Period(5);
    assert!(Replay::run(ledger(), &[event]).is_err());
}

#[test]
fn a_later_confirmation_counts_from_its_first_period() {
    let events = [
        confirmed(1, 1, 3, 100),
        confirmed(1, 2, 4, 500),
        claimed(1, 5, 0),
    ];
    let replay = Replay::run(ledger(), &events).unwrap();
    assert!(replay.is_active(&miner(1), Period(4)) && !replay.is_active(&miner(1), Period(5)));
    assert_eq!(replay.earned(&miner(1)).claims, 1);
}

#[test]
fn unearned_are_the_periods_after_the_end_and_the_idle_ones() {
    let events = [
        confirmed(1, 1, 4, 100),
        confirmed(2, 1, 2, 100),
        confirmed(2, 4, 5, 100),
    ];
    let replay = Replay::run(ledger(), &events).unwrap();
    // Miner 1 is active in 2..=3, miner 2 in 2; four periods of two miners were paid.
    assert_eq!(
        replay.unearned(&terms(), Period(3)).unwrap(),
        Amount(10 * (8 - 3))
    );
}

#[test]
fn sums_the_flows_of_one_policy_and_refuses_a_repeated_event() {
    let (ours, other) = (PolicyId(B256([1; 32])), PolicyId(B256([2; 32])));
    let fee = |period, policy_id| {
        let (miner, through_period) = (miner(1), Period(period));
        dated(
            period,
            ChainEvent::FeesCollected {
                policy_id,
                miner,
                through_period,
                amount: Amount(5),
            },
        )
    };
    let summed = flows(&[fee(1, ours), fee(2, other), fee(3, ours)], ours).unwrap();
    assert_eq!(summed.fees.get(&miner(1)), Some(&Amount(10)));
    assert!(flows(&[fee(1, ours), fee(1, ours)], ours).is_err());
}
