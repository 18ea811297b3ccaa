//! Terms: ids and encodings as `cast abi-encode` makes them, validation, JSON.

use proptest::prelude::*;

use super::*;
use crate::hex_serde;
use crate::test_support::{
    BLINDING, CHAIN_ID, POLICY_MANAGER, any_address, any_terms, delegating, receiving, terms,
};

/// `cast abi-encode "f(T)"` with T =
/// (address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,address[]).
const ABI: [&str; 15] = [
    "0000000000000000000000000000000000000000000000000000000000000020",
    "0000000000000000000000001111111111111111111111111111111111111111",
    "0000000000000000000000002222222222222222222222222222222222222222",
    "0000000000000000000000003325a78425f17a7e487eb5666b2bfd93abb06c70",
    "9ecd687ffb3e149694c09ae5fa99f7d6d7eac2ae669e9fd4978bd99931379886",
    "000000000000000000000000000000000000000000000000002c68af0bb14000",
    "0000000000000000000000000000000000000000000000000000000000000005",
    "0000000000000000000000000000000000000000000000000000000000000022",
    "0000000000000000000000000000000000000000000000000000000000000002",
    "4444444444444444444444444444444444444444444444444444444444444444",
    "0000000000000000000000000000000000000000000000000000000000000140",
    "0000000000000000000000000000000000000000000000000000000000000003",
    "0000000000000000000000005151515151515151515151515151515151515151",
    "0000000000000000000000005252525252525252525252525252525252525252",
    "0000000000000000000000005353535353535353535353535353535353535353",
];

fn check_refused(expected: TermsFault, change: impl FnOnce(&mut Terms)) {
    let mut changed = terms();
    change(&mut changed);
    assert_eq!(changed.validate(), Err(Error::Terms(expected)));
    let json = serde_json::to_string(&changed).unwrap();
    assert!(serde_json::from_str::<Terms>(&json).is_err(), "{json}");
}

fn miners(count: u8) -> Vec<Address> {
    (1..=count).map(|byte| Address([byte; 20])).collect()
}

#[test]
fn encodes_as_solidity_does() {
    assert_eq!(
        hex_serde::encode(&terms().abi_encode()),
        format!("0x{}", ABI.concat())
    );
}

#[test]
fn ids_are_those_of_the_contract() {
    let id = terms().id(CHAIN_ID, &POLICY_MANAGER).to_string();
    assert_eq!(
        id,
        "0x2218f5f6121f74148cf79d0fb06dc0c324c8a845285b497891216e1cc9de0853"
    );
}

#[test]
fn ids_and_encodings_hold_for_32_miners() {
    let terms = Terms {
        miners: miners(32),
        ..terms()
    };
    let id = terms.id(1, &POLICY_MANAGER).to_string();
    let hash = keccak256(&terms.abi_encode()).to_string();
    assert_eq!(
        id,
        "0xa50c49257c1ccf3ddf0eafa8a85a970a43c37b31532b44ed538e7978f5f2572e"
    );
    assert_eq!(
        hash,
        "0xd3d722ee8894f7a6a2622af0a65c60971a61a53021c12d44d9a7706f0721edde"
    );
}

#[test]
fn keys_are_hashed_compressed_and_in_order() {
    let hash = "0x9ecd687ffb3e149694c09ae5fa99f7d6d7eac2ae669e9fd4978bd99931379886";
    let hashed = |a, b, blinding| keys_hash(&a, &b, &blinding).to_string();
    assert_eq!(hashed(delegating(), receiving(), BLINDING), hash);
    assert_ne!(hashed(receiving(), delegating(), BLINDING), hash);
    assert_ne!(hashed(delegating(), receiving(), B256::ZERO), hash);
    // What anybody can compute from the public keys.
    let points = [delegating().to_bytes(), receiving().to_bytes()].concat();
    assert_ne!(keccak256(&points).to_string(), hash);
}

