use super::*;

#[tokio::test]
async fn stop_reaches_every_holder_and_cuts_sleeps_short() {
    let (stopper, stop) = Stopper::new();
    let other = stop.clone();
    assert!(!stop.is_stopped());
    let sleeping = tokio::spawn(async move { other.sleep(Duration::from_secs(3_600)).await });
    stopper.stop();
    sleeping.await.unwrap();
    stop.stopped().await;
    assert!(stop.is_stopped());
}
