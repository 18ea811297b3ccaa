use std::collections::HashSet;
use std::time::Instant;

use super::*;
use crate::testing::{BrokenRng, Delegation, TestRng, miner};

#[test]
fn makes_as_many_different_kfrags_as_asked_for() {
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
    let delegation = Delegation::new(1, 1, 1);
    let again = delegation.grant_again(&mut TestRng::new(2)).unwrap().kfrags;
    assert_ne!(again[0].frag.precursor, delegation.kfrags[0].frag.precursor);
    assert_ne!(again[0].id(), delegation.kfrags[0].id());
}

#[test]
fn a_broken_generator_is_an_error() {
    let grant = |mut rng: BrokenRng, shares| {
        let delegation = Delegation::new(1, 1, shares);
        delegation.grant_again(&mut rng).err()
    };
    assert_eq!(grant(BrokenRng::Failing, 1), Some(Error::Rng));
    assert_eq!(grant(BrokenRng::Stuck(0), 1), Some(Error::RngDegenerate));
    assert_eq!(grant(BrokenRng::Stuck(7), 2), Some(Error::RngDegenerate));
}

/// Ten times the shares take about ten times as long; quadratic growth would take a hundred.
#[test]
fn time_grows_linearly_with_the_shares() {
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

#[test]
fn as_many_miners_as_shares_are_needed() {
    let delegation = Delegation::new(1, 2, 3);
    let miners = [miner(0), miner(1)];
    let params = GrantParams {
        delegating: &delegation.delegating,
        receiving: &delegation.receiving.public_key(),
        signer: &delegation.signer,
        policy: &delegation.policy,
        miners: &miners,
    };
    let refused = generate_kfrags(&mut TestRng::new(2), &params).err();
    let mismatch = Error::MinersMismatch {
        expected: 3,
        given: 2,
    };
    assert_eq!(refused, Some(mismatch));
}
