//! Which refusal an error becomes.

use super::*;
use crate::refusal::Refusal;

fn check(error: Error, expected: Refusal) {
    assert_eq!(error.refusal(), expected, "{error}");
}

#[test]
fn bad_signatures_are_the_callers_fault() {
    check(Error::SignatureHighS, Refusal::BadSignature);
    check(Error::SignatureMalformed, Refusal::BadSignature);
    check(Error::SignatureRecovery { v: 0 }, Refusal::BadSignature);
    let signer = Error::Signer {
        expected: Address::ZERO,
        recovered: Address([1; 20]),
    };
    check(signer, Refusal::BadSignature);
}

#[test]
fn mismatches_say_what_does_not_fit() {
    check(Error::Mismatch(Mismatch::Miner), Refusal::NotThisMiner);
    check(Error::Mismatch(Mismatch::Keys), Refusal::KfragInvalid);
    check(
        Error::Mismatch(Mismatch::VerifyingKey),
        Refusal::KfragInvalid,
    );
    check(Error::Mismatch(Mismatch::Policy), Refusal::BadRequest);
}

#[test]
fn unreadable_input_is_a_bad_request() {
    check(Error::Hex, Refusal::BadRequest);
    check(
        Error::Count {
            maximum: 64,
            actual: 65,
        },
        Refusal::BadRequest,
    );
    check(
        Error::CommitmentsLength { actual: 164 },
        Refusal::BadRequest,
    );
    check(Error::Terms(TermsFault::RateZero), Refusal::BadRequest);
}

#[test]
fn faults_of_the_host_are_internal() {
    check(Error::Randomness, Refusal::Internal);
    check(Error::SecretKey, Refusal::Internal);
    check(Error::Reward(RewardFault::Overflow), Refusal::Internal);
}

#[test]
fn an_error_has_a_code_and_a_remedy() {
    assert_eq!(Error::AmountOverflow.code(), "amount_overflow");
    assert_eq!(Error::AmountOverflow.remedy(), "choose a smaller amount");
}
