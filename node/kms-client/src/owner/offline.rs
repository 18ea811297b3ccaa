//! The owner's own way to a file: seed, label and header are enough, with every miner and the chain
//! gone. Neighbours: `keys` derives, `kms-format` opens.

use kms_format::{DataKey, Header};

use crate::card::fingerprint;
use crate::error::{Error, Result};
use crate::home::Labels;
use crate::keys::OwnerKeys;
use crate::label::Label;

/// The name of the label a file is made for.
///
/// # Errors
/// [`Error::FileOfUnknownLabel`].
pub fn label_of<'a>(labels: &'a Labels, header: &Header) -> Result<&'a Label> {
    labels
        .name_of(header.label_key())
        .ok_or_else(|| unknown(header))
}

/// The data key of a file of one of the home's labels.
///
/// # Errors
/// [`Error::FileOfUnknownLabel`], or [`Error::Format`] if the header was tampered with.
pub fn data_key(keys: &OwnerKeys, labels: &Labels, header: &Header) -> Result<DataKey> {
    data_key_of_label(keys, label_of(labels, header)?, header)
}

/// The data key of a file of a label that is named by hand, as after a restore from the seed.
///
/// # Errors
/// [`Error::FileOfUnknownLabel`] if the file is of another label, [`Error::Format`].
pub fn data_key_of_label(keys: &OwnerKeys, label: &Label, header: &Header) -> Result<DataKey> {
    let delegating = keys.delegating(label)?;
    if delegating.public_key() != *header.label_key() {
        return Err(unknown(header));
    }
    let secret = umbral::decapsulate_original(&delegating, header.capsule())?;
    Ok(header.unlock(&secret)?)
}

fn unknown(header: &Header) -> Error {
    Error::FileOfUnknownLabel {
        fingerprint: fingerprint(header.label_key()),
    }
}
