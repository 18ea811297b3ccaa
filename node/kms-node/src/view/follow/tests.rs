use kms_chain::ChainEvent;
use kms_protocol::messages::Problem;
use kms_protocol::{Amount, Period, Refusal};

use super::*;
use crate::gate;
use crate::testkit::grant::Grant;
use crate::testkit::{Running, World};

mod budget;

fn verdict(node: &Node, grant: &Grant) -> Option<Refusal> {
    let snapshot = node.snapshot();
    let served = gate::serve(node.view(snapshot.as_ref()), &grant.id());
    served.err().map(|Problem { code, .. }| code)
}

#[tokio::test]
async fn nothing_is_served_before_the_head_was_reached_once() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(100);
    let mut running = world.start().await;
    assert_eq!(
        verdict(&running.node, &grant),
        Some(Refusal::StaleChainView)
    );
    assert!(!running.follower.advance().await.unwrap());
    assert_eq!(
        verdict(&running.node, &grant),
        Some(Refusal::StaleChainView),
        "half-way"
    );
    running.sync().await;
    assert_eq!(verdict(&running.node, &grant), None);
}

#[tokio::test]
async fn a_reorg_takes_a_policy_away_and_gives_it_back() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    let mut running = world.start().await;
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    running.sync().await;
    assert_eq!(verdict(&running.node, &grant), None);
    world.chain.drop_blocks(3);
    world.chain.mine_many(4);
    running.sync().await;
    assert_eq!(verdict(&running.node, &grant), Some(Refusal::PolicyUnknown));
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    running.sync().await;
    assert_eq!(
        verdict(&running.node, &grant),
        Some(Refusal::PolicyUnconfirmed)
    );
    world.chain.mine_many(2);
    running.sync().await;
    assert_eq!(verdict(&running.node, &grant), None);
}

#[tokio::test]
async fn a_dropped_event_is_found_by_the_next_one_and_stops_service() {
    let world = World::new();
    let (first, second) = (Grant::new(1, 100), Grant::new(1, 100));
    let mut running = world.start().await;
    world.chain.queue_served(&first.terms);
    let block = world.chain.mine();
    world.chain.state().hidden.insert((block, 0));
    world.chain.queue_served(&second.terms);
    world.chain.mine_many(3);
    let trouble = loop {
        match running.follower.advance().await {
            Ok(up_to_date) => assert!(!up_to_date),
            Err(trouble) => break trouble,
        }
    };
    let Trouble::Store(
        gap @ StoreError::SequenceGap {
            expected: 1,
            found: 2,
            ..
        },
    ) = trouble
    else {
        panic!("{trouble:?}")
    };
    running.follower.gap(&gap).await.unwrap();
    assert_eq!(
        verdict(&running.node, &second),
        Some(Refusal::StaleChainView)
    );
    let report = running.node.report().await;
    assert!(!report.ready);
    assert!(
        report
            .checks
            .iter()
            .any(|check| check.id == "events_complete" && !check.ok)
    );
    world.chain.state().hidden.clear();
    running.sync().await;
    assert_eq!(verdict(&running.node, &first), None);
    assert_eq!(verdict(&running.node, &second), None);
    assert!(running.node.report().await.ready);
}

#[tokio::test]
async fn a_dropped_last_event_is_found_by_the_contracts_own_count() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    let mut running = world.start().await;
    world.chain.queue_served(&grant.terms);
    let block = world.chain.mine();
    world.chain.state().hidden.insert((block, 0));
    running.sync().await;
    assert!(running.follower.counts.is_some(), "read while up to date");
    let trouble = running.follower.advance().await.unwrap_err();
    assert!(
        matches!(trouble, Trouble::Store(StoreError::SequenceGap { .. })),
        "{trouble:?}"
    );
}

/// A world whose endpoint hides the last event and does not count it either.
async fn hiding() -> (World, Running) {
    let world = World::new();
    let grant = Grant::new(1, 100);
    let mut running = world.start().await;
    world.chain.queue_served(&grant.terms);
    let block = world.chain.mine();
    world.chain.mine_many(2);
    world.chain.state().hidden.insert((block, 0));
    world.chain.state().lowered = true;
    running.sync().await;
    (world, running)
}

