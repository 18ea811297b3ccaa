//! What a contract does with a fault witness, step by step: no square root, no inversion, no
//! knowledge of this crate. Multiplication is `ecrecover`, which sees x and a parity and gives an
//! address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "vectors and tests: a mistake is to stop the run"
)]

use k256::elliptic_curve::ff::PrimeField as _;
use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::Reduce as _;
use k256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use k256::elliptic_curve::scalar::IsHigh as _;
use k256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, U256};
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

use crate::forge::Grant;

pub(crate) const U33: [u8; 33] = umbral::fault::POINT_U;

/// What the contract is given. Lengths are part of the types.
pub(crate) struct Case<'a> {
    pub(crate) capsule: &'a [u8; 98],
    pub(crate) cfrag: &'a [u8; 359],
    /// What the delegator signed, hashed.
    pub(crate) digest: [u8; 32],
    /// Address of the verifying key.
    pub(crate) signer: [u8; 20],
}

fn p() -> BigUint {
    (BigUint::from(1_u8) << 256) - (BigUint::from(1_u8) << 32) - BigUint::from(977_u32)
}

pub(crate) fn order() -> BigUint {
    BigUint::from_bytes_be(&(-Scalar::ONE).to_bytes()) + 1_u8
}

fn int(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

pub(crate) fn address(x_and_y: &[u8]) -> [u8; 20] {
    Keccak256::digest(x_and_y)[12..]
        .try_into()
        .expect("20 bytes")
}

fn address_of(point: &ProjectivePoint) -> [u8; 20] {
    let affine = point.to_affine();
    address(&[affine.x(), affine.y()].concat())
}

/// The precompile: zero on any refusal.
fn ecrecover(hash: &[u8; 32], odd: bool, r: &BigUint, s: &BigUint) -> [u8; 20] {
    let zero = BigUint::ZERO;
    if r == &zero || r >= &order() || s == &zero || s >= &order() {
        return [0; 20];
    }
    let bytes = |v: &BigUint| -> FieldBytes {
        let digits = v.to_bytes_be();
        let mut out = [0; 32];
        out[32 - digits.len()..].copy_from_slice(&digits);
        out.into()
    };
    let Some(point) = AffinePoint::decompress(&bytes(r), u8::from(odd).into()).into_option() else {
        return [0; 20];
    };
    let scalar = |v: &BigUint| Scalar::from_repr(bytes(v)).unwrap();
    let e = Scalar::reduce(&U256::from_be_slice(hash));
    let r_inverse = scalar(r).invert().unwrap();
    let key = (point * scalar(s) - ProjectivePoint::GENERATOR * e) * r_inverse;
    if key.is_identity().into() {
        [0; 20]
    } else {
        address_of(&key)
    }
}

/// Whether k * P has this address: ecrecover(0, P.y's parity, P.x, k * P.x mod n).
fn is_multiple(point: &[u8], k: &BigUint, candidate: &[u8]) -> bool {
    let x = int(&point[1..]);
    let found = ecrecover(&[0; 32], point[0] == 3, &x, &(k * &x % order()));
    found != [0; 20] && found == address(candidate)
}

pub(crate) fn challenge(capsule: &[u8; 98], cfrag: &[u8; 359]) -> BigUint {
    let tag = b"CFRAG_VERIFICATION";
    let mut hasher = Sha256::new();
    hasher.update(18_u32.to_be_bytes());
    hasher.update(tag);
    for part in [
        &capsule[..33],
        &cfrag[..33],
        &cfrag[131..164], // E E1 E2
        &capsule[33..66],
        &cfrag[33..66],
        &cfrag[164..197], // V V1 V2
        &U33,
        &cfrag[197..230],
        &cfrag[230..263], // U U1 U2
    ] {
        hasher.update(part);
    }
    int(&hasher.finalize()) % (order() - 1_u8) + 1_u8
}

/// Whether the witness proves the fault of this code.
pub(crate) fn convicts(case: &Case<'_>, code: u8, witness: &[u8]) -> bool {
    let Some((which, witness)) = witness.split_first_chunk::<2>() else {
        return false;
    };
    let which = u16::from_be_bytes(*which);
    match (code, which, witness.len()) {
        (1..=3, 0, 160) => equation(case, code - 1, witness) == Some(false),
        (4, 0, 0) => {
            let z = int(&case.cfrag[263..295]);
            z == BigUint::ZERO || z >= order()
        }
        (5, _, 0) => point(case, which).is_some_and(|point| {
            let x = int(&point[1..]);
            let limit = if which == 98 { p() } else { order() };
            !matches!(point[0], 2 | 3) || x == BigUint::ZERO || x >= limit
        }),
        (6, _, 32) => point(case, which).is_some_and(|point| {
            let (x, w) = (int(&point[1..]), int(witness));
            let square = (&x * &x % p() * &x + 7_u8) % p();
            w != BigUint::ZERO && w < p() && (&w * &w + square) % p() == BigUint::ZERO
        }),
        (7, 0..=2, 160) => {
            equation(case, u8::try_from(which).expect("small"), witness).is_none()
                && degenerate(case, which, witness)
        }
        (8, 0, 0) => !signature_holds(case),
        _ => false,
    }
}

fn point<'a>(case: &Case<'a>, offset: u16) -> Option<&'a [u8]> {
    let known = [0, 33, 98, 131, 164, 197, 230].contains(&offset);
    known.then(|| &case.cfrag[usize::from(offset)..][..33])
}

