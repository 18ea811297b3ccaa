//! Commitments to the polynomial of a delegation: with them and the cfrags the receiver tells an
//! inconsistent delegator from a false miner. It can prove that to nobody: the checks take its
//! secret key, and whoever knew the x_i could combine without it.

use alloc::vec::Vec;

use k256::elliptic_curve::Group as _;
use k256::elliptic_curve::ops::LinearCombination as _;
use k256::{ProjectivePoint, Scalar};
use sha2::Digest as _;
use zeroize::Zeroizing;

use crate::arithmetic::constant_time::{mul_generator, mul_point_u};
use crate::arithmetic::params::point_u;
use crate::arithmetic::point::{Point, compress_secret};
use crate::arithmetic::scalar::{SecretScalar, decode_scalar};
use crate::cfrag::CapsuleFrag;
use crate::error::{Error, Result};
use crate::hashing::{hash_to_scalar, tagged};
use crate::keys::SecretKey;
use crate::keys::context::Context;
use crate::keys::signing::{Signature, Signer};
use crate::kfrag::VerifiedKeyFrag;
use crate::kfrag::ephemeral::Ephemeral;
use crate::kfrag::polynomial::Polynomial;
use crate::policy::{Policy, Quorum, VERSION};
use crate::wire::{Reader, concat};

const ORIGIN_TAG: &[u8] = b"UMBRAL_POLICY_ORIGIN_V2";
const ORIGIN_NONCE_TAG: &[u8] = b"UMBRAL_POLICY_ORIGIN_NONCE_V2";
const COMMITMENTS_TAG: &[u8] = b"UMBRAL_COMMITMENTS_V2";
const OBJECT: &str = "commitments";

/// Commitments to the polynomial, with the proof of its origin and the delegator's signature.
///
/// | field | bytes |
/// |---|---|
/// | version = 2 | 1 |
/// | m, big-endian | 2 |
/// | X | 33 |
/// | C_0 ... C_(m-1) | 33 m |
/// | c, s | 32 + 32 |
/// | signature over SHA-256(tag `UMBRAL_COMMITMENTS_V2`, policy id, A, B, the fields above) | 64 |
///
/// Feldman's commitments C_k = f_k * U, signed once per delegation. Whoever knows the arguments
/// x_i, that is the receiver and the delegator, can check
///
/// * sum_k x_i^k C_k = U1_i for every share: all shares lie on one polynomial of degree m - 1;
/// * that f(0) = a / d: log_U(d * C_0) = log_G(A), by a proof of equal logarithms (c, s):
///   c = HS(`UMBRAL_POLICY_ORIGIN_V2`, origin, d*C_0, s*G + c*A, s*U + c*d*C_0), where origin is
///   the policy's 112 bytes, X, A, B and the signer's verifying key.
///
/// As d*C_0 is aU for every policy and reader of a label, the proof says what it is for: with
/// another policy, X, signer or pair of keys it does not hold.
///
/// Together: any m shares open what is encrypted to A. A miner knows no x_i, and must not: with
/// them m miners could combine without the receiver. It can check that the commitments are signed
/// for its policy and are of its kfrag's delegation; that they are sound only the receiver can
/// tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitments {
    statement: Statement,
    signature: Signature,
}

/// The fields that are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    precursor: Point,
    points: Vec<Point>,
    proof: [Scalar; 2],
}

/// The delegator's secrets and 64 random bytes.
pub(crate) struct Witness<'a> {
    pub(crate) delegating: &'a SecretKey,
    pub(crate) signer: &'a Signer,
    pub(crate) extra: &'a Zeroizing<[[u8; 32]; 2]>,
}

impl Commitments {
    /// Bytes of the encoding besides 33 per coefficient.
    pub const HEADER_BYTES: usize = 1 + 2 + 33 + 64 + 64;

