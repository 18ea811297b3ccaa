use super::*;

#[tokio::test]
async fn admits_workers_and_queue_and_no_more() {
    let pool = Pool::new(1, 2);
    let tickets: Vec<Ticket> = (0..3).map(|_| pool.admit().unwrap()).collect();
    assert_eq!(pool.depth(), 3);
    let refused = pool.admit().err().unwrap();
    assert_eq!(refused.code, Refusal::TooMany);
    assert_eq!(refused.retry_after_s, Some(1));
    drop(tickets);
    assert!(pool.admit().is_ok());
}

#[tokio::test]
async fn a_job_that_panics_refuses_itself_and_frees_its_place() {
    let pool = Pool::new(1, 0);
    let failed = pool.admit().unwrap().run::<()>(|| panic!("planted")).await;
    assert_eq!(failed.unwrap_err().code, Refusal::Internal);
    assert_eq!(pool.admit().unwrap().run(|| Ok(7)).await.unwrap(), 7);
    assert_eq!(pool.depth(), 0);
}
