//! Splitting a key over n proxies, under version 1.

use alloc::vec::Vec;

use rand_core::TryCryptoRng;

use super::error::Result;
use super::kfrag::{KeyFrag, KnownKeys, SignedKeys, VerifiedKeyFrag, signed_digest};
use crate::arithmetic::point::Point;
use crate::keys::context::Context;
use crate::keys::signing::{Request, Signature, Signer};
use crate::keys::{PublicKey, SecretKey};
use crate::kfrag;
use crate::kfrag::polynomial::{Polynomial, Share, commit};
use crate::policy::Quorum;

/// Inputs of a delegation of version 1.
#[derive(Clone, Copy, Debug)]
pub struct KfragParams<'a> {
    /// Key whose capsules the receiver will be able to open.
    pub delegating: &'a SecretKey,
    /// Key B, which will open the capsules.
    pub receiving: &'a PublicKey,
    /// Makes both signatures of every kfrag.
    pub signer: &'a Signer,
    /// m kfrags that suffice, of n that are made.
    pub quorum: Quorum,
    /// Keys that the signature for the proxy covers.
    pub signed: SignedKeys,
}

/// Splits the re-encryption key A -> B into n kfrags of version 1.
///
/// Draws x, then the m - 1 coefficients, then per kfrag 32 bytes each for its id, the signature
/// for the receiver and the signature for the proxy.
///
/// # Errors
/// [`Error::Rng`](crate::Error) or [`Error::RngDegenerate`](crate::Error) if the generator fails.
pub fn generate_kfrags<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    params: &KfragParams<'_>,
) -> Result<Vec<VerifiedKeyFrag>> {
    let quorum = params.quorum;
    let threshold = quorum.threshold();
    let polynomial = Polynomial::draw(rng, params.delegating, params.receiving, threshold)?;
    let shares = polynomial.shares(rng, quorum.shares())?;
    let commitments = commit(&shares)?;
    let context = Context {
        delegating: params.delegating.public_key(),
        receiving: *params.receiving,
        verifying: params.signer.verifying_key(),
    };
    let precursor = polynomial.ephemeral.precursor;
    let shares: Vec<_> = shares.into_iter().zip(commitments).collect();
    let signatures = sign(params, &context, &precursor, &shares)?;
    let finished = shares.into_iter().zip(signatures);
    let finished = finished.map(|((share, commitment), (for_receiver, for_proxy))| {
        let base = kfrag::KeyFrag {
            id: share.id,
            key: share.key,
            precursor,
            commitment,
            signature: for_receiver,
        };
        let frag = KeyFrag {
            base,
            for_proxy,
            signed: params.signed,
        };
        VerifiedKeyFrag { frag, context }
    });
    Ok(finished.collect())
}

/// The signatures for the receiver and for the proxy of every kfrag, made together.
fn sign(
    params: &KfragParams<'_>,
    context: &Context,
    precursor: &Point,
    shares: &[(Share, Point)],
) -> Result<Vec<(Signature, Signature)>> {
    let both = KnownKeys::both(context);
    let flagged = both.covered(params.signed);
    let mut requests = Vec::with_capacity(2 * shares.len());
    for (share, u1) in shares {
        let (u1, x) = (u1.bytes(), precursor.bytes());
        for (extra, keys) in share.extra.iter().zip([both, flagged]) {
            let digest = signed_digest(&share.id, u1, x, keys);
            requests.push(Request { extra, digest });
        }
    }
    let signatures = params.signer.sign_all(&requests)?;
    let (pairs, _) = signatures.as_chunks::<2>();
    Ok(pairs
        .iter()
        .map(|[receiver, proxy]| (*receiver, *proxy))
        .collect())
}
