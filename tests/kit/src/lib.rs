//! The test kit: what the end-to-end tests, the demo and the tests of the crates share. `kms`
//! drives the binary, `process` ends what it starts, `wait` polls, `net` is a real chain with the
//! contracts, `faults` what is wrong with a provider, `disk` with a disk, `chain` a chain in
//! memory, `node` a node as a process, `grant` a grant made by hand, `wire` a client's sealed line,
//! `world` all of it together.
//! Set-up that fails is a panic; what a command did is a value.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "code of tests: whatever goes wrong here ends the test"
)]

pub mod chain;
pub mod disk;
pub mod faults;
pub mod grant;
pub mod kms;
pub mod net;
pub mod node;
pub mod postgres;
pub mod process;
pub mod wait;
pub mod wire;
pub mod world;
