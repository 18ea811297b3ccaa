//! The MessagePack forms: nested arrays, byte strings as `bin8`. Every object has one, so decoding
//! is a comparison with a template.

use zeroize::Zeroizing;

use super::error::{Error, Result};
use super::kfrag::{KeyFrag, SignedKeys, VerifiedKeyFrag};
use crate::arithmetic::params::POINT_U;
use crate::capsule::Capsule;
use crate::cfrag::CapsuleFrag;
use crate::cfrag::raw::RawFrag;
use crate::cfrag::verified::VerifiedCapsuleFrag;
use crate::keys::signing::Signature;
use crate::kfrag;
use crate::wire::{Reader, concat, fill};

const BIN32: &[u8] = &[0xc4, 32];
const BIN33: &[u8] = &[0xc4, 33];
const BIN64: &[u8] = &[0xc4, 64];
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;

const fn flag(value: bool) -> u8 {
    if value { TRUE } else { FALSE }
}

/// Reads one object of a known length, framed.
struct Framed<'a> {
    reader: Reader<'a>,
    object: &'static str,
}

impl<'a> Framed<'a> {
    fn new(bytes: &'a [u8], object: &'static str, expected: usize) -> Result<Self> {
        let reader = Reader::new(bytes, object, expected)?;
        Ok(Self { reader, object })
    }

    /// Bytes that must be exactly these.
    fn exactly<const N: usize>(&mut self, header: [u8; N]) -> Result<()> {
        if *self.reader.take()? == header {
            Ok(())
        } else {
            let object = self.object;
            Err(Error::Framing { object })
        }
    }

    /// The next N bytes, behind their `bin8` header.
    fn bin<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let [.., len] = N.to_be_bytes();
        self.exactly([0xc4, len])?;
        Ok(self.reader.take()?)
    }

    fn flag(&mut self, field: &'static str) -> Result<bool> {
        match self.reader.take()? {
            [FALSE] => Ok(false),
            [TRUE] => Ok(true),
            _ => Err(Error::InvalidFlag { field }),
        }
    }
}

impl Capsule {
    /// Bytes of the MessagePack form.
    pub const MSGPACK_BYTES: usize = 105;

    /// Reads the MessagePack form and checks the capsule.
    ///
    /// # Errors
    /// As [`Capsule::from_bytes`], and [`Error::Framing`] or a wrong length.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self> {
        let mut reader = Framed::new(bytes, "capsule", Self::MSGPACK_BYTES)?;
        reader.exactly([0x93])?;
        Ok(Self::checked(reader.bin()?, reader.bin()?, reader.bin()?)?)
    }

    /// Writes an array of E, V and s as byte strings.
    pub fn to_msgpack(&self) -> [u8; Self::MSGPACK_BYTES] {
        let (e, v, s) = (self.e.bytes(), self.v.bytes(), self.s.to_bytes());
        concat(&[&[0x93], BIN33, e, BIN33, v, BIN32, &s])
    }
}

impl CapsuleFrag {
    /// Bytes of the MessagePack form.
    pub const MSGPACK_BYTES: usize = 381;

    /// Reads the MessagePack form.
    ///
    /// # Errors
    /// A wrong length, [`Error::Framing`], or the first field that is not canonical.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self> {
        let mut reader = Framed::new(bytes, "cfrag", Self::MSGPACK_BYTES)?;
        reader.exactly([0x95])?;
        let (e1, v1) = (reader.bin()?, reader.bin()?);
        let (id, precursor) = (reader.bin()?, reader.bin()?);
        reader.exactly([0x96])?;
        let raw = RawFrag {
            e1,
            v1,
            id,
            precursor,
            e2: reader.bin()?,
            v2: reader.bin()?,
            u1: reader.bin()?,
            u2: reader.bin()?,
            z: reader.bin()?,
            signature: reader.bin()?,
        };
        Ok(raw.decode()?)
    }

    /// Writes the fields as nested arrays of byte strings.
    pub fn to_msgpack(&self) -> [u8; Self::MSGPACK_BYTES] {
        let (z, signature) = (self.z.to_bytes(), self.signature.to_bytes());
        let outer = [
            [&[0x95], BIN33, self.e1.bytes()],
            [BIN33, self.v1.bytes(), BIN32],
            [&self.id, BIN33, self.precursor.bytes()],
        ];
        let proof = [
            [&[0x96], BIN33, self.e2.bytes()],
            [BIN33, self.v2.bytes(), BIN33],
            [self.u1.bytes(), BIN33, self.u2.bytes()],
        ];
        let tail: [&[u8]; 4] = [BIN32, &z, BIN64, &signature];
        concat(&[outer.as_flattened(), proof.as_flattened(), &tail].concat())
    }
}

impl VerifiedCapsuleFrag {
    /// Writes the cfrag, as [`CapsuleFrag::to_msgpack`] does.
    pub fn to_msgpack(&self) -> [u8; CapsuleFrag::MSGPACK_BYTES] {
        self.frag.to_msgpack()
    }
}

impl KeyFrag {
    /// Bytes of the MessagePack form.
    pub const MSGPACK_BYTES: usize = 310;

    /// Reads the MessagePack form.
    ///
    /// # Errors
    /// [`Error::ForeignParameters`] if it names another point than U; else the first field that is
    /// not canonical.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self> {
        let mut reader = Framed::new(bytes, "kfrag", Self::MSGPACK_BYTES)?;
        reader.exactly([0x95, 0x91])?;
        let parameter = reader.bin::<33>()?;
        let (id, key, precursor) = (reader.bin()?, reader.bin()?, reader.bin()?);
        reader.exactly([0x95])?;
        let (commitment, for_proxy, for_receiver) = (reader.bin()?, reader.bin()?, reader.bin()?);
        let signed = SignedKeys {
            delegating: reader.flag("delegating key signed")?,
            receiving: reader.flag("receiving key signed")?,
        };
        if *parameter != POINT_U {
            return Err(Error::ForeignParameters);
        }
        Ok(Self {
            base: kfrag::KeyFrag::decode(id, key, [precursor, commitment], for_receiver)?,
            for_proxy: Signature::decode(for_proxy, "kfrag signature for the proxy")?,
            signed,
        })
    }

    /// Writes the MessagePack form, erased when dropped.
    pub fn to_secret_msgpack(&self) -> Zeroizing<[u8; Self::MSGPACK_BYTES]> {
        let mut out = Zeroizing::new([0; Self::MSGPACK_BYTES]);
        let base = &self.base;
        let key = base.key.to_secret_bytes();
        let (for_proxy, for_receiver) = (self.for_proxy.to_bytes(), base.signature.to_bytes());
        let flags = [flag(self.signed.delegating), flag(self.signed.receiving)];
        let parts: [&[u8]; 17] = [
            &[0x95, 0x91],
            BIN33,
            &POINT_U,
            BIN32,
            &base.id,
            BIN32,
            &*key,
            BIN33,
            base.precursor.bytes(),
            &[0x95],
            BIN33,
            base.commitment.bytes(),
            BIN64,
            &for_proxy,
            BIN64,
            &for_receiver,
            &flags,
        ];
        fill(&mut *out, &parts);
        out
    }
}

impl VerifiedKeyFrag {
    /// Writes the MessagePack form, erased when dropped.
    pub fn to_secret_msgpack(&self) -> Zeroizing<[u8; KeyFrag::MSGPACK_BYTES]> {
        self.frag.to_secret_msgpack()
    }
}

#[cfg(test)]
mod tests;
