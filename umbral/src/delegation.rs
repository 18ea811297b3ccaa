//! Splitting a re-encryption key over n proxies, m of which suffice.

use alloc::vec::Vec;

use k256::ProjectivePoint;
use k256::Scalar;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::arithmetic::constant_time::{mul_generator, mul_point_u};
use crate::arithmetic::point::{Point, normalise_with_secret};
use crate::arithmetic::scalar::{SecretScalar, draw, evaluate};
use crate::ephemeral::Ephemeral;
use crate::error::{Error, Result};
use crate::hashing::sha256;
use crate::key_frag::{KeyFrag, KnownKeys, SignedKeys, VerifiedKeyFrag, signed_message};
use crate::keys::context::Context;
use crate::keys::signing::{Signature, Signer};
use crate::keys::{PublicKey, SecretKey};

/// The most shares a key is split into, and the most fragments an opening takes.
pub const MAX_SHARES: u16 = 255;

/// m of n: a threshold that is not zero, not above n, with n at most [`MAX_SHARES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    threshold: u16,
    shares: u16,
}

impl Quorum {
    /// `threshold` fragments out of `shares` open a capsule.
    ///
    /// # Errors
    /// [`Error::ThresholdZero`], [`Error::ThresholdAboveShares`] or [`Error::TooManyShares`].
    pub const fn new(threshold: u16, shares: u16) -> Result<Self> {
        if threshold == 0 {
            return Err(Error::ThresholdZero);
        }
        if threshold > shares {
            return Err(Error::ThresholdAboveShares { threshold, shares });
        }
        if shares > MAX_SHARES {
            return Err(Error::TooManyShares {
                given: shares as usize,
                limit: MAX_SHARES as usize,
            });
        }
        Ok(Self { threshold, shares })
    }

    /// m, fragments needed.
    pub const fn threshold(&self) -> u16 {
        self.threshold
    }

    /// n, fragments made.
    pub const fn shares(&self) -> u16 {
        self.shares
    }
}

/// What a delegation is made of.
#[derive(Clone, Copy, Debug)]
pub struct KfragParams<'a> {
    /// The key whose capsules the receiver will be able to open. One per label: m proxies and the
    /// receiver together can compute it.
    pub delegating: &'a SecretKey,
    /// The receiver's key.
    pub receiving: &'a PublicKey,
    /// Signs the fragments.
    pub signer: &'a Signer,
    /// m of n.
    pub quorum: Quorum,
    /// Which keys the signature for the proxy covers; [`SignedKeys::BOTH`] unless you must.
    pub signed: SignedKeys,
}

/// Splits the re-encryption key A -> B into n fragments.
///
/// Umbral paper, algorithm `ReKeyGen`: with x random, X = xG, DH = xB,
/// d = HS(`SHARED_SECRET`, X, B, DH), the polynomial f of degree m - 1 has f(0) = a / d and random
/// further coefficients; fragment i is rk_i = f(x_i), x_i = HS(`POLYNOMIAL_ARG`, X, B, DH, id_i).
///
/// Draws x, then the m - 1 coefficients, then per fragment 32 bytes each for its id, the signature
/// for the receiver and the signature for the proxy. Time grows linearly with n.
///
/// # Errors
/// [`Error::Rng`] if the generator fails, [`Error::RngDegenerate`] if it repeats itself.
pub fn generate_kfrags<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    params: &KfragParams<'_>,
) -> Result<Vec<VerifiedKeyFrag>> {
    let base = Base::draw(
        rng,
        &BaseParams {
            delegating: params.delegating,
            receiving: params.receiving,
            threshold: params.quorum.threshold,
        },
    )?;
    let mut shares = Vec::with_capacity(params.quorum.shares.into());
    for _ in 0..params.quorum.shares {
        shares.push(Share::draw(rng, &base)?);
    }
    let commitments = commit(&shares)?;
    let context = Context {
        delegating: params.delegating.public_key(),
        receiving: *params.receiving,
        verifying: params.signer.verifying_key(),
    };
    let precursor = base.ephemeral.precursor;
    let shares: Vec<_> = shares.into_iter().zip(commitments).collect();
    let signatures = sign(params, &context, &precursor, &shares)?;
    let finished = shares.into_iter().zip(signatures);
    let finished = finished.map(|((share, commitment), (for_receiver, for_proxy))| {
        let frag = KeyFrag {
            id: share.id,
            key: share.key,
            precursor,
            commitment,
            for_proxy,
            for_receiver,
            signed: params.signed,
        };
        VerifiedKeyFrag { frag, context }
    });
    Ok(finished.collect())
}

