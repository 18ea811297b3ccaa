use super::*;
use crate::testing::{BrokenRng, Delegation, TestRng, unjudgeable_point};

#[test]
fn what_a_miner_answers_verifies() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrag = delegation.cfrags(&[0]).remove(0);
    let received = CapsuleFrag::from_bytes(&cfrag.to_bytes()).unwrap();
    assert_eq!(delegation.verify(received, 0), Ok(cfrag));
}

#[test]
fn two_answers_have_two_nonces() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrags = delegation.cfrags(&[0, 0]);
    assert_ne!(cfrags[0].frag.u2, cfrags[1].frag.u2);
    assert_eq!(cfrags[0].frag.e1, cfrags[1].frag.e1);
}

/// With one t for two capsules anybody computes rk = (z - z') / (h - h').
#[test]
fn a_stuck_generator_does_not_repeat_a_nonce() {
    let (one, two) = (Delegation::new(1, 1, 2), Delegation::new(2, 1, 1));
    let u2 = |capsule, kfrag| {
        reencrypt(&mut BrokenRng::Stuck(0), capsule, kfrag)
            .unwrap()
            .frag
            .u2
    };
    let first = u2(&one.capsule, &one.kfrags[0]);
    assert_ne!(first, u2(&two.capsule, &one.kfrags[0]));
    assert_ne!(first, u2(&one.capsule, &one.kfrags[1]));
    assert_eq!(first, u2(&one.capsule, &one.kfrags[0]));
}

#[test]
fn the_nonce_depends_on_the_generator() {
    let delegation = Delegation::new(1, 1, 1);
    let u2 = |seed| {
        let (capsule, kfrag) = (&delegation.capsule, &delegation.kfrags[0]);
        reencrypt(&mut TestRng::new(seed), capsule, kfrag)
            .unwrap()
            .frag
            .u2
    };
    assert_ne!(u2(1), u2(2));
}

#[test]
fn a_failing_generator_is_an_error() {
    let delegation = Delegation::new(1, 1, 1);
    let refused = reencrypt(
        &mut BrokenRng::Failing,
        &delegation.capsule,
        &delegation.kfrags[0],
    );
    assert_eq!(refused.err(), Some(Error::Rng));
}

#[test]
fn another_receivers_kfrag_is_bound_to_that_receiver() {
    let (one, two) = (Delegation::new(1, 1, 1), Delegation::new(2, 1, 1));
    let cfrag = reencrypt(&mut TestRng::new(1), &one.capsule, &two.kfrags[0]).unwrap();
    assert_eq!(cfrag.context(), &two.context);
    let refused = one.verify(cfrag.as_unverified().clone(), 0);
    assert_eq!(refused.err(), Some(Error::CapsuleFragSignature));
}

/// A delegator who knew E = Q / rk could force E1 = Q; the node refuses rather than sign it.
#[test]
fn refuses_to_answer_with_a_point_no_contract_can_judge() {
    let delegation = Delegation::new(1, 1, 1);
    let unjudgeable = Point::decode(&unjudgeable_point(), "Q")
        .unwrap()
        .projective();
    let kfrag = &delegation.kfrags[0];
    let forced = |scalar: &SecretScalar| {
        let point = unjudgeable * scalar.invert().unwrap().expose();
        let [e] = Point::normalise(&[point]).unwrap();
        Capsule {
            e,
            ..delegation.capsule.clone()
        }
    };
    let out_of_range = Some(Error::PointOutOfRange { field: "cfrag" });

    let capsule = forced(&kfrag.frag.key);
    assert_eq!(
        reencrypt(&mut TestRng::new(1), &capsule, kfrag).err(),
        out_of_range
    );

    // Where only t is to blame, another t is drawn.
    let nonce = SecretScalar::random(&mut TestRng::new(2)).unwrap();
    let capsule = forced(&nonce);
    assert_eq!(
        reencrypt_with(&capsule, &kfrag.frag, &nonce).err(),
        out_of_range
    );
    assert!(reencrypt(&mut TestRng::new(3), &capsule, kfrag).is_ok());
}
