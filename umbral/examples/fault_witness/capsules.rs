//! Vectors of capsules with what lets a contract check them.
//!
//! A capsule that is not valid comes with the witness that fits it best: the true multiples, where
//! there are any.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "vectors: a mistake is to stop the run"
)]

use std::io;

use k256::elliptic_curve::ff::PrimeField as _;
use k256::elliptic_curve::point::AffineCoordinates as _;
use k256::{ProjectivePoint, Scalar, U256};
use num_bigint::BigUint;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use umbral::Capsule;
use umbral::fault::CapsuleWitness;

use crate::forge::{Setting, coordinates, point};
use crate::judge::{capsule_holds, order};

type Bytes = [u8; 98];

/// The file: honest capsules, and every way to get one wrong.
pub(crate) fn file() -> io::Result<Value> {
    let mut cases = Vec::new();
    let mut push = |name: &str, bytes: &Bytes, expected: bool| -> io::Result<()> {
        let witness = fitting(bytes);
        let verdicts = (
            Capsule::from_bytes(bytes).is_ok(),
            capsule_holds(bytes, &witness),
        );
        if verdicts != (expected, expected) {
            let text = format!("{name} is judged {verdicts:?}");
            return Err(io::Error::other(text));
        }
        cases.push(json!({
            "name": name,
            "capsule": hex::encode(bytes),
            "witness": hex::encode(&witness),
            "valid": expected,
        }));
        Ok(())
    };
    for seed in 0..4 {
        let setting = Setting::seeded(seed);
        let witness = CapsuleWitness::new(&setting.capsule).map_err(io::Error::other)?;
        if witness.equation.to_bytes().as_slice() != fitting(&setting.capsule_bytes) {
            return Err(io::Error::other("the crate's witness is another"));
        }
        push(&format!("honest {seed}"), &setting.capsule_bytes, true)?;
    }
    for (name, bytes) in wrong() {
        push(name, &bytes, false)?;
    }
    Ok(json!({ "format": 1, "cases": cases }))
}

fn wrong() -> Vec<(&'static str, Bytes)> {
    let (honest, other) = (Setting::seeded(0), Setting::seeded(1));
    let (honest, other) = (honest.capsule_bytes, other.capsule_bytes);
    let with = |offset: usize, part: &[u8]| {
        let mut bytes = honest;
        bytes[offset..offset + part.len()].copy_from_slice(part);
        bytes
    };
    let s = scalar(&honest);
    let n: [u8; 32] = order().to_bytes_be().try_into().unwrap();
    let mut absent = [2; 33];
    absent[1..].copy_from_slice(&Scalar::from(5_u32).to_repr());
    let exchanged = [&honest[33..66], &honest[..33]].concat();
    vec![
        ("s plus one", with(66, &(s + Scalar::ONE).to_repr())),
        ("s negated", with(66, &(-s).to_repr())),
        ("s is zero", with(66, &[0; 32])),
        ("s is n", with(66, &n)),
        ("s is 2^256 - 1", with(66, &[0xff; 32])),
        ("E negated", with(0, &[honest[0] ^ 1])),
        ("V negated", with(33, &[honest[33] ^ 1])),
        ("E and V exchanged", with(0, &exchanged)),
        ("E of another capsule", with(0, &other[..33])),
        ("V of another capsule", with(33, &other[33..66])),
        ("s of another capsule", with(66, &other[66..])),
        ("E is V", with(0, &honest[33..66])),
        ("V is minus E", opposite()),
        ("E has tag 04", with(0, &[4])),
        ("V has tag 00", with(33, &[0])),
        ("E has x = 0", with(1, &[0; 32])),
        ("V has x = n", with(34, &n)),
        ("E has x = 2^256 - 1", with(1, &[0xff; 32])),
        ("E is not on the curve", with(0, &absent)),
        ("V is not on the curve", with(33, &absent)),
    ]
}

/// (rG, -rG, r(h - 1)): the equation holds, and the shared point is the identity.
fn opposite() -> Bytes {
    let r = Scalar::from(0x1234_5678_u32);
    let xy = coordinates(ProjectivePoint::GENERATOR * r);
    let mut bytes = [0; 98];
    let tag = 2 + (xy[63] & 1);
    bytes[0] = tag;
    bytes[33] = tag ^ 1;
    bytes[1..33].copy_from_slice(&xy[..32]);
    bytes[34..66].copy_from_slice(&xy[..32]);
    let s = r * (challenge(&bytes) - Scalar::ONE);
    bytes[66..].copy_from_slice(&s.to_repr());
    bytes
}

fn scalar(capsule: &Bytes) -> Scalar {
    use k256::elliptic_curve::ops::Reduce as _;
    Scalar::reduce(&U256::from_be_slice(&capsule[66..]))
}

fn challenge(capsule: &Bytes) -> Scalar {
    let message = [
        &14_u32.to_be_bytes(),
        b"CAPSULE_POINTS".as_slice(),
        &capsule[..66],
    ]
    .concat();
    let w = BigUint::from_bytes_be(&Sha256::digest(message));
    let h = (w % (order() - 1_u8) + 1_u8).to_bytes_be();
    let mut bytes = [0; 32];
    bytes[32 - h.len()..].copy_from_slice(&h);
    Scalar::from_repr(bytes.into()).unwrap()
}

/// sG, hE and V.y; zeros for what does not exist.
fn fitting(capsule: &Bytes) -> Vec<u8> {
    let multiple = |base: Option<ProjectivePoint>, k: Scalar| {
        let product = base.map(|base| base * k);
        let product = product.filter(|product| *product != ProjectivePoint::IDENTITY);
        product.map_or(vec![0; 64], coordinates)
    };
    let e = point(&capsule[..33]).map(ProjectivePoint::from);
    let v_y = point(&capsule[33..66]).map_or([0; 32], |v| v.y().into());
    [
        multiple(Some(ProjectivePoint::GENERATOR), scalar(capsule)),
        multiple(e, challenge(capsule)),
        v_y.to_vec(),
    ]
    .concat()
}
