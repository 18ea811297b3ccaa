//! An erasure waits for more than one endpoint's word.

use super::*;

/// A world in which a grant has ended by all that the index shows.
async fn ended() -> (World, Running, Grant) {
    let grant = Grant::new(1, 2);
    let (world, running) = holding(&grant).await;
    world.chain.mine_to_period(3);
    world.chain.mine_many(2);
    (world, running, grant)
}

#[tokio::test]
async fn nothing_is_erased_by_a_block_that_is_not_settled() {
    let (world, mut running, grant) = ended().await;
    world.chain.state().unsettled = true;
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let refused = answer(&running.node, grant.request(world.chain.time()));
    assert_eq!(refused.await.unwrap_err().code, Refusal::PolicyEnded);
}

#[tokio::test]
async fn nothing_is_erased_while_the_contract_says_that_it_is_paid() {
    let (world, mut running, grant) = ended().await;
    world.chain.state().still_paid = true;
    for _ in 0..3 {
        sweep_now(&mut running).await;
    }
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let told = reason(&running, "erasure_evidence").unwrap();
    assert!(told.contains(&grant.id().to_string()), "{told}");
    world.chain.state().still_paid = false;
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Erased);
    assert_eq!(reason(&running, "erasure_evidence"), None);
}

#[tokio::test]
async fn endpoints_that_disagree_erase_nothing_and_are_named() {
    let (world, mut running, grant) = ended().await;
    world.chain.state().dissenter = Some("b.example:8545");
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let told = reason(&running, "endpoints_agree").unwrap();
    assert!(told.contains("b.example:8545"), "{told}");
    assert!(!running.node.report().await.ready, "one of them is wrong");
}

#[tokio::test]
async fn an_end_that_does_not_stand_for_long_enough_erases_nothing() {
    let grant = Grant::new(1, 2);
    let world = World::new().set("erase_after_ms", "3600000");
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    upload::accept(&running.node, grant.upload()).await.unwrap();
    world.chain.mine_to_period(3);
    world.chain.mine_many(5);
    sweep_now(&mut running).await;
    assert!(running.node.has_waiting_erasures());
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
}

#[tokio::test]
async fn wrong_block_times_that_are_taken_back_erase_nothing() {
    let grant = Grant::new(1, 2);
    let (world, mut running) = holding(&grant).await;
    world.chain.mine_many(4);
    running.sync().await;
    let served = running.node.snapshot().unwrap();
    let request = grant.request(world.chain.time());
    assert!(answer(&running.node, request).await.is_ok());
    assert!(running.node.cache.get(&grant.id()).is_some());
    world.chain.state().unsettled = true;
    // The same blocks, shown as if they were a day later.
    world.chain.state().shift_times(86_400);
    sweep_now(&mut running).await;
    let snapshot = running.node.snapshot().unwrap();
    assert!(snapshot.confirmed_period > Period(2), "the lie is followed");
    assert!(running.node.has_waiting_erasures());
    let in_clear = running.node.cache.get(&grant.id());
    assert!(in_clear.is_none(), "in quarantine it lies encrypted");
    world.chain.state().shift_times(-86_400);
    world.chain.state().unsettled = false;
    sweep_now(&mut running).await;
    assert_eq!(running.node.snapshot().unwrap().period, served.period);
    assert!(!running.node.has_waiting_erasures());
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let request = grant.request(world.chain.time());
    assert!(answer(&running.node, request).await.is_ok());
}

#[tokio::test]
async fn nothing_is_erased_while_the_index_is_built_again() {
    let (world, mut running, grant) = ended().await;
    running.sync().await;
    let snapshot = running.node.snapshot().unwrap();
    running.sweeper.sweep(&snapshot).await.unwrap();
    running.sync().await;
    let snapshot = running.node.snapshot().unwrap();
    running.node.age.invalidate();
    running.sweeper.sweep(&snapshot).await.unwrap();
    assert!(running.node.has_waiting_erasures(), "it waits on");
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    world.chain.mine();
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Erased);
}

#[tokio::test]
async fn a_policy_that_the_index_lacks_needs_the_contracts_word_too() {
    let grant = Grant::new(1, 2);
    let (world, mut running) = holding(&grant).await;
    world.chain.drop_blocks(1);
    world.chain.mine_to_period(4);
    world.chain.state().still_paid = true;
    for _ in 0..3 {
        world.chain.mine();
        sweep_now(&mut running).await;
    }
    let terms = running.node.store.terms(grant.id()).await.unwrap();
    assert_eq!(terms, None, "a reorg removed it");
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let told = reason(&running, "erasure_evidence").unwrap();
    assert!(told.contains(&grant.id().to_string()), "{told}");
    world.chain.state().still_paid = false;
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Erased);
}

#[tokio::test]
async fn a_database_that_does_not_give_the_terms_erases_nothing() {
    let (world, mut running, grant) = ended().await;
    running.node.store.replace_terms(grant.id(), "{").await;
    for _ in 0..2 {
        world.chain.mine();
        sweep_now(&mut running).await;
    }
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let told = reason(&running, "erasure_evidence").unwrap();
    assert!(told.contains("terms"), "{told}");
}

#[tokio::test]
async fn a_policy_that_the_contract_refuses_does_not_keep_the_others() {
    let grants: Vec<Grant> = (0..6).map(|_| Grant::new(1, 2)).collect();
    let world = World::new();
    for grant in &grants {
        world.chain.queue_served(&grant.terms);
    }
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    for grant in &grants {
        upload::accept(&running.node, grant.upload()).await.unwrap();
    }
    world.chain.mine_to_period(3);
    world.chain.mine_many(2);
    let refused: Vec<PolicyId> = grants[..5].iter().map(|grant| grant.id()).collect();
    world.chain.state().unknown.extend(refused.clone());
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grants[5]).await, KfragState::Erased);
    for grant in &grants[..5] {
        assert_eq!(state(&running, grant).await, KfragState::Stored);
    }
    let told = reason(&running, "erasure_evidence").unwrap();
    assert!(
        refused.iter().any(|id| told.contains(&id.to_string())),
        "{told}"
    );
    world.chain.state().unknown.clear();
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grants[0]).await, KfragState::Erased);
    assert_eq!(reason(&running, "erasure_evidence"), None);
}

#[tokio::test]
async fn an_end_that_is_not_settled_for_long_is_told() {
    let (world, mut running, grant) = ended().await;
    world.chain.state().unsettled = true;
    sweep_now(&mut running).await;
    assert_eq!(reason(&running, "erasure_evidence"), None, "not for long");
    for waiting in running.sweeper.waiting.values_mut() {
        waiting.since -= OVERDUE + Duration::from_secs(1);
    }
    sweep_now(&mut running).await;
    let told = reason(&running, "erasure_evidence").unwrap();
    assert!(told.contains("two endpoints"), "{told}");
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let newest = Snapshot::clone(&running.node.snapshot().unwrap());
    let settled = Some((newest.head.number, newest.period));
    let shown = Snapshot { settled, ..newest };
    running.sweeper.sweep(&shown).await.unwrap();
    assert_eq!(state(&running, &grant).await, KfragState::Erased);
    assert_eq!(reason(&running, "erasure_evidence"), None);
}
