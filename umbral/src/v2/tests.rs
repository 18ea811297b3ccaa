use alloc::vec::Vec;

use super::*;
use crate::testing::{MESSAGE, TestRng, bad_points, flip};
use crate::{
    BatchVerifier, CapsuleFrag, Error, PreparedContext, SecretKey, Signer,
    decapsulate_granted_optimistic, decapsulate_original, decrypt_reencrypted, encrypt,
};

const MINERS: [Miner; 3] = [[1; 20], [2; 20], [3; 20]];

struct Setting {
    rng: TestRng,
    delegating: SecretKey,
    receiving: SecretKey,
    context: Context,
    policy: Policy,
    granted: Granted,
}

impl Setting {
    fn new() -> Self {
        let mut rng = TestRng::new(1);
        let delegating = SecretKey::random(&mut rng).unwrap();
        let receiving = SecretKey::random(&mut rng).unwrap();
        let signer = Signer::random(&mut rng).unwrap();
        let policy = Policy {
            chain_id: 31_337,
            contract: [7; 20],
            policy_id: [8; 32],
            quorum: Quorum::new(2, 3).unwrap(),
            not_before: 10,
            expiry: 20,
            conditions: [0; 32],
        };
        let params = GrantParams {
            delegating: &delegating,
            receiving: &receiving.public_key(),
            signer: &signer,
            policy: &policy,
            miners: &MINERS,
        };
        let granted = generate_kfrags(&mut rng, &params).unwrap();
        let context = *granted.kfrags[0].context();
        Self {
            rng,
            delegating,
            receiving,
            context,
            policy,
            granted,
        }
    }

    fn sent(&self, index: usize) -> KeyFrag {
        KeyFrag::from_bytes(&self.granted.kfrags[index].to_secret_bytes()).unwrap()
    }
}

#[test]
fn what_is_granted_opens() {
    let mut setting = Setting::new();
    let public = setting.delegating.public_key();
    let (capsule, ciphertext) = encrypt(&mut setting.rng, &public, MESSAGE).unwrap();
    let mut frags = Vec::new();
    for index in [2, 0] {
        let kfrag = setting.sent(index);
        let kfrag = kfrag
            .verify(&setting.context, &setting.policy, &MINERS[index])
            .unwrap();
        let answer = reencrypt(&mut setting.rng, &capsule, &kfrag)
            .unwrap()
            .to_simple();
        let answer = CapsuleFrag::from_simple(&answer).unwrap();
        let (context, policy) = (&setting.context, &setting.policy);
        let v1 = answer.clone().verify(&capsule, context);
        assert_eq!(v1.err(), Some(Error::KeyFragSignature));
        frags.push(
            answer
                .verify_granted(&capsule, context, policy, &MINERS[index])
                .unwrap(),
        );
    }
    let opened = decrypt_reencrypted(&setting.receiving, &public, &capsule, &frags, &ciphertext);
    assert_eq!(opened.unwrap(), MESSAGE);
}

#[test]
fn a_fragment_is_good_for_its_policy_its_miner_and_its_keys_only() {
    let setting = Setting::new();
    let policy = setting.policy;
    let others = [
        Policy {
            chain_id: 1,
            ..policy
        },
        Policy {
            contract: [9; 20],
            ..policy
        },
        Policy {
            policy_id: [9; 32],
            ..policy
        },
        Policy {
            quorum: Quorum::new(1, 3).unwrap(),
            ..policy
        },
        Policy {
            quorum: Quorum::new(2, 4).unwrap(),
            ..policy
        },
        Policy {
            not_before: 11,
            ..policy
        },
        Policy {
            expiry: 21,
            ..policy
        },
        Policy {
            conditions: [1; 32],
            ..policy
        },
    ];
    let refused = |context: &Context, policy: &Policy, miner: &Miner| {
        setting.sent(0).verify(context, policy, miner).err() == Some(Error::ProxySignature)
    };
    for other in &others {
        assert!(refused(&setting.context, other, &MINERS[0]), "{other:?}");
    }
    assert!(refused(&setting.context, &policy, &MINERS[1]));
    let stranger = SecretKey::random(&mut TestRng::new(5))
        .unwrap()
        .public_key();
    for context in [
        Context {
            delegating: stranger,
            ..setting.context
        },
        Context {
            receiving: stranger,
            ..setting.context
        },
    ] {
        assert!(refused(&context, &policy, &MINERS[0]));
    }
    assert!(!refused(&setting.context, &policy, &MINERS[0]));
}

