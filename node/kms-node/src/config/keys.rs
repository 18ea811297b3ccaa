//! The table of configuration keys: name, default and meaning. `load` reads values by these names,
//! `kms node config show` prints them, and a test compares the maximal example file with it.

/// A row of the table [`KEYS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Name in the TOML file; `KMS_NODE_<NAME>` in the environment.
    pub name: &'static str,
    /// Text of the default; empty when there is none.
    pub default: &'static str,
    /// Whether the node refuses to start without it.
    pub required: bool,
    /// Meaning, unit and default, one line, as `kms node config show` and errors print it.
    pub help: &'static str,
}

const fn required(name: &'static str, help: &'static str) -> Key {
    Key {
        name,
        default: "",
        required: true,
        help,
    }
}

const fn optional(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key {
        name,
        default,
        required: false,
        help,
    }
}

/// Every configuration key, in the order of the example file.
pub const KEYS: &[Key] = &[
    required(
        "data_dir",
        "directory of keystores, database and lock; default: the file's own",
    ),
    required(
        "deployment",
        "deployment file of the chain (deployments/<chain-id>.json)",
    ),
    optional(
        "database",
        "",
        "postgres://USER@HOST/NAME that machines share; unset: a file in data_dir",
    ),
    optional(
        "role",
        "all",
        "of nodes that share a database: all, api (answers only) or chain (answers nobody)",
    ),
    optional(
        "lease_ms",
        "10000",
        "after which another node of the database takes over from one that stands still",
    ),
    required("rpc_urls", "JSON-RPC endpoints, tried in order"),
    optional("rpc_timeout_ms", "4000", "limit of one RPC request"),
    required("miner", "owner address of the miner this node works for"),
    required(
        "public_url",
        "base URL under which clients reach this node, registered on chain",
    ),
    optional("listen", "127.0.0.1:8470", "address the HTTP server binds"),
    optional(
        "admin_listen",
        "127.0.0.1:8471",
        "address of dashboard and metrics, for the operator alone; \"\": neither",
    ),
    optional(
        "tls_certificate",
        "",
        "PEM file of the server's certificate chain, read again when it changes; unset: no TLS",
    ),
    optional(
        "tls_key",
        "",
        "PEM file of the certificate's private key, of mode 600",
    ),
    optional(
        "confirmations",
        "2",
        "blocks on top before a payment or an erasure counts",
    ),
    optional(
        "poll_interval_ms",
        "0",
        "pause between two looks at the chain head; 0: by the time between its blocks",
    ),
    optional(
        "max_view_age_ms",
        "30000",
        "oldest chain view that requests are decided on",
    ),
    optional(
        "max_block_ahead_s",
        "300",
        "how far a block's time may be ahead of this machine's clock; 0: any",
    ),
    optional(
        "max_head_age_s",
        "300",
        "how old the newest block may be by this machine's clock; 0: any",
    ),
    optional(
        "erase_after_ms",
        "10000",
        "how long the end of a policy must stand before its kfrag is erased",
    ),
    optional(
        "request_window_s",
        "600",
        "how far a request's time may be from the head's, at most 600",
    ),
    optional(
        "policy_requests",
        "4096",
        "requests of one policy answered in a window of request_window_s",
    ),
    optional(
        "policy_in_flight",
        "0",
        "requests of one policy in the queue at once; 0: a quarter of workers and queue",
    ),
    optional(
        "claim_every_periods",
        "28",
        "periods between two reward claims, each sent with a confirmation",
    ),
    optional(
        "collect_every_periods",
        "84",
        "periods between two fee collections; an ended policy does not wait",
    ),
    optional(
        "fee_per_kms",
        "100000 gwei",
        "most that a claim or a collection may cost in fees, per KMS it brings in",
    ),
    optional(
        "max_fee_per_gas",
        "500 gwei",
        "most that a transaction ever offers per gas, repriced or not",
    ),
    optional(
        "min_rate",
        "",
        "least rate per period to post on chain; unset: 0.001 KMS where none is posted",
    ),
    optional("max_connections", "1024", "open connections at most"),
    optional(
        "max_connections_per_ip",
        "256",
        "open connections of one IP address at most",
    ),
    optional(
        "header_timeout_ms",
        "5000",
        "time a client has for its request head",
    ),
    optional(
        "request_timeout_ms",
        "10000",
        "time from the request head to the reply",
    ),
    optional(
        "reencrypt_workers",
        "0",
        "re-encryptions at once; 0: one per core",
    ),
    optional(
        "reencrypt_queue",
        "256",
        "re-encryption requests that may wait for a worker",
    ),
    optional(
        "shutdown_grace_ms",
        "8000",
        "time requests in flight have at shutdown",
    ),
];

/// Finds a key by its name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Suggests the key nearest to a misspelt name; `None` if none is near.
pub(super) fn suggest(name: &str) -> Option<&'static str> {
    let limit = (name.len() / 3).max(1);
    KEYS.iter()
        .map(|key| (edit_distance(name, key.name), key.name))
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, key)| key)
}

/// Levenshtein distance of two names, computed row by row.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
