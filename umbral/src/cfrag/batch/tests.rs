use proptest::prelude::*;

use super::*;
use crate::testing::{Delegation, flip};

/// The verdicts of the single verifier on the same bytes.
fn one_by_one(
    setting: &[(&Capsule, [u8; CAPSULE_FRAG_BYTES])],
    prepared: &PreparedContext,
) -> Vec<Result<VerifiedCapsuleFrag>> {
    let verify = |(capsule, bytes): &(&Capsule, [u8; CAPSULE_FRAG_BYTES])| {
        CapsuleFrag::from_simple(bytes)?.verify(capsule, prepared.context())
    };
    setting.iter().map(verify).collect()
}

fn together(
    setting: &[(&Capsule, [u8; CAPSULE_FRAG_BYTES])],
    prepared: &mut PreparedContext,
) -> Vec<Result<VerifiedCapsuleFrag>> {
    let mut batch = BatchVerifier::new(prepared);
    for (capsule, bytes) in setting {
        batch.push_simple(capsule, bytes);
    }
    batch.finish()
}

#[test]
fn an_empty_batch_has_no_verdicts() {
    let mut prepared = PreparedContext::new(Delegation::new(1, 1, 1).context);
    assert_eq!(BatchVerifier::new(&mut prepared).finish(), []);
}

#[test]
fn signatures_are_remembered_and_do_not_vouch_for_proofs() {
    let mut delegation = Delegation::new(1, 1, 3);
    let cfrags = delegation.cfrags(&[0, 1, 2]);
    let mut prepared = PreparedContext::new(delegation.context);
    let capsule = &delegation.capsule;
    let good: Vec<_> = cfrags
        .iter()
        .map(|cfrag| (capsule, cfrag.to_simple()))
        .collect();
    assert!(together(&good, &mut prepared).iter().all(Result::is_ok));
    assert_eq!(prepared.signatures(), 3);

    let mut forged = good.clone();
    forged[1].1[..33].copy_from_slice(&good[0].1[..33]);
    assert_eq!(
        together(&forged, &mut prepared),
        one_by_one(&forged, &prepared)
    );
    prepared.forget_signatures();
    assert_eq!(prepared.signatures(), 0);
    assert_eq!(
        together(&forged, &mut prepared),
        one_by_one(&forged, &prepared)
    );
}

#[test]
fn another_signature_for_a_remembered_id_is_checked_again() {
    let mut delegation = Delegation::new(1, 1, 2);
    let cfrags = delegation.cfrags(&[0, 1]);
    let mut prepared = PreparedContext::new(delegation.context);
    let mut batch = BatchVerifier::new(&mut prepared);
    batch.push(&delegation.capsule, cfrags[0].as_unverified().clone());
    assert!(batch.finish()[0].is_ok());

    let mut forged = cfrags[0].as_unverified().clone();
    forged.signature = cfrags[1].as_unverified().signature;
    let mut batch = BatchVerifier::new(&mut prepared);
    batch.push(&delegation.capsule, forged);
    assert_eq!(batch.finish()[0], Err(Error::KeyFragSignature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Forgeries of every kind, anywhere, over two capsules, with and without remembered
    /// signatures: the verdicts are those of the single verifier.
    #[test]
    fn verdicts_are_those_of_the_single_verifier(
        seed in 0..4_u64,
        bits in prop::collection::vec(prop::option::weighted(0.4, 0..CAPSULE_FRAG_BYTES * 8), 0..7),
        swapped: bool,
        warm: bool,
    ) {
        let mut delegation = Delegation::new(seed, 1, 7);
        let answers = delegation.cfrags(&[0, 1, 2, 3, 4, 5, 6]);
        let other = Delegation::new(seed + 9, 1, 1).capsule;
        let mut prepared = PreparedContext::new(delegation.context);
        let mut setting: Vec<_> = answers.iter().zip(&bits).map(|(answer, bit)| {
            let good = answer.to_simple();
            (&delegation.capsule, bit.map_or(good, |bit| flip(&good, bit)))
        }).collect();
        if let (true, Some(last)) = (swapped, setting.last_mut()) {
            last.0 = &other;
        }
        if warm {
            let good = answers.iter().map(|a| (&delegation.capsule, a.to_simple()));
            let good: Vec<_> = good.collect();
            prop_assert!(together(&good, &mut prepared).iter().all(Result::is_ok));
        }
        prop_assert_eq!(together(&setting, &mut prepared), one_by_one(&setting, &prepared));
    }
}
