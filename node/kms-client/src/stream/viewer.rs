//! Who plays: an owner by the seed, or a reader by the miners.

use std::sync::Arc;
use std::time::Duration;

use kms_format::{DataKey, Header, SegmentKey, SegmentRecord};
use umbral::PublicKey;

use crate::error::{Error, Result};
use crate::home::Labels;
use crate::node_http::HttpNodes;
use crate::owner;
use crate::ports::ChainPort;
use crate::progress::Silent;
use crate::reader::{ReadLimits, Reader};
use kms_core::keys::{OwnerKeys, ReaderKey};
use kms_core::label::Label;

/// The keys of a home, and where it asks.
pub struct Viewer {
    chain: Arc<dyn ChainPort>,
    nodes: HttpNodes,
    keys: Vec<ReaderKey>,
    limits: ReadLimits,
    owner: Option<(OwnerKeys, Labels)>,
}

impl Viewer {
    /// A reader with these keys.
    pub fn new(chain: Arc<dyn ChainPort>, nodes: HttpNodes, keys: Vec<ReaderKey>) -> Self {
        Self {
            chain,
            nodes,
            keys,
            limits: ReadLimits::default(),
            owner: None,
        }
    }

    /// The same with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: ReadLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same with the keys of an owner, which open what is its own without anybody.
    #[must_use]
    pub fn owning(mut self, keys: OwnerKeys, labels: Labels) -> Self {
        self.owner = Some((keys, labels));
        self
    }

    fn reader(&self) -> Reader<'_> {
        Reader::new(&self.keys, &*self.chain, &self.nodes).with_limits(self.limits)
    }

    /// The owner's keys and the label, if the file is its own.
    fn own(&self, header: &Header) -> Result<Option<(&OwnerKeys, Label)>> {
        let Some((keys, labels)) = &self.owner else {
            return Ok(None);
        };
        match owner::label_of(keys, labels, header) {
            Ok(label) => Ok(Some((keys, label))),
            Err(Error::FileOfUnknownLabel { .. } | Error::SealedNameForeign { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn data_key(&self, header: &Header) -> Result<DataKey> {
        match self.own(header)? {
            Some((keys, label)) => owner::data_key_of_label(keys, &label, header),
            None => self.reader().data_key(header, &Silent).await,
        }
    }

    /// How long from now on what is opened may be played; `None` is for ever.
    pub(super) async fn paid_for(&self, header: &Header) -> Result<Option<Duration>> {
        match self.own(header)? {
            Some(_) => Ok(None),
            None => self.reader().paid_for(header.label_key()).await.map(Some),
        }
    }

    pub(super) async fn segment_keys(
        &self,
        header: &Header,
        records: &[SegmentRecord],
    ) -> Result<Vec<SegmentKey>> {
        let Some((keys, label)) = self.own(header)? else {
            let label_key: &PublicKey = header.label_key();
            return self
                .reader()
                .segment_keys(label_key, records, &Silent)
                .await;
        };
        let mut open = owner::segment_keys(keys, &label)?;
        let opened = records
            .iter()
            .map(|record| open(std::slice::from_ref(record)));
        Ok(opened.collect::<kms_format::Result<_>>()?)
    }
}
