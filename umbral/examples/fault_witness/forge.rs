//! A delegation, an honest cfrag, and every way to forge one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "vectors and tests: a mistake is to stop the run"
)]

use k256::elliptic_curve::ff::PrimeField as _;
use k256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use k256::elliptic_curve::sec1::ToSec1Point as _;
use k256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use umbral::compat::{self, KfragParams, SignedKeys};
use umbral::fault::{Fault, prove_fault};
use umbral::{
    Capsule, CapsuleFrag, Context, GrantParams, Miner, Policy, Quorum, SecretKey, SecretKeyFactory,
    Signer, generate_kfrags,
};

use crate::judge::{Case, Terms, address, challenge, digest, granted_message, is_high};

type Cfrag = [u8; CapsuleFrag::BYTES];

/// What a cfrag is granted for.
#[derive(Clone, Copy)]
pub(crate) struct Grant {
    pub(crate) policy: Policy,
    pub(crate) miner: Miner,
}

/// A delegation with one honest cfrag; reproducible.
pub(crate) struct Setting {
    pub(crate) capsule: Capsule,
    pub(crate) capsule_bytes: [u8; 98],
    pub(crate) context: Context,
    pub(crate) signer: Signer,
    pub(crate) receiving: SecretKey,
    pub(crate) grant: Option<Grant>,
    pub(crate) honest: Cfrag,
    /// Another honest answer to the same question.
    pub(crate) again: Cfrag,
    /// The honest answer of the other miner.
    pub(crate) other: Cfrag,
    rk: Scalar,
    t: Scalar,
}

