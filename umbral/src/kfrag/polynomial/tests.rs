use super::*;
use crate::testing::{Delegation, TestRng};

/// f(0) = a / d, whatever the generator.
#[test]
fn the_polynomial_starts_at_the_delegating_key() {
    let delegation = Delegation::new(5, 1, 1);
    let (a, b) = (&delegation.delegating, delegation.receiving.public_key());
    let polynomial = Polynomial::draw(&mut TestRng::new(6), a, &b, 3).unwrap();
    let d = polynomial.ephemeral.secret_scalar().unwrap();
    assert_eq!(polynomial.coefficients.len(), 3);
    assert_eq!(polynomial.coefficients[0] * d.expose(), *a.expose());
}