#[tokio::test]
async fn an_event_that_one_endpoint_hides_is_counted_by_another() {
    let (world, mut running) = hiding().await;
    running.follower.counted = None;
    world.chain.state().witnessed = true;
    let trouble = running.follower.advance().await.unwrap_err();
    assert!(
        matches!(trouble, Trouble::Store(StoreError::SequenceGap { .. })),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn a_chain_that_is_another_one_than_before_is_not_taken_in() {
    let (world, mut running) = hiding().await;
    let before = running.node.snapshot().unwrap();
    world.chain.state().other_chain = true;
    world.chain.drop_blocks(2);
    world.chain.mine_many(5);
    let trouble = running.follower.advance().await.unwrap_err();
    assert!(
        matches!(trouble, Trouble::Chain(ChainError::WrongChain { .. })),
        "{trouble:?}"
    );
    assert_eq!(running.node.snapshot().unwrap().head, before.head);
    world.chain.state().other_chain = false;
    running.sync().await;
    let head = running.node.snapshot().unwrap().head.number;
    assert_eq!(head, world.chain.height());
}

#[tokio::test]
async fn an_endpoint_of_another_chain_beside_a_good_one_resets_nothing() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    let mut running = world.start().await;
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    running.sync().await;
    let before = running.follower.indexer.cursor().clone();
    world.chain.state().swapped = true;
    assert!(running.follower.advance().await.unwrap(), "no step");
    assert_eq!(*running.follower.indexer.cursor(), before);
    // The next look is at the other endpoint.
    assert!(running.follower.advance().await.unwrap());
    assert_eq!(*running.follower.indexer.cursor(), before);
    assert_eq!(verdict(&running.node, &grant), None);
    world.chain.mine();
    running.sync().await;
    let head = running.node.snapshot().unwrap().head.number;
    assert_eq!(head, world.chain.height());
}

#[tokio::test]
async fn a_chain_that_stands_still_is_not_believed() {
    let world = World::new().set("max_head_age_s", "60");
    let mut running = world.start().await;
    running.sync().await;
    let report = running.node.report().await;
    assert!(!report.ready);
    let mut checks = report.checks.iter();
    let head = checks.find(|check| check.id == "head_fresh").unwrap();
    let reason = head.reason.as_ref().unwrap();
    assert!(reason.contains("s old"), "{reason}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let late = now.as_secs() - world.chain.state().head().timestamp;
    let late = i64::try_from(late).unwrap();
    world.chain.state().shift_times(late);
    running.sync().await;
    assert!(running.node.report().await.ready);
}

#[tokio::test]
async fn an_outage_lets_the_view_grow_old_and_recovers() {
    let world = World::new();
    let mut running = world.start().await;
    running.sync().await;
    world.chain.state().online = false;
    let trouble = running.follower.advance().await.unwrap_err();
    let Trouble::Chain(error) = trouble else {
        panic!("{trouble:?}")
    };
    running.follower.trouble(&error);
    let report = running.node.report().await;
    assert!(report.ready, "the view is young still");
    assert!(
        report
            .checks
            .iter()
            .any(|check| check.id == "rpc" && !check.ok)
    );
    running.node.age.invalidate();
    assert!(!running.node.report().await.ready);
    world.chain.state().online = true;
    running.sync().await;
    assert!(running.node.report().await.ready);
}

#[tokio::test]
async fn an_endpoint_behind_the_view_does_not_make_it_fresh() {
    let world = World::new();
    let mut running = world.start().await;
    world.chain.mine_many(5);
    running.sync().await;
    running.node.age.invalidate();
    world.chain.drop_blocks(2);
    assert!(running.follower.advance().await.unwrap());
    assert_eq!(running.node.age.age(), None);
}

#[tokio::test]
async fn goes_on_where_it_stopped() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(5);
    let mut running = world.start().await;
    running.sync().await;
    let before = running.node.snapshot().unwrap();
    drop(running);
    let mut again = world.start().await;
    assert!(
        again.follower.advance().await.unwrap(),
        "nothing to take in"
    );
    assert_eq!(*again.node.snapshot().unwrap(), *before);
    assert_eq!(before.period, Period(1));
}

#[tokio::test]
async fn contradicting_events_do_not_end_the_node() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    // Contracts create a policy once; a faulty endpoint may report it twice.
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    let mut running = world.start().await;
    let trouble = loop {
        match running.follower.advance().await {
            Ok(up_to_date) => assert!(!up_to_date),
            Err(trouble) => break trouble,
        }
    };
    let Trouble::Store(error @ StoreError::Inconsistent { .. }) = trouble else {
        panic!("{trouble:?}")
    };
    running.follower.gap(&error).await.unwrap();
    assert_eq!(
        verdict(&running.node, &grant),
        Some(Refusal::StaleChainView)
    );
}

