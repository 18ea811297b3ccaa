//! Variable-time arithmetic on public data: sums of multiples, and what is built on them.
//!
//! Nothing here can be handed a secret: the functions take [`PublicScalar`] and [`Point`], and a
//! secret scalar is neither. A value becomes a [`PublicScalar`] by being decoded from public bytes,
//! hashed from them, or by [`PublicScalar::published`], each call of which says why.

pub(crate) mod ecdsa;
mod jacobian;
mod public_scalar;
mod sum;
mod table;

pub(crate) use jacobian::Affine;
#[cfg(test)]
pub(crate) use jacobian::Jacobian;
pub(crate) use public_scalar::PublicScalar;
pub(crate) use sum::Sum;
pub(crate) use table::{Shape, Table, generator, point_u};

#[cfg(test)]
mod tests;