/// A counter hashed: reproducible, for vectors only.
struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        use sha2::{Digest as _, Sha256};
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Sha256::digest(self.0.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

/// The keys of a delegation.
struct Keys {
    delegating: SecretKey,
    receiving: SecretKey,
    signer: Signer,
}

impl Keys {
    fn draw(rng: &mut Counter) -> Self {
        let factory = SecretKeyFactory::random(rng).unwrap();
        Self {
            delegating: factory.make_key(b"label").unwrap(),
            receiving: factory.make_key(b"reader").unwrap(),
            signer: Signer::random(rng).unwrap(),
        }
    }
}

impl Setting {
    pub(crate) fn new() -> Self {
        Self::seeded(0)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let rng = &mut Counter(seed << 32);
        let keys = Keys::draw(rng);
        let params = KfragParams {
            delegating: &keys.delegating,
            receiving: &keys.receiving.public_key(),
            signer: &keys.signer,
            quorum: Quorum::new(2, 2).unwrap(),
            signed: SignedKeys::BOTH,
        };
        let kfrags = compat::generate_kfrags(rng, &params).unwrap();
        let (capsule, _) = umbral::encapsulate(rng, &keys.delegating.public_key()).unwrap();
        let mut answer = |index: usize| {
            let cfrag = compat::reencrypt(rng, &capsule, &kfrags[index]);
            cfrag.unwrap().to_bytes()
        };
        let cfrags = [answer(0), answer(0), answer(1)];
        let rk = kfrags[0].to_secret_simple()[32..64].try_into().unwrap();
        let context = *kfrags[0].context();
        Self::finish(capsule, context, keys, rk, cfrags)
    }

    /// As [`Setting::seeded`], of version 2; judged is the first miner.
    pub(crate) fn granted(seed: u64, policy: &Policy, miners: &[Miner; 2]) -> Self {
        let rng = &mut Counter(seed << 32);
        let keys = Keys::draw(rng);
        let params = GrantParams {
            delegating: &keys.delegating,
            receiving: &keys.receiving.public_key(),
            signer: &keys.signer,
            policy,
            miners,
        };
        let kfrags = generate_kfrags(rng, &params).unwrap().kfrags;
        let (capsule, _) = umbral::encapsulate(rng, &keys.delegating.public_key()).unwrap();
        let mut answer = |index: usize| {
            let cfrag = umbral::reencrypt(rng, &capsule, &kfrags[index]);
            cfrag.unwrap().to_bytes()
        };
        let cfrags = [answer(0), answer(0), answer(1)];
        let rk = kfrags[0].to_secret_bytes()[33..65].try_into().unwrap();
        let grant = Grant {
            policy: *policy,
            miner: miners[0],
        };
        let context = *kfrags[0].context();
        Self {
            grant: Some(grant),
            ..Self::finish(capsule, context, keys, rk, cfrags)
        }
    }

    fn finish(
        capsule: Capsule,
        context: Context,
        keys: Keys,
        rk: [u8; 32],
        [honest, again, other]: [Cfrag; 3],
    ) -> Self {
        let mut setting = Self {
            capsule_bytes: capsule.to_bytes(),
            capsule,
            context,
            signer: keys.signer,
            receiving: keys.receiving,
            grant: None,
            honest,
            again,
            other,
            rk: Scalar::from_repr(rk.into()).unwrap(),
            t: Scalar::ZERO,
        };
        // z = t + h * rk: whoever knows rk knows t.
        let z: [u8; 32] = honest[263..295].try_into().unwrap();
        setting.t = Scalar::from_repr(z.into()).unwrap() - setting.h(&honest) * setting.rk;
        setting
    }

    pub(crate) fn case<'a>(&'a self, cfrag: &'a Cfrag) -> Case<'a> {
        let (a, b) = (
            self.context.delegating.to_bytes(),
            self.context.receiving.to_bytes(),
        );
        use sha2::{Digest as _, Sha256};
        let digest = match &self.grant {
            None => digest(cfrag, &a, &b),
            Some(grant) => {
                let message = granted_message(&Terms::of(grant), cfrag, &a, &b);
                Sha256::digest(message).into()
            }
        };
        Case {
            capsule: &self.capsule_bytes,
            cfrag,
            digest,
            signer: address(&self.context.verifying.to_uncompressed()),
        }
    }

    /// What the crate says of a cfrag.
    pub(crate) fn fault(&self, cfrag: &Cfrag) -> Option<Fault> {
        match &self.grant {
            None => compat::prove_fault(&self.capsule, cfrag, &self.context),
            Some(Grant { policy, miner }) => {
                prove_fault(&self.capsule, cfrag, &self.context, policy, miner)
            }
        }
    }

    /// The honest cfrag, signed by the delegator for anything else.
    pub(crate) fn misgranted(&self) -> Vec<(&'static str, Cfrag, u8)> {
        let right = Terms::of(&self.grant.unwrap());
        let a = &self.context.delegating.to_bytes();
        let b = &self.context.receiving.to_bytes();
        let flip = |bytes: &[u8]| bytes.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>();
        let names = [
            "granted on another chain",
            "granted in another contract",
            "granted under another policy",
            "granted to another miner",
            "granted with another threshold",
            "granted with another number of shares",
            "granted from another time on",
            "granted until another time",
            "granted under conditions",
        ];
        let mut messages: Vec<_> = (0..names.len())
            .map(|index| {
                let mut wrong = right.clone();
                wrong.0[index] = flip(&wrong.0[index]);
                granted_message(&wrong, &self.honest, a, b)
            })
            .collect();
        messages.push(granted_message(&right, &self.honest, b, a));
        let names = names.into_iter().chain(["granted with the keys exchanged"]);
        let signed = names.zip(messages).map(|(name, message)| {
            let signature = self.signer.sign(&mut Counter(77), &message).unwrap();
            (name, self.with(295, &signature.to_bytes()), 8)
        });
        signed.collect()
    }

    fn with(&self, offset: usize, part: &[u8]) -> Cfrag {
        let mut cfrag = self.honest;
        cfrag[offset..offset + part.len()].copy_from_slice(part);
        cfrag
    }

    /// What a prover who knows rk and t makes of other points: z fits the new challenge.
    fn answered(&self, mut cfrag: Cfrag) -> Cfrag {
        let z = self.t + self.h(&cfrag) * self.rk;
        cfrag[263..295].copy_from_slice(&z.to_repr());
        cfrag
    }

    fn h(&self, cfrag: &Cfrag) -> Scalar {
        let h = challenge(&self.capsule_bytes, cfrag).to_bytes_be();
        let mut bytes = [0; 32];
        bytes[32 - h.len()..].copy_from_slice(&h);
        Scalar::from_repr(bytes.into()).unwrap()
    }

    /// Name, cfrag and the code of the cheapest witness.
    pub(crate) fn forgeries(&self) -> Vec<(&'static str, Cfrag, u8)> {
        let n_minus_1: [u8; 32] = (-Scalar::ONE).to_repr().into();
        let mut order = n_minus_1;
        order[31] += 1;
        let mut above_order = [2; 33];
        above_order[1..].copy_from_slice(&order);
        let mut absent = [2; 33];
        absent[1..].copy_from_slice(&FieldBytes::from(Scalar::from(5_u32)));
        let s: [u8; 32] = self.honest[327..].try_into().unwrap();
        let high = -Scalar::from_repr(s.into()).unwrap();
        assert!(is_high(&high));
        let other = |range: core::ops::Range<usize>| &self.other[range];
        let rest = [
            ("z is zero", self.with(263, &[0; 32]), 4),
            ("z is n", self.with(263, &order), 4),
            ("z is 2^256 - 1", self.with(263, &[0xff; 32]), 4),
            ("E1 has tag 04", self.with(0, &[4]), 5),
            ("V1 is the identity", self.with(33, &[0; 33]), 5),
            ("E2 has x = 0", self.with(132, &[0; 32]), 5),
            ("V2 has x = n", self.with(164, &above_order), 5),
            ("U2 has x = 2^256 - 1", self.with(231, &[0xff; 32]), 5),
            ("X has tag 00", self.with(98, &[0]), 5),
            ("E1 is not on the curve", self.with(0, &absent), 6),
            ("U1 is not on the curve", self.with(197, &absent), 6),
            ("X is not on the curve", self.with(98, &absent), 6),
            ("another id", self.with(66, other(66..98)), 8),
            ("another U1", self.with(197, other(197..230)), 8),
            ("another signature", self.with(295, other(295..359)), 8),
            ("r is zero", self.with(295, &[0; 32]), 8),
            ("s is high", self.with(327, &high.to_repr()), 8),
            ("another U2", self.with(230, &self.honest[131..164]), 3),
            ("another E1", self.with(0, other(0..33)), 3),
            ("z plus one", self.with(263, &self.z_plus_one()), 3),
            (
                "E1 of another, answered",
                self.answered(self.with(0, other(0..33))),
                1,
            ),
            (
                "V1 of another, answered",
                self.answered(self.with(33, other(33..66))),
                2,
            ),
            ("E2 negated, answered", self.answered(self.negated(131)), 1),
            ("V2 negated, answered", self.answered(self.negated(164)), 2),
            ("U2 negated, answered", self.answered(self.negated(230)), 3),
        ];
        rest.into_iter()
            .chain([("U2 is U1", self.image_as_offset(), 3)])
            .collect()
    }

    fn negated(&self, offset: usize) -> Cfrag {
        self.with(offset, &[self.honest[offset] ^ 1])
    }

    fn z_plus_one(&self) -> [u8; 32] {
        let z: [u8; 32] = self.honest[263..295].try_into().unwrap();
        (Scalar::from_repr(z.into()).unwrap() + Scalar::ONE)
            .to_repr()
            .into()
    }

    /// The nearest one can come to a degenerate equation: P2 = P1, and W2 = hP1.
    fn image_as_offset(&self) -> Cfrag {
        let u1: Vec<u8> = self.honest[197..230].to_vec();
        self.with(230, &u1)
    }

    /// W1, W2 and P2.y of an equation as they are.
    pub(crate) fn true_witness(&self, index: u8) -> Vec<u8> {
        let z: [u8; 32] = self.honest[263..295].try_into().unwrap();
        let (z, h) = (Scalar::from_repr(z.into()).unwrap(), self.h(&self.honest));
        let [base, image, offset]: [&[u8]; 3] = match index {
            1 => [
                &self.capsule_bytes[..33],
                &self.honest[..33],
                &self.honest[131..164],
            ],
            2 => [
                &self.capsule_bytes[33..66],
                &self.honest[33..66],
                &self.honest[164..197],
            ],
            _ => [
                &crate::judge::U33,
                &self.honest[197..230],
                &self.honest[230..263],
            ],
        };
        let (w1, w2) = (
            coordinates(point(base).unwrap() * z),
            coordinates(point(image).unwrap() * h),
        );
        [&[0, 0], w1.as_slice(), &w2, &point(offset).unwrap().y()].concat()
    }
}

/// The point of a compressed encoding, if there is one.
pub(crate) fn point(bytes: &[u8]) -> Option<AffinePoint> {
    let x = FieldBytes::try_from(&bytes[1..]).unwrap();
    AffinePoint::decompress(&x, (bytes[0] & 1).into()).into_option()
}

/// x || y.
pub(crate) fn coordinates(point: ProjectivePoint) -> Vec<u8> {
    point.to_affine().to_sec1_point(false).as_bytes()[1..].to_vec()
}
