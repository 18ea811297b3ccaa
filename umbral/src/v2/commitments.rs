//! Commitments to the polynomial of a delegation, so that inconsistent shares are found out before
//! anybody works or pays for them.
//!
//! Feldman's commitments C_k = f_k * U, published and signed once per delegation. Whoever knows the
//! arguments x_i, that is the receiver and the delegator, can check
//!
//! * sum_k x_i^k C_k = U1_i for every share: all shares lie on one polynomial of degree m - 1;
//! * that f(0) = a / d: log_U(d * C_0) = log_G(A), by a proof of equal logarithms
//!   (c, s): c = HS(`UMBRAL_ORIGIN_V2`, A, d*C_0, s*G + c*A, s*U + c*d*C_0).
//!
//! Together: any m shares open what is encrypted to A. A miner knows no x_i, and must not: with
//! them m miners could combine without the receiver. What a miner can check is that the commitments
//! are signed for its policy; what tells it that they are sound is the receiver's word, and the
//! receiver can prove a fraud to anyone, as the delegator signs the commitments and each U1.

use alloc::vec::Vec;

use k256::elliptic_curve::Group as _;
use k256::elliptic_curve::ops::LinearCombination as _;
use k256::{ProjectivePoint, Scalar};
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::{Policy, VERSION, VerifiedKeyFrag, tagged};
use crate::arithmetic::constant_time::{mul_generator, mul_point_u};
use crate::arithmetic::params::point_u;
use crate::arithmetic::point::{Point, compress_secret};
use crate::arithmetic::scalar::{SecretScalar, decode_scalar};
use crate::cfrag::CapsuleFrag;
use crate::delegation::{Base, Quorum};
use crate::ephemeral::Ephemeral;
use crate::error::{Error, Result};
use crate::hashing::hash_to_scalar;
use crate::keys::SecretKey;
use crate::keys::context::Context;
use crate::keys::signing::{Signature, Signer};
use crate::wire::Reader;

const ORIGIN_TAG: &[u8] = b"UMBRAL_ORIGIN_V2";
const ORIGIN_NONCE_TAG: &[u8] = b"UMBRAL_ORIGIN_NONCE_V2";
const COMMITMENTS_TAG: &[u8] = b"UMBRAL_COMMITMENTS_V2";

/// Bytes of commitments besides 33 per coefficient.
pub const COMMITMENTS_HEADER_BYTES: usize = 1 + 2 + 33 + 64 + 64;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitments {
    precursor: Point,
    points: Vec<Point>,
    proof: [Scalar; 2],
    signature: Signature,
}

/// The delegator's secrets and 64 random bytes.
pub(super) struct Witness<'a> {
    pub(super) delegating: &'a SecretKey,
    pub(super) signer: &'a Signer,
    pub(super) extra: &'a Zeroizing<[[u8; 32]; 2]>,
}

impl Commitments {
    pub(super) fn new(
        witness: &Witness<'_>,
        base: &Base,
        context: &Context,
        policy: &Policy,
    ) -> Result<Self> {
        let [for_nonce, for_signature] = &**witness.extra;
        let points: Vec<_> = base.coefficients.iter().map(mul_point_u).collect();
        let points = Point::normalise_all(&points).ok_or(Error::RngDegenerate)?;

        let key = witness.delegating.to_secret_bytes();
        let nonce = hash_to_scalar(
            ORIGIN_NONCE_TAG,
            &[&*key, base.ephemeral.dh_bytes(), for_nonce],
        );
        let nonce = SecretScalar::new(nonce, Error::Bug("a hash to a scalar is never zero"))?;
        let a = witness.delegating.expose();
        let all = [
            mul_point_u(a),
            mul_generator(nonce.expose()),
            mul_point_u(nonce.expose()),
        ];
        let [image, r1, r2] = Point::normalise(&all).ok_or(Error::RngDegenerate)?;
        let c = origin_challenge(context, [&image, &r1, &r2]);
        let mut commitments = Self {
            precursor: base.ephemeral.precursor,
            points,
            proof: [c, nonce.expose() - &(c * a)],
            // Replaced at once: the digest does not cover it.
            signature: witness.signer.sign_with(for_signature, &[])?,
        };
        let digest = commitments.digest(context, policy);
        let signed = witness.signer.sign_all(&[(for_signature, digest)])?;
        commitments.signature = *signed
            .first()
            .ok_or(Error::Bug("one digest, one signature"))?;
        Ok(commitments)
    }

