use super::*;
use crate::testing::{Delegation, TestRng, bad_points};

#[test]
fn consistent_shares_pass_every_check() {
    let mut delegation = Delegation::new(1, 2, 3);
    let cfrags = delegation.cfrags(&[0, 1, 2]);
    let Delegation {
        receiving,
        context,
        policy,
        kfrags,
        commitments,
        ..
    } = &delegation;
    let read = Commitments::from_bytes(&commitments.to_bytes());
    assert_eq!(read.as_ref(), Ok(commitments));
    assert_eq!(commitments.threshold(), 2);
    assert_eq!(commitments.check_signature(context, policy), Ok(()));
    assert_eq!(commitments.check_origin(receiving, context, policy), Ok(()));
    for (kfrag, cfrag) in kfrags.iter().zip(&cfrags) {
        let checked = commitments.check_capsule_frag(receiving, cfrag.as_unverified());
        assert_eq!(checked, Ok(()));
        assert_eq!(commitments.check_delegation(kfrag), Ok(()));
    }
    let other = Policy {
        policy_id: [9; 32],
        ..*policy
    };
    let refused = commitments.check_signature(context, &other);
    assert_eq!(refused, Err(Error::CommitmentsInvalid));
}

#[test]
fn a_share_of_another_polynomial_is_found_out() {
    let mut delegation = Delegation::new(1, 2, 3);
    let answer = delegation.cfrags(&[0]).remove(0);
    let mut frag = answer.as_unverified().clone();
    frag.u1 = delegation.kfrags[1].frag.commitment;
    let (honest, commitments) = (answer.as_unverified(), &delegation.commitments);
    let check = |key, frag| commitments.check_capsule_frag(key, frag);
    let refused = Err(Error::InconsistentShares);
    assert_eq!(check(&delegation.receiving, honest), Ok(()));
    assert_eq!(check(&delegation.receiving, &frag), refused);
    assert_eq!(check(&delegation.delegating, honest), refused);
}

#[test]
fn a_kfrag_of_another_delegation_is_told_without_a_secret() {
    let delegation = Delegation::new(1, 2, 3);
    let other = delegation.grant_again(&mut TestRng::new(4)).unwrap();
    let refused = Err(Error::AnotherDelegation);
    let commitments = &delegation.commitments;
    assert_eq!(commitments.check_delegation(&other.kfrags[0]), refused);
    let kfrag = &delegation.kfrags[0];
    assert_eq!(other.commitments.check_delegation(kfrag), refused);
}

/// Commitments to a polynomial whose value at zero is not a / d are consistent with its shares,
/// and still betray the delegator.
#[test]
fn a_polynomial_for_another_key_is_found_out() {
    let delegation = Delegation::new(1, 2, 3);
    let stranger = Delegation {
        delegating: SecretKey::random(&mut TestRng::new(77)).unwrap(),
        ..Delegation::new(1, 2, 3)
    };
    let granted = stranger.grant_again(&mut TestRng::new(4)).unwrap();
    let (context, policy) = (&delegation.context, &delegation.policy);
    let mut commitments = granted.commitments;
    commitments.sign_again(&delegation.signer, context, policy);
    assert_eq!(commitments.check_signature(context, policy), Ok(()));
    let refused = commitments.check_origin(&delegation.receiving, context, policy);
    assert_eq!(refused, Err(Error::InconsistentShares));
}

#[test]
fn commitments_have_one_encoding() {
    let good = Delegation::new(1, 2, 3).commitments.to_bytes();
    for len in 0..good.len() {
        assert!(Commitments::from_bytes(&good[..len]).is_err());
    }
    assert!(Commitments::from_bytes(&[good.as_slice(), &[0]].concat()).is_err());
    for (at, byte) in [(0, 1), (1, 1), (2, 0), (2, 1), (2, 3)] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        assert!(Commitments::from_bytes(&bytes).is_err(), "byte {at}");
    }
    for point in bad_points(*good[36..].first_chunk().unwrap()) {
        let mut bytes = good.clone();
        bytes[36..69].copy_from_slice(&point);
        assert!(Commitments::from_bytes(&bytes).is_err());
    }
}
