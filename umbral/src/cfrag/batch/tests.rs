use proptest::prelude::*;

use super::*;
use crate::testing::{Delegation, flip, miner};

type Answer<'a> = (&'a Capsule, [u8; CapsuleFrag::BYTES]);

/// The verdicts of the single verifier on the same bytes; answer i is from miner i.
fn one_by_one(
    setting: &[Answer<'_>],
    prepared: &PreparedContext,
) -> Vec<Result<VerifiedCapsuleFrag>> {
    let (context, policy) = (prepared.context(), prepared.policy());
    let verify = |(number, (capsule, bytes)): (usize, &Answer<'_>)| {
        CapsuleFrag::from_bytes(bytes)?.verify(capsule, context, policy, &miner(number))
    };
    setting.iter().enumerate().map(verify).collect()
}

fn together(
    setting: &[Answer<'_>],
    prepared: &mut PreparedContext,
) -> Vec<Result<VerifiedCapsuleFrag>> {
    let mut batch = BatchVerifier::new(prepared);
    for (number, (capsule, bytes)) in setting.iter().enumerate() {
        batch.push(capsule, bytes, &miner(number));
    }
    batch.finish()
}

fn prepared(delegation: &Delegation) -> PreparedContext {
    PreparedContext::new(delegation.context, delegation.policy)
}

#[test]
fn an_empty_batch_has_no_verdicts() {
    let mut prepared = prepared(&Delegation::new(1, 1, 1));
    assert_eq!(BatchVerifier::new(&mut prepared).finish(), []);
}

#[test]
fn signatures_are_remembered_and_do_not_vouch_for_proofs() {
    let mut delegation = Delegation::new(1, 1, 3);
    let cfrags = delegation.cfrags(&[0, 1, 2]);
    let mut warm = prepared(&delegation);
    let capsule = &delegation.capsule;
    let good: Vec<_> = cfrags
        .iter()
        .map(|cfrag| (capsule, cfrag.to_bytes()))
        .collect();
    assert!(together(&good, &mut warm).iter().all(Result::is_ok));
    assert_eq!(warm.signatures(), 3);

    let mut forged = good.clone();
    forged[1].1[..33].copy_from_slice(&good[0].1[..33]);
    let mut cold = prepared(&delegation);
    for prepared in [&mut warm, &mut cold] {
        assert_eq!(together(&forged, prepared), one_by_one(&forged, prepared));
    }
}

#[test]
fn another_signature_for_a_remembered_id_is_checked_again() {
    let mut delegation = Delegation::new(1, 1, 2);
    let cfrags = delegation.cfrags(&[0, 1]);
    let mut prepared = prepared(&delegation);
    let good = [(&delegation.capsule, cfrags[0].to_bytes())];
    assert!(together(&good, &mut prepared)[0].is_ok());

    let mut forged = cfrags[0].as_unverified().clone();
    forged.signature = cfrags[1].as_unverified().signature;
    let forged = [(&delegation.capsule, forged.to_bytes())];
    let refused = Err(Error::CapsuleFragSignature);
    assert_eq!(together(&forged, &mut prepared), [refused]);
}

#[test]
fn a_remembered_signature_is_good_for_its_miner_only() {
    let mut delegation = Delegation::new(1, 1, 3);
    let answers = delegation.cfrags(&[0, 1, 2]);
    let mut prepared = prepared(&delegation);
    for _ in 0..2 {
        let mut batch = BatchVerifier::new(&mut prepared);
        for (answer, number) in answers.iter().zip([0, 2, 2]) {
            batch.push(&delegation.capsule, &answer.to_bytes(), &miner(number));
        }
        let verdicts = batch.finish().into_iter().map(Result::err);
        let refused = Some(Error::CapsuleFragSignature);
        assert_eq!(verdicts.collect::<Vec<_>>(), [None, refused, None]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Forgeries of every kind, anywhere, over two capsules, with and without remembered
    /// signatures: the verdicts are those of the single verifier.
    #[test]
    fn verdicts_are_those_of_the_single_verifier(
        seed in 0..4_u64,
        bits in prop::collection::vec(prop::option::weighted(0.4, 0..CapsuleFrag::BYTES * 8), 0..7),
        swapped: bool,
        warm: bool,
    ) {
        let mut delegation = Delegation::new(seed, 1, 7);
        let answers = delegation.cfrags(&[0, 1, 2, 3, 4, 5, 6]);
        let other = Delegation::new(seed + 9, 1, 1).capsule;
        let mut prepared = prepared(&delegation);
        let mut setting: Vec<_> = answers.iter().zip(&bits).map(|(answer, bit)| {
            let good = answer.to_bytes();
            (&delegation.capsule, bit.map_or(good, |bit| flip(&good, bit)))
        }).collect();
        if let (true, Some(last)) = (swapped, setting.last_mut()) {
            last.0 = &other;
        }
        if warm {
            let good = answers.iter().map(|a| (&delegation.capsule, a.to_bytes()));
            let good: Vec<_> = good.collect();
            prop_assert!(together(&good, &mut prepared).iter().all(Result::is_ok));
        }
        prop_assert_eq!(together(&setting, &mut prepared), one_by_one(&setting, &prepared));
    }
}
