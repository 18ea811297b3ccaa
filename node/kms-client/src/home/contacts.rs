//! Labels and cards of a home: names for keys. Neighbour: `card` is the codec.

use std::path::PathBuf;

use super::{CARDS, Home, HomeLock, LABELS, Labels};
use crate::error::{Error, Result};
use crate::store;
use kms_core::card::{Card, LabelKey, check_card_name};
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

impl Home {
    /// The labels made so far.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn labels(&self) -> Result<Labels> {
        let path = self.path.join(LABELS);
        store::read_json(&path)?.ok_or_else(|| store::corrupt(&path, "the file is missing"))
    }

    /// Derives a label's key and stores its public half; idempotent.
    ///
    /// # Errors
    /// [`Error::LabelExists`] if it is stored with another key, so that the seed is another one.
    pub fn add_label(&self, lock: &HomeLock, keys: &OwnerKeys, label: &Label) -> Result<LabelKey> {
        self.restore_labels(lock, keys, [label])?;
        self.label_key(label)
    }

    /// Stores labels whose names came from elsewhere, all or none of them; returns those that were
    /// not there.
    ///
    /// # Errors
    /// As [`Home::add_label`].
    pub fn restore_labels<'a>(
        &self,
        lock: &HomeLock,
        keys: &OwnerKeys,
        names: impl IntoIterator<Item = &'a Label>,
    ) -> Result<Vec<Label>> {
        self.check(lock)?;
        let mut labels = self.labels()?;
        let mut added = Vec::new();
        for label in names {
            let key = keys.producer_key(label)?;
            match labels.get(label) {
                Some(stored) if *stored == key => {}
                Some(_) => {
                    return Err(Error::LabelExists {
                        label: label.clone(),
                    });
                }
                None => {
                    labels.insert(label.clone(), key);
                    added.push(label.clone());
                }
            }
        }
        if !added.is_empty() {
            store::write_json(&self.path.join(LABELS), &labels)?;
        }
        Ok(added)
    }

    /// A label's key by its name here.
    ///
    /// # Errors
    /// [`Error::LabelUnknown`].
    pub fn label_key(&self, label: &Label) -> Result<LabelKey> {
        let key = self.labels()?.get(label).cloned();
        key.ok_or_else(|| Error::LabelUnknown {
            label: label.clone(),
        })
    }

    /// Stores a card under the name by which it is known; idempotent.
    ///
    /// # Errors
    /// [`Error::CardExists`] if one of that name is stored with another key.
    pub fn add_card(&self, lock: &HomeLock, card: &Card) -> Result<()> {
        self.check(lock)?;
        let path = self.card_path(card.name())?;
        match self.stored_card(card.name())? {
            Some(stored) if stored == *card => Ok(()),
            Some(stored) => Err(Error::CardExists {
                name: stored.name().to_owned(),
                fingerprint: stored.fingerprint(),
            }),
            None => store::write_private(&path, format!("{card}\n").as_bytes()),
        }
    }

    /// Removes a stored card.
    ///
    /// # Errors
    /// [`Error::CardUnknown`].
    pub fn remove_card(&self, lock: &HomeLock, name: &str) -> Result<()> {
        self.check(lock)?;
        let path = self.card_path(name)?;
        match std::fs::remove_file(&path) {
            Ok(()) => store::sync_parent(&path),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::CardUnknown {
                    name: name.to_owned(),
                })
            }
            Err(source) => Err(Error::io(&path, source)),
        }
    }

    /// A stored card by its name, or the card a `kmscard1...` line holds.
    ///
    /// # Errors
    /// [`Error::CardUnknown`], [`kms_core::Error::CardInvalid`], [`Error::HomeCorrupt`].
    pub fn card(&self, name_or_line: &str) -> Result<Card> {
        if name_or_line.starts_with("kmscard1") {
            return Ok(name_or_line.parse()?);
        }
        self.stored_card(name_or_line)?
            .ok_or_else(|| Error::CardUnknown {
                name: name_or_line.to_owned(),
            })
    }

    /// All stored cards, in order of name.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`], [`Error::Io`].
    pub fn cards(&self) -> Result<Vec<Card>> {
        let dir = self.path.join(CARDS);
        let mut cards = Vec::new();
        for entry in std::fs::read_dir(&dir).map_err(|source| Error::io(&dir, source))? {
            let name = entry.map_err(|source| Error::io(&dir, source))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".card"));
            // Part files of an interrupted write begin with a dot and are no cards.
            if let Some(name) = name.filter(|name| check_card_name(name).is_ok()) {
                cards.extend(self.stored_card(name)?);
            }
        }
        cards.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(cards)
    }

    fn card_path(&self, name: &str) -> Result<PathBuf> {
        check_card_name(name)?;
        Ok(self.path.join(CARDS).join(format!("{name}.card")))
    }

    fn stored_card(&self, name: &str) -> Result<Option<Card>> {
        let path = self.card_path(name)?;
        let Some(bytes) = store::read(&path)? else {
            return Ok(None);
        };
        let line = std::str::from_utf8(&bytes).map_err(|_| store::corrupt(&path, "not UTF-8"))?;
        let card: Card = line
            .parse()
            .map_err(|error: kms_core::Error| store::corrupt(&path, &error.to_string()))?;
        Ok(Some(card.known_as(name)?))
    }
}
