//! Splitting a key over the miners of a policy.

use alloc::vec::Vec;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::commitments::{Commitments, Witness};
use super::key_frag::{KeyFrag, VerifiedKeyFrag};
use super::{Miner, Policy, Subject};
use crate::arithmetic::scalar::draw;
use crate::delegation::{Base, BaseParams, Share, commit};
use crate::error::{Error, Result};
use crate::key_frag::{KeyFrag as Inner, SignedKeys};
use crate::keys::context::Context;
use crate::keys::signing::Signer;
use crate::keys::{PublicKey, SecretKey};

/// What a delegation of version 2 is made of.
#[derive(Clone, Copy, Debug)]
pub struct GrantParams<'a> {
    /// The key whose capsules the receiver will be able to open. One per label.
    pub delegating: &'a SecretKey,
    /// The receiver's key.
    pub receiving: &'a PublicKey,
    /// Signs the fragments.
    pub signer: &'a Signer,
    /// What is granted.
    pub policy: &'a Policy,
    /// The miners, as many as the policy has shares; fragment i is for miner i.
    pub miners: &'a [Miner],
}

/// The fragments of a delegation, one per miner, and what the receiver checks them against.
#[derive(Debug)]
pub struct Granted {
    /// One fragment per miner, in the order of the miners.
    pub kfrags: Vec<VerifiedKeyFrag>,
    /// Commitments to the polynomial; public.
    pub commitments: Commitments,
}

/// Splits the re-encryption key A -> B over the miners of a policy.
///
/// As [`generate_kfrags`](crate::generate_kfrags), with one signature per fragment, bound to the
/// policy and the miner. Draws what that draws, then 64 bytes.
///
/// # Errors
/// [`Error::MinersMismatch`]; [`Error::Rng`] or [`Error::RngDegenerate`] if the generator fails.
pub fn generate_kfrags<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    params: &GrantParams<'_>,
) -> Result<Granted> {
    let quorum = params.policy.quorum;
    let (expected, given) = (usize::from(quorum.shares()), params.miners.len());
    if expected != given {
        return Err(Error::MinersMismatch { expected, given });
    }
    let base = Base::draw(
        rng,
        &BaseParams {
            delegating: params.delegating,
            receiving: params.receiving,
            threshold: quorum.threshold(),
        },
    )?;
    let mut shares = Vec::with_capacity(given);
    for _ in params.miners {
        shares.push(Share::draw(rng, &base)?);
    }
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
    let commitments = Commitments::new(&witness, &base, &context, params.policy)?;
    let kfrags = sign(params, &context, &base, shares)?;
    Ok(Granted {
        kfrags,
        commitments,
    })
}

fn sign(
    params: &GrantParams<'_>,
    context: &Context,
    base: &Base,
    shares: Vec<Share>,
) -> Result<Vec<VerifiedKeyFrag>> {
    let u1 = commit(&shares)?;
    let precursor = base.ephemeral.precursor;
    let subjects = shares.iter().zip(&u1).zip(params.miners);
    let requests: Vec<_> = subjects
        .map(|((share, u1), miner)| {
            let subject = Subject {
                miner,
                id: &share.id,
                u1,
                precursor: &precursor,
            };
            (
                &*share.extra_receiver,
                params.policy.digest(context, &subject),
            )
        })
        .collect();
    let signatures = params.signer.sign_all(&requests)?;
    let finished = shares.into_iter().zip(u1).zip(signatures);
    let finished = finished.map(|((share, commitment), signature)| {
        let frag = KeyFrag::new(Inner {
            id: share.id,
            key: share.key,
            precursor,
            commitment,
            for_proxy: signature,
            for_receiver: signature,
            signed: SignedKeys::BOTH,
        });
        VerifiedKeyFrag::new(frag, *context)
    });
    Ok(finished.collect())
}
