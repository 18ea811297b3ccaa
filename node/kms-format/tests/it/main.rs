//! Tests of whole files: round trips, damage, and the committed vector.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod damage;
mod golden;
mod growing;
mod round_trip;
mod segments;
mod signed;
mod support;