/// U1 of every share, in a form a contract can judge.
pub(crate) fn commit(shares: &[Share]) -> Result<Vec<Point>> {
    refuse_repeated_ids(shares)?;
    let commitments = shares.iter().map(|share| mul_point_u(share.key.expose()));
    let commitments: Vec<ProjectivePoint> = commitments.collect();
    let commitments = Point::normalise_all(&commitments).ok_or(Error::RngDegenerate)?;
    if commitments.iter().all(Point::is_judgeable) {
        Ok(commitments)
    } else {
        Err(Error::RngDegenerate)
    }
}

/// The signatures for the receiver and for the proxy of every fragment, made together.
fn sign(
    params: &KfragParams<'_>,
    context: &Context,
    precursor: &Point,
    shares: &[(Share, Point)],
) -> Result<Vec<(Signature, Signature)>> {
    let both = KnownKeys {
        delegating: Some(&context.delegating),
        receiving: Some(&context.receiving),
    };
    let flagged = KnownKeys {
        delegating: both.delegating.filter(|_| params.signed.delegating),
        receiving: both.receiving.filter(|_| params.signed.receiving),
    };
    let mut requests = Vec::with_capacity(2 * shares.len());
    for (share, commitment) in shares {
        let digest = |keys| sha256(&signed_message(&share.id, commitment, precursor, keys));
        requests.push((&*share.extra_receiver, digest(both)));
        requests.push((&*share.extra_proxy, digest(flagged)));
    }
    let signatures = params.signer.sign_all(&requests)?;
    let (pairs, _) = signatures.as_chunks::<2>();
    Ok(pairs
        .iter()
        .map(|[receiver, proxy]| (*receiver, *proxy))
        .collect())
}

/// What all fragments of a delegation have in common.
pub(crate) struct Base {
    pub(crate) ephemeral: Ephemeral,
    pub(crate) coefficients: Zeroizing<Vec<Scalar>>,
}

/// Whose key is split for whom, and the number of coefficients.
pub(crate) struct BaseParams<'a> {
    pub(crate) delegating: &'a SecretKey,
    pub(crate) receiving: &'a PublicKey,
    pub(crate) threshold: u16,
}

impl Base {
    pub(crate) fn draw<R: TryCryptoRng + ?Sized>(
        rng: &mut R,
        params: &BaseParams<'_>,
    ) -> Result<Self> {
        let secret = SecretScalar::random(rng)?;
        let precursor = mul_generator(secret.expose());
        let dh = Zeroizing::new(params.receiving.projective() * secret.expose());
        let (precursor, dh) = normalise_with_secret([precursor], &dh);
        let [precursor] = precursor.ok_or(Error::RngDegenerate)?;
        let ephemeral = Ephemeral::new(precursor, params.receiving, dh);

        let inverse = ephemeral.secret_scalar()?.invert()?;
        let degree = params.threshold.saturating_sub(1);
        let mut coefficients = Zeroizing::new(Vec::with_capacity(params.threshold.into()));
        coefficients.push(params.delegating.expose() * inverse.expose());
        for _ in 0..degree {
            coefficients.push(*SecretScalar::random(rng)?.expose());
        }
        Ok(Self {
            ephemeral,
            coefficients,
        })
    }
}

/// One fragment before its commitment and signatures, with all it drew.
pub(crate) struct Share {
    pub(crate) id: [u8; 32],
    pub(crate) key: SecretScalar,
    pub(crate) extra_receiver: Zeroizing<[u8; 32]>,
    extra_proxy: Zeroizing<[u8; 32]>,
}

impl Share {
    pub(crate) fn draw<R: TryCryptoRng + ?Sized>(rng: &mut R, base: &Base) -> Result<Self> {
        let mut id = [0; 32];
        let mut extra_receiver = Zeroizing::new([0; 32]);
        let mut extra_proxy = Zeroizing::new([0; 32]);
        draw(rng, &mut id)?;
        draw(rng, &mut extra_receiver)?;
        draw(rng, &mut extra_proxy)?;
        let x = Zeroizing::new(base.ephemeral.share_argument(&id));
        let key = SecretScalar::new(evaluate(&base.coefficients, &x), Error::RngDegenerate)?;
        Ok(Self {
            id,
            key,
            extra_receiver,
            extra_proxy,
        })
    }
}

/// Two fragments with one id would be one share given twice: only a broken generator does that.
fn refuse_repeated_ids(shares: &[Share]) -> Result<()> {
    let mut ids: Vec<&[u8; 32]> = shares.iter().map(|share| &share.id).collect();
    ids.sort_unstable();
    let repeated = ids
        .iter()
        .zip(ids.iter().skip(1))
        .any(|(one, next)| one == next);
    if repeated {
        Err(Error::RngDegenerate)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
