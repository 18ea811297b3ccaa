//! Receipts for erased kfrags: waited for, compared with the acknowledgement, kept; and why those
//! that do not come or do not hold are missing.

use kms_protocol::Refusal;

use super::*;
use crate::progress::{Event, Progress};
use crate::testkit::{FakeChain, Habit, Recorder, TestNode, address};

/// A world of three nodes, each with a kfrag of one policy, which has seen its revocation.
async fn ended() -> (World, PolicyId) {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    world.nodes.iter().for_each(TestNode::revoke);
    (world, policy)
}

/// What the first node's habit makes of a revocation, its code and whether it refuses, where asking
/// again would change nothing.
async fn check_final(habit: Habit, code: &str) -> String {
    let (world, policy) = ended().await;
    world.nodes[0].set(habit.clone());
    let report = revoke(&world.owner(), policy, world.spend()).await.unwrap();
    assert!(report.tx_hash.is_some(), "the chain has it");
    assert_eq!((report.asked, report.erased.len()), (3, 2), "{habit:?}");
    assert_eq!(codes(&report.pending), [code], "{habit:?}");
    assert_eq!(report.pending[0].miner, address(1));
    assert_eq!(report.refusing.len(), 3, "{habit:?}");
    let kept = only_grant(&world).deliveries;
    let kept: Vec<bool> = kept.iter().map(|of| of.erasure.is_some()).collect();
    assert_eq!(kept, [false, true, true], "{habit:?}");
    report.pending[0].detail.clone()
}

/// The same where a receipt could still come, so that time is waited out.
async fn check_waited(habit: Habit, code: &str, refuses: bool) {
    let (world, policy) = ended().await;
    world.nodes[0].set(habit.clone());
    let report = revoke(&world.hasty_owner(), policy, world.spend()).await;
    let report = report.unwrap();
    assert!(report.tx_hash.is_some(), "the chain has it");
    let first = report.pending.iter().find(|of| of.miner == address(1));
    assert_eq!(first.unwrap().code, code, "{habit:?}");
    assert_eq!(report.refusing.contains(&address(1)), refuses, "{habit:?}");
    assert_eq!(only_grant(&world).deliveries[0].erasure, None);
}

#[tokio::test]
async fn receipts_are_compared_with_the_acknowledgements_and_kept() {
    let (world, policy) = ended().await;
    let report = revoke(&world.owner(), policy, world.spend()).await.unwrap();
    assert_eq!((report.asked, report.refusing.len()), (3, 3));
    assert!(report.pending.is_empty());
    let kept = only_grant(&world).deliveries;
    for (erasure, delivery) in report.erased.iter().zip(&kept) {
        assert!(erasure.compared);
        assert_eq!(delivery.erasure, Some(erasure.receipt));
        let ack = delivery.ack.unwrap();
        assert_eq!(erasure.receipt.kfrag_hash, ack.kfrag_hash);
    }
    assert!(only_grant(&world).is_erased());
}

#[tokio::test]
async fn a_node_that_erases_later_is_waited_for() {
    let (world, policy) = ended().await;
    world.nodes[0].set(Habit::ErasesAfter(3));
    let owner = world.owner();
    let plan = owner.plan_revocation(&[policy], Scope::Policy).await;
    let recorder = Recorder::default();
    let reports = owner.revoke(&plan.unwrap(), world.spend(), &recorder).await;
    let report = reports.unwrap().remove(0);
    assert_eq!((report.erased.len(), report.pending.len()), (3, 0));
    let waits = |event: &Event| {
        let Event::NodeWaiting { miner, code } = event else {
            return false;
        };
        *miner == address(1) && code == "not_erased_yet"
    };
    let waited = recorder.events();
    assert_eq!(waited.iter().filter(|event| waits(event)).count(), 3);
}

#[tokio::test]
async fn one_that_has_not_erased_in_time_refuses_and_is_named() {
    check_waited(Habit::ErasesAfter(u32::MAX), "not_erased_yet", true).await;
}

#[tokio::test]
async fn a_receipt_signed_by_a_stranger_does_not_count() {
    let why = check_final(Habit::WrongReceipts, "bad_receipt").await;
    assert!(why.contains("not signed"), "{why}");
}

#[tokio::test]
async fn a_receipt_of_another_kfrag_does_not_count() {
    let why = check_final(Habit::OtherReceipt, "bad_receipt").await;
    assert!(why.contains("another kfrag"), "{why}");
}

#[tokio::test]
async fn an_erasure_without_a_receipt_does_not_count() {
    check_final(Habit::ErasesSilently, "receipt_missing").await;
}

#[tokio::test]
async fn one_that_denies_what_it_acknowledged_is_named() {
    let why = check_final(Habit::NeverHeld, "kfrag_missing").await;
    assert!(why.contains("acknowledged"), "{why}");
}

#[tokio::test]
async fn the_word_of_whoever_stands_between_ends_nothing() {
    let refused = Habit::RefusesInClear(Refusal::PolicyRevoked);
    check_waited(refused, "unsigned_refusal", false).await;
}

#[tokio::test]
async fn a_signed_refusal_is_no_receipt() {
    let refused = Habit::Refuses(Refusal::PolicyRevoked);
    check_waited(refused, "policy_revoked", false).await;
}

