//! The owner's own way to a file: the seed is enough, with every miner and the chain gone. The name
//! of the label, from which its key is derived, is sealed for the owner in the file's header.
//! Neighbours: `keys` derives, `kms-format` opens.

use kms_format::{DataKey, Header, SegmentKey, SegmentRecord};

use crate::error::{Error, Result};
use crate::home::Labels;
use kms_core::card::fingerprint;
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// The label a file is made for: by the name sealed in its header, or else by its key among the
/// labels given. A name that somebody else put in is passed by, and never leads to a key.
///
/// # Errors
/// [`Error::FileOfUnknownLabel`] if the header has no sealed name, [`Error::SealedNameForeign`] if
/// it has one that these keys do not open.
pub fn label_of(keys: &OwnerKeys, labels: &Labels, header: &Header) -> Result<Label> {
    let key = header.label_key();
    let sealed = header.sealed_name();
    if let Some(name) = sealed
        && let Some(label) = keys.open_name(name, key)?
    {
        return Ok(label);
    }
    if let Some(label) = labels.name_of(key) {
        return Ok(label.clone());
    }
    let fingerprint = fingerprint(key);
    Err(match sealed {
        Some(_) => Error::SealedNameForeign { fingerprint },
        None => Error::FileOfUnknownLabel { fingerprint },
    })
}

/// The data key of a file made for one of these keys' labels.
///
/// # Errors
/// As [`label_of`], or [`Error::Format`] if the header was tampered with.
pub fn data_key(keys: &OwnerKeys, labels: &Labels, header: &Header) -> Result<DataKey> {
    data_key_of_label(keys, &label_of(keys, labels, header)?, header)
}

/// The data key of a file of a label that is named by hand.
///
/// # Errors
/// [`Error::FileOfOtherLabel`] if the file is of another label, [`Error::Format`].
pub fn data_key_of_label(keys: &OwnerKeys, label: &Label, header: &Header) -> Result<DataKey> {
    let delegating = keys.delegating(label)?;
    if delegating.public_key() != *header.label_key() {
        return Err(Error::FileOfOtherLabel {
            label: label.clone(),
            fingerprint: fingerprint(header.label_key()),
        });
    }
    let secret = umbral::decapsulate_original(&delegating, header.capsule())?;
    Ok(header.unlock(&secret)?)
}

/// The keys of the segments of files of a label: one derivation opens them all.
///
/// # Errors
/// None in practice.
pub fn segment_keys(
    keys: &OwnerKeys,
    label: &Label,
) -> Result<impl FnMut(&[SegmentRecord]) -> kms_format::Result<SegmentKey>> {
    let delegating = keys.delegating(label)?;
    Ok(move |records: &[SegmentRecord]| {
        let record = records.first();
        let record = record.ok_or(kms_format::Error::Bug("a segment is asked for"))?;
        let secret = umbral::decapsulate_original(&delegating, record.capsule());
        record.unlock(&secret.map_err(kms_format::Error::Encapsulate)?)
    })
}

#[cfg(test)]
mod tests;
