//! Rules for the URLs of nodes. A miner writes its URL on chain, so it is hostile input:
//! only http(s), no user info, query or fragment, and off a local chain only public addresses,
//! whatever notation they come in. Neighbour: `node_http` applies the same rule after resolution.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::error::{Error, Result};

/// Longest URL accepted, in bytes; the contract's own limit is lower.
const MAX_URL_BYTES: usize = 256;

/// Which addresses of nodes may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRule {
    /// Only addresses of the public internet.
    PublicOnly,
    /// Loopback and private networks too: local chains, private deployments, tests.
    AnyAddress,
}

/// A node's base URL that keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl(Url);

impl NodeUrl {
    /// Checks a URL as registered on chain.
    ///
    /// # Errors
    /// [`Error::UrlRefused`] with the rule it breaks.
    pub fn parse(text: &str, rule: AddressRule) -> Result<Self> {
        check(text, rule)
            .map(Self)
            .map_err(|why| Error::UrlRefused {
                url: text
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(MAX_URL_BYTES)
                    .collect(),
                why,
            })
    }

    /// The URL of a resource below the base; `path` has no leading slash.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url
    }
}

impl std::fmt::Display for NodeUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}

fn check(text: &str, rule: AddressRule) -> std::result::Result<Url, &'static str> {
    if text.len() > MAX_URL_BYTES {
        return Err("longer than 256 bytes");
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err("control characters, white space or backslashes");
    }
    let url = Url::parse(text).map_err(|_| "not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err("user info");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("query or fragment");
    }
    if url.port() == Some(0) {
        return Err("port 0");
    }
    if rule == AddressRule::PublicOnly {
        require_public_host(&url)?;
    } else if url.host_str().is_none_or(str::is_empty) {
        return Err("no host");
    }
    Ok(url)
}

fn require_public_host(url: &Url) -> std::result::Result<(), &'static str> {
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or("no host")?;
    // The parser has turned decimal, octal and hexadecimal notations into dotted form by now.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return if is_public(address) {
            Ok(())
        } else {
            Err("not a public address")
        };
    }
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    let local = ["localhost", "local", "internal", "home.arpa"];
    if local
        .iter()
        .any(|l| name == *l || name.ends_with(&format!(".{l}")))
    {
        return Err("not a public name");
    }
    if !name.contains('.') {
        return Err("not a public name");
    }
    Ok(())
}

/// True for addresses that are routed on the public internet (IANA special-purpose registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        224..=255 => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [s0, s1, s2, ..] = address.segments();
    let octets = address.octets();
    let embedded = |at: usize| -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = octets.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(bytes))
    };
    // 64:ff9b::/96 carries an IPv4 address that a NAT64 gateway would call.
    if (s0, s1, s2) == (0x64, 0xff9b, 0) {
        return embedded(12).is_some_and(is_public_v4);
    }
    // 2002::/16, 6to4.
    if s0 == 0x2002 {
        return embedded(2).is_some_and(is_public_v4);
    }
    // 2001:0000::/23 holds Teredo, ORCHID, benchmarks; 2001:db8::/32 and 3fff::/20 documentation.
    let special = (s0 == 0x2001 && (s1 < 0x200 || s1 == 0xdb8)) || (s0 == 0x3fff && s1 < 0x1000);
    // Only 2000::/3 is global unicast; mapped, loopback, local and multicast all lie outside.
    s0 & 0xe000 == 0x2000 && !special
}
