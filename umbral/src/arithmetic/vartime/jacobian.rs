//! Public points in Jacobian coordinates: x = X / Z^2, y = Y / Z^3.
//!
//! Faster than complete formulas, because equal and opposite points are told apart by branches.
//! Magnitudes kept: X at most 6, Y at most 3, Z at most 2; affine coordinates 1.

use k256::FieldBytes;
use k256::elliptic_curve::point::AffineCoordinates as _;

use crate::arithmetic::field::Fe;
use crate::arithmetic::point::Point;

/// A public point with Z = 1; never the identity.
#[derive(Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) x: Fe,
    pub(crate) y: Fe,
}

impl Affine {
    pub(crate) fn new(point: &Point) -> Self {
        let affine = point.affine();
        let decode = |bytes: FieldBytes| Fe::from_bytes(&bytes).unwrap_or(Fe::ZERO);
        Self {
            x: decode(affine.x()),
            y: decode(affine.y()),
        }
    }
}

/// A public point, possibly the identity (Z = 0).
#[derive(Clone, Copy)]
pub(crate) struct Jacobian {
    pub(crate) x: Fe,
    pub(crate) y: Fe,
    pub(crate) z: Fe,
}

impl Jacobian {
    pub(crate) const IDENTITY: Self = Self {
        x: Fe::ONE,
        y: Fe::ONE,
        z: Fe::ZERO,
    };

    pub(crate) fn is_identity(&self) -> bool {
        self.z.normalizes_to_zero().into()
    }

    /// 2P; the curve has no point of order two, and the identity stays the identity.
    ///
    /// M = 3X^2, S = 4XY^2: X' = M^2 - 2S, Y' = M(S - X') - 8Y^4, Z' = 2YZ.
    pub(crate) fn double(&self) -> Self {
        let yy = self.y.square();
        let m = self.x.square().mul_single(3);
        let s = self.x.mul(&yy).mul_single(4);
        let x = (m.square() + s.mul_single(2).negate(8)).normalize_weak();
        let yyyy8 = yy.square().mul_single(8);
        let y = (m.mul(&(s + x.negate(1))) + yyyy8.negate(8)).normalize_weak();
        let z = self.y.mul(&self.z).mul_single(2);
        Self { x, y, z }
    }

    /// P + Q, or P - Q.
    ///
    /// H = x_Q Z^2 - X, R = y_Q Z^3 - Y, V = X H^2:
    /// X' = R^2 - H^3 - 2V, Y' = R(V - X') - Y H^3, Z' = ZH.
    pub(crate) fn add(&self, other: &Affine, negate: bool) -> Self {
        let y2 = if negate { other.y.negate(1) } else { other.y };
        let zz = self.z.square();
        let h = other.x.mul(&zz) + self.x.negate(6);
        let r = y2.mul(&zz.mul(&self.z)) + self.y.negate(3);
        let z = self.z.mul(&h);
        if bool::from(z.normalizes_to_zero()) {
            return self.add_special(&Affine { x: other.x, y: y2 }, &r);
        }
        let hh = h.square();
        let hhh = hh.mul(&h);
        let v = self.x.mul(&hh);
        let x = r.square() + hhh.negate(1) + v.mul_single(2).negate(2);
        let y = r.mul(&(v + x.negate(6))) + self.y.mul(&hhh).negate(1);
        Self { x, y, z }
    }

    /// The identity plus Q, P + P, or P - P; R = 0 tells the last two apart.
    #[cold]
    fn add_special(&self, other: &Affine, r: &Fe) -> Self {
        if self.is_identity() {
            Self {
                x: other.x,
                y: other.y.normalize_weak(),
                z: Fe::ONE,
            }
        } else if bool::from(r.normalizes_to_zero()) {
            self.double()
        } else {
            Self::IDENTITY
        }
    }

    /// Whether x = X / Z^2. The identity has no x.
    pub(crate) fn has_x(&self, x: &Fe) -> bool {
        let difference = x.mul(&self.z.square()) + self.x.negate(6);
        !self.is_identity() && bool::from(difference.normalizes_to_zero())
    }

    /// Whether this is the point.
    #[cfg(test)]
    pub(crate) fn is(&self, point: &Affine) -> bool {
        self.add(point, true).is_identity()
    }
}

impl From<Affine> for Jacobian {
    fn from(point: Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: Fe::ONE,
        }
    }
}

/// Affine forms with one inversion in all (Montgomery's trick). No point may be the identity.
pub(crate) fn normalise(points: &[Jacobian]) -> alloc::vec::Vec<Affine> {
    let mut product = Fe::ONE;
    let mut before = alloc::vec::Vec::with_capacity(points.len());
    for point in points {
        before.push(product);
        product = product.mul(&point.z);
    }
    // No z is zero, hence the product is not.
    let mut inverse = product.invert_vartime().unwrap_or(Fe::ZERO);
    let mut out: alloc::vec::Vec<Affine> = points
        .iter()
        .zip(&before)
        .rev()
        .map(|(point, before)| {
            let z = inverse.mul(before);
            inverse = inverse.mul(&point.z);
            let zz = z.square();
            Affine {
                x: point.x.mul(&zz),
                y: point.y.mul(&zz.mul(&z)),
            }
        })
        .collect();
    out.reverse();
    out
}
