use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::testing::{Delegation, MESSAGE, TestRng};

fn kind(result: Result<SharedSecret>) -> Option<Error> {
    result.err()
}

#[test]
fn refuses_no_cfrags() {
    let delegation = Delegation::new(1, 1, 1);
    assert_eq!(
        kind(delegation.decapsulate(&[])),
        Some(Error::NoCapsuleFrags)
    );
    assert_eq!(delegation.decrypt(&[]), Err(Error::NoCapsuleFrags));
}

#[test]
fn refuses_more_cfrags_than_can_exist() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrags = delegation.cfrags(&[0; 256]);
    let refused = kind(delegation.decapsulate(&cfrags));
    assert_eq!(
        refused,
        Some(Error::TooManyShares {
            given: 256,
            limit: 255
        })
    );
}

#[test]
fn refuses_one_cfrag_twice_and_names_it() {
    let mut delegation = Delegation::new(1, 2, 3);
    for (miners, first, second) in [(&[0, 0][..], 0, 1), (&[2, 1, 0, 1], 1, 3)] {
        let cfrags = delegation.cfrags(miners);
        let refused = delegation.decapsulate(&cfrags).unwrap_err();
        assert_eq!(refused, Error::RepeatedCapsuleFrag { first, second });
    }
}

#[test]
fn names_the_cfrag_of_another_delegation() {
    let mut one = Delegation::new(1, 2, 3);
    let mut cfrags = one.cfrags(&[0, 1]);
    let again = one.grant_again(&mut TestRng::new(9)).unwrap().kfrags;
    cfrags.push(crate::reencrypt(&mut one.rng, &one.capsule, &again[0]).unwrap());
    let refused = one.decapsulate(&cfrags).unwrap_err();
    assert_eq!(refused, Error::MismatchedCapsuleFrag { index: 2 });
}

#[test]
fn names_the_cfrag_of_another_capsule_and_of_another_receiver() {
    let (mut one, mut two) = (Delegation::new(1, 2, 2), Delegation::new(2, 2, 2));
    let (mut cfrags, foreign) = (one.cfrags(&[0, 1]), two.cfrags(&[0]));
    let own = cfrags[1].clone();

    cfrags[1] = foreign[0].clone();
    let refused = one.decapsulate(&cfrags).unwrap_err();
    assert_eq!(refused, Error::AnotherCapsule { index: 1 });

    cfrags[1] = crate::reencrypt(&mut two.rng, &one.capsule, &two.kfrags[0]).unwrap();
    let refused = one.decapsulate(&cfrags).unwrap_err();
    assert_eq!(refused, Error::AnotherContext { index: 1 });

    cfrags[1] = own;
    assert!(one.decapsulate(&cfrags).is_ok());
}

#[test]
fn refuses_another_delegating_key_and_another_receiver() {
    let (mut one, two) = (Delegation::new(1, 1, 1), Delegation::new(2, 1, 1));
    let cfrags = one.cfrags(&[0]);
    let open = |receiving, delegating| {
        crate::decapsulate_reencrypted(receiving, delegating, &one.capsule, &cfrags).err()
    };
    let another = Some(Error::AnotherContext { index: 0 });
    assert_eq!(open(&one.receiving, &one.context.delegating), None);
    assert_eq!(open(&one.receiving, &two.context.delegating), another);
    assert_eq!(open(&two.receiving, &one.context.delegating), another);
}

/// Shares of a wrong polynomial verify one by one: only the receiver can tell.
#[test]
fn refuses_inconsistent_shares_of_the_delegator() {
    let mut delegation = Delegation::new(1, 2, 3);
    let cfrags = delegation.cfrags(&[0, 1]);
    let mut frags: Vec<&CapsuleFrag> = cfrags.iter().map(|cfrag| &cfrag.frag).collect();
    let wrong = CapsuleFrag {
        e1: frags[1].v1,
        v1: frags[1].e1,
        ..frags[0].clone()
    };
    frags[0] = &wrong;
    let opening = Opening::unverified(&delegation.receiving, frags.into_iter()).unwrap();
    let shared = opening.shared_point();
    let public = delegation.delegating.public_key();
    let refused = opening.validate(&shared, &public, &delegation.capsule);
    assert_eq!(refused, Err(Error::ValidationFailed));
}

#[test]
fn one_cfrag_of_one_opens() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrags = delegation.cfrags(&[0]);
    assert_eq!(delegation.decrypt(&cfrags).unwrap(), MESSAGE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_m_of_n_open_and_fewer_do_not(
        seed: u64,
        (n, picked) in (1..=8_usize).prop_flat_map(|n| {
            (Just(n), subsequence((0..n).collect::<Vec<_>>(), 1..=n).prop_shuffle())
        }),
        extra in 0..3_usize,
    ) {
        let m = picked.len().saturating_sub(extra).max(1);
        let (m16, n16) = (u16::try_from(m).unwrap(), u16::try_from(n).unwrap());
        let mut delegation = Delegation::new(seed, m16, n16);
        let cfrags = delegation.cfrags(&picked);
        let Delegation { delegating, capsule, .. } = &delegation;
        let original = crate::decapsulate_original(delegating, capsule).unwrap();

        let opened = delegation.decapsulate(&cfrags).unwrap();
        prop_assert_eq!(opened.expose(), original.expose());
        prop_assert_eq!(delegation.decrypt(&cfrags).unwrap(), MESSAGE);

        let few = &cfrags[..m - 1];
        let expected =
            if few.is_empty() { Error::NoCapsuleFrags } else { Error::ValidationFailed };
        prop_assert_eq!(kind(delegation.decapsulate(few)), Some(expected));
        prop_assert_eq!(delegation.decrypt(few), Err(expected));
    }
}
