//! The epochs that are open to somebody: to the admin all, by the seed; to a member those that its
//! doors lead to. Neighbours: `ledger` has the records, `timeline` judges messages by the sheets.

use std::collections::BTreeMap;

use kms_protocol::B256;
use umbral::PublicKey;

use super::cipher::Key;
use super::door::Behind;
use super::error::GroupError;
use super::ledger::Ledger;
use super::message::Sealer;
use super::record::Record;
use super::sheet::Sheet;
use crate::error::{Error, Result};
use kms_core::keys::OwnerKeys;

/// An open epoch.
pub(crate) struct Epoch {
    pub(super) sheet: Sheet,
    pub(super) sealer: Sealer,
}

/// Open epochs by their numbers.
pub(crate) type Epochs = BTreeMap<u64, Epoch>;

/// Opens the sheets of the epochs whose keys these are.
pub(super) fn open_epochs(ledger: &Ledger, keys: &BTreeMap<u64, Key>) -> Result<Epochs> {
    let mut epochs = Epochs::new();
    for (number, key) in keys {
        let epoch = *number;
        let record = ledger
            .record(epoch)
            .ok_or(Error::Bug("a door leads to a record"))?;
        let sheet = Sheet::open(&record.sheet, &ledger.id, epoch, key)?;
        let sheet = sheet.ok_or(GroupError::DoorBroken { epoch })?;
        let sealer = Sealer::new(&ledger.id, epoch, key)?;
        epochs.insert(epoch, Epoch { sheet, sealer });
    }
    Ok(epochs)
}

/// Follows a door's links from epoch `top` down: the keys of every epoch that it leads to.
pub(super) fn descend(
    ledger: &Ledger,
    door: &PublicKey,
    top: u64,
    behind: Behind,
) -> Result<BTreeMap<u64, Key>> {
    let Behind { epoch, secret } = behind;
    let mut keys = BTreeMap::from([(top, epoch)]);
    // Newest first: the links of a record lead from its own top down.
    for record in ledger.records().iter().rev() {
        for door in record.doors.iter().filter(|entry| entry.key == *door) {
            let Some((lowest, above)) = keys.first_key_value() else {
                continue;
            };
            let (lowest, above) = (*lowest, above.duplicate());
            let below = door.descend(&ledger.id, &secret, lowest, &above)?;
            keys.extend((0..lowest).rev().zip(below));
        }
    }
    Ok(keys)
}

/// The key of an epoch, from the admin's seed and the nonce of its record.
pub(super) fn epoch_key(keys: &OwnerKeys, group: &B256, number: u64, nonce: &B256) -> Result<Key> {
    let context = [
        b"epoch".as_slice(),
        &group.0,
        &number.to_be_bytes(),
        &nonce.0,
    ]
    .concat();
    Key::of_secret(&keys.group_secret(&context)?)
}

/// The secret of a door, from the admin's seed.
pub(super) fn door_secret(keys: &OwnerKeys, group: &B256, door: &PublicKey) -> Result<Key> {
    let context = [b"door".as_slice(), &group.0, &door.to_bytes()].concat();
    Key::of_secret(&keys.group_secret(&context)?)
}

/// The secret of the group's mailboxes, from the admin's seed.
pub(super) fn mailboxes(keys: &OwnerKeys, group: &B256) -> Result<Key> {
    let context = [b"mailboxes".as_slice(), &group.0].concat();
    Key::of_secret(&keys.group_secret(&context)?)
}

/// The keys of all epochs, from the admin's seed.
pub(super) fn all_keys(keys: &OwnerKeys, ledger: &Ledger) -> Result<BTreeMap<u64, Key>> {
    let key = |record: &Record| {
        let key = epoch_key(keys, &ledger.id, record.number, &record.nonce)?;
        Ok((record.number, key))
    };
    ledger.records().iter().map(key).collect()
}