/// P, P1 and P2 of an equation.
fn points<'a>(case: &'a Case<'_>, index: u8) -> [&'a [u8]; 3] {
    let (capsule, cfrag) = (case.capsule, case.cfrag);
    match index {
        0 => [&capsule[..33], &cfrag[..33], &cfrag[131..164]],
        1 => [&capsule[33..66], &cfrag[33..66], &cfrag[164..197]],
        _ => [&U33, &cfrag[197..230], &cfrag[230..263]],
    }
}

/// `None` if the witness is not one, or the addition is degenerate.
fn equation(case: &Case<'_>, index: u8, witness: &[u8]) -> Option<bool> {
    if !is_witness(case, index, witness) {
        return None;
    }
    adds_up(points(case, index)[2], witness)
}

/// Whether P2 + W2 = W1, by cross-multiplied slope; `None` if it is degenerate.
fn adds_up(p2: &[u8], witness: &[u8]) -> Option<bool> {
    let (p, part) = (p(), |i: usize| int(&witness[32 * i..32 * (i + 1)]));
    let [w1x, w1y, w2x, w2y, p2y] = [part(0), part(1), part(2), part(3), part(4)];
    let p2x = int(&p2[1..]);
    let minus = |a: &BigUint, b: &BigUint| (a + &p - b % &p) % &p;
    let (dx, dy) = (minus(&w2x, &p2x), minus(&w2y, &p2y));
    if dx == BigUint::ZERO {
        return None;
    }
    let dx2 = &dx * &dx % &p;
    let sum = (&w1x + &w2x + &p2x) % &p;
    let x_agrees = &dy * &dy % &p == sum * &dx2 % &p;
    let y_agrees = (&w1y + &p2y) * &dx % &p == &dy * minus(&p2x, &w1x) % &p;
    Some(x_agrees && y_agrees)
}

/// Whether y is that of the compressed point.
fn is_root(point: &[u8], y: &[u8]) -> bool {
    let (x, y) = (int(&point[1..]), int(y));
    let on_curve = &y * &y % p() == (&x * &x % p() * &x + 7_u8) % p();
    on_curve && u8::from(y.bit(0)) + 2 == point[0] && y < p()
}

