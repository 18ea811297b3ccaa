//! `kmsgroup1...`: what a member is told of a group, over a channel that it trusts. Whoever has the
//! line knows the admin's key and nothing of the content.
//!
//! Version u8 = 1, admin's verifying key 33 B, nonce 16 B, name (1..=64 B); bech32m.

use std::fmt;
use std::str::FromStr;

use kms_protocol::{B256, keccak256};
use serde::{Deserialize, Serialize};
use umbral::VerifyingKey;

use super::error::GroupError;
use crate::error::{Error, Result};
use kms_core::card::{check_card_name, read_line, write_line};

const PREFIX: &str = "kmsgroup";
const VERSION: u8 = 1;
/// Tag of the hash that is the group's id.
const ID_TAG: &[u8] = b"KMS group v1";

/// The group's name, its admin's key, and what tells it from another group of the same admin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupLine {
    name: String,
    admin: VerifyingKey,
    nonce: [u8; 16],
}

impl GroupLine {
    /// Names a group that did not exist before.
    ///
    /// # Errors
    /// [`kms_core::Error::NameInvalid`], [`kms_core::Error::Random`].
    pub(super) fn new(name: &str, admin: VerifyingKey) -> Result<Self> {
        check_card_name(name)?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| kms_core::Error::Random)?;
        Ok(Self {
            name: name.to_owned(),
            admin,
            nonce,
        })
    }

    /// The name that the admin gave the group.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn admin(&self) -> &VerifyingKey {
        &self.admin
    }

    /// The hash of everything that the line says.
    pub fn id(&self) -> B256 {
        keccak256(&[ID_TAG, &self.payload()].concat())
    }

    fn payload(&self) -> Vec<u8> {
        let mut payload = vec![VERSION];
        payload.extend_from_slice(&self.admin.to_bytes());
        payload.extend_from_slice(&self.nonce);
        payload.extend_from_slice(self.name.as_bytes());
        payload
    }
}

impl fmt::Display for GroupLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, PREFIX, &self.payload())
    }
}

impl fmt::Debug for GroupLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupLine({self})")
    }
}

impl FromStr for GroupLine {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let bad = |why| GroupError::LineInvalid { why };
        let payload = read_line(PREFIX, line).map_err(bad)?;
        let (version, rest) = payload.split_first().ok_or(bad("it is empty"))?;
        if *version != VERSION {
            return Err(bad("it is of a version this program does not know").into());
        }
        let short = || bad("it is too short");
        let (admin, rest) = rest.split_first_chunk::<33>().ok_or_else(short)?;
        let (nonce, name) = rest.split_first_chunk::<16>().ok_or_else(short)?;
        let name = std::str::from_utf8(name).map_err(|_| bad("its name is not UTF-8"))?;
        check_card_name(name).map_err(|_| bad("its name is not allowed"))?;
        let admin = VerifyingKey::from_bytes(admin).map_err(|_| bad("its key is not a key"))?;
        Ok(Self {
            name: name.to_owned(),
            admin,
            nonce: *nonce,
        })
    }
}

impl TryFrom<String> for GroupLine {
    type Error = Error;

    fn try_from(line: String) -> Result<Self> {
        line.parse()
    }
}

impl From<GroupLine> for String {
    fn from(line: GroupLine) -> Self {
        line.to_string()
    }
}
