//! A new header for a file of an owner, as after the rotation of a label: its chunks stay as they
//! are. The new file takes the place of the old one in one step.
//! Neighbours: `offline` opens the old header, `atomic` replaces the file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use getrandom::SysRng;
use kms_format::{Encryptor, Header};

use super::offline::{data_key_of_label, label_of};
use crate::atomic::{AtomicFile, Existing, Visibility};
use crate::error::{Error, Result};
use crate::home::Labels;
use kms_core::card::LabelKey;
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrapped {
    /// It was of this label, and has a new header.
    From(Label),
    /// It was of the label already: nothing was written.
    Already,
}

/// Makes a file of one of the owner's labels one of the label `to`. Its chunks and who signed it
/// stay; readers of the old label read it no longer, but for those who kept it or its key. Called
/// again after an interruption it goes on where it stopped: a file has its old header or its new
/// one.
///
/// # Errors
/// As [`label_of`] and [`data_key_of_label`]; [`Error::NotMovable`] for a file in segments, which
/// have capsules of their own, and for one that changes meanwhile; [`Error::Io`].
pub fn rewrap(keys: &OwnerKeys, labels: &Labels, to: &LabelKey, path: &Path) -> Result<Rewrapped> {
    let fail = |source| Error::io(path, source);
    let mut file = File::open(path).map_err(fail)?;
    let header = Header::read(&mut file)?;
    if *header.label_key() == to.public_key() {
        return Ok(Rewrapped::Already);
    }
    if header.parameters().look_ahead.is_some() {
        return Err(Error::NotMovable {
            path: path.to_path_buf(),
            why: "its segments have capsules of their own",
        });
    }
    // A file that was cut is not made to look like a new one.
    header.layout(&mut file)?;
    let from = label_of(keys, labels, &header)?;
    let data_key = data_key_of_label(keys, &from, &header)?;
    let mut encryptor = Encryptor::new(&to.public_key()).with_sealed_name(to.sealed_name().clone());
    if let Some(locator) = header.locator() {
        encryptor = encryptor.with_locator(*locator);
    }
    let new = encryptor.rewrap(&mut SysRng, &data_key)?;
    let mut out = AtomicFile::create(path, Visibility::Shared, Existing::Replace)?;
    out.write_all(new.as_bytes()).map_err(fail)?;
    let mut file = File::open(path).map_err(fail)?;
    // Read again, so that what is copied follows the header that was opened.
    if Header::read(&mut file)?.as_bytes() != header.as_bytes() {
        return Err(Error::NotMovable {
            path: path.to_path_buf(),
            why: "it changed while it was read",
        });
    }
    io::copy(&mut file, &mut out).map_err(fail)?;
    out.commit()?;
    Ok(Rewrapped::From(from))
}

#[cfg(test)]
mod tests;
