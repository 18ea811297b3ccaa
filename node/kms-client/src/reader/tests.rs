//! Reads with hostile, slow and dead miners, and against every fate of a policy.

mod arrangements;
mod header;
mod inconsistent;
mod planted;
mod several;

use kms_protocol::{B256, FixedBytes, Refusal, Terms};

use super::*;
use crate::ports::ChainPort as _;
use crate::progress::Silent;
use crate::testkit::{Habit, Recorder, World, label};
use kms_core::keys::ReaderKey;

fn named(error: &Error) -> Vec<(u8, &str)> {
    error
        .nodes()
        .iter()
        .map(|node| (node.miner.0[0], node.code.as_str()))
        .collect()
}

/// Two of three answer honestly: the third's habit must not matter, and must be named when all
/// three are needed.
async fn check_habit(habit: Habit, code: &str) {
    for (threshold, readable) in [(2, true), (3, false)] {
        let world = World::new(3).await;
        world.granted(threshold, 3).await;
        let (capsule, secret) = world.capsule();
        world.nodes[1].steal_from(&world.nodes[0], habit.clone());
        // Only one that hangs makes the reader wait its time out.
        let waits = habit == Habit::Hangs && !readable;
        let limit_ms = if waits { 2_000 } else { 30_000 };
        match world.read(&world.reader_within(limit_ms), &capsule).await {
            Ok(read) => {
                assert!(readable, "{habit:?}");
                assert_eq!(read.expose(), secret.expose());
            }
            Err(error) => {
                assert!(!readable, "{habit:?}: {error}");
                assert!(matches!(
                    error,
                    Error::ThresholdNotMet {
                        need: 3,
                        got: 2,
                        ..
                    }
                ));
                assert_eq!(named(&error), [(2, code)], "{habit:?}");
            }
        }
    }
}

#[tokio::test]
async fn names_a_miner_whose_receipt_a_stranger_signed() {
    check_habit(Habit::WrongReceipts, "bad_signature").await;
}

#[tokio::test]
async fn names_a_miner_whose_answer_a_stranger_signed() {
    check_habit(Habit::WrongSigner, "bad_signature").await;
}

#[tokio::test]
async fn names_a_miner_that_answers_for_another_capsule() {
    check_habit(Habit::OtherCapsule, "bad_fragment").await;
}

#[tokio::test]
async fn names_a_miner_that_repeats_anothers_fragment() {
    check_habit(Habit::AnothersFragment, "bad_fragment").await;
}

#[tokio::test]
async fn names_a_miner_whose_proof_is_broken() {
    check_habit(Habit::BadProof, "bad_fragment").await;
}

#[tokio::test]
async fn names_a_miner_that_passes_on_commitments_nobody_signed() {
    check_habit(Habit::BadCommitments, "bad_commitments").await;
}

#[tokio::test]
async fn names_a_miner_that_passes_on_anothers_reply() {
    check_habit(Habit::AnothersReply, "bad_signature").await;
}

#[tokio::test]
async fn names_a_miner_that_answers_too_much() {
    check_habit(Habit::Oversize, "too_large_reply").await;
}

#[tokio::test]
async fn names_a_miner_that_redirects() {
    check_habit(Habit::Redirects, "redirected").await;
}

#[tokio::test]
async fn names_a_miner_that_encodes() {
    check_habit(Habit::Encodes, "bad_reply").await;
}

#[tokio::test]
async fn names_a_miner_that_talks_garbage() {
    check_habit(Habit::Garbage, "bad_reply").await;
}

#[tokio::test]
async fn names_a_miner_that_hangs_when_time_is_up() {
    check_habit(Habit::Hangs, "timeout").await;
}

#[tokio::test]
async fn names_a_miner_that_refuses() {
    check_habit(Habit::Refuses(Refusal::TooMany), "too_many").await;
}

