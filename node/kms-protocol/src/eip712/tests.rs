//! Separators, digests and the messages a contract verifies, against `cast`.

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::test_support::{
    CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, any_address, any_b256, secret, terms,
};

fn revocation() -> Revocation {
    let policy_id = terms().id(CHAIN_ID, &POLICY_MANAGER);
    Revocation {
        policy_id,
        deadline: 1_800_000_000,
    }
}

#[test]
fn separators_are_those_of_the_contracts() {
    let manager = Domain::policy_manager(CHAIN_ID, POLICY_MANAGER);
    let rewards = Domain::mining_rewards(CHAIN_ID, POLICY_MANAGER);
    let expected = [
        (
            DOMAIN,
            "0xf62cdcfca86fdc3e3db79c03bc26567717cb6d77b5d2f1d0b3a33c1d71fe97fa",
        ),
        (
            manager,
            "0x0ef0f1e8c55164a06c244c39d5d0817eb781865bb0dda71edfe736d2c6df1bdf",
        ),
        (
            rewards,
            "0x416d8a3690b3205985a4cd9228bc2f58261b9cb42906a39db83db7b145290e23",
        ),
    ];
    for (domain, separator) in expected {
        assert_eq!(domain.separator().to_string(), separator, "{}", domain.name);
    }
}

#[test]
fn a_revocation_hashes_and_signs_as_cast_does() {
    let domain = Domain::policy_manager(CHAIN_ID, POLICY_MANAGER);
    assert_eq!(
        revocation().digest(&domain).to_string(),
        "0x578b5eeb0501f02cce329cbf8ca88cec58aaec0f8c7307543bd4b62d5309948b"
    );
    assert_eq!(
        revocation().sign(&domain, &secret(9)).to_string(),
        "0x4dee386dc2d1b79de6620d56c3081621f8f5835bb651f19cc1da94a6ffccb93c\
         05084bddc0f78d4ea94818205dbb78f6e709e61101c0d3386159aca53af6bb101b"
    );
}

#[test]
fn an_order_for_one_arrangement_is_none_for_the_policy_or_another_miner() {
    let domain = Domain::policy_manager(CHAIN_ID, POLICY_MANAGER);
    let Revocation {
        policy_id,
        deadline,
    } = revocation();
    let order = ArrangementRevocation {
        policy_id,
        miner: MINER,
        deadline,
    };
    // keccak256 of the type of PolicyRevocations.sol, then the fields in words.
    let contract = include_str!("../../../../contracts/src/PolicyRevocations.sol");
    assert!(contract.contains(ArrangementRevocation::TYPE));
    let signature = order.sign(&domain, &secret(9));
    let author = secret(9).address();
    order.check(&domain, &signature, &author).unwrap();
    assert!(revocation().check(&domain, &signature, &author).is_err());
    let other = ArrangementRevocation {
        miner: POLICY_MANAGER,
        ..order
    };
    assert!(other.check(&domain, &signature, &author).is_err());
}

#[test]
fn an_activity_confirmation_signs_as_cast_does() {
    let confirmation = ActivityConfirmation {
        miner: MINER,
        through_period: Period(14),
        valid_period: Period(7),
    };
    let domain = Domain::mining_rewards(CHAIN_ID, POLICY_MANAGER);
    assert_eq!(
        confirmation.sign(&domain, &secret(4)).to_string(),
        "0x7fe6e385b312362d0781ffea96f628527548c18886d67704868db3c2fa0b723a\
         6276876066824fa13cd061ea5b2cb84e8dbaa99523f05cfd30bbf12fd7d61e8e1b"
    );
}

#[test]
fn refuses_a_signature_made_for_another_use_chain_or_contract() {
    let domain = Domain::policy_manager(CHAIN_ID, POLICY_MANAGER);
    let signature = revocation().sign(&domain, &secret(9));
    let signer = secret(9).address();
    assert_eq!(revocation().check(&domain, &signature, &signer), Ok(()));
    for other in [
        DOMAIN,
        Domain::mining_rewards(CHAIN_ID, POLICY_MANAGER),
        Domain::policy_manager(CHAIN_ID + 1, POLICY_MANAGER),
        Domain::policy_manager(CHAIN_ID, Address([1; 20])),
    ] {
        let refused = revocation().check(&other, &signature, &signer);
        assert!(matches!(refused, Err(Error::Signer { .. })), "{other:?}");
    }
}

#[test]
fn a_type_is_part_of_its_hash() {
    let fields = |hasher: StructHasher| hasher.uint(1_u8).finish();
    let (a, b) = (
        StructHasher::new("A(uint8 x)"),
        StructHasher::new("B(uint8 x)"),
    );
    assert_ne!(fields(a), fields(b));
}

proptest! {
    #[test]
    fn digests_are_bound_to_every_part(
        chain_id: u64,
        contract in any_address(),
        hash in any_b256(),
        bit in 0_u32..8,
        at in 0_usize..20,
    ) {
        let domain = Domain::node(chain_id, contract);
        let digest = domain.digest(&hash);
        let mut other_hash = hash;
        other_hash.0[at] ^= 1 << bit;
        let mut other_contract = contract;
        other_contract.0[at] ^= 1 << bit;
        prop_assert_ne!(domain.digest(&other_hash), digest);
        prop_assert_ne!(Domain::node(chain_id, other_contract).digest(&hash), digest);
        prop_assert_ne!(Domain::node(chain_id ^ 1, contract).digest(&hash), digest);
        prop_assert_ne!(Domain::policy_manager(chain_id, contract).digest(&hash), digest);
    }
}
