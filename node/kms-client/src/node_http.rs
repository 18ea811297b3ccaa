//! HTTP client of the nodes, assumed hostile: no redirects, proxies or content encoding, a bounded
//! body, two time limits, and off a local chain only addresses that are public once resolved (DNS
//! rebinding). Neighbours: `node_url` has the rules, `line` seals what is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

use crate::error::{Error, Result};
use crate::line::Certificates;
use crate::node_url::{AddressRule, NodeUrl, is_public};

/// Greatest length of an error's detail, in characters.
const MAX_DETAIL_CHARS: usize = 200;

/// Limits on time and size of a node's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeLimits {
    /// Time limit of the connection, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Time limit of the whole request, in milliseconds.
    pub request_timeout_ms: u64,
    /// Greatest length of an answer, in bytes.
    pub max_body_bytes: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 5_000,
            request_timeout_ms: 15_000,
            max_body_bytes: 256 * 1024,
        }
    }
}

/// Why a node gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskError {
    /// The node refused, with its reason, signed by the miner's worker.
    Refused(Box<Problem>),
    /// Whoever answered refused without the worker's signature: the reason is nobody's.
    Unsigned {
        status: u16,
        key_unknown: bool,
    },
    /// The answer is signed by somebody else, or for something else.
    BadSignature(String),
    /// The node's transport key is not certified by the miner's worker for the present period.
    BadCertificate(String),
    /// The chain could not be asked.
    Chain {
        code: &'static str,
        detail: String,
    },
    Unreachable(String),
    Timeout,
    TooLarge,
    /// The answer sends the client elsewhere, which is never followed.
    Redirected,
    /// The answer is not of the protocol.
    BadReply(String),
}

/// HTTP client of the nodes.
#[derive(Debug, Clone)]
pub struct HttpNodes {
    client: Client,
    rule: AddressRule,
    max_body_bytes: usize,
    pub(crate) certificates: Arc<Certificates>,
}

impl HttpNodes {
    /// Builds the client.
    ///
    /// # Errors
    /// [`Error::HttpClient`].
    pub fn new(rule: AddressRule, limits: NodeLimits) -> Result<Self> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(Duration::from_millis(limits.connect_timeout_ms))
            .timeout(Duration::from_millis(limits.request_timeout_ms))
            .user_agent(concat!("kms/", env!("CARGO_PKG_VERSION")));
        if rule == AddressRule::PublicOnly {
            builder = builder.dns_resolver(Arc::new(PublicResolver));
        }
        let client = builder.build().map_err(|error| Error::HttpClient {
            reason: cut(&error.to_string()),
        })?;
        Ok(Self {
            client,
            rule,
            max_body_bytes: limits.max_body_bytes,
            certificates: Arc::default(),
        })
    }

    /// Checks a URL from the chain against this client's rules.
    pub(crate) fn parse_url(&self, url: &str) -> Result<NodeUrl> {
        NodeUrl::parse(url, self.rule)
    }

    /// Posts a sealed message; returns the sealed answer.
    pub(crate) async fn post(&self, url: Url, sealed: Vec<u8>) -> Result<Vec<u8>, AskError> {
        let kind = HeaderValue::from_static("application/octet-stream");
        let request = self.client.post(url).header(CONTENT_TYPE, kind);
        self.call(request.body(sealed)).await
    }

    /// Reads a public page of a node.
    pub(crate) async fn get(&self, url: Url) -> Result<Vec<u8>, AskError> {
        self.call(self.client.get(url)).await
    }

    async fn call(&self, request: RequestBuilder) -> Result<Vec<u8>, AskError> {
        let request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = request.send().await.map_err(|error| node_error(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(AskError::Redirected);
        }
        let encoded = response.headers().get(CONTENT_ENCODING);
        if encoded.is_some_and(|value| value.as_bytes() != b"identity") {
            return Err(AskError::BadReply(
                "the answer has a content encoding".to_owned(),
            ));
        }
        let body = self.body(response).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let status = status.as_u16();
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(AskError::Unsigned {
                status,
                key_unknown: problem.code == Refusal::TransportKeyUnknown,
            }),
            Err(_) => Err(AskError::BadReply(format!("HTTP status {status}"))),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, AskError> {
        let declared = response.content_length().unwrap_or(0);
        if usize::try_from(declared).unwrap_or(usize::MAX) > self.max_body_bytes {
            return Err(AskError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| node_error(&error))? {
            if body.len().saturating_add(chunk.len()) > self.max_body_bytes {
                return Err(AskError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl AskError {
    /// The code of a [`NodeFailure`](crate::NodeFailure).
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(problem) => problem.code.code(),
            Self::Unsigned { .. } => "unsigned_refusal",
            Self::BadSignature(_) => "bad_signature",
            Self::BadCertificate(_) => "bad_certificate",
            Self::Chain { code, .. } => code,
            Self::Unreachable(_) => "unreachable",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large_reply",
            Self::Redirected => "redirected",
            Self::BadReply(_) => "bad_reply",
        }
    }

    /// What happened, as one line for people.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Refused(problem) if problem.detail.is_empty() => problem.title.clone(),
            Self::Refused(problem) => problem.detail.clone(),
            Self::Unsigned { status, .. } => {
                format!("refused without the worker's signature (HTTP status {status})")
            }
            Self::Unreachable(detail)
            | Self::BadReply(detail)
            | Self::BadSignature(detail)
            | Self::BadCertificate(detail)
            | Self::Chain { detail, .. } => cut(detail),
            Self::Timeout => "no complete answer in time".to_owned(),
            Self::TooLarge => "the answer is longer than the limit".to_owned(),
            Self::Redirected => "the answer is a redirect, which is not followed".to_owned(),
        }
    }
}

impl From<Error> for AskError {
    fn from(error: Error) -> Self {
        Self::Chain {
            code: error.code(),
            detail: error.to_string(),
        }
    }
}

/// Resolves names and drops every address that is not public.
struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

fn node_error(error: &reqwest::Error) -> AskError {
    if error.is_timeout() {
        AskError::Timeout
    } else if error.is_connect() {
        AskError::Unreachable(cut(&root_cause(error)))
    } else {
        AskError::BadReply(cut(&root_cause(error)))
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Cuts a text to 200 printable characters.
fn cut(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_DETAIL_CHARS)
        .collect()
}

#[cfg(test)]
mod tests;