#[tokio::test]
async fn an_answer_signed_by_a_stranger_is_nobodys() {
    check_waited(Habit::WrongSigner, "bad_signature", false).await;
}

#[tokio::test]
async fn a_node_that_is_down_is_named() {
    check_waited(Habit::Hangs, "timeout", false).await;
}

#[tokio::test]
async fn the_next_run_asks_for_what_is_missing() {
    let (world, policy) = ended().await;
    world.nodes[2].set(Habit::Hangs);
    let first = revoke(&world.hasty_owner(), policy, world.spend()).await;
    assert!(!first.unwrap().pending.is_empty());
    world.nodes[2].set(Habit::Honest);
    let second = revoke(&world.owner(), policy, world.spend()).await;
    let second = second.unwrap();
    assert_eq!((second.tx_hash, second.erased.len()), (None, 3));
    assert!(only_grant(&world).is_erased());
}

#[tokio::test]
async fn what_the_home_does_not_know_is_told_as_not_compared() {
    let (world, policy) = ended().await;
    world.home.journal().remove(policy).unwrap();
    world.nodes[0].set(Habit::NeverHeld);
    let report = revoke(&world.owner(), policy, world.spend()).await.unwrap();
    let compared: Vec<_> = report.erased.iter().map(|of| of.compared).collect();
    assert_eq!(compared, [false, false]);
    assert_eq!(codes(&report.pending), ["kfrag_missing"]);
    assert!(report.pending[0].detail.contains("nothing"));
    assert!(world.home.journal().list().unwrap().is_empty());
}

#[tokio::test]
async fn a_home_that_was_rebuilt_compares_with_the_kfrags_of_its_seed() {
    let (world, policy) = ended().await;
    world.home.journal().remove(policy).unwrap();
    let owner = world.owner();
    owner.rebuild(&world.keys, &world.lock).await.unwrap();
    world.nodes[0].set(Habit::OtherReceipt);
    let report = revoke(&owner, policy, world.spend()).await.unwrap();
    let compared: Vec<_> = report.erased.iter().map(|of| of.compared).collect();
    assert_eq!(compared, [true, true]);
    assert_eq!(codes(&report.pending), ["bad_receipt"]);
}

/// The chain is gone as soon as it has a transaction.
struct Outage(FakeChain);

impl Progress for Outage {
    fn event(&self, event: Event) {
        if matches!(event, Event::TxMined { .. }) {
            self.0.state().online = false;
        }
    }
}

#[tokio::test]
async fn a_chain_that_is_gone_after_the_revocation_makes_it_no_failure() {
    let (world, policy) = ended().await;
    let owner = world.owner();
    let plan = owner.plan_revocation(&[policy], Scope::Policy).await;
    let outage = Outage(world.chain.clone());
    let reports = owner.revoke(&plan.unwrap(), world.spend(), &outage).await;
    let report = reports.unwrap().remove(0);
    assert!(report.tx_hash.is_some());
    assert_eq!((report.refund, report.erased.len()), (None, 0));
    assert_eq!(report.pending.len(), 3, "each miner is named");
}

#[tokio::test]
async fn policies_that_end_together_are_waited_for_together() {
    let world = World::new(1).await;
    let policies = [world.granted(1, 1).await, world.granted(1, 1).await];
    world.nodes[0].set(Habit::Hangs);
    let owner = world.hasty_owner();
    let plan = owner.plan_revocation(&policies, Scope::Policy).await;
    let reports = owner.revoke(&plan.unwrap(), world.spend(), &Silent).await;
    let told: Vec<_> = reports.unwrap();
    assert!(told.iter().all(|of| codes(&of.pending) == ["timeout"]));
    assert_eq!(told.len(), 2);
}

/// The journal's entry is damaged as soon as something of this kind happens.
struct Damage<'a>(&'a World, PolicyId, fn(&Event) -> bool);

impl Progress for Damage<'_> {
    fn event(&self, event: Event) {
        let Self(world, policy, when) = self;
        if when(&event) {
            let home = &world.home;
            let journal = home.path().join("journal");
            let folder = journal.join(home.config().network_id());
            std::fs::write(folder.join(format!("{policy}.json")), "damaged").unwrap();
        }
    }
}

#[tokio::test]
async fn a_journal_that_fails_after_the_revocation_makes_it_no_failure() {
    let mined: fn(&Event) -> bool = |event| matches!(event, Event::TxMined { .. });
    let waiting: fn(&Event) -> bool = |event| matches!(event, Event::NodeWaiting { .. });
    for (when, least) in [(mined, 3), (waiting, 1)] {
        let (world, policy) = ended().await;
        world.nodes[0].set(Habit::ErasesAfter(3));
        let owner = world.owner();
        let plan = owner.plan_revocation(&[policy], Scope::Policy).await;
        let damage = Damage(&world, policy, when);
        let reports = owner.revoke(&plan.unwrap(), world.spend(), &damage).await;
        let report = reports.unwrap().remove(0);
        assert!(report.tx_hash.is_some(), "the chain has it");
        assert_eq!(report.erased.len() + report.pending.len(), 3);
        assert!(report.pending.len() >= least);
        assert!(
            codes(&report.pending)
                .iter()
                .all(|of| *of == "home_corrupt")
        );
        assert_eq!(report.asked, 3);
    }
}
