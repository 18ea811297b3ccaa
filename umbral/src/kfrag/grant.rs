//! Splits a re-encryption key over the miners of a policy.

use alloc::vec::Vec;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::polynomial::{Polynomial, Share, commit};
use super::{KeyFrag, VerifiedKeyFrag};
use crate::arithmetic::scalar::draw;
use crate::commitments::{Commitments, Witness};
use crate::error::{Error, Result};
use crate::keys::context::Context;
use crate::keys::signing::{Request, Signer};
use crate::keys::{PublicKey, SecretKey};
use crate::policy::{Miner, Policy, Subject};

/// Inputs of a delegation: keys, policy, miners.
#[derive(Clone, Copy, Debug)]
pub struct GrantParams<'a> {
    /// Key whose capsules the receiver will be able to open. One per label: m miners and the
    /// receiver together can compute it.
    pub delegating: &'a SecretKey,
    /// Key B, which will open the capsules.
    pub receiving: &'a PublicKey,
    /// Signs the kfrags and the commitments.
    pub signer: &'a Signer,
    /// Policy, quorum and time that the kfrags are bound to.
    pub policy: &'a Policy,
    /// Miners, as many as the policy has shares; kfrag i is for miner i.
    pub miners: &'a [Miner],
}

/// A delegation: its kfrags, and what the receiver checks them against.
#[derive(Debug)]
pub struct Granted {
    /// One kfrag per miner, in the order of the miners.
    pub kfrags: Vec<VerifiedKeyFrag>,
    /// Commitments to the polynomial; public.
    pub commitments: Commitments,
}

/// Splits the re-encryption key A -> B over the miners of a policy.
///
/// Umbral paper, algorithm `ReKeyGen`: with x random, X = xG, DH = xB,
/// d = HS(`SHARED_SECRET`, X, B, DH), the polynomial f of degree m - 1 has f(0) = a / d and random
/// further coefficients; kfrag i is rk_i = f(x_i), x_i = HS(`POLYNOMIAL_ARG`, X, B, DH, id_i).
///
/// Draws x, then the m - 1 coefficients, per kfrag 32 bytes each for its id and its signature and
/// 32 that stay unused, then 64 for the commitments. Time grows linearly with n.
///
/// # Errors
/// [`Error::MinersMismatch`]; [`Error::Rng`] if the generator fails, [`Error::RngDegenerate`] if it
/// repeats itself.
pub fn generate_kfrags<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    params: &GrantParams<'_>,
) -> Result<Granted> {
    let quorum = params.policy.quorum;
    let (expected, given) = (usize::from(quorum.shares()), params.miners.len());
    if expected != given {
        return Err(Error::MinersMismatch { expected, given });
    }
    let threshold = quorum.threshold();
    let polynomial = Polynomial::draw(rng, params.delegating, params.receiving, threshold)?;
    let shares = polynomial.shares(rng, quorum.shares())?;
    let mut extra = Zeroizing::new([[0; 32]; 2]);
    for half in extra.iter_mut() {
        draw(rng, half)?;
    }
    let context = Context {
        delegating: params.delegating.public_key(),
        receiving: *params.receiving,
        verifying: params.signer.verifying_key(),
    };
    let witness = Witness {
        delegating: params.delegating,
        signer: params.signer,
        extra: &extra,
    };
    let commitments = Commitments::new(&witness, &polynomial, &context, params.policy)?;
    let kfrags = sign(params, &context, &polynomial, shares)?;
    Ok(Granted {
        kfrags,
        commitments,
    })
}

/// Signs each share for its miner.
fn sign(
    params: &GrantParams<'_>,
    context: &Context,
    polynomial: &Polynomial,
    shares: Vec<Share>,
) -> Result<Vec<VerifiedKeyFrag>> {
    let u1 = commit(&shares)?;
    let precursor = polynomial.ephemeral.precursor;
    let subjects = shares.iter().zip(&u1).zip(params.miners);
    let requests: Vec<_> = subjects
        .map(|((share, u1), miner)| {
            let subject = Subject {
                miner,
                id: &share.id,
                u1: u1.bytes(),
                precursor: precursor.bytes(),
            };
            let [extra, _] = &*share.extra;
            Request {
                extra,
                digest: params.policy.digest(context, &subject),
            }
        })
        .collect();
    let signatures = params.signer.sign_all(&requests)?;
    let finished = shares.into_iter().zip(u1).zip(signatures);
    let finished = finished.map(|((share, commitment), signature)| {
        let frag = KeyFrag {
            id: share.id,
            key: share.key,
            precursor,
            commitment,
            signature,
        };
        VerifiedKeyFrag {
            frag,
            context: *context,
        }
    });
    Ok(finished.collect())
}

#[cfg(test)]
mod tests;
