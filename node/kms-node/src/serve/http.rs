//! The HTTP surface. `accept` owns connections and their limits, `routes` turns requests into calls
//! of `serve::message`, `reply` turns verdicts into responses, `cors` lets
//! pages read those of public routes, `tls` holds the node's certificate.
//!
//! connection -> caps and eviction -> TLS -> head timeout -> body cap -> timeout -> route -> CORS

mod accept;
mod connections;
mod cors;
mod reply;
mod routes;
mod tls;

pub(crate) use accept::{Listener, bind, serve};

#[cfg(test)]
mod tests;
