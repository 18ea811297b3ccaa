//! Sums of multiples of public points: Straus' method over the two halves of each scalar in
//! width-w non-adjacent form. All terms share one chain of doublings.

use alloc::vec::Vec;

use super::jacobian::{Affine, Jacobian};
use super::public_scalar::PublicScalar;
use super::table::Rows;
use crate::arithmetic::glv::decompose;

/// Positions of digits: a number below 2^128 has them at 0..=128.
const POSITIONS: usize = 129;
/// End of a list.
const NONE: usize = usize::MAX;

/// A sum under construction: which table entries are added after which doubling.
pub(crate) struct Sum<'a> {
    /// Per position the first of its additions.
    first: [usize; POSITIONS],
    additions: Vec<Addition<'a>>,
}

struct Addition<'a> {
    point: &'a Affine,
    negate: bool,
    next: usize,
}

impl<'a> Sum<'a> {
    /// An empty sum, with room for so many terms.
    pub(crate) fn with_capacity(terms: usize) -> Self {
        Self {
            first: [NONE; POSITIONS],
            additions: Vec::with_capacity(terms.saturating_mul(48)),
        }
    }

    /// Adds k * P.
    pub(crate) fn add(&mut self, rows: Rows<'a>, k: &PublicScalar) {
        for (index, half) in decompose(k.get()).into_iter().enumerate() {
            self.add_half(rows, index, half.magnitude, half.negative.into());
        }
    }

    /// Subtracts k * P for k below 2^128.
    pub(crate) fn subtract_short(&mut self, rows: Rows<'a>, k: u128) {
        self.add_half(rows, 0, k, true);
    }

    fn add_half(&mut self, rows: Rows<'a>, half: usize, mut k: u128, negate: bool) {
        let shape = rows.shape();
        let limit = 1_u128 << (shape.window - 1);
        let mut position = 0_usize;
        while k != 0 {
            let zeros = k.trailing_zeros();
            k >>= zeros;
            position += zeros as usize;
            let digit = k & (2 * limit - 1);
            k >>= shape.window;
            let borrow = digit > limit;
            let magnitude = if borrow { 2 * limit - digit } else { digit };
            k += u128::from(borrow);
            let piece = (position / shape.chunk()).min(shape.splits - 1);
            let magnitude = usize::try_from(magnitude).unwrap_or(0);
            if let Some(point) = rows.entry(piece, half, magnitude) {
                self.push(position - piece * shape.chunk(), point, negate ^ borrow);
            }
            position += shape.window as usize;
        }
    }

    fn push(&mut self, position: usize, point: &'a Affine, negate: bool) {
        if let Some(first) = self.first.get_mut(position) {
            self.additions.push(Addition {
                point,
                negate,
                next: *first,
            });
            *first = self.additions.len() - 1;
        }
    }

    pub(crate) fn evaluate(&self) -> Jacobian {
        let mut sum = Jacobian::IDENTITY;
        let mut started = false;
        for first in self.first.iter().rev() {
            if started {
                sum = sum.double();
            }
            let mut next = *first;
            while let Some(addition) = self.additions.get(next) {
                sum = sum.add(addition.point, addition.negate);
                next = addition.next;
                started = true;
            }
        }
        sum
    }
}
