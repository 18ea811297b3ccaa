//! Named regressions: flaws known of umbral-pre 0.11 and of its use, each with the rule that
//! excludes it here.

use alloc::format;
use alloc::vec::Vec;
use std::time::{Duration, Instant};

use k256::Scalar;
use k256::elliptic_curve::ff::PrimeField as _;

use crate::arithmetic::point::{Point, compress_secret};
use crate::compat::testing::DelegationV1;
use crate::compat::{self, KeyFrag as KeyFragV1};
use crate::fault::POINT_U;
use crate::kfrag::ephemeral::Ephemeral;
use crate::testing::{Delegation, MESSAGE, TestRng, miner, policy};
use crate::*;

/// Offset of `params.u`, of the key and of the commitment in the MessagePack kfrag.
const PARAMETER: usize = 4;
const KEY: usize = 73;

/// A delegator chose rk' and U' = U1 / rk': the kfrag verified, and the node's proof then
/// failed.
#[test]
fn a_foreign_parameter_point_is_refused() {
    let delegation = DelegationV1::new(1, 1, 1);
    let mut bytes = *delegation.kfrags[0].to_secret_msgpack();
    assert_eq!(bytes[PARAMETER..PARAMETER + 33], POINT_U);

    let rk = Scalar::from(1_234_567_u64);
    let commitment = delegation.kfrags[0].frag.base.commitment.projective();
    let [foreign] = Point::normalise(&[commitment * rk.invert().unwrap()]).unwrap();
    bytes[KEY..KEY + 32].copy_from_slice(&rk.to_repr());
    let same_u = KeyFragV1::from_msgpack(&bytes)
        .unwrap()
        .verify(&delegation.context);
    assert_eq!(same_u.err(), Some(Error::CommitmentMismatch.into()));
    bytes[PARAMETER..PARAMETER + 33].copy_from_slice(foreign.bytes());
    assert_eq!(
        KeyFragV1::from_msgpack(&bytes).err(),
        Some(compat::Error::ForeignParameters)
    );
}

/// A bad signature for the receiver passed the node and failed at the receiver.
#[test]
fn a_bad_signature_for_the_receiver_is_refused_by_the_node() {
    let delegation = DelegationV1::new(1, 1, 1);
    let mut kfrag = KeyFragV1::from_simple(&delegation.kfrags[0].to_secret_simple()).unwrap();
    kfrag.base.signature = delegation
        .signer
        .sign(&mut TestRng::new(9), b"another")
        .unwrap();
    assert_eq!(
        kfrag.verify(&delegation.context).err(),
        Some(compat::Error::ReceiverSignature)
    );
}

/// The one-byte identity `00` was decoded, and panicked later.
#[test]
fn the_identity_is_refused_without_a_panic() {
    let mut delegation = DelegationV1::new(1, 1, 1);
    let cfrag = delegation.cfrag();
    let shorten =
        |bytes: &[u8], at: usize| [&bytes[..at], &[0xc4, 1, 0], &bytes[at + 35..]].concat();
    let capsule = delegation.capsule.to_msgpack();
    for at in [1, 36] {
        assert!(Capsule::from_msgpack(&shorten(&capsule, at)).is_err());
    }
    for at in [1, 36, 105, 141, 176, 211, 246] {
        assert!(CapsuleFrag::from_msgpack(&shorten(&cfrag.to_msgpack(), at)).is_err());
    }
    let kfrag = delegation.kfrags[0].to_secret_msgpack();
    for at in [2, 105, 141] {
        assert!(KeyFragV1::from_msgpack(&shorten(&*kfrag, at)).is_err());
    }
    assert!(PublicKey::from_bytes(&[0; 33]).is_err());
}

