use kms_protocol::B256;

use super::*;

fn policy(byte: u8) -> PolicyId {
    PolicyId(B256([byte; 32]))
}

#[test]
fn each_policy_is_told_once_in_a_window() {
    let notices = Notices::default();
    assert!(notices.is_new(policy(1), Quota::Requests, 100, 64));
    assert!(!notices.is_new(policy(1), Quota::Requests, 164, 64));
    assert!(notices.is_new(policy(1), Quota::InFlight, 164, 64));
    assert!(notices.is_new(policy(2), Quota::Requests, 164, 64));
    assert!(notices.is_new(policy(1), Quota::Requests, 165, 64));
}

#[test]
fn a_window_has_a_bounded_number_of_lines() {
    let notices = Notices::default();
    let lines = |head| {
        (0..=255)
            .filter(|byte| notices.is_new(policy(*byte), Quota::Requests, head, 64))
            .count()
    };
    assert_eq!(lines(100), LINES);
    assert_eq!(lines(101), 0);
    assert_eq!(lines(300), LINES);
}