/// What the contract does with a capsule: sG = V + hE, and V is not -E.
pub(crate) fn capsule_holds(capsule: &[u8; 98], witness: &[u8]) -> bool {
    let (e, v, s) = (&capsule[..33], &capsule[33..66], int(&capsule[66..]));
    let canonical = |point: &[u8]| matches!(point[0], 2 | 3) && int(&point[1..]) < order();
    let length = 14_u32.to_be_bytes();
    let message = [&length, b"CAPSULE_POINTS".as_slice(), &capsule[..66]].concat();
    let h = int(&Sha256::digest(message)) % (order() - 1_u8) + 1_u8;
    let mut g = [2; 33];
    g[1..].copy_from_slice(&AffinePoint::GENERATOR.x());
    canonical(e)
        && canonical(v)
        && e[1..] != v[1..]
        && s != BigUint::ZERO
        && s < order()
        && is_multiple(&g, &s, &witness[..64])
        && is_multiple(e, &h, &witness[64..128])
        && is_root(v, &witness[128..])
        && adds_up(v, witness) == Some(true)
}

/// W1 = zP and W2 = hP1 by address; P2.y by parity and the curve.
fn is_witness(case: &Case<'_>, index: u8, witness: &[u8]) -> bool {
    let [base, image, offset] = points(case, index);
    let (z, h) = (
        int(&case.cfrag[263..295]),
        challenge(case.capsule, case.cfrag),
    );
    is_root(offset, &witness[128..])
        && is_multiple(base, &z, &witness[..64])
        && is_multiple(image, &h, &witness[64..128])
}

fn degenerate(case: &Case<'_>, which: u16, witness: &[u8]) -> bool {
    let index = u8::try_from(which).expect("small");
    is_witness(case, index, witness) && witness[64..96] == points(case, index)[2][1..]
}

/// r and s in range, s low, and one of the two keys that `ecrecover` finds is the delegator's.
fn signature_holds(case: &Case<'_>) -> bool {
    let (r, s) = (int(&case.cfrag[295..327]), int(&case.cfrag[327..359]));
    let low = s <= (order() >> 1_u8);
    low && [false, true]
        .iter()
        .any(|odd| ecrecover(&case.digest, *odd, &r, &s) == case.signer)
}

/// The signed message of version 1, hashed.
pub(crate) fn digest(cfrag: &[u8; 359], a: &[u8; 33], b: &[u8; 33]) -> [u8; 32] {
    let parts: [&[u8]; 7] = [
        &cfrag[66..98],
        &cfrag[197..230],
        &cfrag[98..131],
        &[1],
        a,
        &[1],
        b,
    ];
    Sha256::digest(parts.concat()).into()
}

/// What a cfrag was granted for, encoded: chain id, contract, policy id, miner,
/// threshold, shares, not-before, expiry, hash of the conditions.
#[derive(Clone)]
pub(crate) struct Terms(pub(crate) [Vec<u8>; 9]);

impl Terms {
    pub(crate) fn of(grant: &Grant) -> Self {
        let policy = &grant.policy;
        Self([
            policy.chain_id.to_be_bytes().to_vec(),
            policy.contract.to_vec(),
            policy.policy_id.to_vec(),
            grant.miner.to_vec(),
            policy.quorum.threshold().to_be_bytes().to_vec(),
            policy.quorum.shares().to_be_bytes().to_vec(),
            policy.not_before.to_be_bytes().to_vec(),
            policy.expiry.to_be_bytes().to_vec(),
            policy.conditions.to_vec(),
        ])
    }
}

/// The signed message of version 2; its SHA-256 is signed.
pub(crate) fn granted_message(
    terms: &Terms,
    cfrag: &[u8; 359],
    a: &[u8; 33],
    b: &[u8; 33],
) -> Vec<u8> {
    let subject: [&[u8]; 5] = [&cfrag[66..98], &cfrag[197..230], &cfrag[98..131], a, b];
    [
        &15_u32.to_be_bytes(),
        b"UMBRAL_KFRAG_V2".as_slice(),
        &[2],
        &terms.0.concat(),
        &subject.concat(),
    ]
    .concat()
}

/// Whether s is in the upper half, which no signature may have; used by the forger.
pub(crate) fn is_high(s: &Scalar) -> bool {
    s.is_high().into()
}