#[test]
fn no_flipped_bit_of_a_fragment_is_accepted() {
    let setting = Setting::new();
    let good = setting.granted.kfrags[0].to_secret_bytes();
    for bit in 0..KEY_FRAG_BYTES * 8 {
        let read = KeyFrag::from_bytes(&flip(&good, bit));
        let verified =
            read.and_then(|frag| frag.verify(&setting.context, &setting.policy, &MINERS[0]));
        assert!(verified.is_err(), "bit {bit}");
    }
    let again = KeyFrag::from_bytes(&good).unwrap().to_secret_bytes();
    assert_eq!(*again, *good);
}

#[test]
fn batches_know_the_miner_of_each_fragment() {
    let mut setting = Setting::new();
    let public = setting.delegating.public_key();
    let (capsule, _) = encrypt(&mut setting.rng, &public, MESSAGE).unwrap();
    let mut prepared = PreparedContext::granted(setting.context, setting.policy);
    let answers: Vec<_> = setting
        .granted
        .kfrags
        .iter()
        .map(|kfrag| {
            reencrypt(&mut setting.rng, &capsule, kfrag)
                .unwrap()
                .to_simple()
        })
        .collect();
    for _ in 0..2 {
        let mut batch = BatchVerifier::new(&mut prepared);
        for (answer, miner) in answers.iter().zip([0, 2, 2]) {
            batch.push_granted_simple(&capsule, answer, &MINERS[miner]);
        }
        batch.push_simple(&capsule, &answers[0]);
        let verdicts = batch.finish().into_iter().map(|verdict| verdict.err());
        let refused = Some(Error::KeyFragSignature);
        assert_eq!(verdicts.collect::<Vec<_>>(), [None, refused, None, refused]);
    }
    let secret = decapsulate_original(&setting.delegating, &capsule).unwrap();
    let mut answers: Vec<_> = MINERS.into_iter().zip(answers).collect();
    answers[1].1[100] ^= 1;
    let accept = |found: &crate::SharedSecret| {
        let right = found.expose() == secret.expose();
        right.then_some(()).ok_or(Error::AuthenticationFailed)
    };
    let receiving = &setting.receiving;
    let opened =
        decapsulate_granted_optimistic(receiving, &mut prepared, &capsule, &answers, accept);
    let rejected: Vec<_> = opened.unwrap().rejected.iter().map(|r| r.index).collect();
    assert_eq!(rejected, [1]);
}

#[test]
fn as_many_miners_as_shares_are_needed() {
    let setting = Setting::new();
    let signer = Signer::random(&mut TestRng::new(3)).unwrap();
    let params = GrantParams {
        delegating: &setting.delegating,
        receiving: &setting.receiving.public_key(),
        signer: &signer,
        policy: &setting.policy,
        miners: &MINERS[..2],
    };
    let refused = Error::MinersMismatch {
        expected: 3,
        given: 2,
    };
    assert_eq!(
        generate_kfrags(&mut TestRng::new(1), &params).err(),
        Some(refused)
    );
}

#[test]
fn consistent_shares_pass_every_check() {
    let setting = Setting::new();
    let Granted {
        kfrags,
        commitments,
    } = &setting.granted;
    let commitments = Commitments::from_bytes(&commitments.to_bytes()).unwrap();
    assert_eq!(&commitments, &setting.granted.commitments);
    assert_eq!(
        commitments.to_bytes().len(),
        COMMITMENTS_HEADER_BYTES + 2 * 33
    );
    let (receiving, context, policy) = (&setting.receiving, &setting.context, &setting.policy);
    assert_eq!(commitments.check_signature(context, policy), Ok(()));
    assert_eq!(commitments.check_origin(receiving, context, policy), Ok(()));
    for kfrag in kfrags {
        assert_eq!(commitments.check_key_frag(receiving, kfrag), Ok(()));
        assert_eq!(commitments.check_delegation(kfrag), Ok(()));
    }
    let other = Policy {
        policy_id: [9; 32],
        ..*policy
    };
    let refused = commitments.check_signature(context, &other);
    assert_eq!(refused, Err(Error::CommitmentsInvalid));
}

