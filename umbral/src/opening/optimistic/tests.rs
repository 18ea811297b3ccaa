use super::*;
use crate::cfrag::CapsuleFrag;
use crate::testing::{Delegation, MESSAGE, flip};

struct Setting {
    delegation: Delegation,
    prepared: PreparedContext,
    answers: Vec<[u8; CAPSULE_FRAG_BYTES]>,
}

impl Setting {
    fn new(threshold: u16, shares: u16) -> Self {
        let mut delegation = Delegation::new(1, threshold, shares);
        let cfrags = delegation.cfrags(&(0..usize::from(shares)).collect::<Vec<_>>());
        Self {
            prepared: PreparedContext::new(delegation.context),
            delegation,
            answers: cfrags.iter().map(VerifiedCapsuleFrag::to_simple).collect(),
        }
    }

    fn open(&mut self) -> core::result::Result<Opened, OpenFailure> {
        let Delegation {
            receiving,
            capsule,
            ciphertext,
            ..
        } = &self.delegation;
        open_optimistic(
            receiving,
            &mut self.prepared,
            capsule,
            &self.answers,
            ciphertext,
        )
    }
}

#[test]
fn honest_answers_open_without_a_check() {
    let mut setting = Setting::new(2, 3);
    let opened = setting.open().unwrap();
    assert_eq!(
        (opened.value.as_slice(), opened.rejected.len()),
        (MESSAGE, 0)
    );
    assert_eq!(setting.prepared.signatures(), 0);
}

#[test]
fn a_forged_answer_is_named_and_done_without() {
    for bit in [9, 300, 600, 900, 1100, 1700, 2200, 2800] {
        let mut setting = Setting::new(2, 3);
        setting.answers[1] = flip(&setting.answers[1], bit);
        let Delegation {
            capsule, context, ..
        } = &setting.delegation;
        let verdict = CapsuleFrag::from_simple(&setting.answers[1])
            .and_then(|frag| frag.verify(capsule, context))
            .unwrap_err();
        let opened = setting.open().unwrap();
        assert_eq!(opened.value, MESSAGE);
        // A flip that the opening does not look at goes unnoticed, and does no harm.
        if !opened.rejected.is_empty() {
            let rejected = Rejected {
                index: 1,
                error: verdict,
            };
            assert_eq!(opened.rejected, [rejected]);
        }
    }
}

#[test]
fn too_few_honest_answers_fail_and_the_forger_is_named() {
    let mut setting = Setting::new(3, 3);
    setting.answers[0] = flip(&setting.answers[0], 20);
    let failure = setting.open().unwrap_err();
    assert_eq!(failure.error, Error::ValidationFailed);
    assert_eq!(
        failure.rejected.iter().map(|r| r.index).collect::<Vec<_>>(),
        [0]
    );
}

#[test]
fn no_answers_and_only_forged_answers_fail() {
    let mut setting = Setting::new(1, 1);
    setting.answers[0] = flip(&setting.answers[0], 20);
    let failure = setting.open().unwrap_err();
    assert_eq!(
        Some(failure.error),
        failure.rejected.first().map(|r| r.error)
    );
    setting.answers.clear();
    let failure = setting.open().unwrap_err();
    assert_eq!(
        (failure.error, failure.rejected.len()),
        (Error::NoCapsuleFrags, 0)
    );
}

#[test]
fn an_altered_ciphertext_is_nobodys_fault() {
    let mut setting = Setting::new(2, 2);
    setting.delegation.ciphertext[30] ^= 1;
    let failure = setting.open().unwrap_err();
    assert_eq!(
        (failure.error, failure.rejected.len()),
        (Error::AuthenticationFailed, 0)
    );
}

#[test]
fn one_proxy_twice_is_refused() {
    let mut setting = Setting::new(2, 2);
    setting.answers[1] = setting.answers[0];
    let repeated = Error::RepeatedCapsuleFrag {
        first: 0,
        second: 1,
    };
    assert_eq!(setting.open().unwrap_err().error, repeated);
}

#[test]
fn another_receiver_is_refused() {
    let mut setting = Setting::new(1, 1);
    setting.delegation.receiving = Delegation::new(7, 1, 1).receiving;
    let refused = Error::AnotherContext { index: 0 };
    assert_eq!(setting.open().unwrap_err().error, refused);
}

#[test]
fn a_caller_may_bring_its_own_cipher() {
    let mut setting = Setting::new(2, 2);
    let Delegation {
        delegating,
        receiving,
        capsule,
        ..
    } = &setting.delegation;
    let secret = crate::decapsulate_original(delegating, capsule).unwrap();
    let accept = |found: &SharedSecret| {
        let right = found.expose() == secret.expose();
        right.then_some(7).ok_or(Error::AuthenticationFailed)
    };
    let prepared = &mut setting.prepared;
    let opened = decapsulate_optimistic(receiving, prepared, capsule, &setting.answers, accept);
    assert_eq!(opened.unwrap().value, 7);
}
