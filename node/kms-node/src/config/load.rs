//! Layers the sources of the configuration and parses each value once, from its text. Neighbour:
//! `keys` has the table of keys.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::http::Uri;
use kms_protocol::messages::AHEAD_SECONDS;

use super::keys::{self, KEYS, Key};
use super::{ConfigError, NodeConfig, Role, TlsFiles};

/// Prefix of the environment variables that are configuration keys.
pub const ENV_PREFIX: &str = "KMS_NODE_";
/// Longest URL that the StakingEscrow stores, bytes.
const MAX_PUBLIC_URL_BYTES: usize = 200;
/// Keys whose values in the file are paths, relative to the file's folder.
const PATHS: [&str; 4] = ["data_dir", "deployment", "tls_certificate", "tls_key"];
const HOUR_MS: u64 = 3_600_000;

/// The sources of a configuration; a later field overrides an earlier one.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The TOML file, usually `node.toml` in the data directory.
    pub file: Option<PathBuf>,
    /// Environment variables, normally `std::env::vars().collect()`. Names without [`ENV_PREFIX`]
    /// are ignored, empty values count as absent.
    pub env: Vec<(String, String)>,
    /// Key and value of each `--set` flag.
    pub flags: Vec<(String, String)>,
}

/// The source of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The default of [`KEYS`].
    Default,
    /// The TOML file of [`Sources::file`].
    File {
        /// Path as given in [`Sources::file`].
        path: PathBuf,
        /// Line number of the key, from 1; 0 if it was not found.
        line: usize,
    },
    /// The environment variable of this name.
    Env(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// An effective value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The value as text; lists are joined by commas.
    pub text: String,
    /// The source that won over the others.
    pub origin: Origin,
}

/// The configuration together with the origin of each value.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    /// The parsed values, all within their bounds.
    pub config: NodeConfig,
    /// The values by key, for display. None is a secret.
    pub values: BTreeMap<&'static str, Value>,
}

pub(super) fn load(sources: &Sources) -> Result<LoadedConfig, ConfigError> {
    let mut values = defaults(sources.file.as_deref());
    if let Some(path) = &sources.file {
        read_file(path, &mut values)?;
    }
    for (name, text) in &sources.env {
        if let Some(key) = name.strip_prefix(ENV_PREFIX)
            && !text.is_empty()
        {
            let origin = Origin::Env(name.clone());
            put(
                &mut values,
                &key.to_lowercase(),
                Value {
                    text: text.clone(),
                    origin,
                },
            )?;
        }
    }
    for (key, text) in &sources.flags {
        put(
            &mut values,
            key,
            Value {
                text: text.clone(),
                origin: Origin::Flag,
            },
        )?;
    }
    let config = parse(&values)?;
    Ok(LoadedConfig { config, values })
}

type Values = BTreeMap<&'static str, Value>;

fn defaults(file: Option<&Path>) -> Values {
    let mut values: Values = KEYS
        .iter()
        .filter(|key| !key.default.is_empty())
        .map(|key| {
            (
                key.name,
                Value {
                    text: key.default.into(),
                    origin: Origin::Default,
                },
            )
        })
        .collect();
    if let Some(dir) = file.and_then(Path::parent) {
        let text = dir.display().to_string();
        values.insert(
            "data_dir",
            Value {
                text,
                origin: Origin::Default,
            },
        );
    }
    values
}

fn put(values: &mut Values, name: &str, value: Value) -> Result<(), ConfigError> {
    let Some(key) = keys::find(name) else {
        return Err(ConfigError::UnknownKey {
            key: name.into(),
            origin: value.origin,
            suggestion: keys::suggest(name),
        });
    };
    values.insert(key.name, value);
    Ok(())
}

fn read_file(path: &Path, values: &mut Values) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        path: path.into(),
        source,
    })?;
    let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax {
        path: path.into(),
        source: Box::new(source),
    })?;
    for (name, value) in &table {
        let origin = Origin::File {
            path: path.into(),
            line: line_of(&text, name),
        };
        let is_path = PATHS.contains(&name.as_str());
        let text = match text_of(value) {
            Some(text) if is_path => beside(path, &text),
            Some(text) => text,
            None => match keys::find(name) {
                Some(key) => return Err(invalid(key, value.to_string(), origin, "a plain value")),
                None => String::new(),
            },
        };
        put(values, name, Value { text, origin })?;
    }
    Ok(())
}

