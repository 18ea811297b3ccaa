//! Arithmetic on secp256k1: the base field, points, scalars, and multiples of points. Secret
//! scalars are multiplied in `constant_time`, public ones in `vartime`.

pub(crate) mod constant_time;
pub(crate) mod field;
pub(crate) mod glv;
pub(crate) mod params;
pub(crate) mod point;
pub(crate) mod scalar;
pub(crate) mod vartime;
