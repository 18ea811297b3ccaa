//! The secret that the keys of a home come from: a seed, or the root of the reader keys alone.

use zeroize::Zeroizing;

use super::Role;
use crate::error::Result;
use kms_core::keys::{ReaderKeys, Seed};

/// The first of a home's two secrets.
pub(crate) enum Root {
    /// An owner's.
    Seed(Seed),
    /// A reader's.
    Readers(ReaderKeys),
}

impl Root {
    /// What a home of this role holds of a seed.
    pub(super) fn of(role: Role, seed: Seed) -> Result<Self> {
        match role {
            Role::Owner => Ok(Self::Seed(seed)),
            Role::Reader => Ok(Self::Readers(ReaderKeys::from_seed(&seed)?)),
        }
    }

    /// Takes the bytes of a home's key file.
    pub(super) fn from_bytes(role: Role, bytes: &[u8; 32]) -> Result<Self> {
        match role {
            Role::Owner => Ok(Self::Seed(Seed::from_bytes(bytes)?)),
            Role::Reader => Ok(Self::Readers(ReaderKeys::from_bytes(bytes))),
        }
    }

    pub(super) fn expose_bytes(&self) -> Zeroizing<[u8; 32]> {
        match self {
            Self::Seed(seed) => Zeroizing::new(*seed.expose_bytes()),
            Self::Readers(readers) => readers.expose_bytes(),
        }
    }

    pub(super) const fn role(&self) -> Role {
        match self {
            Self::Seed(_) => Role::Owner,
            Self::Readers(_) => Role::Reader,
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Seed(seed) => seed.fingerprint(),
            Self::Readers(readers) => readers.fingerprint(),
        }
    }

    /// The keys for reading, which both have.
    pub(super) fn into_readers(self) -> Result<ReaderKeys> {
        match self {
            Self::Seed(seed) => Ok(ReaderKeys::from_seed(&seed)?),
            Self::Readers(readers) => Ok(readers),
        }
    }
}

#[cfg(test)]
mod tests;
