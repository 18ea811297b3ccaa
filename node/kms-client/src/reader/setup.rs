//! The handle through which a reader acts: keys, chain, nodes, time limits.

use crate::judge::EvidenceBook;
use crate::node_http::HttpNodes;
use crate::ports::ChainPort;
use kms_core::keys::ReaderKey;

/// How long a reader waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Milliseconds for the whole read, whatever the miners do.
    pub total_ms: u64,
    /// A policy that begins within this many seconds is waited for.
    pub start_wait_s: u64,
    /// Milliseconds for which a node that has not seen the newest blocks is asked again.
    pub lag_ms: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            total_ms: 30_000,
            start_wait_s: 20,
            lag_ms: 6_000,
        }
    }
}

/// A reader with one or more keys, on a network.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub(super) keys: &'a [ReaderKey],
    pub(super) chain: &'a dyn ChainPort,
    pub(super) nodes: &'a HttpNodes,
    pub(super) limits: ReadLimits,
    pub(super) evidence: Option<&'a EvidenceBook>,
}

impl<'a> Reader<'a> {
    /// Makes a reader with the default limits.
    pub fn new(keys: &'a [ReaderKey], chain: &'a dyn ChainPort, nodes: &'a HttpNodes) -> Self {
        Self {
            keys,
            chain,
            nodes,
            limits: ReadLimits::default(),
            evidence: None,
        }
    }

    /// The same reader with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: ReadLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same reader, which keeps the false answers of miners as evidence.
    #[must_use]
    pub const fn with_evidence(mut self, book: &'a EvidenceBook) -> Self {
        self.evidence = Some(book);
        self
    }

    pub(crate) const fn keys(&self) -> &'a [ReaderKey] {
        self.keys
    }
}
