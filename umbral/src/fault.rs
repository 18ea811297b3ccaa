//! Proofs that a cfrag is forged, and that a capsule is sound, cheap enough for a contract to
//! check. A contract multiplies with `ecrecover`, which finds the address of k*P from P.x and k;
//! the prover supplies coordinates, so that no inversion and no square root is left to do.

use alloc::vec::Vec;

use k256::{ProjectivePoint, Scalar};

use crate::arithmetic::field::proof_of_absence;
use crate::arithmetic::point::{ORDER, Point};
use crate::arithmetic::scalar::decode_scalar;
use crate::capsule::Capsule;
use crate::cfrag::CapsuleFrag;
use crate::cfrag::proof::Claim;
use crate::cfrag::raw::RawFrag;
use crate::keys::context::Context;
use crate::keys::signing::Signature;
use crate::policy::{Miner, Policy, Subject};

mod capsule_witness;
mod witness;

pub use crate::arithmetic::params::{POINT_U, POINT_U_UNCOMPRESSED};
pub use crate::equation::Equation;
pub use capsule_witness::CapsuleWitness;
pub use witness::EquationWitness;

/// p, the order of the base field, big-endian.
const FIELD_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f,
];

/// A point of a cfrag, in the order of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragPoint {
    /// E1, offset 0.
    E1,
    /// V1, offset 33.
    V1,
    /// X, offset 98.
    Precursor,
    /// E2, offset 131.
    E2,
    /// V2, offset 164.
    V2,
    /// U1, offset 197.
    U1,
    /// U2, offset 230.
    U2,
}

impl FragPoint {
    /// Offset in the encoding of a cfrag, in bytes.
    pub const fn offset(self) -> u16 {
        match self {
            Self::E1 => 0,
            Self::V1 => 33,
            Self::Precursor => 98,
            Self::E2 => 131,
            Self::V2 => 164,
            Self::U1 => 197,
            Self::U2 => 230,
        }
    }
}

/// A fault of a miner, with what proves it.
///
/// One failing equation is enough to condemn; three true ones are needed to accept.
///
/// | code | fault | witness | what the contract computes |
/// |---|---|---|---|
/// | 1 2 3 | equation over E, V, U | W1.x W1.y W2.x W2.y P2.y | P2 + W2 differs from W1 |
/// | 4 | z = 0 or z >= n | - | a comparison |
/// | 5 | a point with tag not 02, 03, x = 0 or x >= n (X: x >= p) | - | a comparison |
/// | 6 | a point not on the curve | w | w^2 = -(x^3 + 7): -1 is no square mod p |
/// | 7 | W2.x = P2.x | as 1 | as 1; an honest miner meets it with probability 2^-256 |
/// | 8 | the delegator's signature is invalid | - | SHA-256 and two `ecrecover` |
///
/// The contract makes sure that W1 = zP and W2 = hP1 by `ecrecover`, and of P2.y by the parity and
/// the curve. P is E, V or U; P1 and P2 are the images under rk and t. Every integer is 32 bytes
/// big-endian.
///
/// Nothing here accuses an honest miner: one that checks the capsule, the fixed U, the signature
/// and the range of every x before it answers never produces any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// z is zero or not below n.
    Scalar,
    /// A point has another tag than 02 and 03, or an x out of range.
    PointRange(FragPoint),
    /// A point is not on the curve.
    NotOnCurve {
        /// Where in the cfrag the point is.
        point: FragPoint,
        /// w with w^2 = -(x^3 + 7).
        root: [u8; 32],
    },
    /// The delegator's signature does not verify.
    Signature,
    /// An equation does not hold.
    Equation(Equation, EquationWitness),
    /// W2.x = P2.x.
    Degenerate(Equation, EquationWitness),
}

impl Fault {
    /// Code of the table above.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Equation(Equation::E, _) => 1,
            Self::Equation(Equation::V, _) => 2,
            Self::Equation(Equation::U, _) => 3,
            Self::Scalar => 4,
            Self::PointRange(_) => 5,
            Self::NotOnCurve { .. } => 6,
            Self::Degenerate(..) => 7,
            Self::Signature => 8,
        }
    }

    /// Writes the witness of the table above, after 2 bytes that say which: the offset of a point,
    /// 0, 1, 2 for a degenerate equation over E, V, U, zero otherwise.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (which, witness) = match self {
            Self::Scalar | Self::Signature => (0, Vec::new()),
            Self::PointRange(point) => (point.offset(), Vec::new()),
            Self::NotOnCurve { point, root } => (point.offset(), root.to_vec()),
            Self::Equation(_, witness) => (0, witness.to_bytes().to_vec()),
            Self::Degenerate(equation, witness) => {
                let which = match equation {
                    Equation::E => 0,
                    Equation::V => 1,
                    Equation::U => 2,
                };
                (which, witness.to_bytes().to_vec())
            }
        };
        [&which.to_be_bytes(), witness.as_slice()].concat()
    }
}

