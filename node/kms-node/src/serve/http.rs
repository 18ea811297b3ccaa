//! The HTTP surface. `accept` owns connections and their limits, `routes` turns requests into calls
//! of `serve::message`, `reply` turns verdicts into responses.
//!
//! connection -> caps and eviction -> head timeout -> body cap -> request timeout -> route

mod accept;
mod connections;
mod reply;
mod routes;

pub(crate) use accept::{bind, serve};

#[cfg(test)]
mod tests;
