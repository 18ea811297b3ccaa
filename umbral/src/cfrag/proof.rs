//! The re-encryption proof: three equations, checked one by one or as one random combination.
//! All data is public: variable time.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use k256::Scalar;
use sha2::{Digest as _, Sha256};

use super::CapsuleFrag;
use crate::arithmetic::params::{POINT_U, point_u};
use crate::arithmetic::point::Point;
use crate::arithmetic::vartime::{self, Affine, PublicScalar, Shape, Sum, Table};
use crate::capsule::Capsule;
use crate::equation::Equation;
use crate::hashing::{CFRAG_VERIFICATION, hash_to_scalar};

/// Domain tag of the coefficients: the seed is SHA-256(tag || h_1 || z_1 || h_2 || z_2 ...), and
/// the coefficients are the 16-byte halves of SHA-256(seed || u32_be(0)), SHA-256(seed || 1) ...
const COEFFICIENTS: &[u8] = b"UMBRAL_BATCH_COEFFICIENTS";

/// The points of a proof.
pub(crate) struct Points<'a> {
    pub(crate) e1: &'a Point,
    pub(crate) v1: &'a Point,
    pub(crate) u1: &'a Point,
    pub(crate) e2: &'a Point,
    pub(crate) v2: &'a Point,
    pub(crate) u2: &'a Point,
}

impl<'a> Points<'a> {
    pub(crate) const fn of(frag: &'a CapsuleFrag) -> Self {
        Self {
            e1: &frag.e1,
            v1: &frag.v1,
            u1: &frag.u1,
            e2: &frag.e2,
            v2: &frag.v2,
            u2: &frag.u2,
        }
    }

    /// h = HS(`CFRAG_VERIFICATION`, E, E1, E2, V, V1, V2, U, U1, U2), 33 bytes each.
    pub(crate) fn challenge(&self, capsule: &Capsule) -> Scalar {
        let parts: [&[u8]; 9] = [
            capsule.e.bytes(),
            self.e1.bytes(),
            self.e2.bytes(),
            capsule.v.bytes(),
            self.v1.bytes(),
            self.v2.bytes(),
            &POINT_U,
            self.u1.bytes(),
            self.u2.bytes(),
        ];
        hash_to_scalar(CFRAG_VERIFICATION, &parts)
    }
}

/// The claim that a cfrag is the re-encryption of a capsule under the rk of its U1.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    capsule: &'a Capsule,
    frag: &'a CapsuleFrag,
    h: PublicScalar,
}

impl<'a> Claim<'a> {
    pub(crate) fn new(capsule: &'a Capsule, frag: &'a CapsuleFrag) -> Self {
        Self {
            capsule,
            frag,
            h: PublicScalar::published(Points::of(frag).challenge(capsule)),
        }
    }

    /// h, the challenge.
    pub(crate) const fn challenge(&self) -> &PublicScalar {
        &self.h
    }

    /// The base, the offset (E2, V2, U2) and the image (E1, V1, U1) of an equation.
    pub(crate) fn points(&self, equation: Equation) -> [Point; 3] {
        match equation {
            Equation::E => [self.capsule.e, self.frag.e2, self.frag.e1],
            Equation::V => [self.capsule.v, self.frag.v2, self.frag.v1],
            Equation::U => [point_u(), self.frag.u2, self.frag.u1],
        }
    }

    /// The first equation that fails, each checked alone.
    pub(crate) fn failing_equation(&self) -> Option<Equation> {
        let equations = [Equation::E, Equation::V, Equation::U];
        equations.into_iter().find(|equation| {
            let [base, offset, image] = self.points(*equation);
            let points = [base, image, offset].map(|point| Affine::new(&point));
            let table = Table::new(&points, Shape::ONCE);
            let mut sum = Sum::with_capacity(3);
            sum.add(table.point(0), &PublicScalar::published(self.frag.z));
            sum.add(table.point(1), &self.h.negated());
            sum.subtract_short(table.point(2), 1);
            !sum.evaluate().is_identity()
        })
    }
}

