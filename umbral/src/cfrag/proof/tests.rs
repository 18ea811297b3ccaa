use super::*;
use crate::testing::Delegation;

#[test]
fn honest_claims_hold_together_and_a_forged_one_is_found() {
    let mut delegation = Delegation::new(1, 1, 5);
    let mut frags: Vec<CapsuleFrag> = delegation
        .cfrags(&[0, 1, 2, 3, 4])
        .into_iter()
        .map(|cfrag| cfrag.frag)
        .collect();
    let claims = |frags: &[CapsuleFrag]| -> Vec<(usize, Equation)> {
        let claim = |frag| Claim::new(&delegation.capsule, frag);
        failures(&frags.iter().map(claim).collect::<Vec<_>>())
    };
    assert_eq!(claims(&frags), []);
    frags[3].z += Scalar::ONE;
    assert_eq!(claims(&frags), [(3, Equation::E)]);
    frags[1].u2 = frags[0].u2;
    assert_eq!(claims(&frags), [(1, Equation::E), (3, Equation::E)]);
}

#[test]
fn coefficients_depend_on_every_claim() {
    let mut delegation = Delegation::new(1, 1, 2);
    let frags = delegation.cfrags(&[0, 1]);
    let first = Claim::new(&delegation.capsule, &frags[0].frag);
    let second = Claim::new(&delegation.capsule, &frags[1].frag);
    let draw = |claims: &[Claim<'_>]| {
        let mut coefficients = Coefficients::new(claims);
        [(); 4].map(|()| coefficients.next())
    };
    let [one, rest @ ..] = draw(&[first, second]);
    assert_eq!(one, 1);
    for other in [
        draw(&[second, first]),
        draw(&[first]),
        draw(&[first, first]),
    ] {
        for (a, b) in rest.iter().zip(&other[1..]) {
            assert_ne!(a, b);
        }
    }
}