#[test]
fn every_field_changes_the_id() {
    let changes: [fn(&mut Terms); 10] = [
        |t| t.author = Address([9; 20]),
        |t| t.sponsor = Address([9; 20]),
        |t| t.verifier = Address([9; 20]),
        |t| t.keys_hash = B256([9; 32]),
        |t| t.rate = Amount(9),
        |t| t.first_period = Period(9),
        |t| t.last_period = Period(9),
        |t| t.threshold = 1,
        |t| t.salt = B256([9; 32]),
        |t| t.miners.truncate(2),
    ];
    let id = terms().id(CHAIN_ID, &POLICY_MANAGER);
    for change in changes {
        let mut changed = terms();
        change(&mut changed);
        assert_ne!(changed.id(CHAIN_ID, &POLICY_MANAGER), id, "{changed:?}");
    }
    assert_ne!(terms().id(CHAIN_ID + 1, &POLICY_MANAGER), id);
    assert_ne!(terms().id(CHAIN_ID, &Address::ZERO), id);
}

#[test]
fn refuses_zero_addresses() {
    check_refused(TermsFault::AuthorZero, |t| t.author = Address::ZERO);
    check_refused(TermsFault::SponsorZero, |t| t.sponsor = Address::ZERO);
    check_refused(TermsFault::VerifierZero, |t| t.verifier = Address::ZERO);
}

#[test]
fn refuses_a_rate_of_zero_or_beyond_96_bits() {
    check_refused(TermsFault::RateZero, |t| t.rate = Amount::ZERO);
    check_refused(TermsFault::RateTooLarge, |t| t.rate = Amount(1 << 96));
    assert_eq!(
        Terms {
            rate: Amount((1 << 96) - 1),
            ..terms()
        }
        .validate(),
        Ok(())
    );
}

#[test]
fn refuses_periods_that_are_no_interval() {
    check_refused(TermsFault::Periods, |t| t.first_period = Period::NEVER);
    check_refused(TermsFault::Periods, |t| t.first_period = Period(35));
    check_refused(TermsFault::Periods, |t| t.last_period = Period(4));
    assert_eq!(
        Terms {
            last_period: Period(5),
            ..terms()
        }
        .validate(),
        Ok(())
    );
}

#[test]
fn refuses_no_miner_and_33_miners() {
    check_refused(TermsFault::MinerCount { count: 0 }, |t| t.miners.clear());
    check_refused(TermsFault::MinerCount { count: 33 }, |t| {
        t.miners = miners(33)
    });
    assert_eq!(
        Terms {
            miners: miners(32),
            ..terms()
        }
        .validate(),
        Ok(())
    );
}

#[test]
fn refuses_miners_that_are_not_strictly_ascending() {
    check_refused(TermsFault::MinersUnsorted { index: 1 }, |t| {
        t.miners.swap(0, 1)
    });
    check_refused(TermsFault::MinersUnsorted { index: 2 }, |t| {
        t.miners[2] = t.miners[1]
    });
    check_refused(TermsFault::MinersUnsorted { index: 0 }, |t| {
        t.miners[0] = Address::ZERO
    });
}

#[test]
fn refuses_a_threshold_outside_1_to_n() {
    check_refused(
        TermsFault::Threshold {
            threshold: 0,
            miners: 3,
        },
        |t| t.threshold = 0,
    );
    check_refused(
        TermsFault::Threshold {
            threshold: 4,
            miners: 3,
        },
        |t| t.threshold = 4,
    );
    assert_eq!(
        Terms {
            threshold: 3,
            ..terms()
        }
        .validate(),
        Ok(())
    );
}

#[test]
fn refuses_json_with_unknown_or_missing_fields() {
    let valid = serde_json::to_value(terms()).unwrap();
    let mut unknown = valid.clone();
    unknown["note"] = "x".into();
    assert!(serde_json::from_value::<Terms>(unknown).is_err());
    for field in valid.as_object().unwrap().keys() {
        let mut missing = valid.clone();
        missing.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<Terms>(missing).is_err(), "{field}");
    }
}

#[test]
fn the_price_is_rate_times_miners_times_periods() {
    assert_eq!(terms().period_count(), 30);
    assert_eq!(terms().price(), Ok(Amount(12_500_000_000_000_000 * 3 * 30)));
    assert_eq!(terms().price().unwrap().to_string(), "1.125 KMS");
}

