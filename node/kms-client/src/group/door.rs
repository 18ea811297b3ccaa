//! A door: the way in for everybody who may read from one epoch on, or one window of epochs. A door
//! is a label, so that ONE grant opens it; its capsule stands in the record of every epoch in which
//! somebody goes by it. Behind the capsule are the newest epoch's key and the door's own secret;
//! with both, links lead back from each epoch to the one before it, as far as the door goes.

use kms_protocol::B256;
use umbral::{Capsule, PublicKey, SharedSecret};
use zeroize::Zeroizing;

use super::bytes::{Bytes, put_count};
use super::cipher::{Key, SEAL_BYTES};
use crate::error::{Error, Result};

const WRAP_BYTES: usize = 2 * Key::BYTES + SEAL_BYTES;
const LINK_BYTES: usize = Key::BYTES + SEAL_BYTES;
const WRAP: &[u8] = b"kms/v1/group/door";
const LINK: &[u8] = b"kms/v1/group/link";

/// A door as it stands in a record.
///
/// | bytes | field |
/// |---|---|
/// | 8 | from: the first epoch that the door leads to |
/// | 8 | top: the epoch whose key is behind the capsule |
/// | 33 | public key of the door's label |
/// | 98 | capsule |
/// | 80 | sealed under the capsule's key: the key of epoch `top`, the door's secret |
/// | 4, then 48 each | links, from that of `top` down; that of epoch e holds the key of e - 1 |
pub(super) struct Door {
    pub(super) from: u64,
    pub(super) top: u64,
    pub(super) key: PublicKey,
    pub(super) capsule: [u8; Capsule::BYTES],
    wrapped: [u8; WRAP_BYTES],
    links: Vec<[u8; LINK_BYTES]>,
}

/// Names a door and the epoch that its capsule leads to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) group: &'a B256,
    pub(super) from: u64,
    pub(super) top: u64,
    pub(super) key: &'a PublicKey,
}

/// What is behind a capsule.
pub(super) struct Behind {
    pub(super) epoch: Key,
    pub(super) secret: Key,
}

impl Door {
    /// Makes the door's entry for a record: `keys` are the keys of epoch `top` and of those before
    /// it, descending, as many as links are to lead to.
    pub(super) fn make(place: &Place<'_>, secret: &Key, keys: &[Key]) -> Result<Self> {
        let (newest, older) = keys
            .split_first()
            .ok_or(Error::Bug("a door leads somewhere"))?;
        let (capsule, shared) = umbral::encapsulate(&mut getrandom::SysRng, place.key)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(2 * Key::BYTES));
        plain.extend_from_slice(newest.expose());
        plain.extend_from_slice(secret.expose());
        let wrapped = Key::of_capsule(&shared).cipher(WRAP)?;
        let wrapped = wrapped.seal(&place.of_wrap(), &plain)?;
        let mut links = Vec::with_capacity(older.len());
        let mut above = newest;
        for (epoch, key) in (0..=place.top).rev().zip(older) {
            let link = above.cipher_with(secret, LINK)?;
            let sealed = link.seal(&place.of_link(&epoch.to_be_bytes()), key.expose())?;
            links.push(sized(&sealed)?);
            above = key;
        }
        Ok(Self {
            from: place.from,
            top: place.top,
            key: *place.key,
            capsule: capsule.to_bytes(),
            wrapped: sized(&wrapped)?,
            links,
        })
    }

    pub(super) const fn place<'a>(&'a self, group: &'a B256) -> Place<'a> {
        Place {
            group,
            from: self.from,
            top: self.top,
            key: &self.key,
        }
    }

    /// Opens what is behind the capsule; `None` if the admin sealed something else.
    pub(super) fn enter(&self, group: &B256, shared: &SharedSecret) -> Result<Option<Behind>> {
        let cipher = Key::of_capsule(shared).cipher(WRAP)?;
        let plain = cipher.open(&self.place(group).of_wrap(), &self.wrapped);
        let halves = plain.as_ref().and_then(|plain| {
            let (epoch, secret) = plain.split_at_checked(Key::BYTES)?;
            Some(Behind {
                epoch: Key::from_slice(epoch)?,
                secret: Key::from_slice(secret)?,
            })
        });
        Ok(halves)
    }

    /// Follows this record's links down from epoch `epoch`, whose key is `above`; returns the keys
    /// of the epochs before it, descending. Ends where the links or the door end.
    pub(super) fn descend(
        &self,
        group: &B256,
        secret: &Key,
        epoch: u64,
        above: &Key,
    ) -> Result<Vec<Key>> {
        let skipped = usize::try_from(self.top.saturating_sub(epoch)).unwrap_or(usize::MAX);
        let place = self.place(group);
        let mut keys = Vec::new();
        let mut above = above.duplicate();
        let below = (self.from..=epoch)
            .rev()
            .take_while(|epoch| *epoch > self.from);
        for (epoch, link) in below.zip(self.links.iter().skip(skipped)) {
            let cipher = above.cipher_with(secret, LINK)?;
            let plain = cipher.open(&place.of_link(&epoch.to_be_bytes()), link);
            let Some(key) = plain.and_then(|plain| Key::from_slice(&plain)) else {
                break;
            };
            keys.push(key.duplicate());
            above = key;
        }
        Ok(keys)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.from.to_be_bytes());
        out.extend_from_slice(&self.top.to_be_bytes());
        out.extend_from_slice(&self.key.to_bytes());
        out.extend_from_slice(&self.capsule);
        out.extend_from_slice(&self.wrapped);
        put_count(out, self.links.len());
        self.links
            .iter()
            .for_each(|link| out.extend_from_slice(link));
    }

    pub(super) fn decode(bytes: &mut Bytes<'_>) -> Option<Self> {
        let (from, top) = (bytes.u64()?, bytes.u64()?);
        let (key, capsule, wrapped) = (bytes.key()?, bytes.array()?, bytes.array()?);
        let count = bytes.count()?;
        let links = (0..count).map(|_| bytes.array());
        Some(Self {
            from,
            top,
            key,
            capsule,
            wrapped,
            links: links.collect::<Option<_>>()?,
        })
    }
}

impl<'a> Place<'a> {
    fn of_wrap(&self) -> [Vec<u8>; 3] {
        let epochs = [self.from.to_be_bytes(), self.top.to_be_bytes()].concat();
        [self.group.0.to_vec(), self.key.to_bytes().to_vec(), epochs]
    }

    fn of_link(&self, epoch: &[u8]) -> [Vec<u8>; 3] {
        let key = self.key.to_bytes().to_vec();
        [self.group.0.to_vec(), key, epoch.to_vec()]
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    let sized = bytes.try_into();
    sized.map_err(|_| Error::Bug("a sealed key has one length"))
}
