//! The keys of a file's segments, as a reader obtains them from the miners: those that are told
//! together are asked for together, and each is asked for once.

use std::collections::BTreeMap;

use kms_client::{Error, Reader};
use kms_format::{SegmentKey, SegmentKeys, SegmentRecord};
use tokio::runtime::Handle;
use umbral::PublicKey;

use crate::failure::Outcome;
use crate::progress::Steps;

/// Asks the miners for keys of segments while a file is decrypted.
pub(crate) struct MinerKeys<'a> {
    reader: &'a Reader<'a>,
    label_key: PublicKey,
    /// The records of the whole file, if they are known.
    all: Vec<SegmentRecord>,
    opened: BTreeMap<u32, SegmentKey>,
    /// Why the miners gave no key.
    failure: Option<Error>,
    steps: &'a Steps,
}

impl<'a> MinerKeys<'a> {
    pub(crate) fn new(
        reader: &'a Reader<'a>,
        label_key: PublicKey,
        all: Vec<SegmentRecord>,
        steps: &'a Steps,
    ) -> Self {
        Self {
            reader,
            label_key,
            all,
            opened: BTreeMap::new(),
            failure: None,
            steps,
        }
    }

    /// Puts the miners' reason in the place of a failure for want of a key.
    pub(crate) fn explain(self, outcome: Outcome) -> Outcome {
        match self.failure {
            Some(reason) if outcome.is_err() => Err(reason.into()),
            _ => outcome,
        }
    }

    fn ask(&mut self, told: &[SegmentRecord]) -> kms_client::Result<()> {
        let first = told.first().map_or(0, SegmentRecord::number);
        let from = self.all.partition_point(|record| record.number() < first);
        let known = self.all.get(from..).filter(|known| !known.is_empty());
        let wanted = known.unwrap_or(told);
        let asked = self
            .reader
            .segment_keys(&self.label_key, wanted, self.steps);
        // Decryption waits for the key, as it would for a disk.
        let keys = tokio::task::block_in_place(|| Handle::current().block_on(asked))?;
        let numbers = wanted.iter().map(SegmentRecord::number);
        self.opened = numbers.zip(keys).collect();
        Ok(())
    }
}

impl SegmentKeys for MinerKeys<'_> {
    fn key(&mut self, records: &[SegmentRecord]) -> kms_format::Result<SegmentKey> {
        let segment = records.first().map_or(0, SegmentRecord::number);
        if !self.opened.contains_key(&segment)
            && let Err(error) = self.ask(records)
        {
            let reason = error.to_string();
            self.failure = Some(error);
            return Err(kms_format::Error::SegmentKey { segment, reason });
        }
        let key = self.opened.remove(&segment);
        key.ok_or(kms_format::Error::Bug("the miners were asked for the key"))
    }
}
