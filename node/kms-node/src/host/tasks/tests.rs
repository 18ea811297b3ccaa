use std::time::Duration;

use super::*;

async fn ended(task: impl Future<Output = Ended> + Send + 'static) -> NodeError {
    let mut tasks = Tasks::default();
    tasks.spawn("other", std::future::pending());
    tasks.spawn("planted", task);
    tasks.next().await.unwrap().into_error()
}

#[tokio::test]
async fn a_task_that_ends_panics_or_fails_is_named() {
    for error in [
        ended(async { Ok(()) }).await,
        ended(async { Err(StoreError::Full) }).await,
        ended(async { panic!("planted") }).await,
    ] {
        assert_eq!(error.code(), "task_stopped");
        assert!(error.to_string().contains("planted"), "{error}");
    }
}

#[tokio::test]
async fn a_task_that_does_not_end_is_cut_off() {
    let mut tasks = Tasks::default();
    tasks.spawn("stuck", std::future::pending());
    tasks.end_within(Duration::from_millis(10)).await;
    assert!(tasks.next().await.is_none());
}