    pub(crate) fn new(
        witness: &Witness<'_>,
        polynomial: &Polynomial,
        context: &Context,
        policy: &Policy,
    ) -> Result<Self> {
        let [for_nonce, for_signature] = &**witness.extra;
        let points: Vec<_> = polynomial.coefficients.iter().map(mul_point_u).collect();
        let precursor = polynomial.ephemeral.precursor;
        let origin = origin(context, policy, &precursor);
        let statement = Statement {
            precursor,
            points: Point::normalise_all(&points).ok_or(Error::RngDegenerate)?,
            proof: prove_origin(witness, for_nonce, polynomial.ephemeral.dh_bytes(), &origin)?,
        };
        let digest = statement.digest(context, policy);
        Ok(Self {
            signature: witness.signer.sign_digest(for_signature, digest)?,
            statement,
        })
    }

    /// Reads the fields of the table above.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Version`], an impossible m, or the first field that is not
    /// canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let [version, high, low] = *bytes.first_chunk::<3>().ok_or(Error::Length {
            object: OBJECT,
            expected: Self::HEADER_BYTES + 33,
            actual: bytes.len(),
        })?;
        if version != VERSION {
            return Err(Error::Version { object: OBJECT });
        }
        let threshold = u16::from_be_bytes([high, low]);
        let count = usize::from(Quorum::new(threshold, threshold)?.threshold());
        let mut reader = Reader::new(bytes, OBJECT, Self::HEADER_BYTES + 33 * count)?;
        let _: &[u8; 3] = reader.take()?;
        let precursor = Point::decode(reader.take()?, "commitments precursor")?;
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            points.push(Point::decode(reader.take()?, "commitment")?);
        }
        let field = "commitments proof";
        let proof = [
            decode_scalar(reader.take()?, field)?,
            decode_scalar(reader.take()?, field)?,
        ];
        Ok(Self {
            statement: Statement {
                precursor,
                points,
                proof,
            },
            signature: Signature::decode(reader.take()?, "commitments signature")?,
        })
    }

    /// Writes the fields of the table above.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.statement.to_bytes();
        bytes.extend_from_slice(&self.signature.to_bytes());
        bytes
    }

    /// m, the cfrags that an opening needs.
    pub fn threshold(&self) -> usize {
        self.statement.points.len()
    }

    /// Checks that the delegator signed them for this policy, with its threshold. Needs no secret:
    /// a miner can.
    ///
    /// # Errors
    /// [`Error::CommitmentsInvalid`].
    pub fn check_signature(&self, context: &Context, policy: &Policy) -> Result<()> {
        let digest = self.statement.digest(context, policy);
        let signed = context.verifying.verify_digest(&digest, &self.signature);
        let threshold = usize::from(policy.quorum.threshold());
        if signed.is_ok() && self.threshold() == threshold {
            Ok(())
        } else {
            Err(Error::CommitmentsInvalid)
        }
    }

    /// Checks that the kfrag is of the delegation the commitments are for, by its X. Needs no
    /// secret: a miner can.
    ///
    /// # Errors
    /// [`Error::AnotherDelegation`].
    pub fn check_delegation(&self, kfrag: &VerifiedKeyFrag) -> Result<()> {
        if kfrag.frag.precursor == self.statement.precursor {
            Ok(())
        } else {
            Err(Error::AnotherDelegation)
        }
    }

    /// Checks, with the receiver's key, that f(0) = a / d, after the signature.
    ///
    /// # Errors
    /// [`Error::CommitmentsInvalid`]; [`Error::InconsistentShares`] if the polynomial is not one
    /// that opens what is encrypted to A.
    pub fn check_origin(
        &self,
        receiving: &SecretKey,
        context: &Context,
        policy: &Policy,
    ) -> Result<()> {
        self.check_signature(context, policy)?;
        let d = self.ephemeral(receiving).secret_scalar()?;
        let first = self.statement.points.first();
        let image = first.ok_or(Error::CommitmentsInvalid)?.projective() * d.expose();
        let [c, s] = self.statement.proof;
        let a = context.delegating.projective();
        let r1 = ProjectivePoint::lincomb(&[(ProjectivePoint::GENERATOR, s), (a, c)]);
        let r2 = ProjectivePoint::lincomb(&[(point_u().projective(), s), (image, c)]);
        let [image, r1, r2] =
            Point::normalise(&[image, r1, r2]).ok_or(Error::InconsistentShares)?;
        let origin = origin(context, policy, &self.statement.precursor);
        if origin_challenge(&origin, [&image, &r1, &r2]) == c {
            Ok(())
        } else {
            Err(Error::InconsistentShares)
        }
    }

    /// Checks, with the receiver's key, that the share behind a cfrag lies on the polynomial:
    /// sum_k x^k C_k = U1.
    ///
    /// # Errors
    /// [`Error::InconsistentShares`].
    pub fn check_capsule_frag(&self, receiving: &SecretKey, cfrag: &CapsuleFrag) -> Result<()> {
        // The powers of x are secret: constant time.
        let x = Zeroizing::new(self.ephemeral(receiving).share_argument(&cfrag.id));
        let mut power = Zeroizing::new(Scalar::ONE);
        let mut terms = Zeroizing::new(Vec::with_capacity(self.threshold() + 1));
        for point in &self.statement.points {
            terms.push((point.projective(), *power));
            *power *= *x;
        }
        terms.push((cfrag.u1.projective(), -Scalar::ONE));
        let on_it = bool::from(ProjectivePoint::lincomb(terms.as_slice()).is_identity());
        if on_it && cfrag.precursor == self.statement.precursor {
            Ok(())
        } else {
            Err(Error::InconsistentShares)
        }
    }

    /// Signs again, as a cheating delegator does: for keys the commitments are not for.
    #[cfg(test)]
    fn sign_again(&mut self, signer: &Signer, context: &Context, policy: &Policy) {
        let digest = self.statement.digest(context, policy);
        self.signature = signer.sign_digest(&[0; 32], digest).unwrap();
    }

    fn ephemeral(&self, receiving: &SecretKey) -> Ephemeral {
        let precursor = self.statement.precursor;
        let dh = Zeroizing::new(precursor.projective() * receiving.expose());
        Ephemeral::new(precursor, &receiving.public_key(), compress_secret(&dh))
    }
}

