//! A delegation, an honest fragment, and every way to forge one.

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
use umbral::{
    CAPSULE_FRAG_BYTES, Capsule, Context, KfragParams, Quorum, SecretKeyFactory, SignedKeys,
    Signer, VerifiedKeyFrag, generate_kfrags, hazmat,
};

use crate::judge::{Case, address, challenge, digest, is_high};

type Cfrag = [u8; CAPSULE_FRAG_BYTES];

/// A delegation with one honest fragment; reproducible.
pub(crate) struct Setting {
    pub(crate) capsule: Capsule,
    pub(crate) capsule_bytes: [u8; 98],
    pub(crate) context: Context,
    pub(crate) honest: Cfrag,
    other: Cfrag,
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

impl Setting {
    pub(crate) fn new() -> Self {
        Self::seeded(0)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let rng = &mut Counter(seed << 32);
        let factory = SecretKeyFactory::random(rng).unwrap();
        let delegating = factory.make_key(b"label").unwrap();
        let receiving = factory.make_key(b"reader").unwrap().public_key();
        let signer = Signer::random(rng).unwrap();
        let params = KfragParams {
            delegating: &delegating,
            receiving: &receiving,
            signer: &signer,
            quorum: Quorum::new(2, 2).unwrap(),
            signed: SignedKeys::BOTH,
        };
        let kfrags = generate_kfrags(rng, &params).unwrap();
        let (capsule, _) = umbral::encapsulate(rng, &delegating.public_key()).unwrap();
        let t = Scalar::from(0x1234_5678_9abc_def0 + seed);
        let answer = |kfrag: &VerifiedKeyFrag| {
            let kfrag = umbral::KeyFrag::from_simple(&kfrag.to_secret_simple()).unwrap();
            let nonce = t.to_repr().into();
            hazmat::reencrypt_with_nonce(&nonce, &capsule, &kfrag)
                .unwrap()
                .to_simple()
        };
        let rk: [u8; 32] = kfrags[0].to_secret_simple()[32..64].try_into().unwrap();
        Self {
            honest: answer(&kfrags[0]),
            other: answer(&kfrags[1]),
            capsule_bytes: capsule.to_simple(),
            context: *kfrags[0].context(),
            rk: Scalar::from_repr(rk.into()).unwrap(),
            t,
            capsule,
        }
    }

    pub(crate) fn case<'a>(&'a self, cfrag: &'a Cfrag) -> Case<'a> {
        let (a, b) = (
            self.context.delegating.to_bytes(),
            self.context.receiving.to_bytes(),
        );
        Case {
            capsule: &self.capsule_bytes,
            cfrag,
            digest: digest(cfrag, &a, &b),
            signer: address(&self.context.verifying.to_uncompressed()),
        }
    }

    fn with(&self, offset: usize, part: &[u8]) -> Cfrag {
        let mut cfrag = self.honest;
        cfrag[offset..offset + part.len()].copy_from_slice(part);
        cfrag
    }

    /// What a prover who knows rk and t makes of other points: z fits the new challenge.
    fn answered(&self, mut cfrag: Cfrag) -> Cfrag {
        let h = challenge(&self.case(&cfrag)).to_bytes_be();
        let mut bytes = [0; 32];
        bytes[32 - h.len()..].copy_from_slice(&h);
        let h = Scalar::from_repr(bytes.into()).unwrap();
        cfrag[263..295].copy_from_slice(&(self.t + h * self.rk).to_repr());
        cfrag
    }

    /// Name, fragment and the code of the cheapest witness.
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
        let case = self.case(&self.honest);
        let scalar = |bytes: &[u8]| {
            let mut out = [0; 32];
            out[32 - bytes.len()..].copy_from_slice(bytes);
            Scalar::from_repr(out.into()).unwrap()
        };
        let (z, h) = (
            scalar(&self.honest[263..295]),
            scalar(&challenge(&case).to_bytes_be()),
        );
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
        let point = |bytes: &[u8]| {
            let x = FieldBytes::try_from(&bytes[1..]).unwrap();
            AffinePoint::decompress(&x, (bytes[0] & 1).into()).unwrap()
        };
        let coordinates = |point: ProjectivePoint| {
            point.to_affine().to_sec1_point(false).as_bytes()[1..].to_vec()
        };
        let (w1, w2) = (coordinates(point(base) * z), coordinates(point(image) * h));
        [&[0, 0], w1.as_slice(), &w2, &point(offset).y()].concat()
    }
}