/// Finds the cheapest proof that a cfrag is forged; `None` if and only if it verifies.
///
/// The cfrag is taken as bytes, because what does not decode is a fault too. The capsule has
/// passed its own check: a miner asked with a bad one refuses.
pub fn prove_fault(
    capsule: &Capsule,
    cfrag: &[u8; CapsuleFrag::BYTES],
    context: &Context,
    policy: &Policy,
    miner: &Miner,
) -> Option<Fault> {
    let raw = RawFrag::new(cfrag).ok()?;
    let subject = Subject {
        miner,
        id: raw.id,
        u1: raw.u1,
        precursor: raw.precursor,
    };
    prove(capsule, &raw, context, &policy.digest(context, &subject))
}

/// Cheapest first: comparisons, one root, a signature, then the equations over U, E, V.
pub(crate) fn prove(
    capsule: &Capsule,
    raw: &RawFrag<'_>,
    context: &Context,
    digest: &[u8; 32],
) -> Option<Fault> {
    if decode_scalar(raw.z, "z").is_err() {
        return Some(Fault::Scalar);
    }
    let points = named_points(raw);
    let out_of_range = points.iter().find(|(name, bytes)| !in_range(*name, bytes));
    if let Some((point, _)) = out_of_range {
        return Some(Fault::PointRange(*point));
    }
    for (point, [_, x @ ..]) in points {
        if let Some(root) = proof_of_absence(x) {
            return Some(Fault::NotOnCurve { point, root });
        }
    }
    let signed = Signature::decode(raw.signature, "signature")
        .and_then(|signature| context.verifying.verify_digest(digest, &signature));
    if signed.is_err() {
        return Some(Fault::Signature);
    }
    // What is left is well-formed.
    let frag = raw.decode_with(None).ok()?;
    let claim = Claim::new(capsule, &frag);
    let equations = [Equation::U, Equation::E, Equation::V];
    equations
        .into_iter()
        .find_map(|equation| refute(&claim, &frag, equation))
}

const fn named_points<'a>(raw: &RawFrag<'a>) -> [(FragPoint, &'a [u8; 33]); 7] {
    [
        (FragPoint::E1, raw.e1),
        (FragPoint::V1, raw.v1),
        (FragPoint::Precursor, raw.precursor),
        (FragPoint::E2, raw.e2),
        (FragPoint::V2, raw.v2),
        (FragPoint::U1, raw.u1),
        (FragPoint::U2, raw.u2),
    ]
}

/// Tag 02 or 03 and 0 < x < n; for X, which nobody multiplies on chain, x < p.
fn in_range(point: FragPoint, [tag, x @ ..]: &[u8; 33]) -> bool {
    let limit = match point {
        FragPoint::Precursor => FIELD_ORDER,
        _ => ORDER,
    };
    matches!(tag, 2 | 3) && *x != [0; 32] && *x < limit
}

/// The witness against one equation, if it does not hold or cannot be judged.
fn refute(claim: &Claim<'_>, frag: &CapsuleFrag, equation: Equation) -> Option<Fault> {
    let [base, offset, image] = claim.points(equation);
    let multiple = |point: &Point, k: &Scalar| {
        let product: ProjectivePoint = point.projective() * k;
        let [product] = Point::normalise(&[product])?;
        Some(product)
    };
    let w1 = multiple(&base, &frag.z)?;
    let w2 = multiple(&image, claim.challenge().get())?;
    let holds = w2.projective() + offset.affine() == w1.projective();
    let witness = EquationWitness {
        w1: w1.to_uncompressed(),
        w2: w2.to_uncompressed(),
        p2_y: offset.y_bytes(),
    };
    let ([_, w2_x @ ..], [_, p2_x @ ..]) = (w2.bytes(), offset.bytes());
    if w2_x == p2_x {
        Some(Fault::Degenerate(equation, witness))
    } else {
        (!holds).then_some(Fault::Equation(equation, witness))
    }
}
