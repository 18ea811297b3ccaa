//! The acts of the demo, by theme. Each is one function over the shared
//! [`Show`](super::show::Show): it does something as a person would, and fails unless what
//! happened is what should.

pub(super) mod money;
pub(super) mod network;
pub(super) mod outage;
pub(super) mod revoke;
pub(super) mod share;