#[test]
fn refuses_a_price_beyond_128_bits() {
    let terms = Terms {
        rate: Amount((1 << 96) - 1),
        first_period: Period(1),
        last_period: Period(u32::MAX),
        miners: miners(32),
        ..terms()
    };
    assert_eq!(terms.validate(), Ok(()));
    assert_eq!(terms.price(), Err(Error::AmountOverflow));
}

#[test]
fn what_is_signed_follows_from_the_terms_alone() {
    let terms = terms();
    let policy = kfrag_policy(&terms, CHAIN_ID, &POLICY_MANAGER).unwrap();
    let expected = umbral::Policy {
        chain_id: 31_337,
        contract: POLICY_MANAGER.0,
        policy_id: terms.id(CHAIN_ID, &POLICY_MANAGER).0.0,
        quorum: umbral::Quorum::new(2, 3).unwrap(),
        not_before: 5,
        expiry: 35,
        conditions: [0; 32],
    };
    assert_eq!(policy, expected);
    let other_chain = kfrag_policy(&terms, CHAIN_ID + 1, &POLICY_MANAGER).unwrap();
    assert_eq!(other_chain.chain_id, 31_338);
    assert_ne!(other_chain.policy_id, policy.policy_id);
    let other_contract = kfrag_policy(&terms, CHAIN_ID, &Address([1; 20])).unwrap();
    assert_ne!(other_contract.contract, policy.contract);
}

#[test]
fn the_last_period_there_is_has_an_expiry() {
    let terms = Terms {
        last_period: Period(u32::MAX),
        ..terms()
    };
    let policy = kfrag_policy(&terms, CHAIN_ID, &POLICY_MANAGER).unwrap();
    assert_eq!(policy.expiry, 1 << 32);
}

#[test]
fn nothing_is_signed_for_a_threshold_that_no_policy_has() {
    for threshold in [0, 4, 255] {
        let terms = Terms {
            threshold,
            ..terms()
        };
        let fault = TermsFault::Threshold {
            threshold,
            miners: 3,
        };
        let refused = kfrag_policy(&terms, CHAIN_ID, &POLICY_MANAGER);
        assert_eq!(refused, Err(Error::Terms(fault)));
    }
    let many = Terms {
        miners: vec![Address([1; 20]); 70_000],
        ..terms()
    };
    assert!(kfrag_policy(&many, CHAIN_ID, &POLICY_MANAGER).is_err());
}

proptest! {
    #[test]
    fn terms_survive_json(terms in any_terms()) {
        let json = serde_json::to_string(&terms).unwrap();
        prop_assert_eq!(serde_json::from_str::<Terms>(&json).unwrap(), terms);
    }

    #[test]
    fn encodings_are_whole_words_and_contain_every_miner(
        terms in any_terms(),
        stranger in any_address(),
    ) {
        let bytes = terms.abi_encode();
        prop_assert_eq!(bytes.len(), WORD * (12 + terms.miners.len()));
        for miner in &terms.miners {
            prop_assert!(bytes.chunks(WORD).any(|word| word[12..] == miner.0));
            prop_assert!(terms.includes(miner));
        }
        prop_assert_eq!(terms.includes(&stranger), terms.miners.contains(&stranger));
    }

    #[test]
    fn changed_json_is_read_or_refused(
        terms in any_terms(),
        at: prop::sample::Index,
        byte in 32_u8..127,
    ) {
        let mut json = serde_json::to_string(&terms).unwrap().into_bytes();
        let index = at.index(json.len());
        json[index] = byte;
        if let Ok(read) = serde_json::from_slice::<Terms>(&json) {
            prop_assert_eq!(read.validate(), Ok(()));
        }
    }
}

#[test]
fn revealed_keys_hash_to_the_keys_hash_and_carry_the_readers_y() {
    let of_reader = RevealedKeys::of_reader(&delegating(), &receiving(), &BLINDING);
    assert_eq!(keccak256(&of_reader.keys), terms().keys_hash);
    assert_eq!(of_reader.keys[66..], BLINDING.0);
    assert_eq!(of_reader.receiving_y, receiving().to_uncompressed()[32..]);
    let of_author = RevealedKeys::of_author(&delegating(), &receiving(), &BLINDING);
    assert_eq!(
        (of_author.keys, of_author.receiving_y),
        (of_reader.keys, [0; 32])
    );
}