fn line_of(text: &str, key: &str) -> usize {
    let is_key = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(is_key).map_or(0, |index| index + 1)
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// Resolves a path in the file relative to the file's folder.
fn beside(file: &Path, text: &str) -> String {
    let dir = file.parent().unwrap_or_else(|| Path::new(""));
    dir.join(text).display().to_string()
}

fn invalid(key: &Key, value: String, origin: Origin, expected: &str) -> ConfigError {
    ConfigError::Invalid {
        key: key.name,
        value,
        origin,
        expected: expected.into(),
    }
}

fn parse(values: &Values) -> Result<NodeConfig, ConfigError> {
    let reader = Reader { values };
    Ok(NodeConfig {
        data_dir: reader.parsed("data_dir", "a path")?,
        deployment: reader.parsed("deployment", "a path")?,
        database: match values.contains_key("database") {
            true => Some(reader.parsed("database", "postgres://USER@HOST/NAME")?),
            false => None,
        },
        role: reader.role()?,
        lease_ms: reader.number("lease_ms", 1_000..=60_000)?,
        rpc_urls: reader.rpc_urls()?,
        rpc_timeout_ms: reader.number("rpc_timeout_ms", 100..=60_000)?,
        miner: reader.parsed("miner", "a 20-byte address, 0x and 40 hex digits")?,
        public_url: reader.public_url()?,
        listen: reader.parsed::<SocketAddr>("listen", "IP:PORT")?,
        admin_listen: reader.admin_listen()?,
        tls: reader.tls()?,
        confirmations: reader.number("confirmations", 0..=128)?,
        poll_interval_ms: reader.number("poll_interval_ms", 0..=60_000)?,
        max_view_age_ms: reader.number("max_view_age_ms", 500..=HOUR_MS)?,
        max_block_ahead_s: reader.number("max_block_ahead_s", 0..=86_400)?,
        max_head_age_s: reader.number("max_head_age_s", 0..=86_400)?,
        erase_after_ms: reader.number("erase_after_ms", 0..=HOUR_MS)?,
        request_window_s: reader.number("request_window_s", 1..=AHEAD_SECONDS)?,
        policy_requests: reader.number_u32("policy_requests", 1..=1_000_000)?,
        policy_in_flight: reader.number_u32("policy_in_flight", 0..=100_000)?,
        claim_every_periods: reader.number_u32("claim_every_periods", 1..=10_000)?,
        collect_every_periods: reader.number_u32("collect_every_periods", 1..=10_000)?,
        fee_per_kms: reader.parsed("fee_per_kms", "a price such as \"100000 gwei\"")?,
        max_fee_per_gas: reader.parsed("max_fee_per_gas", "a price such as \"500 gwei\"")?,
        min_rate: match values.contains_key("min_rate") {
            true => Some(reader.parsed("min_rate", "an amount such as \"0.01 KMS\"")?),
            false => None,
        },
        max_connections: reader.number_u32("max_connections", 8..=100_000)?,
        max_connections_per_ip: reader.number_u32("max_connections_per_ip", 1..=100_000)?,
        header_timeout_ms: reader.number("header_timeout_ms", 100..=60_000)?,
        request_timeout_ms: reader.number("request_timeout_ms", 100..=60_000)?,
        reencrypt_workers: reader.number_u32("reencrypt_workers", 0..=1_024)?,
        reencrypt_queue: reader.number_u32("reencrypt_queue", 1..=100_000)?,
        shutdown_grace_ms: reader.number("shutdown_grace_ms", 0..=9_000)?,
    })
}

struct Reader<'a> {
    values: &'a Values,
}

impl Reader<'_> {
    fn value(&self, name: &'static str) -> Result<&Value, ConfigError> {
        self.values
            .get(name)
            .filter(|value| !value.text.is_empty())
            .ok_or_else(|| {
                let help = keys::find(name).map_or("", |key| key.help);
                ConfigError::Missing { key: name, help }
            })
    }

    fn invalid(&self, name: &'static str, value: &Value, expected: &str) -> ConfigError {
        ConfigError::Invalid {
            key: name,
            value: super::shown(name, &value.text),
            origin: value.origin.clone(),
            expected: expected.into(),
        }
    }

    fn parsed<T: FromStr>(&self, name: &'static str, expected: &str) -> Result<T, ConfigError> {
        let value = self.value(name)?;
        value
            .text
            .parse()
            .map_err(|_| self.invalid(name, value, expected))
    }

    fn number(&self, name: &'static str, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number: u64 = self.parsed(name, &expected)?;
        if range.contains(&number) {
            return Ok(number);
        }
        Err(self.invalid(name, self.value(name)?, &expected))
    }

    fn number_u32(
        &self,
        name: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        let number = self.number(name, u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(number).map_err(|_| ConfigError::Missing {
            key: name,
            help: "a number",
        })
    }

    /// An empty address means no listener.
    fn admin_listen(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let off = self.value("admin_listen").is_err();
        (!off)
            .then(|| self.parsed("admin_listen", "IP:PORT, or \"\" for none"))
            .transpose()
    }

    /// Without a database to share, one node does everything.
    fn role(&self) -> Result<Role, ConfigError> {
        let role = self.parsed("role", "all, api or chain")?;
        if role == Role::All || self.values.contains_key("database") {
            return Ok(role);
        }
        let expected = "all, unless nodes share a `database`";
        Err(self.invalid("role", self.value("role")?, expected))
    }

    /// Both files or none.
    fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        let given = |key| self.values.contains_key(key);
        if !given("tls_certificate") && !given("tls_key") {
            return Ok(None);
        }
        Ok(Some(TlsFiles {
            certificate: self.parsed("tls_certificate", "a path")?,
            key: self.parsed("tls_key", "a path")?,
        }))
    }

    fn rpc_urls(&self) -> Result<Vec<String>, ConfigError> {
        let value = self.value("rpc_urls")?;
        let urls: Vec<String> = value
            .text
            .split(',')
            .map(|url| url.trim().to_owned())
            .collect();
        if urls.iter().all(|url| is_http_url(url)) {
            return Ok(urls);
        }
        Err(self.invalid("rpc_urls", value, "http:// or https:// URLs"))
    }

    fn public_url(&self) -> Result<String, ConfigError> {
        let value = self.value("public_url")?;
        let url = value.text.trim_end_matches('/');
        let plain = url.len() <= MAX_PUBLIC_URL_BYTES && !url.contains(['@', '?', '#']);
        if plain && is_http_url(url) {
            return Ok(url.to_owned());
        }
        Err(self.invalid(
            "public_url",
            value,
            "http(s)://host[:port][/path], at most 200 bytes",
        ))
    }
}

fn is_http_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
}
