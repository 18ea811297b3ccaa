//! Who may ask: whoever has the token, and no web page. A page that a browser shows can reach
//! loopback, so a Host that is not this daemon's, and any Origin, are refused before the token.

use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};

use super::problem::Problem;
use crate::error::Result;
use crate::store;

pub(super) struct Guard {
    token: String,
    /// The Hosts by which this daemon is named; any over a socket.
    hosts: Option<[String; 2]>,
}

impl Guard {
    /// Draws a token and writes it where the user alone can read it.
    pub(super) fn fresh(file: &Path, port: Option<u16>) -> Result<Self> {
        let mut token = [0; 32];
        getrandom::fill(&mut token).map_err(|_| kms_core::Error::Random)?;
        let token = hex::encode(token);
        if let Some(folder) = file.parent().filter(|folder| !folder.is_dir()) {
            store::create_private_dir(folder)?;
        }
        store::write_private(file, format!("{token}\n").as_bytes())?;
        let hosts = port.map(|port| [format!("127.0.0.1:{port}"), format!("localhost:{port}")]);
        Ok(Self { token, hosts })
    }

    pub(super) fn admit(&self, headers: &HeaderMap, is_public: bool) -> Result<(), Problem> {
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        if let Some(hosts) = &self.hosts
            && !named.is_some_and(|named| hosts.iter().any(|host| host == named))
        {
            return Err(Problem::own(403, "host_refused"));
        }
        if headers.contains_key(ORIGIN) {
            return Err(Problem::own(403, "origin_refused"));
        }
        let given = headers
            .get(AUTHORIZATION)
            .map_or(&[][..], |given| given.as_bytes());
        let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
        match is_public || same(given, self.token.as_bytes()) {
            true => Ok(()),
            false => Err(Problem::own(401, "token_missing")),
        }
    }
}

/// Compares in a time that does not depend on where the two differ.
pub(super) fn same(given: &[u8], wanted: &[u8]) -> bool {
    let differs = given
        .iter()
        .zip(wanted)
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == wanted.len() && differs == 0
}
