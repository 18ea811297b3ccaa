//! What the unit tests share: generators, a ready delegation, hostile byte strings.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};

use crate::*;

/// n, the group order, big-endian.
pub(crate) const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// n + small, big-endian.
pub(crate) fn order_plus(small: i8) -> [u8; 32] {
    let mut bytes = ORDER;
    bytes[31] = bytes[31].checked_add_signed(small).unwrap();
    bytes
}

/// Scalars that no decoder may accept: 0, n, n + 1, 2^256 - 1.
pub(crate) fn bad_scalars() -> [[u8; 32]; 4] {
    [[0; 32], ORDER, order_plus(1), [0xff; 32]]
}

/// Points that no decoder may accept, around a good x.
pub(crate) fn bad_points(good: [u8; 33]) -> Vec<[u8; 33]> {
    let with = |tag: u8, x: &[u8]| {
        let mut point = [0; 33];
        point[0] = tag;
        point[1..].copy_from_slice(x);
        point
    };
    let mut points: Vec<_> = (0..=255)
        .filter(|tag| ![2, 3].contains(tag))
        .map(|tag| with(tag, &good[1..]))
        .collect();
    let mut p = [0xff; 32];
    p[27] = 0xfe;
    p[30] = 0xfc;
    p[31] = 0x2f;
    let mut not_on_curve = [0; 32];
    not_on_curve[31] = 5;
    points.extend([with(2, &p), with(3, &[0xff; 32]), with(2, &not_on_curve)]);
    points.extend([with(2, &[0; 32]), with(3, &[0; 32]), [0; 33]]);
    points
}

/// A point of the curve with n <= x < p.
pub(crate) fn unjudgeable_point() -> [u8; 33] {
    let candidates = (0..100).map(|small| {
        let mut point = [2; 33];
        point[1..].copy_from_slice(&order_plus(small));
        point
    });
    candidates
        .into_iter()
        .find(|point| PublicKey::from_bytes(point).is_ok())
        .unwrap()
}

/// A reproducible generator: SHA-256 in counter mode.
pub(crate) struct TestRng {
    seed: u64,
    counter: u64,
}

impl TestRng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }
}

impl TryRng for TestRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)
            .map(|()| u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)
            .map(|()| u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let input = [self.seed.to_be_bytes(), self.counter.to_be_bytes()].concat();
            chunk.copy_from_slice(&Sha256::digest(input)[..chunk.len()]);
            self.counter += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for TestRng {}

/// A generator that always gives one byte, or always fails.
pub(crate) enum BrokenRng {
    Stuck(u8),
    Failing,
}

#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl core::error::Error for Failed {}

impl TryRng for BrokenRng {
    type Error = Failed;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Failed> {
        Err(Failed)
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Failed> {
        Err(Failed)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Failed> {
        match self {
            Self::Stuck(byte) => {
                out.fill(*byte);
                Ok(())
            }
            Self::Failing => Err(Failed),
        }
    }
}

impl TryCryptoRng for BrokenRng {}

/// A policy of m of n miners.
pub(crate) fn policy(threshold: u16, shares: u16) -> Policy {
    Policy {
        chain_id: 31_337,
        contract: [7; 20],
        policy_id: [8; 32],
        quorum: Quorum::new(threshold, shares).unwrap(),
        not_before: 10,
        expiry: 20,
        conditions: [0; 32],
    }
}

/// The miner with this number.
pub(crate) fn miner(number: usize) -> Miner {
    [u8::try_from(number).unwrap(); 20]
}

/// A delegation of m of n, with a message under the delegating key. Kfrag i is for miner i.
pub(crate) struct Delegation {
    pub(crate) rng: TestRng,
    pub(crate) delegating: SecretKey,
    pub(crate) receiving: SecretKey,
    pub(crate) signer: Signer,
    pub(crate) context: Context,
    pub(crate) policy: Policy,
    pub(crate) kfrags: Vec<VerifiedKeyFrag>,
    pub(crate) commitments: Commitments,
    pub(crate) capsule: Capsule,
    pub(crate) ciphertext: Vec<u8>,
}

pub(crate) const MESSAGE: &[u8] = b"a message worth sharing";

impl Delegation {
    pub(crate) fn new(seed: u64, threshold: u16, shares: u16) -> Self {
        let mut rng = TestRng::new(seed);
        let delegating = SecretKey::random(&mut rng).unwrap();
        let receiving = SecretKey::random(&mut rng).unwrap();
        let signer = Signer::random(&mut rng).unwrap();
        let policy = policy(threshold, shares);
        let granted = grant(&mut rng, [&delegating, &receiving], &signer, &policy).unwrap();
        let context = *granted.kfrags[0].context();
        let (capsule, ciphertext) = encrypt(&mut rng, &delegating.public_key(), MESSAGE).unwrap();
        Self {
            rng,
            delegating,
            receiving,
            signer,
            context,
            policy,
            kfrags: granted.kfrags,
            commitments: granted.commitments,
            capsule,
            ciphertext,
        }
    }

    /// The same keys and policy, granted once more.
    pub(crate) fn grant_again<R: TryCryptoRng>(&self, rng: &mut R) -> Result<Granted> {
        let keys = [&self.delegating, &self.receiving];
        grant(rng, keys, &self.signer, &self.policy)
    }

    /// The kfrag of this miner, as sent.
    pub(crate) fn sent(&self, number: usize) -> KeyFrag {
        KeyFrag::from_bytes(&self.kfrags[number].to_secret_bytes()).unwrap()
    }

    /// The cfrags of these miners.
    pub(crate) fn cfrags(&mut self, miners: &[usize]) -> Vec<VerifiedCapsuleFrag> {
        let answer =
            |&miner: &usize| reencrypt(&mut self.rng, &self.capsule, &self.kfrags[miner]).unwrap();
        miners.iter().map(answer).collect()
    }

    /// The verdict on a cfrag of this miner.
    pub(crate) fn verify(&self, frag: CapsuleFrag, number: usize) -> Result<VerifiedCapsuleFrag> {
        frag.verify(&self.capsule, &self.context, &self.policy, &miner(number))
    }

    pub(crate) fn decrypt(&self, cfrags: &[VerifiedCapsuleFrag]) -> Result<Vec<u8>> {
        let public = self.delegating.public_key();
        decrypt_reencrypted(
            &self.receiving,
            &public,
            &self.capsule,
            cfrags,
            &self.ciphertext,
        )
    }

    pub(crate) fn decapsulate(&self, cfrags: &[VerifiedCapsuleFrag]) -> Result<SharedSecret> {
        let public = self.delegating.public_key();
        decapsulate_reencrypted(&self.receiving, &public, &self.capsule, cfrags)
    }
}

fn grant<R: TryCryptoRng>(
    rng: &mut R,
    [delegating, receiving]: [&SecretKey; 2],
    signer: &Signer,
    policy: &Policy,
) -> Result<Granted> {
    let miners: Vec<Miner> = (0..policy.quorum.shares().into()).map(miner).collect();
    let params = GrantParams {
        delegating,
        receiving: &receiving.public_key(),
        signer,
        policy,
        miners: &miners,
    };
    generate_kfrags(rng, &params)
}

/// A copy of the bytes with one bit flipped.
pub(crate) fn flip<const N: usize>(bytes: &[u8; N], bit: usize) -> [u8; N] {
    let mut flipped = *bytes;
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}