impl Statement {
    fn digest(&self, context: &Context, policy: &Policy) -> [u8; 32] {
        tagged(COMMITMENTS_TAG)
            .chain_update(policy.policy_id)
            .chain_update(context.delegating.to_bytes())
            .chain_update(context.receiving.to_bytes())
            .chain_update(self.to_bytes())
            .finalize()
            .into()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let count = u16::try_from(self.points.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::from([VERSION]);
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(self.precursor.bytes());
        for point in &self.points {
            bytes.extend_from_slice(point.bytes());
        }
        for scalar in &self.proof {
            bytes.extend_from_slice(&scalar.to_bytes());
        }
        bytes
    }
}

/// What a proof of origin is for: the policy, X, A, B and the key of who signs.
type Origin = [u8; Policy::BYTES + 4 * 33];

fn origin(context: &Context, policy: &Policy, precursor: &Point) -> Origin {
    concat(&[
        &policy.to_bytes(),
        precursor.bytes(),
        &context.delegating.to_bytes(),
        &context.receiving.to_bytes(),
        &context.verifying.to_bytes(),
    ])
}

/// (c, s) for r1 = tG, r2 = tU: s = t - c*a. t is hashed from a, DH, all that the challenge is for,
/// and 32 random bytes: two challenges for one t would give a away.
fn prove_origin(
    witness: &Witness<'_>,
    random: &[u8; 32],
    dh: &[u8; 33],
    origin: &Origin,
) -> Result<[Scalar; 2]> {
    let key = witness.delegating.to_secret_bytes();
    let nonce = hash_to_scalar(ORIGIN_NONCE_TAG, &[&*key, dh, origin, random]);
    let nonce = SecretScalar::new(nonce, Error::Bug("a hash to a scalar is never zero"))?;
    let a = witness.delegating.expose();
    let all = [
        mul_point_u(a),
        mul_generator(nonce.expose()),
        mul_point_u(nonce.expose()),
    ];
    let [image, r1, r2] = Point::normalise(&all).ok_or(Error::RngDegenerate)?;
    let c = origin_challenge(origin, [&image, &r1, &r2]);
    Ok([c, nonce.expose() - &(c * a)])
}

fn origin_challenge(origin: &Origin, [image, r1, r2]: [&Point; 3]) -> Scalar {
    hash_to_scalar(ORIGIN_TAG, &[origin, image.bytes(), r1.bytes(), r2.bytes()])
}

#[cfg(test)]
mod tests;