    /// Reads the table above.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Framing`], an impossible m, or the first field that is not
    /// canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let object = "commitments";
        let header = bytes.first_chunk::<3>().ok_or(Error::Framing { object })?;
        let [VERSION, high, low] = *header else {
            return Err(Error::Framing { object });
        };
        let threshold = u16::from_be_bytes([high, low]);
        let count = usize::from(Quorum::new(threshold, threshold)?.threshold());
        let mut reader = Reader::new(bytes, object, COMMITMENTS_HEADER_BYTES + 33 * count)?;
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
        let signature = Signature::decode(reader.take()?, "commitments signature")?;
        Ok(Self {
            precursor,
            points,
            proof,
            signature,
        })
    }

    /// The table above.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.body().as_slice(), &self.signature.to_bytes()].concat()
    }

    /// m, fragments needed.
    pub fn threshold(&self) -> usize {
        self.points.len()
    }

    /// Checks that the delegator signed them for this policy, with its threshold. Needs no secret:
    /// a miner can.
    ///
    /// # Errors
    /// [`Error::CommitmentsInvalid`].
    pub fn check_signature(&self, context: &Context, policy: &Policy) -> Result<()> {
        let digest = self.digest(context, policy);
        let signed = context.verifying.verify_digest(&digest, &self.signature);
        let threshold = usize::from(policy.quorum.threshold());
        if signed.is_ok() && self.threshold() == threshold {
            Ok(())
        } else {
            Err(Error::CommitmentsInvalid)
        }
    }

    /// Checks that a fragment is of the delegation the commitments are for, by its X. Needs no
    /// secret: a miner can.
    ///
    /// # Errors
    /// [`Error::InconsistentShares`].
    pub fn check_delegation(&self, frag: &VerifiedKeyFrag) -> Result<()> {
        if *frag.precursor() == self.precursor {
            Ok(())
        } else {
            Err(Error::InconsistentShares)
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
        let first = self.points.first().ok_or(Error::CommitmentsInvalid)?;
        let image = first.projective() * d.expose();
        let [c, s] = self.proof;
        let a = context.delegating.projective();
        let r1 = ProjectivePoint::lincomb(&[(ProjectivePoint::GENERATOR, s), (a, c)]);
        let r2 = ProjectivePoint::lincomb(&[(point_u().projective(), s), (image, c)]);
        let [image, r1, r2] =
            Point::normalise(&[image, r1, r2]).ok_or(Error::InconsistentShares)?;
        if origin_challenge(context, [&image, &r1, &r2]) == c {
            Ok(())
        } else {
            Err(Error::InconsistentShares)
        }
    }

    /// Checks, with the receiver's key, that the share behind a capsule fragment lies on the
    /// polynomial.
    ///
    /// # Errors
    /// [`Error::InconsistentShares`].
    pub fn check_capsule_frag(&self, receiving: &SecretKey, frag: &CapsuleFrag) -> Result<()> {
        self.check_share(receiving, (&frag.id, &frag.precursor, &frag.u1))
    }

    /// Checks, with the receiver's key, that a share lies on the polynomial.
    ///
    /// # Errors
    /// [`Error::InconsistentShares`].
    pub fn check_key_frag(&self, receiving: &SecretKey, frag: &VerifiedKeyFrag) -> Result<()> {
        let (id, u1) = (frag.id(), frag.commitment());
        self.check_share(receiving, (id, &self.precursor, u1))
    }

    /// sum_k x^k C_k = U1. The powers of x are secret: constant time.
    fn check_share(
        &self,
        receiving: &SecretKey,
        (id, precursor, u1): (&[u8; 32], &Point, &Point),
    ) -> Result<()> {
        let x = Zeroizing::new(self.ephemeral(receiving).share_argument(id));
        let mut power = Zeroizing::new(Scalar::ONE);
        let mut terms = Zeroizing::new(Vec::with_capacity(self.points.len() + 1));
        for point in &self.points {
            terms.push((point.projective(), *power));
            *power *= *x;
        }
        terms.push((u1.projective(), -Scalar::ONE));
        let difference = ProjectivePoint::lincomb(terms.as_slice());
        if *precursor == self.precursor && bool::from(difference.is_identity()) {
            Ok(())
        } else {
            Err(Error::InconsistentShares)
        }
    }

    /// What a cheating delegator does: signs for keys the commitments are not for.
    #[cfg(test)]
    pub(super) fn sign_again(&mut self, signer: &Signer, context: &Context, policy: &Policy) {
        let digest = self.digest(context, policy);
        self.signature = signer.sign_all(&[(&[0; 32], digest)]).unwrap()[0];
    }

    fn ephemeral(&self, receiving: &SecretKey) -> Ephemeral {
        let dh = Zeroizing::new(self.precursor.projective() * receiving.expose());
        Ephemeral::new(
            self.precursor,
            &receiving.public_key(),
            compress_secret(&dh),
        )
    }

    fn digest(&self, context: &Context, policy: &Policy) -> [u8; 32] {
        tagged(COMMITMENTS_TAG)
            .chain_update(policy.policy_id)
            .chain_update(context.delegating.to_bytes())
            .chain_update(context.receiving.to_bytes())
            .chain_update(self.body())
            .finalize()
            .into()
    }

    fn body(&self) -> Vec<u8> {
        let count = u16::try_from(self.points.len()).unwrap_or(u16::MAX);
        let mut body = Vec::from([VERSION]);
        body.extend_from_slice(&count.to_be_bytes());
        body.extend_from_slice(self.precursor.bytes());
        for point in &self.points {
            body.extend_from_slice(point.bytes());
        }
        for scalar in &self.proof {
            body.extend_from_slice(&scalar.to_bytes());
        }
        body
    }
}

fn origin_challenge(context: &Context, [image, r1, r2]: [&Point; 3]) -> Scalar {
    let a = context.delegating.to_bytes();
    hash_to_scalar(ORIGIN_TAG, &[&a, image.bytes(), r1.bytes(), r2.bytes()])
}