#[test]
fn a_share_of_another_polynomial_is_found_out() {
    let mut setting = Setting::new();
    let public = setting.delegating.public_key();
    let (capsule, _) = encrypt(&mut setting.rng, &public, MESSAGE).unwrap();
    let answer = reencrypt(&mut setting.rng, &capsule, &setting.granted.kfrags[0]).unwrap();
    let commitments = &setting.granted.commitments;
    let mut frag = answer.as_unverified().clone();
    assert_eq!(
        commitments.check_capsule_frag(&setting.receiving, &frag),
        Ok(())
    );
    let refused = Err(Error::InconsistentShares);
    frag.u1 = *setting.granted.kfrags[1].commitment();
    assert_eq!(
        commitments.check_capsule_frag(&setting.receiving, &frag),
        refused
    );
    let frag = answer.as_unverified();
    assert_eq!(
        commitments.check_capsule_frag(&setting.delegating, frag),
        refused
    );
}

#[test]
fn a_fragment_of_another_delegation_is_told_without_a_secret() {
    let setting = Setting::new();
    let signer = Signer::random(&mut TestRng::new(3)).unwrap();
    let params = GrantParams {
        delegating: &setting.delegating,
        receiving: &setting.receiving.public_key(),
        signer: &signer,
        policy: &setting.policy,
        miners: &MINERS,
    };
    let other = generate_kfrags(&mut TestRng::new(4), &params).unwrap();
    let refused = Err(Error::InconsistentShares);
    let commitments = &setting.granted.commitments;
    assert_eq!(commitments.check_delegation(&other.kfrags[0]), refused);
    let kfrag = &setting.granted.kfrags[0];
    assert_eq!(other.commitments.check_delegation(kfrag), refused);
}

/// Commitments to a polynomial whose value at zero is not a / d are consistent with its shares,
/// and still betray the delegator.
#[test]
fn a_polynomial_for_another_key_is_found_out() {
    let setting = Setting::new();
    let stranger = Setting {
        delegating: SecretKey::random(&mut TestRng::new(77)).unwrap(),
        ..Setting::new()
    };
    let signer = Signer::random(&mut TestRng::new(3)).unwrap();
    let params = GrantParams {
        delegating: &stranger.delegating,
        receiving: &setting.receiving.public_key(),
        signer: &signer,
        policy: &setting.policy,
        miners: &MINERS,
    };
    let granted = generate_kfrags(&mut TestRng::new(4), &params).unwrap();
    let claimed = Context {
        delegating: setting.delegating.public_key(),
        ..*granted.kfrags[0].context()
    };
    let mut commitments = granted.commitments;
    commitments.sign_again(&signer, &claimed, &setting.policy);
    assert_eq!(
        commitments.check_signature(&claimed, &setting.policy),
        Ok(())
    );
    let refused = commitments.check_origin(&setting.receiving, &claimed, &setting.policy);
    assert_eq!(refused, Err(Error::InconsistentShares));
}

#[test]
fn commitments_have_one_encoding() {
    let good = Setting::new().granted.commitments.to_bytes();
    for len in 0..good.len() {
        assert!(Commitments::from_bytes(&good[..len]).is_err());
    }
    assert!(Commitments::from_bytes(&[good.as_slice(), &[0]].concat()).is_err());
    for (at, byte) in [(0, 1), (1, 1), (2, 0), (2, 1), (2, 3)] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        assert!(Commitments::from_bytes(&bytes).is_err(), "byte {at}");
    }
    for point in bad_points(*good[36..].first_chunk().unwrap()) {
        let mut bytes = good.clone();
        bytes[36..69].copy_from_slice(&point);
        assert!(Commitments::from_bytes(&bytes).is_err());
    }
}