#[tokio::test]
async fn a_foreign_lock_stops_the_index_and_not_the_node() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    let mut running = world.start().await;
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    let lock = world.store().await.hold_lock().await;
    let trouble = running.follower.advance().await.unwrap_err();
    let Trouble::Store(error @ StoreError::Busy(_)) = trouble else {
        panic!("{trouble:?}")
    };
    running.follower.store_trouble(error).await.unwrap();
    assert_eq!(
        verdict(&running.node, &grant),
        Some(Refusal::StaleChainView)
    );
    lock.rollback().await.unwrap();
    running.sync().await;
    assert_eq!(verdict(&running.node, &grant), None);
}

#[tokio::test]
async fn what_was_written_before_an_error_is_in_the_index_after_it() {
    let world = World::new();
    let grant = Grant::new(1, 100);
    let mut running = world.start().await;
    world.chain.queue_policy(&grant.terms);
    world.chain.mine_many(3);
    running.sync().await;
    let (store, id) = (running.node.store.clone(), grant.id());
    let terms = store.replace_terms(id, "{").await;
    world.chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id: id,
        effective_last: Period(2),
        refund: Amount(1),
    });
    world.chain.mine();
    // The revocation is written; the policy cannot be read after it.
    let trouble = running.follower.advance().await.unwrap_err();
    assert!(matches!(
        trouble,
        Trouble::Store(StoreError::Corrupt { .. })
    ));
    store.replace_terms(id, &terms).await;
    running.sync().await;
    assert_eq!(verdict(&running.node, &grant), Some(Refusal::PolicyRevoked));
}

#[tokio::test]
async fn a_block_that_is_the_head_costs_two_requests_and_makes_the_view_fresh() {
    let world = World::new();
    let mut running = world.start().await;
    running.sync().await;
    running.sync().await;
    running.node.age.invalidate();
    world.chain.mine();
    let before = world.chain.state().requests;
    assert!(running.follower.advance().await.unwrap(), "at the head");
    assert_eq!(world.chain.state().requests - before, 2);
    assert!(running.node.age.age().is_some());
    let head = running.node.snapshot().unwrap().head.number;
    assert_eq!(head, world.chain.height());
}

#[tokio::test]
async fn an_endpoint_whose_answers_do_not_fit_together_is_passed_over() {
    let world = World::new();
    let mut running = world.start().await;
    running.sync().await;
    let misfit = ChainError::ChainMoved;
    let bad = ChainError::BadReply {
        method: "eth_getLogs",
        reason: "logs out of order",
    };
    let outage = kms_kit::chain::outage();
    for (error, passed_over) in [
        (&misfit, 0),
        (&bad, 0),
        (&outage, 0),
        (&misfit, 1),
        (&bad, 1),
        (&bad, 1),
        (&bad, 2),
    ] {
        running.follower.note_misfit(error);
        assert_eq!(world.chain.state().passed_over, passed_over);
    }
    running.follower.note_misfit(&misfit);
    running.follower.note_misfit(&misfit);
    assert!(running.follower.look(Duration::ZERO).await.is_ok());
    running.follower.note_misfit(&misfit);
    assert_eq!(world.chain.state().passed_over, 2, "not in a row");
}
