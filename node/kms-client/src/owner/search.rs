//! Finds an owner's labels in the files made for them: each file carries its label's name, sealed
//! for the owner. Neighbours: `offline` opens the name, `home` stores the labels.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use kms_format::{Header, MAGIC};

use super::offline::label_of;
use crate::error::{Error, Result};
use crate::home::Labels;
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// A file that told no label of the owner's, with the reason.
#[derive(Debug)]
pub struct Unlabelled {
    /// The file or folder, as found.
    pub path: PathBuf,
    /// [`Error::SealedNameForeign`] and [`Error::FileOfUnknownLabel`] of a file made for somebody
    /// else or without a name, [`Error::Format`] of one that is no encrypted file or a damaged one,
    /// [`Error::Io`].
    pub error: Error,
}

/// What a search of files found.
#[derive(Debug, Default)]
pub struct FoundLabels {
    /// The owner's labels.
    pub labels: BTreeSet<Label>,
    /// Number of encrypted files that told a label.
    pub files: u64,
    /// Number of files inside folders that are no encrypted files.
    pub others: u64,
    /// The files that told none.
    pub unlabelled: Vec<Unlabelled>,
}

/// Reads the header of every file given, and of every file inside the folders given. Links inside a
/// folder are followed to files only. Nothing but headers is read, and nothing of a label is taken
/// that was not sealed with the owner's own key.
///
/// `progress` receives the number of files looked at so far, after each.
///
/// # Errors
/// [`Error::Io`] if one of `paths` is not there. What is wrong with a file is told in the result.
pub fn labels_in_files(
    keys: &OwnerKeys,
    paths: &[PathBuf],
    progress: &mut dyn FnMut(u64),
) -> Result<FoundLabels> {
    for path in paths {
        path.metadata().map_err(|source| Error::io(path, source))?;
    }
    let mut search = Search {
        keys,
        known: Labels::default(),
        found: FoundLabels::default(),
        seen: 0,
        progress,
    };
    for path in paths {
        if path.is_dir() {
            search.folder(path);
        } else {
            search.file(path, Named::ByHand);
        }
    }
    Ok(search.found)
}

/// Who chose a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    ByHand,
    ByItsFolder,
}

struct Search<'a> {
    keys: &'a OwnerKeys,
    /// None: the home's list is what the search is to fill.
    known: Labels,
    found: FoundLabels,
    seen: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Search<'_> {
    fn folder(&mut self, folder: &Path) {
        let mut open = vec![folder.to_path_buf()];
        while let Some(folder) = open.pop() {
            let entries = match entries(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.refuse(&folder, error);
                    continue;
                }
            };
            let mut inner = Vec::new();
            for path in entries {
                if path.is_symlink() && path.is_dir() {
                    continue;
                }
                if path.is_dir() {
                    inner.push(path);
                } else if path.is_file() {
                    self.file(&path, Named::ByItsFolder);
                }
            }
            // The last one pushed is the first one taken.
            open.extend(inner.into_iter().rev());
        }
    }

    fn file(&mut self, path: &Path, named: Named) {
        match read_header(path).and_then(|header| label_of(self.keys, &self.known, &header)) {
            Ok(label) => {
                self.found.labels.insert(label);
                self.found.files = self.found.files.saturating_add(1);
            }
            Err(error) if named == Named::ByItsFolder && is_of_another_kind(&error) => {
                self.found.others = self.found.others.saturating_add(1);
            }
            Err(error) => self.refuse(path, error),
        }
        self.seen = self.seen.saturating_add(1);
        (self.progress)(self.seen);
    }

    fn refuse(&mut self, path: &Path, error: Error) {
        self.found.unlabelled.push(Unlabelled {
            path: path.to_path_buf(),
            error,
        });
    }
}

/// The entries of a folder, in order of name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
        let mut paths = entries.collect::<std::io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        Ok(paths)
    };
    read().map_err(|source| Error::io(folder, source))
}

fn read_header(path: &Path) -> Result<Header> {
    let mut file = File::open(path).map_err(|source| Error::io(path, source))?;
    Header::read(&mut file).map_err(|error| match error {
        kms_format::Error::Read(source) => Error::io(path, source),
        error => Error::Format(error),
    })
}

/// Whether a file is no encrypted one at all, rather than a damaged one.
fn is_of_another_kind(error: &Error) -> bool {
    let magic_bytes = u64::try_from(MAGIC.len()).unwrap_or(u64::MAX);
    matches!(error, Error::Format(kms_format::Error::BadMagic))
        || matches!(
            error,
            Error::Format(kms_format::Error::Truncated { offset }) if *offset < magic_bytes
        )
}

#[cfg(test)]
mod tests;
