use ethers::abi::{Token, encode};
use ethers::types::U256;
use kms_protocol::{Address, Amount, B256, Period, PolicyId, keccak256};
use proptest::prelude::*;

use super::{ChainEvent, EventSource, Undecodable, decode};
use crate::test_support::{address, hash, terms};
use crate::types::wire::{HexBytes, Quantity, WireLog};

fn log(signature: &str, indexed: &[B256], data: &[Token]) -> WireLog {
    let topics = [&[keccak256(signature.as_bytes())], indexed].concat();
    WireLog {
        address: address(1),
        topics,
        data: HexBytes(encode(data)),
        block_number: Quantity(5),
        block_hash: hash(5),
        transaction_hash: hash(6),
        log_index: Quantity(0),
        removed: false,
    }
}

fn word(address: Address) -> B256 {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address.0);
    B256(word)
}

fn uint(value: u128) -> Token {
    Token::Uint(U256::from(value))
}

fn check(source: EventSource, log: &WireLog, expected: ChainEvent) {
    assert_eq!(decode(source, log), Ok(Some(expected.clone())));
    assert_eq!(expected.source(), source);
    for other in [
        EventSource::Escrow,
        EventSource::Rewards,
        EventSource::Policies,
    ] {
        if other != source {
            assert_eq!(decode(other, log), Err(Undecodable::Shape), "{other:?}");
        }
    }
}

#[test]
fn reads_the_events_of_the_escrow() {
    let miner = address(0xaa);
    let log1 = log(
        "Deposited(address,address,uint96,uint96,uint32)",
        &[word(miner), word(address(0xbb))],
        &[uint(3), uint(5), uint(7)],
    );
    let deposited = ChainEvent::Deposited {
        miner,
        payer: address(0xbb),
        amount: Amount(3),
        locked: Amount(5),
        lock_periods: 7,
    };
    check(EventSource::Escrow, &log1, deposited);
    let bonded = |worker| {
        log(
            "WorkerBonded(uint64,address,address)",
            &[word(miner), word(worker)],
            &[uint(9)],
        )
    };
    let event = |worker| ChainEvent::WorkerBonded {
        seq: 9,
        miner,
        worker,
    };
    check(
        EventSource::Escrow,
        &bonded(address(1)),
        event(Some(address(1))),
    );
    check(EventSource::Escrow, &bonded(Address::ZERO), event(None));
    let wound = log("WindDownSet(address,uint32)", &[word(miner)], &[uint(0)]);
    check(
        EventSource::Escrow,
        &wound,
        ChainEvent::WindDownSet {
            miner,
            unlock_period: None,
        },
    );
}

#[test]
fn reads_a_node_record_whatever_its_text() {
    let miner = address(0xaa);
    // A Solidity string holds any bytes.
    let text = vec![b'h', 0xff, 0];
    let registered = log(
        "NodeRegistered(uint64,address,string)",
        &[word(miner)],
        &[uint(4), Token::Bytes(text)],
    );
    let expected = ChainEvent::NodeRegistered {
        seq: 4,
        miner,
        url: "h\u{fffd}\0".to_owned(),
    };
    check(EventSource::Escrow, &registered, expected);
}

#[test]
fn reads_the_events_of_the_rewards() {
    let miner = address(0xaa);
    let confirmed = log(
        "ActivityConfirmed(address,uint32,uint32,uint96,uint96)",
        &[word(miner)],
        &[uint(2), uint(3), uint(4), uint(5)],
    );
    let event = ChainEvent::ActivityConfirmed {
        miner,
        from_period: Period(2),
        through_period: Period(3),
        weight: Amount(4),
        locked: Amount(5),
    };
    check(EventSource::Rewards, &confirmed, event);
    let claimed = |amount| {
        let topics = [word(miner), word(address(1))];
        log(
            "RewardClaimed(address,address,uint256)",
            &topics,
            &[Token::Uint(amount)],
        )
    };
    let event = ChainEvent::RewardClaimed {
        miner,
        recipient: address(1),
        amount: Amount(6),
    };
    check(EventSource::Rewards, &claimed(U256::from(6)), event);
    let beyond = claimed(U256::from(1) << 128);
    assert_eq!(
        decode(EventSource::Rewards, &beyond),
        Err(Undecodable::Range)
    );
}

