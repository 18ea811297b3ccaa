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

/// A proof of origin is moved into commitments of the same polynomial or of another one, and the
/// whole signed for where it went: a cheating delegator signs what it likes.
fn check_moved(mut commitments: Commitments, delegation: &Delegation, verdict: Result<()>) {
    let Delegation {
        receiving,
        signer,
        context,
        policy,
        ..
    } = delegation;
    commitments.sign_again(signer, context, policy);
    assert_eq!(commitments.check_signature(context, policy), Ok(()));
    assert_eq!(
        commitments.check_origin(receiving, context, policy),
        verdict
    );
}

#[test]
fn a_proof_of_origin_stays_with_its_policy() {
    let good = Delegation::new(1, 2, 3);
    let commitments = &good.commitments;
    check_moved(commitments.clone(), &good, Ok(()));
    let changes: [fn(&mut Policy); 7] = [
        |policy| policy.chain_id += 1,
        |policy| policy.contract[19] ^= 1,
        |policy| policy.policy_id[0] ^= 1,
        |policy| policy.quorum = Quorum::new(2, 4).unwrap(),
        |policy| policy.not_before -= 1,
        |policy| policy.expiry += 1,
        |policy| policy.conditions[31] ^= 1,
    ];
    for change in changes {
        let mut other = Delegation::new(1, 2, 3);
        change(&mut other.policy);
        let refused = Err(Error::InconsistentShares);
        check_moved(commitments.clone(), &other, refused);
    }
}

#[test]
fn a_proof_of_origin_stays_with_its_ephemeral_key() {
    let delegation = Delegation::new(1, 2, 3);
    let other = delegation.grant_again(&mut TestRng::new(4)).unwrap();
    let mut commitments = other.commitments;
    check_moved(commitments.clone(), &delegation, Ok(()));
    commitments.statement.proof = delegation.commitments.statement.proof;
    let refused = Err(Error::InconsistentShares);
    check_moved(commitments, &delegation, refused);
}

#[test]
fn a_proof_of_origin_stays_with_its_signer() {
    let mut other = Delegation::new(1, 2, 3);
    other.signer = Signer::random(&mut TestRng::new(4)).unwrap();
    other.context.verifying = other.signer.verifying_key();
    let commitments = other.commitments.clone();
    check_moved(commitments, &other, Err(Error::InconsistentShares));
}

#[test]
fn a_proof_of_origin_stays_with_its_receiver() {
    let delegation = Delegation::new(1, 2, 3);
    let mut other = Delegation::new(1, 2, 3);
    other.receiving = SecretKey::random(&mut TestRng::new(4)).unwrap();
    other.context.receiving = other.receiving.public_key();
    let mut commitments = other.grant_again(&mut TestRng::new(5)).unwrap().commitments;
    check_moved(commitments.clone(), &other, Ok(()));
    commitments.statement.proof = delegation.commitments.statement.proof;
    check_moved(commitments, &other, Err(Error::InconsistentShares));
}

/// Two challenges for one nonce give the delegating key away. With all random bytes equal, as when
/// they come from a seed, the nonce of another policy or signer is still another one.
#[test]
fn a_generator_that_repeats_itself_repeats_no_nonce_of_a_proof() {
    let delegation = || Delegation::new(1, 2, 3);
    let nonce_point = |delegation: &Delegation| {
        let granted = delegation.grant_again(&mut TestRng::new(4)).unwrap();
        let [c, s] = granted.commitments.statement.proof;
        let a = delegation.context.delegating.projective();
        let r1 = ProjectivePoint::lincomb(&[(ProjectivePoint::GENERATOR, s), (a, c)]);
        *Point::normalise(&[r1]).unwrap()[0].bytes()
    };
    let mut policy = delegation();
    policy.policy.policy_id[0] ^= 1;
    let mut signer = delegation();
    signer.signer = Signer::random(&mut TestRng::new(5)).unwrap();
    let points = [delegation(), policy, signer].map(|delegation| nonce_point(&delegation));
    assert_eq!(points[0], nonce_point(&delegation()));
    assert!(points[0] != points[1] && points[0] != points[2] && points[1] != points[2]);
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