#[tokio::test]
async fn a_node_whose_view_lags_is_asked_again_and_one_that_stays_behind_is_named() {
    let world = World::new(2).await;
    world.granted(2, 2).await;
    let (capsule, secret) = world.capsule();
    world.nodes[0].set(Habit::LagsBy(2));
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
    world.nodes[0].set(Habit::LagsBy(1_000));
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(named(&error), [(1, "policy_unknown")]);
}

#[tokio::test]
async fn the_first_m_answers_win_and_the_rest_are_dropped() {
    let world = World::new(5).await;
    world.granted(2, 5).await;
    let (capsule, secret) = world.capsule();
    for node in &world.nodes[..3] {
        node.set(Habit::Hangs);
    }
    // A wait for the slow ones would take the whole hour.
    let reader = world.reader_within(3_600_000);
    let read = world.read(&reader, &capsule);
    let read = tokio::time::timeout(Duration::from_secs(60), read)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.expose(), secret.expose());
}

fn bytes_of(made: &[(Capsule, SharedSecret)]) -> Vec<CapsuleBytes> {
    let capsules = made.iter().map(|(capsule, _)| capsule.to_bytes());
    capsules.map(FixedBytes).collect()
}

#[tokio::test]
async fn wrong_capsules_of_a_batch_are_reported_and_the_others_opened() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let made: Vec<_> = (0..4).map(|_| world.capsule()).collect();
    let mut capsules = bytes_of(&made);
    capsules[1].0[97] ^= 1;
    capsules[3] = FixedBytes([0; 98]);
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    let read = world.reader().open(&key, &capsules, &Silent).await.unwrap();
    assert_eq!(read.len(), 4);
    for (index, ((_, made), read)) in made.iter().zip(&read).enumerate() {
        match read {
            Ok(read) => assert_eq!(read.expose(), made.expose(), "{index}"),
            Err(_) => assert!([1, 3].contains(&index), "{index}"),
        }
    }
    assert!(read[1].is_err() && read[3].is_err());
    // Nothing valid is left: nobody is asked.
    world.nodes.iter().for_each(|node| node.set(Habit::Hangs));
    let none = world.reader().open(&key, &capsules[3..], &Silent).await;
    assert!(none.unwrap()[0].is_err());
}

#[tokio::test]
async fn names_a_miner_that_refuses_a_valid_capsule() {
    check_habit(Habit::RefusesEntry, "capsule_invalid").await;
}

#[tokio::test]
async fn a_batch_opens_in_order() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let made: Vec<_> = (0..5).map(|_| world.capsule()).collect();
    let capsules = bytes_of(&made);
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    let read = world.reader().open(&key, &capsules, &Silent).await.unwrap();
    for ((_, made), read) in made.iter().zip(&read) {
        assert_eq!(made.expose(), read.as_ref().unwrap().expose());
    }
    let none = world.reader().open(&key, &[], &Silent).await;
    assert!(matches!(
        none,
        Err(Error::SpecInvalid {
            field: "capsules",
            ..
        })
    ));
}

#[tokio::test]
async fn refuses_without_a_policy_for_these_keys() {
    let world = World::new(3).await;
    let (capsule, _) = world.capsule();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert!(matches!(error, Error::NoPolicy { .. }));
    assert_eq!(error.code(), "no_policy");
    world.granted(2, 3).await;
    let stranger = [ReaderKey::random().unwrap()];
    let reader = Reader::new(&stranger, &world.chain, &world.http);
    let error = world.read(&reader, &capsule).await.unwrap_err();
    assert_eq!(error.code(), "no_policy");
}

#[tokio::test]
async fn refuses_before_during_and_after_by_the_chain() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    world.chain.drop_blocks(1);
    let early = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert!(matches!(early, Error::PolicyNotStarted { .. }));
    world.chain.advance(100);
    assert!(world.read(&world.reader(), &capsule).await.is_ok());
    world.chain.advance(3_000);
    let late = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert!(matches!(late, Error::PolicyExpired { .. }));
    assert_eq!(late.code(), "policy_expired");
    world.chain.state().policy(policy).unwrap().state.revoked = true;
    let revoked = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(
        (revoked.code(), revoked.policy()),
        ("policy_revoked", Some(policy))
    );
}

