use super::*;
use crate::host::stop::Stopper;
use crate::testkit::World;

fn nonce(number: u64) -> B256 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    B256(bytes)
}

fn code(verdict: Verdict<Pending>) -> Option<Refusal> {
    verdict.err().map(|problem| problem.code)
}

#[tokio::test]
async fn a_nonce_is_taken_once_across_restarts() {
    let world = World::new();
    let store = world.store().await;
    let (guard, queue) = ReplayGuard::load(&store, 100).await.unwrap();
    let (_stopper, stop) = Stopper::new();
    tokio::spawn(write_nonces(store.clone(), queue, stop));
    let pending: Vec<Pending> = (0..50)
        .map(|number| guard.take(nonce(number), 10, 0).unwrap())
        .collect();
    for pending in pending {
        pending.durable().await.unwrap();
    }
    assert_eq!(code(guard.take(nonce(7), 10, 0)), Some(Refusal::Replay));
    let (again, _queue) = ReplayGuard::load(&world.store().await, 100).await.unwrap();
    assert_eq!(code(again.take(nonce(7), 11, 0)), Some(Refusal::Replay));
    assert_eq!(code(again.take(nonce(99), 11, 0)), None);
}

#[tokio::test]
async fn memory_and_database_are_bounded_by_the_window() {
    let world = World::new();
    let store = world.store().await;
    let (guard, _queue) = ReplayGuard::load(&store, 2).await.unwrap();
    assert_eq!(code(guard.take(nonce(1), 10, 0)), None);
    assert_eq!(code(guard.take(nonce(2), 10, 0)), None);
    assert_eq!(code(guard.take(nonce(3), 10, 0)), Some(Refusal::TooMany));
    assert_eq!(
        code(guard.take(nonce(3), 20, 11)),
        None,
        "the old ones were forgotten"
    );
    store
        .remember_nonces(&[(nonce(1), 10), (nonce(2), 20)])
        .await
        .unwrap();
    store.forget_nonces(11).await.unwrap();
    assert_eq!(store.nonces_from(0).await.unwrap(), vec![(nonce(2), 20)]);
}

#[tokio::test]
async fn the_writer_forgets_what_the_window_has_left() {
    let world = World::new();
    let store = world.store().await;
    store.remember_nonces(&[(nonce(1), 10)]).await.unwrap();
    let (guard, queue) = ReplayGuard::load(&store, 100).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let writer = tokio::spawn(write_nonces(store.clone(), queue, stop));
    let pending = guard.take(nonce(2), 20, 11).unwrap();
    pending.durable().await.unwrap();
    // This commit follows the writer's deletion of old nonces.
    let pending = guard.take(nonce(3), 20, 11).unwrap();
    pending.durable().await.unwrap();
    stopper.stop();
    writer.await.unwrap();
    let mut kept = store.nonces_from(0).await.unwrap();
    kept.sort();
    assert_eq!(kept, vec![(nonce(2), 20), (nonce(3), 20)]);
}

#[tokio::test]
async fn there_is_no_answer_without_the_commit() {
    let world = World::new();
    let store = world.store().await;
    let (guard, queue) = ReplayGuard::load(&store, 100).await.unwrap();
    let pending = guard.take(nonce(1), 10, 0).unwrap();
    store.close().await;
    let (_stopper, stop) = Stopper::new();
    tokio::spawn(write_nonces(store, queue, stop));
    assert_eq!(pending.durable().await.unwrap_err().code, Refusal::Internal);
}

#[tokio::test]
async fn a_writer_that_falls_behind_sheds() {
    let world = World::new();
    let (guard, _queue) = ReplayGuard::load(&world.store().await, 100_000)
        .await
        .unwrap();
    let mut taken = Vec::new();
    let refused = (0..10_000).find_map(|number| match guard.take(nonce(number), 10, 0) {
        Ok(pending) => {
            taken.push(pending);
            None
        }
        Err(problem) => Some(problem.code),
    });
    assert_eq!(refused, Some(Refusal::TooMany));
}