/// Uncompressed and tag-05 points and trailing bytes were accepted: one object, many encodings.
#[test]
fn every_object_has_one_encoding() {
    let mut delegation = DelegationV1::new(1, 1, 1);
    let cfrag = delegation.cfrag().to_msgpack();
    let capsule = delegation.capsule.to_msgpack();
    let kfrag = delegation.kfrags[0].to_secret_msgpack();
    for tail in [&[0][..], &[0xc0], &[1, 2, 3]] {
        assert!(Capsule::from_msgpack(&[&capsule[..], tail].concat()).is_err());
        assert!(CapsuleFrag::from_msgpack(&[&cfrag[..], tail].concat()).is_err());
        assert!(KeyFragV1::from_msgpack(&[&kfrag[..], tail].concat()).is_err());
    }

    let public = delegation.context.delegating;
    let wide = [&[0xc4, 65, 4][..], &delegation.capsule.e.to_uncompressed()].concat();
    let uncompressed = [&capsule[..1], &wide, &capsule[36..]].concat();
    assert!(Capsule::from_msgpack(&uncompressed).is_err());
    let mut tag_05 = public.to_bytes();
    tag_05[0] = 5;
    assert!(PublicKey::from_bytes(&tag_05).is_err());
}

/// `{:?}` of a kfrag printed the share.
#[test]
fn no_secret_is_printed() {
    let delegation = Delegation::new(1, 1, 1);
    let kfrag = &delegation.kfrags[0];
    let share = hex::encode(kfrag.frag.key.to_secret_bytes());
    let secret = hex::encode(delegation.delegating.to_secret_bytes());
    let printed = format!(
        "{kfrag:?} {:?} {:?}",
        delegation.delegating, delegation.signer
    );
    assert!(!printed.to_lowercase().contains(&share));
    assert!(!printed.to_lowercase().contains(&secret));
}

/// Secrets are erased when dropped: the marker is what the types promise.
#[test]
fn every_secret_type_erases_itself() {
    fn erases<T: zeroize::ZeroizeOnDrop>() {}
    erases::<SecretKey>();
    erases::<SecretKeyFactory>();
    erases::<Signer>();
    erases::<SharedSecret>();
    erases::<KeyFrag>();
    erases::<VerifiedKeyFrag>();
    erases::<KeyFragV1>();
    erases::<compat::VerifiedKeyFrag>();
}

/// Threshold 0 acted as 1, and 5 of 3 was accepted.
#[test]
fn an_impossible_threshold_is_refused() {
    assert_eq!(Quorum::new(0, 3), Err(Error::ThresholdZero));
    let refused = Error::ThresholdAboveShares {
        threshold: 5,
        shares: 3,
    };
    assert_eq!(Quorum::new(5, 3), Err(refused));
}

/// A verified cfrag said nothing about the capsule and the keys it had been verified for.
#[test]
fn a_verified_cfrag_is_bound_to_its_capsule_and_its_keys() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrags = delegation.cfrags(&[0]);
    let public = delegation.delegating.public_key();
    let (other, _) = encapsulate(&mut delegation.rng, &public).unwrap();
    let stranger = SecretKey::random(&mut delegation.rng).unwrap();

    let refused = decapsulate_reencrypted(&delegation.receiving, &public, &other, &cfrags);
    assert_eq!(refused.err(), Some(Error::AnotherCapsule { index: 0 }));
    let refused = decapsulate_reencrypted(&stranger, &public, &delegation.capsule, &cfrags);
    assert_eq!(refused.err(), Some(Error::AnotherContext { index: 0 }));
}

/// A capsule that does not satisfy its own equation cannot reach the re-encryption at all.
#[test]
fn an_inconsistent_capsule_cannot_be_built() {
    let mut bytes = Delegation::new(1, 1, 1).capsule.to_bytes();
    bytes[97] ^= 1;
    assert_eq!(Capsule::from_bytes(&bytes), Err(Error::CapsuleInvalid));
}

/// m(m - 1) inversions made a large m an attack; now the number is capped, and one inversion does.
#[test]
fn opening_is_capped_and_takes_no_quadratic_inversions() {
    let mut delegation = Delegation::new(1, 255, 255);
    let miners: Vec<usize> = (0..255).collect();
    let mut cfrags = delegation.cfrags(&miners);
    let open = |_| {
        let start = Instant::now();
        assert_eq!(delegation.decrypt(&cfrags).unwrap(), MESSAGE);
        start.elapsed()
    };
    // It takes about 8 ms; 64,770 inversions of 3.7 us alone would take 240 ms.
    let fastest = (0..5).map(open).min().unwrap();
    let limit_ms = if cfg!(debug_assertions) { 5_000 } else { 120 };
    assert!(fastest < Duration::from_millis(limit_ms), "{fastest:?}");

    cfrags.push(cfrags[0].clone());
    let refused = Error::TooManyShares {
        given: 256,
        limit: 255,
    };
    assert_eq!(delegation.decrypt(&cfrags), Err(refused));
}