#[tokio::test]
async fn miners_that_all_say_revoked_or_ended_are_shown_and_the_chain_is_believed() {
    for refusal in [
        Refusal::PolicyRevoked,
        Refusal::PolicyEnded,
        Refusal::KfragMissing,
    ] {
        let world = World::new(3).await;
        world.granted(2, 3).await;
        let (capsule, _) = world.capsule();
        world
            .nodes
            .iter()
            .for_each(|node| node.set(Habit::Refuses(refusal)));
        let error = world.read(&world.reader(), &capsule).await.unwrap_err();
        assert_eq!(error.code(), "threshold_not_met", "{refusal}");
        let code = refusal.code();
        assert_eq!(named(&error), [(1, code), (2, code), (3, code)]);
    }
}

/// Revokes on chain as soon as the first miner has refused.
struct RevokesMeanwhile<'a>(&'a World, kms_protocol::PolicyId);

impl Progress for RevokesMeanwhile<'_> {
    fn event(&self, _event: crate::progress::Event) {
        let mut state = self.0.chain.state();
        state.policy(self.1).unwrap().state.revoked = true;
    }
}

#[tokio::test]
async fn a_policy_revoked_while_its_miners_are_asked_is_revoked() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    world
        .nodes
        .iter()
        .for_each(|node| node.set(Habit::Refuses(Refusal::PolicyRevoked)));
    let key = crate::testkit::label(crate::testkit::world::LABEL);
    let key = world.keys.label_key(&key).unwrap();
    let meanwhile = RevokesMeanwhile(&world, policy);
    let capsule = [FixedBytes(capsule.to_bytes())];
    let read = world.reader().open(&key, &capsule, &meanwhile).await;
    assert_eq!(read.unwrap_err().code(), "policy_revoked");
}

#[tokio::test]
async fn a_policy_that_a_stranger_paid_for_does_not_block_the_owners() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, secret) = world.capsule();
    let own = world
        .chain
        .policies(crate::ports::PolicyFilter::Id(policy))
        .await
        .unwrap();
    let squat = Terms {
        salt: B256([9; 32]),
        author: crate::testkit::address(9),
        ..own[0].terms.clone()
    };
    let squat = kms_chain::Call::CreatePolicyViaTransfer {
        terms: squat,
        memo: Vec::new(),
    };
    world.chain.send(&squat).unwrap();
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
}

#[tokio::test]
async fn terms_that_do_not_hash_to_their_id_are_ignored() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    world.chain.state().policy(policy).unwrap().terms.threshold = 1;
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert!(matches!(error, Error::NoPolicy { .. }));
}

#[tokio::test]
async fn a_worker_that_was_rotated_out_is_refused() {
    let world = World::new(3).await;
    world.granted(3, 3).await;
    let (capsule, _) = world.capsule();
    world.chain.state().miners[0].worker = Some(crate::testkit::address(77));
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(named(&error), [(1, "bad_certificate")]);
    world.chain.state().miners[0].worker = None;
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(named(&error), [(1, "worker_missing")]);
    world.chain.state().miners[0].url = "http://user@127.0.0.1/".to_owned();
    world.chain.state().miners[0].worker = Some(world.nodes[0].worker());
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(named(&error), [(1, "url_refused")]);
}

#[tokio::test]
async fn a_capsule_of_another_label_does_not_open() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let other = world.keys.label_key(&label("other")).unwrap();
    let (capsule, secret) = umbral::encapsulate(&mut getrandom::SysRng, &other).unwrap();
    match world.read(&world.reader(), &capsule).await {
        Err(error) => assert!(matches!(error, Error::FragmentsDoNotOpen { .. }), "{error}"),
        Ok(read) => assert_ne!(read.expose(), secret.expose()),
    }
}