fn terms_token() -> Token {
    let [Token::Tuple(fields)] = [ethers::abi::Tokenizable::into_token(
        crate::convert::ethers_terms(&terms(&[address(5), address(6)])),
    )] else {
        panic!()
    };
    Token::Tuple(fields)
}

const CREATED: &str = "PolicyCreated(uint64,bytes32,bytes32,address,\
    (address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,address[]),bytes)";

#[test]
fn reads_the_events_of_the_policies() {
    let id = PolicyId(hash(7));
    let created = log(
        CREATED,
        &[id.0, hash(3), word(address(1))],
        &[uint(1), terms_token(), Token::Bytes(vec![7; 65])],
    );
    let event = ChainEvent::PolicyCreated {
        seq: 1,
        policy_id: id,
        keys_hash: hash(3),
        author: address(1),
        terms: terms(&[address(5), address(6)]),
        memo: vec![7; 65],
    };
    check(EventSource::Policies, &created, event);
    let revoked = log(
        "PolicyRevoked(uint64,bytes32,uint32,uint256)",
        &[id.0],
        &[uint(2), uint(0), uint(8)],
    );
    let event = ChainEvent::PolicyRevoked {
        seq: 2,
        policy_id: id,
        effective_last: Period::NEVER,
        refund: Amount(8),
    };
    check(EventSource::Policies, &revoked, event);
}

#[test]
fn decodes_what_miners_and_sponsors_are_paid() {
    let id = hash(7);
    let paid = |name: &str| {
        log(
            &format!("{name}(bytes32,address,uint32,uint256)"),
            &[id, word(address(5))],
            &[uint(9), uint(8)],
        )
    };
    let (policy_id, miner) = (PolicyId(id), address(5));
    let (through_period, amount) = (Period(9), Amount(8));
    let event = ChainEvent::FeesCollected {
        policy_id,
        miner,
        through_period,
        amount,
    };
    check(EventSource::Policies, &paid("FeesCollected"), event);
    let event = ChainEvent::FeesReturned {
        policy_id,
        miner,
        through_period,
        amount,
    };
    check(EventSource::Policies, &paid("FeesReturned"), event);
}

#[test]
fn passes_over_the_domain_event_of_erc_5267() {
    let changed = log("EIP712DomainChanged()", &[], &[]);
    for source in [
        EventSource::Escrow,
        EventSource::Rewards,
        EventSource::Policies,
        EventSource::Adjudicator,
        EventSource::Challenges,
    ] {
        assert_eq!(decode(source, &changed), Ok(None), "{source:?}");
    }
}

#[test]
fn refuses_logs_that_lack_topics_or_data() {
    let full = log(
        CREATED,
        &[hash(7), hash(3), hash(0)],
        &[uint(1), terms_token()],
    );
    for topics in 0..4 {
        let mut cut = log(CREATED, &[], &[uint(1), terms_token()]);
        cut.topics = full.topics[..topics].to_vec();
        assert_eq!(
            decode(EventSource::Policies, &cut),
            Err(Undecodable::Shape),
            "{topics}"
        );
    }
    for length in [0, 31, 32, full.data.0.len() - 32] {
        let mut cut = log(CREATED, &[hash(7), hash(3), hash(0)], &[]);
        cut.data = HexBytes(full.data.0[..length].to_vec());
        assert_eq!(
            decode(EventSource::Policies, &cut),
            Err(Undecodable::Shape),
            "{length}"
        );
    }
}

#[test]
fn carries_numbers_exactly_where_the_contracts_give_them() {
    let with = ChainEvent::MinRatePosted {
        seq: 3,
        miner: address(1),
        min_rate: Amount(1),
    };
    assert_eq!(with.seq(), Some(3));
    assert_eq!(
        ChainEvent::LockExtended {
            miner: address(1),
            lock_periods: 1
        }
        .seq(),
        None
    );
}

proptest! {
    #[test]
    fn survives_any_log(
        topics in proptest::collection::vec(any::<[u8; 32]>(), 0..4),
        data in proptest::collection::vec(any::<u8>(), 0..400),
        known in any::<bool>(),
    ) {
        let mut log = log(CREATED, &[], &[]);
        let first = log.topics[0];
        log.topics = topics.into_iter().map(B256).collect();
        if known {
            log.topics.insert(0, first);
        }
        log.data = HexBytes(data);
        let _ = decode(EventSource::Policies, &log);
    }
}
