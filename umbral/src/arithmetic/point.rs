//! Public curve points: an affine point with its 33-byte encoding kept beside it, so that hashing
//! and serialising cost no field inversion. Only canonical, non-identity points can be built.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::point::{AffineCoordinates as _, BatchNormalize};
use k256::{AffinePoint, ProjectivePoint};
use zeroize::Zeroizing;

use crate::arithmetic::field::decompress;
use crate::error::{Error, Result};

/// Bytes of a compressed point: tag 02 or 03, then x big-endian.
pub(crate) const POINT_BYTES: usize = 33;

/// n, the order of secp256k1, big-endian.
pub(crate) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// A public point that is on the curve and is not the identity.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    affine: AffinePoint,
    bytes: [u8; POINT_BYTES],
}

impl Point {
    /// Decodes the only accepted form: 33 bytes, tag 02 or 03, x < p and on the curve.
    pub(crate) fn decode(bytes: &[u8; POINT_BYTES], field: &'static str) -> Result<Self> {
        let [point] = Self::lanes([bytes]);
        point.ok_or(Error::InvalidPoint { field })
    }

    /// Decodes several points in little more time than one; `None` for what [`Point::decode`]
    /// refuses.
    pub(crate) fn lanes<const N: usize>(inputs: [&[u8; POINT_BYTES]; N]) -> [Option<Self>; N] {
        let mut affine = decompress(inputs.map(|[tag, x @ ..]| (x, *tag == 3))).into_iter();
        inputs.map(|bytes| {
            let affine = affine.next().flatten();
            let [tag, ..] = bytes;
            affine.filter(|_| matches!(tag, 2 | 3)).map(|affine| Self {
                affine,
                bytes: *bytes,
            })
        })
    }

    /// A decoded point that is there and has x < n: the chain can only judge points in that range,
    /// because its tool for multiplying, `ecrecover`, takes x as a scalar.
    pub(crate) fn judgeable(point: Option<Self>, field: &'static str) -> Result<Self> {
        let point = point.ok_or(Error::InvalidPoint { field })?;
        if point.is_judgeable() {
            Ok(point)
        } else {
            Err(Error::PointOutOfRange { field })
        }
    }

    /// x < n.
    pub(crate) fn is_judgeable(&self) -> bool {
        let [_, x @ ..] = &self.bytes;
        *x < ORDER
    }

    /// The encoding, at no cost.
    pub(crate) const fn bytes(&self) -> &[u8; POINT_BYTES] {
        &self.bytes
    }

    /// x || y, big-endian.
    pub(crate) fn to_uncompressed(self) -> [u8; 64] {
        let mut out = [0; 64];
        let (x, y) = out.split_at_mut(32);
        x.copy_from_slice(&self.affine.x());
        y.copy_from_slice(&self.affine.y());
        out
    }

    /// y, big-endian.
    pub(crate) fn y_bytes(&self) -> [u8; 32] {
        self.affine.y().into()
    }

    pub(crate) const fn affine(&self) -> &AffinePoint {
        &self.affine
    }

    pub(crate) fn projective(&self) -> ProjectivePoint {
        ProjectivePoint::from(self.affine)
    }

    /// G.
    pub(crate) fn generator() -> Self {
        Self::from_affine(AffinePoint::GENERATOR)
    }

    /// A point known at compile time, in both encodings; a test checks that it is on the curve.
    pub(crate) fn from_constant(bytes: &[u8; POINT_BYTES], xy: &[u8; 64]) -> Self {
        let (x, y) = xy.split_at(32);
        let half = |bytes: &[u8]| bytes.first_chunk::<32>().map_or([0; 32], |half| *half);
        let affine = AffinePoint::from_coordinates(&half(x).into(), &half(y).into());
        Self {
            affine: affine.unwrap_or(AffinePoint::IDENTITY),
            bytes: *bytes,
        }
    }

    fn from_affine(affine: AffinePoint) -> Self {
        let mut bytes = [0; POINT_BYTES];
        compress(&affine, &mut bytes);
        Self { affine, bytes }
    }

    /// Normalises several points with one field inversion. `None` if one is the identity.
    pub(crate) fn normalise<const N: usize>(points: &[ProjectivePoint; N]) -> Option<[Self; N]> {
        if points.iter().any(|point| point.is_identity().into()) {
            return None;
        }
        Some(ProjectivePoint::batch_normalize(points).map(Self::from_affine))
    }

    /// As [`Point::normalise`], for any number of points.
    pub(crate) fn normalise_all(points: &[ProjectivePoint]) -> Option<Vec<Self>> {
        if points.iter().any(|point| point.is_identity().into()) {
            return None;
        }
        let affine =
            <ProjectivePoint as BatchNormalize<[ProjectivePoint]>>::batch_normalize(points);
        Some(affine.into_iter().map(Self::from_affine).collect())
    }
}

fn compress(affine: &AffinePoint, out: &mut [u8; POINT_BYTES]) {
    let [tag, x @ ..] = out;
    // Not a sum: the check for overflow would branch on a secret point.
    *tag = 2 | affine.y_is_odd().unwrap_u8();
    x.copy_from_slice(&affine.x());
}

/// Encoding of a secret point (a Diffie-Hellman value), erased when dropped.
pub(crate) fn compress_secret(point: &ProjectivePoint) -> Zeroizing<[u8; POINT_BYTES]> {
    let mut bytes = Zeroizing::new([0; POINT_BYTES]);
    compress(&Zeroizing::new(point.to_affine()), &mut bytes);
    bytes
}

/// Normalises two public points and a secret one with one inversion; the points are `None` if one
/// of them is the identity.
pub(crate) fn normalise_with_secret<const N: usize>(
    public: [ProjectivePoint; N],
    secret: &ProjectivePoint,
) -> (Option<[Point; N]>, Zeroizing<[u8; POINT_BYTES]>) {
    let mut all = Zeroizing::new(Vec::with_capacity(N + 1));
    all.extend_from_slice(&public);
    all.push(*secret);
    let affine = <ProjectivePoint as BatchNormalize<[ProjectivePoint]>>::batch_normalize(&all);
    let affine = Zeroizing::new(affine);
    let mut bytes = Zeroizing::new([0; POINT_BYTES]);
    if let Some(secret) = affine.last() {
        compress(secret, &mut bytes);
    }
    let defined = !public.iter().any(|point| point.is_identity().into());
    let mut normalised = affine.iter();
    let points = public.map(|_| {
        let affine = normalised.next().copied();
        Point::from_affine(affine.unwrap_or(AffinePoint::IDENTITY))
    });
    (defined.then_some(points), bytes)
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Point {}

impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_hex(&self.bytes, f)
    }
}

/// Lower-case hexadecimal, for the Debug of public bytes.
pub(crate) fn fmt_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests;
