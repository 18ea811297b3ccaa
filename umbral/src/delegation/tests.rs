use std::collections::HashSet;
use std::time::Instant;

use super::*;
use crate::testing::{BrokenRng, Delegation, TestRng};

#[test]
fn k14_refuses_impossible_quorums() {
    assert_eq!(Quorum::new(0, 0), Err(Error::ThresholdZero));
    assert_eq!(Quorum::new(0, 3), Err(Error::ThresholdZero));
    for (threshold, shares) in [(1, 0), (4, 3), (255, 254), (u16::MAX, 1)] {
        let refused = Quorum::new(threshold, shares);
        assert_eq!(
            refused,
            Err(Error::ThresholdAboveShares { threshold, shares })
        );
    }
    for shares in [256, 257, 65_535] {
        let refused = Quorum::new(1, shares);
        assert_eq!(
            refused,
            Err(Error::TooManyShares {
                given: shares.into(),
                limit: 255
            })
        );
    }
}

#[test]
fn k14_accepts_the_ends_of_the_range() {
    for (threshold, shares) in [(1, 1), (1, 255), (255, 255)] {
        let quorum = Quorum::new(threshold, shares).unwrap();
        assert_eq!((quorum.threshold(), quorum.shares()), (threshold, shares));
    }
}

#[test]
fn makes_as_many_different_fragments_as_asked_for() {
    let delegation = Delegation::new(1, 3, 20);
    let ids: HashSet<_> = delegation.kfrags.iter().map(|kfrag| *kfrag.id()).collect();
    let keys: HashSet<_> = delegation
        .kfrags
        .iter()
        .map(|kfrag| *kfrag.frag.key.to_secret_bytes())
        .collect();
    assert_eq!((ids.len(), keys.len()), (20, 20));
}

#[test]
fn two_delegations_have_nothing_in_common() {
    let mut delegation = Delegation::new(1, 1, 1);
    let params = KfragParams {
        delegating: &delegation.delegating,
        receiving: &delegation.receiving.public_key(),
        signer: &delegation.signer,
        quorum: Quorum::new(1, 1).unwrap(),
        signed: SignedKeys::BOTH,
    };
    let again = generate_kfrags(&mut delegation.rng, &params).unwrap();
    assert_ne!(again[0].frag.precursor, delegation.kfrags[0].frag.precursor);
    assert_ne!(again[0].id(), delegation.kfrags[0].id());
}

#[test]
fn k03_a_broken_generator_is_an_error() {
    let delegation = Delegation::new(1, 1, 1);
    let generate = |rng: &mut BrokenRng, shares| {
        let params = KfragParams {
            delegating: &delegation.delegating,
            receiving: &delegation.receiving.public_key(),
            signer: &delegation.signer,
            quorum: Quorum::new(1, shares).unwrap(),
            signed: SignedKeys::BOTH,
        };
        generate_kfrags(rng, &params).err()
    };
    assert_eq!(generate(&mut BrokenRng::Failing, 1), Some(Error::Rng));
    assert_eq!(
        generate(&mut BrokenRng::Stuck(0), 1),
        Some(Error::RngDegenerate)
    );
    assert_eq!(
        generate(&mut BrokenRng::Stuck(7), 2),
        Some(Error::RngDegenerate)
    );
}

/// Ten times the shares take about ten times as long; quadratic growth would take a hundred.
#[test]
fn k14_time_grows_linearly_with_the_shares() {
    let time = |shares: u16| {
        let measure = || {
            let start = Instant::now();
            Delegation::new(1, 2, shares);
            start.elapsed()
        };
        (0..50).map(|_| measure()).min().unwrap()
    };
    // Short enough to fit between two interruptions of a busy machine.
    assert!(time(50) < time(5) * 30);
}

/// f(0) = a / d, whatever the generator.
#[test]
fn the_polynomial_starts_at_the_delegating_key() {
    let delegation = Delegation::new(5, 1, 1);
    let params = KfragParams {
        delegating: &delegation.delegating,
        receiving: &delegation.receiving.public_key(),
        signer: &delegation.signer,
        quorum: Quorum::new(3, 3).unwrap(),
        signed: SignedKeys::BOTH,
    };
    let params = BaseParams {
        delegating: params.delegating,
        receiving: params.receiving,
        threshold: params.quorum.threshold,
    };
    let base = Base::draw(&mut TestRng::new(6), &params).unwrap();
    let d = base.ephemeral.secret_scalar().unwrap();
    assert_eq!(base.coefficients.len(), 3);
    assert_eq!(
        base.coefficients[0] * d.expose(),
        *delegation.delegating.expose()
    );
}
