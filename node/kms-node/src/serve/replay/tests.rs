use kms_protocol::{Address, EthSignature};

use super::*;

const WINDOW: u64 = 60;

fn limits(per_policy: usize) -> Limits {
    Limits {
        window_s: WINDOW,
        per_policy,
    }
}

fn word(number: u64) -> B256 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    B256(bytes)
}

/// A request of a policy, of a time.
fn request(policy: u64, nonce: u64, block_time: u64) -> ReencryptRequest {
    ReencryptRequest {
        policy_id: PolicyId(word(policy)),
        miner: Address([1; 20]),
        capsules: Vec::new(),
        block_time,
        nonce: word(nonce),
        signature: EthSignature::UNSIGNED,
    }
}

/// A head of this time, whose number says nothing.
fn head(timestamp: u64) -> Head {
    Head {
        number: timestamp / 7,
        hash: word(timestamp),
        timestamp,
    }
}

fn code(verdict: Verdict) -> Option<Refusal> {
    verdict.err().map(|problem| problem.code)
}

fn guard(per_policy: usize) -> ReplayGuard {
    ReplayGuard::new(limits(per_policy))
}

#[test]
fn a_nonce_is_taken_once() {
    let guard = guard(100);
    for nonce in 0..50 {
        assert_eq!(code(guard.take(&request(1, nonce, 10), head(10))), None);
    }
    for (time, now) in [(10, 10), (11, 12), (10, 10 + WINDOW)] {
        let again = guard.take(&request(1, 7, time), head(now));
        assert_eq!(code(again), Some(Refusal::Replay), "{time} at {now}");
    }
    assert_eq!(code(guard.take(&request(1, 99, 11), head(11))), None);
}

#[test]
fn a_policy_fills_its_own_quota_and_no_other() {
    let guard = guard(2);
    assert_eq!(code(guard.take(&request(1, 1, 10), head(10))), None);
    assert_eq!(code(guard.take(&request(1, 2, 10), head(10))), None);
    let refused = guard.take(&request(1, 3, 10), head(10)).err().unwrap();
    assert_eq!(refused.code, Refusal::QuotaUsedUp);
    assert!(
        refused.detail.contains("policy_requests"),
        "{}",
        refused.detail
    );
    for nonce in 1..=2 {
        assert_eq!(code(guard.take(&request(2, nonce, 10), head(10))), None);
    }
    assert_eq!(
        guard.remembered(),
        4,
        "what is refused is not remembered, and two policies may use one nonce"
    );
}

#[test]
fn no_choice_of_time_shortens_the_window_of_the_quota() {
    let guard = guard(1);
    let now = 100;
    let oldest = request(1, 1, now - WINDOW);
    assert_eq!(code(guard.take(&oldest, head(now))), None);
    for later in [now + 1, now + WINDOW] {
        let refused = guard.take(&request(1, 2, later), head(later));
        assert_eq!(code(refused), Some(Refusal::QuotaUsedUp), "at {later}");
    }
    let later = now + WINDOW + 1;
    assert_eq!(code(guard.take(&request(1, 2, later), head(later))), None);
}

#[test]
fn memory_is_empty_again_after_the_window() {
    let guard = guard(100);
    for nonce in 0..100 {
        let request = request(nonce % 3, nonce, 10);
        assert_eq!(code(guard.take(&request, head(10))), None);
    }
    guard.forget(head(10 + WINDOW));
    assert_eq!(guard.remembered(), 100);
    guard.forget(head(11 + WINDOW));
    assert_eq!(guard.remembered(), 0);
    assert!(guard.seen().policies.is_empty());
}

#[test]
fn a_reorg_of_any_depth_brings_no_forgotten_request_back() {
    let guard = guard(100);
    let old = request(1, 1, 1_000);
    assert_eq!(code(guard.take(&old, head(1_000))), None);
    guard.forget(head(1_001 + WINDOW));
    assert_eq!(guard.remembered(), 0);
    assert_eq!(
        code(guard.take(&old, head(1_000))),
        Some(Refusal::StaleRequest)
    );
    let fresh = request(1, 2, 1_001);
    assert_eq!(code(guard.take(&fresh, head(1_001))), None);
}

#[test]
fn the_time_to_wait_is_that_of_the_oldest_request() {
    let guard = guard(1);
    let wait = |nonce, now| {
        let verdict = guard.take(&request(1, nonce, now), head(now));
        verdict.err().and_then(|refused| refused.retry_after_s)
    };
    assert_eq!(wait(1, 100), None);
    assert_eq!(wait(2, 100), Some(61));
    assert_eq!(wait(2, 110), Some(51));
    assert_eq!(wait(2, 160), Some(1));
    assert_eq!(wait(2, 161), None);
}