/// The signed message had no domain, policy or time: version 2 has, and neither version's
/// signature passes for the other's.
#[test]
fn a_signature_is_good_for_one_version_only() {
    let mut one = DelegationV1::new(1, 1, 1);
    let cfrag = one.cfrag().as_unverified().clone();
    let (capsule, context) = (&one.capsule, &one.context);
    let refused = cfrag
        .clone()
        .verify(capsule, context, &policy(1, 1), &miner(0));
    assert_eq!(refused, Err(Error::CapsuleFragSignature));
    assert!(cfrag.verify_v1(capsule, context).is_ok());

    let mut two = Delegation::new(1, 1, 1);
    let cfrag = two.cfrags(&[0]).remove(0).as_unverified().clone();
    let refused = cfrag.clone().verify_v1(&two.capsule, &two.context);
    assert_eq!(refused, Err(Error::CapsuleFragSignature.into()));
    assert!(two.verify(cfrag, 0).is_ok());
}

/// Secrets were compared byte by byte. Here they cannot be compared at all: for a type with
/// `PartialEq` the second implementation applies as well, and the calls are ambiguous.
#[test]
fn no_secret_can_be_compared() {
    trait Incomparable<Marker> {
        fn check() {}
    }
    struct IfComparable;
    impl<T> Incomparable<()> for T {}
    impl<T: PartialEq> Incomparable<IfComparable> for T {}
    <SecretKey as Incomparable<_>>::check();
    <SecretKeyFactory as Incomparable<_>>::check();
    <Signer as Incomparable<_>>::check();
    <SharedSecret as Incomparable<_>>::check();
    <KeyFrag as Incomparable<_>>::check();
    <VerifiedKeyFrag as Incomparable<_>>::check();
    <KeyFragV1 as Incomparable<_>>::check();
    <compat::VerifiedKeyFrag as Incomparable<_>>::check();
}

/// The delegating key as m miners and the receiver compute it: d * sum lambda_i * rk_i.
fn collude(receiving: &SecretKey, kfrags: &[VerifiedKeyFrag]) -> Option<PublicKey> {
    let precursor = kfrags[0].frag.precursor;
    let dh = compress_secret(&(precursor.projective() * receiving.expose()));
    let ephemeral = Ephemeral::new(precursor, &receiving.public_key(), dh);
    let x: Vec<Scalar> = kfrags
        .iter()
        .map(|k| ephemeral.share_argument(k.id()))
        .collect();
    let mut sum = Scalar::ZERO;
    for (i, kfrag) in kfrags.iter().enumerate() {
        let mut term = *kfrag.frag.key.expose();
        for j in (0..x.len()).filter(|&j| j != i) {
            term *= x[j] * (x[j] - x[i]).invert().unwrap();
        }
        sum += term;
    }
    let key = sum * ephemeral.secret_scalar().unwrap().expose();
    Some(
        SecretKey::from_secret_bytes(&key.to_repr().into())
            .ok()?
            .public_key(),
    )
}

/// What the scheme cannot prevent, and what keeps it within one label.
#[test]
fn m_colluders_learn_the_key_of_that_label_only() {
    let mut rng = TestRng::new(4);
    let factory = SecretKeyFactory::random(&mut rng).unwrap();
    let shared = factory.make_key(b"shared").unwrap();
    let private = factory.make_key(b"private").unwrap();
    let receiving = SecretKey::random(&mut rng).unwrap();
    let params = GrantParams {
        delegating: &shared,
        receiving: &receiving.public_key(),
        signer: &Signer::random(&mut rng).unwrap(),
        policy: &policy(3, 5),
        miners: &[miner(0), miner(1), miner(2), miner(3), miner(4)],
    };
    let kfrags = generate_kfrags(&mut rng, &params).unwrap().kfrags;

    assert_eq!(
        collude(&receiving, &kfrags[1..4]),
        Some(shared.public_key())
    );
    assert_ne!(collude(&receiving, &kfrags[..2]), Some(shared.public_key()));
    assert_ne!(shared.public_key(), private.public_key());
    let stranger = SecretKey::random(&mut rng).unwrap();
    assert_ne!(collude(&stranger, &kfrags[..3]), Some(shared.public_key()));
}
