//! The acts of the demo, by theme. Each is one function over [`Show`](super::show::Show): it runs
//! `kms` as a user would, and fails unless the result is as expected.

pub(super) mod money;
pub(super) mod network;
pub(super) mod outage;
pub(super) mod restore;
pub(super) mod revoke;
pub(super) mod share;
