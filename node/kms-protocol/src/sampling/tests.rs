//! Sampling: reproducible, blind to order, and in proportion to stake.

use proptest::prelude::*;

use super::*;
use crate::test_support::any_address;

fn address(byte: u8) -> Address {
    let mut bytes = [0; 20];
    bytes[19] = byte;
    Address(bytes)
}

/// Candidates 1..=count with stakes 1000 KMS times their number.
fn ladder(count: u8) -> Vec<(Address, Amount)> {
    (1..=count)
        .map(|byte| {
            (
                address(byte),
                Amount::from_kms(1_000 * u64::from(byte)).unwrap(),
            )
        })
        .collect()
}

fn seed(number: u64) -> [u8; 32] {
    keccak256(&number.to_be_bytes()).0
}

/// Computed by a separate program over `cast keccak`.
#[test]
fn draws_what_an_independent_program_draws() {
    let golden: [(u8, [u8; 5]); 3] = [
        (0, [5, 7, 9, 17, 20]),
        (1, [4, 13, 17, 18, 20]),
        (255, [10, 15, 16, 19, 20]),
    ];
    for (byte, expected) in golden {
        let chosen = sample(&[byte; 32], &ladder(20), 5).unwrap();
        assert_eq!(chosen, expected.map(address));
    }
    let large: Vec<_> = (1..=20_u8)
        .map(|byte| (address(byte), Amount((1 << 123) - u128::from(byte))))
        .collect();
    let expected = [1, 3, 7, 8, 10, 11, 12, 14, 15, 19].map(address);
    assert_eq!(sample(&[7; 32], &large, 10).unwrap(), expected);
}

/// Sum of (observed - expected)^2 / expected.
fn chi_square(observed: &[f64], weights: &[f64]) -> f64 {
    let draws: f64 = observed.iter().sum();
    let total: f64 = weights.iter().sum();
    observed
        .iter()
        .zip(weights)
        .map(|(seen, weight)| {
            let expected = draws * weight / total;
            (seen - expected).powi(2) / expected
        })
        .sum()
}

#[test]
fn one_draw_is_in_proportion_to_stake() {
    let mut observed = [0.0; 8];
    for number in 0..20_000 {
        let chosen = sample(&seed(number), &ladder(8), 1).unwrap();
        observed[usize::from(chosen[0].0[19]) - 1] += 1.0;
    }
    let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    // 99.9 % quantile of chi-square with 7 degrees of freedom.
    assert!(chi_square(&observed, &weights) < 24.32, "{observed:?}");
}

#[test]
fn two_draws_follow_the_ruler_without_replacement() {
    let stakes = [1.0, 2.0, 3.0, 4.0, 5.0_f64];
    let total: f64 = stakes.iter().sum();
    let mut pairs = Vec::new();
    let mut weights = Vec::new();
    for (i, a) in stakes.iter().enumerate() {
        for (j, b) in stakes.iter().enumerate().skip(i + 1) {
            pairs.push((i + 1, j + 1));
            weights.push(a / total * b / (total - a) + b / total * a / (total - b));
        }
    }
    let mut observed = vec![0.0; pairs.len()];
    for number in 0..20_000 {
        let chosen = sample(&seed(number), &ladder(5), 2).unwrap();
        let pair = (usize::from(chosen[0].0[19]), usize::from(chosen[1].0[19]));
        observed[pairs.iter().position(|p| *p == pair).unwrap()] += 1.0;
    }
    // 99.9 % quantile of chi-square with 9 degrees of freedom.
    assert!(chi_square(&observed, &weights) < 27.88, "{observed:?}");
}

#[test]
fn never_draws_a_candidate_without_stake() {
    let mut candidates = ladder(5);
    candidates.push((address(99), Amount::ZERO));
    for number in 0..200 {
        let chosen = sample(&seed(number), &candidates, 5).unwrap();
        assert!(!chosen.contains(&address(99)));
    }
}

#[test]
fn refuses_more_than_there_are_with_stake() {
    let mut candidates = ladder(3);
    candidates.push((address(99), Amount::ZERO));
    let refused = Err(Error::TooFewCandidates {
        wanted: 4,
        available: 3,
    });
    assert_eq!(sample(&seed(0), &candidates, 4), refused);
    let refused = Err(Error::TooFewCandidates {
        wanted: 1,
        available: 0,
    });
    assert_eq!(sample(&seed(0), &[], 1), refused);
}

#[test]
fn refuses_a_candidate_listed_twice() {
    let mut candidates = ladder(3);
    candidates.push((address(2), Amount::ZERO));
    let refused = Err(Error::DuplicateCandidate { miner: address(2) });
    assert_eq!(sample(&seed(0), &candidates, 1), refused);
}

#[test]
fn refuses_stakes_whose_sum_overflows() {
    let candidates = [(address(1), Amount(u128::MAX)), (address(2), Amount(1))];
    assert_eq!(sample(&seed(0), &candidates, 1), Err(Error::AmountOverflow));
    assert_eq!(sample(&seed(0), &candidates[..1], 1), Ok(vec![address(1)]));
}

#[test]
fn drawing_nobody_is_empty_and_drawing_all_is_everybody() {
    assert_eq!(sample(&seed(0), &[], 0), Ok(vec![]));
    let everybody: Vec<_> = ladder(9).iter().map(|(miner, _)| *miner).collect();
    assert_eq!(sample(&seed(0), &ladder(9), 9), Ok(everybody));
}

#[test]
fn points_cover_bounds_of_one_and_of_powers_of_two() {
    let mut points = Points {
        seed: &seed(3),
        counter: 0,
    };
    assert_eq!(points.below(1), 0);
    let seen: std::collections::BTreeSet<_> = (0..200).map(|_| points.below(4)).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!((0..200).all(|_| points.below((1 << 127) + 1) <= 1 << 127));
}

proptest! {
    #[test]
    fn the_order_of_candidates_does_not_matter(
        seed: [u8; 32],
        stakes in proptest::collection::btree_map(any_address(), 1..u128::MAX >> 8, 1..40),
        shuffled in any::<prop::sample::Index>(),
        n: prop::sample::Index,
    ) {
        let candidates: Vec<_> =
            stakes.iter().map(|(miner, stake)| (*miner, Amount(*stake))).collect();
        let n = n.index(candidates.len() + 1);
        let chosen = sample(&seed, &candidates, n).unwrap();
        let mut other = candidates.clone();
        other.rotate_left(shuffled.index(candidates.len()));
        prop_assert_eq!(&sample(&seed, &other, n).unwrap(), &chosen);
        other.reverse();
        prop_assert_eq!(&sample(&seed, &other, n).unwrap(), &chosen);
        prop_assert_eq!(chosen.len(), n);
        prop_assert!(chosen.is_sorted_by(|a, b| a < b));
        prop_assert!(chosen.iter().all(|miner| stakes.contains_key(miner)));
    }
}
