use super::*;
use crate::capsule::dem::open;
use crate::cfrag::batch::BatchVerifier;
use crate::cfrag::prepared::PreparedContext;
use crate::cfrag::verified::VerifiedCapsuleFrag;
use crate::testing::{Delegation, MESSAGE, flip, miner};

struct Setting {
    delegation: Delegation,
    answers: Vec<[u8; CapsuleFrag::BYTES]>,
}

impl Setting {
    fn new(threshold: u16, shares: u16) -> Self {
        let mut delegation = Delegation::new(1, threshold, shares);
        let cfrags = delegation.cfrags(&(0..usize::from(shares)).collect::<Vec<_>>());
        Self {
            delegation,
            answers: cfrags.iter().map(VerifiedCapsuleFrag::to_bytes).collect(),
        }
    }

    fn open(&self) -> Option<Vec<u8>> {
        let Delegation {
            receiving,
            capsule,
            ciphertext,
            ..
        } = &self.delegation;
        decapsulate_optimistic(receiving, &self.answers, |secret| {
            open(secret, capsule, ciphertext).ok()
        })
    }

    /// The verdict on each answer.
    fn check(&self) -> Vec<Result<VerifiedCapsuleFrag>> {
        let Delegation {
            capsule,
            context,
            policy,
            ..
        } = &self.delegation;
        let mut prepared = PreparedContext::new(*context, *policy);
        let mut batch = BatchVerifier::new(&mut prepared);
        for (number, answer) in self.answers.iter().enumerate() {
            batch.push(capsule, answer, &miner(number));
        }
        batch.finish()
    }
}

#[test]
fn honest_answers_open_without_a_check() {
    assert_eq!(Setting::new(2, 3).open().as_deref(), Some(MESSAGE));
}

/// A flip that the opening does not look at goes unnoticed, and does no harm.
#[test]
fn a_forged_answer_does_not_open_and_the_others_do_without_it() {
    for bit in [9, 300, 600, 900, 1100, 1700, 2200, 2800] {
        let mut setting = Setting::new(2, 3);
        setting.answers[1] = flip(&setting.answers[1], bit);
        let verdicts = setting.check();
        let refused: Vec<bool> = verdicts.iter().map(Result::is_err).collect();
        assert_eq!(refused, [false, true, false], "bit {bit}");
        if bit < 1050 {
            assert_eq!(setting.open(), None, "bit {bit}");
        } else {
            assert_eq!(setting.open().as_deref(), Some(MESSAGE), "bit {bit}");
        }
        let sound: Vec<_> = verdicts.into_iter().flatten().collect();
        assert_eq!(setting.delegation.decrypt(&sound).unwrap(), MESSAGE);
    }
}

#[test]
fn too_few_answers_and_none_do_not_open() {
    let mut setting = Setting::new(3, 3);
    setting.answers.pop();
    assert_eq!(setting.open(), None);
    setting.answers.clear();
    assert_eq!(setting.open(), None);
}

#[test]
fn an_altered_ciphertext_is_refused_and_nobodys_fault() {
    let mut setting = Setting::new(2, 2);
    setting.delegation.ciphertext[30] ^= 1;
    assert_eq!(setting.open(), None);
    assert!(setting.check().iter().all(Result::is_ok));
}

#[test]
fn one_miner_twice_is_refused() {
    let mut setting = Setting::new(2, 2);
    setting.answers[1] = setting.answers[0];
    assert_eq!(setting.open(), None);
}

#[test]
fn another_receiver_is_refused() {
    let mut setting = Setting::new(1, 1);
    setting.delegation.receiving = Delegation::new(7, 1, 1).receiving;
    assert_eq!(setting.open(), None);
}

#[test]
fn more_answers_than_can_exist_are_refused() {
    let mut setting = Setting::new(1, 1);
    setting.answers = alloc::vec![setting.answers[0]; 256];
    let refused = combine(&setting.delegation.receiving, &setting.answers).err();
    let too_many = Error::TooManyShares {
        given: 256,
        limit: 255,
    };
    assert_eq!(refused, Some(too_many));
}
