//! Decoding of a cfrag: the fields are cut first, their points decompressed together.

use super::CapsuleFrag;
use crate::arithmetic::point::Point;
use crate::arithmetic::scalar::decode_scalar;
use crate::error::{Error, Result};
use crate::keys::signing::Signature;
use crate::wire::Reader;

/// The fields of a cfrag, cut but not decoded.
pub(crate) struct RawFrag<'a> {
    pub(crate) e1: &'a [u8; 33],
    pub(crate) v1: &'a [u8; 33],
    pub(crate) id: &'a [u8; 32],
    pub(crate) precursor: &'a [u8; 33],
    pub(crate) e2: &'a [u8; 33],
    pub(crate) v2: &'a [u8; 33],
    pub(crate) u1: &'a [u8; 33],
    pub(crate) u2: &'a [u8; 33],
    pub(crate) z: &'a [u8; 32],
    pub(crate) signature: &'a [u8; 64],
}

/// What the delegator's signature covers besides the id, and the signature, decoded.
pub(crate) struct Signed {
    pub(crate) u1: Point,
    pub(crate) precursor: Point,
    pub(crate) signature: Signature,
}

/// Names of the points in errors, in the order in which they are refused.
pub(crate) const E1: &str = "cfrag point E1";
pub(crate) const V1: &str = "cfrag point V1";
pub(crate) const PRECURSOR: &str = "cfrag precursor";
const E2: &str = "cfrag point E2";
const V2: &str = "cfrag point V2";
const U1: &str = "cfrag point U1";
const U2: &str = "cfrag point U2";

impl<'a> RawFrag<'a> {
    pub(crate) fn new(bytes: &'a [u8; CapsuleFrag::BYTES]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "cfrag", CapsuleFrag::BYTES)?;
        Ok(Self {
            e1: reader.take()?,
            v1: reader.take()?,
            id: reader.take()?,
            precursor: reader.take()?,
            e2: reader.take()?,
            v2: reader.take()?,
            u1: reader.take()?,
            u2: reader.take()?,
            z: reader.take()?,
            signature: reader.take()?,
        })
    }

    pub(crate) fn decode(&self) -> Result<CapsuleFrag> {
        let points = Point::lanes([
            self.e1,
            self.v1,
            self.precursor,
            self.e2,
            self.v2,
            self.u1,
            self.u2,
        ]);
        self.assemble(points)
    }

    /// Decodes, given an X that was decoded before.
    pub(crate) fn decode_with(&self, precursor: Option<Point>) -> Result<CapsuleFrag> {
        match precursor {
            Some(known) if known.bytes() == self.precursor => {
                let points = [self.e1, self.v1, self.e2, self.v2, self.u1, self.u2];
                let [e1, v1, e2, v2, u1, u2] = Point::lanes(points);
                self.assemble([e1, v1, Some(known), e2, v2, u1, u2])
            }
            _ => self.decode(),
        }
    }

    /// Decodes, given the signed fields that were decoded before from these bytes.
    pub(crate) fn decode_known(&self, signed: &Signed) -> Result<CapsuleFrag> {
        let [e1, v1, e2, v2, u2] = Point::lanes([self.e1, self.v1, self.e2, self.v2, self.u2]);
        let points = [e1, v1, Some(signed.precursor), e2, v2, Some(signed.u1), u2];
        self.with_signature(points, || Ok(signed.signature))
    }

    fn assemble(&self, points: [Option<Point>; 7]) -> Result<CapsuleFrag> {
        self.with_signature(points, || {
            Signature::decode(self.signature, "cfrag signature")
        })
    }

    fn with_signature(
        &self,
        [e1, v1, precursor, e2, v2, u1, u2]: [Option<Point>; 7],
        signature: impl FnOnce() -> Result<Signature>,
    ) -> Result<CapsuleFrag> {
        Ok(CapsuleFrag {
            e1: Point::judgeable(e1, E1)?,
            v1: Point::judgeable(v1, V1)?,
            id: *self.id,
            precursor: precursor.ok_or(Error::InvalidPoint { field: PRECURSOR })?,
            e2: Point::judgeable(e2, E2)?,
            v2: Point::judgeable(v2, V2)?,
            u1: Point::judgeable(u1, U1)?,
            u2: Point::judgeable(u2, U2)?,
            z: decode_scalar(self.z, "cfrag scalar z")?,
            signature: signature()?,
        })
    }
}