/// The cfrags that fail, each with its first failing equation: found by halving.
pub(crate) fn failures(claims: &[Claim<'_>]) -> Vec<(usize, Equation)> {
    let mut found = Vec::new();
    search(claims, 0, &mut found);
    found
}

fn search(claims: &[Claim<'_>], offset: usize, found: &mut Vec<(usize, Equation)>) {
    if hold(claims) {
        return;
    }
    if let [claim] = claims {
        found.extend(claim.failing_equation().map(|equation| (offset, equation)));
        return;
    }
    let middle = claims.len() / 2;
    let (left, right) = claims.split_at(middle);
    search(left, offset, found);
    search(right, offset + middle, found);
}

/// Whether all three equations hold for all cfrags.
///
/// zE = E2 + hE1, zV = V2 + hV1, zU = U2 + hU1 hold for all of them at once, but for a chance of
/// 2^-128, if the sum of all differences with 128-bit coefficients a, b, c is the identity:
/// sum a_i(z_i E - E2_i - h_i E1_i) + b_i(V likewise) + c_i(U likewise) = 0. Terms over one point
/// merge. The coefficients are hashes of everything they multiply, so verdicts are reproducible
/// and need no generator; the group has prime order, so there is no small subgroup to hide in.
pub(crate) fn hold(claims: &[Claim<'_>]) -> bool {
    let mut combination = Combination::default();
    let mut coefficients = Coefficients::new(claims);
    for claim in claims {
        combination.add_claim(claim, &mut coefficients);
    }
    combination.is_zero()
}

/// 128-bit coefficients; the first may be one.
struct Coefficients {
    seed: [u8; 32],
    counter: u32,
    ready: Vec<u128>,
}

impl Coefficients {
    fn new(claims: &[Claim<'_>]) -> Self {
        let mut hasher = Sha256::new_with_prefix(COEFFICIENTS);
        for claim in claims {
            hasher.update(claim.h.get().to_bytes());
            hasher.update(claim.frag.z.to_bytes());
        }
        Self {
            seed: hasher.finalize().into(),
            counter: 0,
            ready: Vec::from([1]),
        }
    }

    fn next(&mut self) -> u128 {
        if let Some(ready) = self.ready.pop() {
            return ready;
        }
        let hasher = Sha256::new_with_prefix(self.seed);
        let digest: [u8; 32] = hasher
            .chain_update(self.counter.to_be_bytes())
            .finalize()
            .into();
        self.counter = self.counter.wrapping_add(1);
        let (one, other) = digest.split_at(16);
        let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |b| u128::from_be_bytes(*b));
        self.ready.push(number(other));
        number(one)
    }
}

/// A linear combination under construction.
#[derive(Default)]
struct Combination<'a> {
    /// Terms over points that occur again and again: E, V, U1.
    merged: BTreeMap<&'a [u8; 33], (&'a Point, Scalar)>,
    /// Coefficient of U.
    u: Scalar,
    /// Terms with full scalars.
    full: Vec<(&'a Point, Scalar)>,
    /// Terms to be subtracted, with 128-bit scalars.
    short: Vec<(&'a Point, u128)>,
}

impl<'a> Combination<'a> {
    fn add_claim(&mut self, claim: &Claim<'a>, coefficients: &mut Coefficients) {
        let (capsule, frag, h) = (claim.capsule, claim.frag, claim.h.get());
        let [a, b, c] = [(); 3].map(|()| coefficients.next());
        let [wide_a, wide_b, wide_c] = [a, b, c].map(Scalar::from);
        self.merge(&capsule.e, wide_a * frag.z);
        self.merge(&capsule.v, wide_b * frag.z);
        self.merge(&frag.u1, -(wide_c * h));
        self.u += wide_c * frag.z;
        self.full.push((&frag.e1, -(wide_a * h)));
        self.full.push((&frag.v1, -(wide_b * h)));
        self.short
            .extend([(&frag.e2, a), (&frag.v2, b), (&frag.u2, c)]);
    }

    fn merge(&mut self, point: &'a Point, scalar: Scalar) {
        let (_, sum) = self
            .merged
            .entry(point.bytes())
            .or_insert((point, Scalar::ZERO));
        *sum += scalar;
    }

    fn is_zero(&self) -> bool {
        let full: Vec<_> = self.merged.values().chain(&self.full).collect();
        let points = full.iter().map(|(point, _)| *point);
        let points = points.chain(self.short.iter().map(|(point, _)| *point));
        let points: Vec<Affine> = points.map(Affine::new).collect();
        let table = Table::new(&points, Shape::ONCE);
        let u = vartime::point_u();
        let mut sum = Sum::with_capacity(points.len() + 1);
        sum.add(u.point(0), &PublicScalar::published(self.u));
        let mut rows = table.points();
        for ((_, scalar), rows) in full.iter().zip(&mut rows) {
            sum.add(rows, &PublicScalar::published(*scalar));
        }
        for ((_, scalar), rows) in self.short.iter().zip(rows) {
            sum.subtract_short(rows, *scalar);
        }
        sum.evaluate().is_identity()
    }
}

#[cfg(test)]
mod tests;
