//! Tables of odd multiples of public points, for sums.

use alloc::vec::Vec;

use k256::FieldBytes;

use super::jacobian::{Affine, Jacobian, normalise};
use crate::arithmetic::field::Fe;
use crate::arithmetic::glv::BETA;
use crate::arithmetic::point::Point;

/// Shape of a table: digits of `window` bits, the scalar's 128 bits cut in `splits` pieces.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) window: u32,
    pub(crate) splits: usize,
}

impl Shape {
    /// For a point that is used once.
    pub(crate) const ONCE: Self = Self {
        window: 5,
        splits: 1,
    };
    /// For a point that is used twice.
    #[cfg(feature = "compat")]
    pub(crate) const TWICE: Self = Self {
        window: 5,
        splits: 2,
    };
    /// For a point that is used a few times: 96 doublings and three further tables once, and 96
    /// doublings less at each use.
    pub(crate) const OFTEN: Self = Self {
        window: 6,
        splits: 4,
    };
    /// For the generators, whose tables live as long as the process.
    #[cfg(feature = "std")]
    const STATIC: Self = Self {
        window: 9,
        splits: 4,
    };
    #[cfg(not(feature = "std"))]
    const STATIC: Self = Self::ONCE;

    /// Odd multiples per row: digits are odd and below 2^(window - 1) in magnitude.
    const fn row(self) -> usize {
        1 << (self.window - 2)
    }

    /// Bits a piece covers.
    pub(crate) const fn chunk(self) -> usize {
        128 / self.splits
    }
}

/// For each point and each piece j: odd multiples of 2^(chunk * j) P, then the same of lambda P.
pub(crate) struct Table {
    shape: Shape,
    entries: Vec<Affine>,
}

impl Table {
    /// Tables of several points, with one inversion for all.
    pub(crate) fn new(points: &[Affine], shape: Shape) -> Self {
        let mut multiples = Vec::with_capacity(points.len() * shape.splits * shape.row());
        for point in points {
            let mut base = Jacobian::from(*point);
            for piece in 0..shape.splits {
                if piece > 0 {
                    base = (0..shape.chunk()).fold(base, |power, _| power.double());
                }
                odd_multiples(&base, shape.row(), &mut multiples);
            }
        }
        let beta = Fe::from_bytes(&FieldBytes::from(BETA)).unwrap_or(Fe::ZERO);
        let mut entries = Vec::with_capacity(2 * multiples.len());
        for row in normalise(&multiples).chunks(shape.row()) {
            entries.extend_from_slice(row);
            entries.extend(row.iter().map(|entry| Affine {
                x: entry.x.mul(&beta),
                y: entry.y,
            }));
        }
        Self { shape, entries }
    }

    /// The rows of each point.
    pub(crate) fn points(&self) -> impl Iterator<Item = Rows<'_>> {
        let shape = self.shape;
        let rows = self.entries.chunks(2 * shape.splits * shape.row());
        rows.map(move |entries| Rows { shape, entries })
    }

    /// The rows of one point.
    pub(crate) fn point(&self, index: usize) -> Rows<'_> {
        let none = Rows {
            shape: self.shape,
            entries: &[],
        };
        self.points().nth(index).unwrap_or(none)
    }
}

/// The rows of one point of a table.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    shape: Shape,
    entries: &'a [Affine],
}

impl<'a> Rows<'a> {
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// |digit| * 2^(chunk * piece) * P, or the same of lambda P for `half` 1.
    pub(crate) fn entry(&self, piece: usize, half: usize, digit: usize) -> Option<&'a Affine> {
        let row = self.shape.row();
        self.entries.get((2 * piece + half) * row + digit / 2)
    }
}

/// P, 3P, 5P, ... With D = 2P = (X, Y, Z_D), on the isomorphic curve that scales Z_D to one D is
/// affine, so each step is a mixed addition; afterwards each Z is multiplied by Z_D.
fn odd_multiples(base: &Jacobian, count: usize, out: &mut Vec<Jacobian>) {
    let double = base.double();
    let scale = base.y.mul_single(2);
    let scale2 = scale.square();
    let step = Affine {
        x: double.x,
        y: double.y,
    };
    // P on that curve: (X, Y, Z) with Z_D = 2YZ is (X (2Y)^2, Y (2Y)^3, 1).
    let mut multiple = Jacobian {
        x: base.x.mul(&scale2),
        y: base.y.mul(&scale2.mul(&scale)),
        z: Fe::ONE,
    };
    for _ in 0..count {
        out.push(Jacobian {
            z: multiple.z.mul(&double.z),
            ..multiple
        });
        multiple = multiple.add(&step, false);
    }
}

/// The table of a point that never changes, with `std` built once per process.
#[cfg(feature = "std")]
macro_rules! fixed_table {
    ($name:ident, $point:expr) => {
        pub(crate) fn $name() -> &'static Table {
            static TABLE: std::sync::OnceLock<Table> = std::sync::OnceLock::new();
            TABLE.get_or_init(|| Table::new(&[Affine::new(&$point)], Shape::STATIC))
        }
    };
}
#[cfg(not(feature = "std"))]
macro_rules! fixed_table {
    ($name:ident, $point:expr) => {
        pub(crate) fn $name() -> alloc::boxed::Box<Table> {
            alloc::boxed::Box::new(Table::new(&[Affine::new(&$point)], Shape::STATIC))
        }
    };
}
fixed_table!(generator, Point::generator());
fixed_table!(point_u, crate::arithmetic::params::point_u());
