//! The HTTP surface. `accept` owns connections and their limits, `routes` turns requests into calls
//! of `serve::message`, `reply` turns verdicts into responses, `cors` lets
//! pages read those of public routes.
//!
//! connection -> caps and eviction -> head timeout -> body cap -> request timeout -> route -> CORS

mod accept;
mod connections;
mod cors;
mod reply;
mod routes;

pub(crate) use accept::{bind, serve};

#[cfg(test)]
mod tests;
