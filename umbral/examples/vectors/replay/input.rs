//! Reads the fields of a case: hexadecimal strings, numbers, lists, nulls.

use serde_json::Value;
use umbral::compat::KeyFrag;
use umbral::{Capsule, CapsuleFrag, PublicKey, SecretKey, VerifyingKey};

use super::Failure;

/// The input of a case.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a Value);

type Outcome<T> = Result<T, Failure>;

impl Input<'_> {
    fn field(&self, name: &str) -> Outcome<&Value> {
        self.0
            .get(name)
            .ok_or_else(|| Failure::Broken(format!("no field {name}")))
    }

    pub(crate) fn text(&self, name: &str) -> Outcome<&str> {
        let field = self.field(name)?.as_str();
        field.ok_or_else(|| Failure::Broken(format!("{name} is not a string")))
    }

    pub(crate) fn bytes(&self, name: &str) -> Outcome<Vec<u8>> {
        unhex(self.field(name)?, name)
    }

    /// A list of byte strings.
    pub(crate) fn list(&self, name: &str) -> Outcome<Vec<Vec<u8>>> {
        let Value::Array(items) = self.field(name)? else {
            return Failure::broken(format!("{name} is not a list"));
        };
        items.iter().map(|item| unhex(item, name)).collect()
    }

    /// A byte string, or nothing where the field is null.
    pub(crate) fn maybe_bytes(&self, name: &str) -> Outcome<Option<Vec<u8>>> {
        match self.field(name)? {
            Value::Null => Ok(None),
            value => unhex(value, name).map(Some),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Outcome<u16> {
        let number = self
            .field(name)?
            .as_u64()
            .and_then(|number| u16::try_from(number).ok());
        number.ok_or_else(|| Failure::Broken(format!("{name} is not a 16-bit number")))
    }

    pub(crate) fn secret_key(&self, name: &str) -> Outcome<SecretKey> {
        Ok(SecretKey::from_secret_bytes(&exactly(
            "secret key",
            &self.bytes(name)?,
        )?)?)
    }

    pub(crate) fn public_key(&self, name: &str) -> Outcome<PublicKey> {
        public_key(&self.bytes(name)?)
    }

    pub(crate) fn maybe_public_key(&self, name: &str) -> Outcome<Option<PublicKey>> {
        self.maybe_bytes(name)?
            .as_deref()
            .map(public_key)
            .transpose()
    }

    pub(crate) fn verifying_key(&self, name: &str) -> Outcome<VerifyingKey> {
        Ok(VerifyingKey::from_bytes(&exactly(
            "verifying key",
            &self.bytes(name)?,
        )?)?)
    }

    pub(crate) fn capsule(&self) -> Outcome<Capsule> {
        Ok(Capsule::from_msgpack(&self.bytes("capsule")?)?)
    }

    pub(crate) fn kfrag(&self) -> Outcome<KeyFrag> {
        Ok(KeyFrag::from_msgpack(&self.bytes("kfrag")?)?)
    }

    pub(crate) fn cfrags(&self) -> Outcome<Vec<CapsuleFrag>> {
        let items = self.list("cfrags")?;
        Ok(items
            .iter()
            .map(|item| CapsuleFrag::from_msgpack(item))
            .collect::<Result<_, _>>()?)
    }
}

fn public_key(bytes: &[u8]) -> Outcome<PublicKey> {
    Ok(PublicKey::from_bytes(&exactly("public key", bytes)?)?)
}

/// A byte string of another length is a refusal to decode, as the typed API cannot be asked.
pub(crate) fn exactly<const N: usize>(object: &'static str, bytes: &[u8]) -> Outcome<[u8; N]> {
    let length = umbral::Error::Length {
        object,
        expected: N,
        actual: bytes.len(),
    };
    bytes.try_into().map_err(|_| length.into())
}

fn unhex(value: &Value, name: &str) -> Outcome<Vec<u8>> {
    let bytes = value.as_str().and_then(|text| hex::decode(text).ok());
    bytes.ok_or_else(|| Failure::Broken(format!("{name} is not hexadecimal")))
}
