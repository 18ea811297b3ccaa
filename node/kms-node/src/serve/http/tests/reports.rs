//! Serving and earning are two answers.

use super::*;
use crate::host::health::Concern;

fn find<'a>(report: &'a Value, id: &str) -> Option<&'a Value> {
    let mut checks = report["checks"].as_array().unwrap().iter();
    checks.find(|check| check["id"] == id)
}

#[tokio::test]
async fn what_costs_money_alone_does_not_make_a_node_unready() {
    let served = Served::new(World::new()).await;
    let node = &served.running.node;
    let poor = Some("worker has nothing".to_owned());
    node.health.set("worker_balance", Concern::Earning, poor);
    assert_eq!(served.get("/readyz").await.status().as_u16(), 200);
    let response = served.get("/earnz").await;
    assert_eq!(response.status().as_u16(), 503);
    let report: Value = read(response).await;
    assert_eq!(report["earning"], false);
    let balance = find(&report, "worker_balance").unwrap();
    assert_eq!(balance["reason"], "worker has nothing");
    assert_eq!(balance["remedy"], "send ether to the worker");
    let ready: Value = read(served.get("/readyz").await).await;
    assert_eq!(find(&ready, "worker_balance"), None);
    node.health.set("worker_balance", Concern::Earning, None);
    assert_eq!(served.get("/earnz").await.status().as_u16(), 200);
}

#[tokio::test]
async fn what_readers_suffer_from_is_not_told_as_money() {
    let served = Served::new(World::new()).await;
    let node = &served.running.node;
    let reason = Some("b shows another block".to_owned());
    node.health.set("endpoints_agree", Concern::Serving, reason);
    assert_eq!(served.get("/readyz").await.status().as_u16(), 503);
    let earning: Value = read(served.get("/earnz").await).await;
    assert_eq!(find(&earning, "endpoints_agree"), None);
}

#[tokio::test]
async fn a_node_that_is_blind_does_not_say_that_it_earns() {
    let served = Served::new(World::new()).await;
    assert_eq!(served.get("/earnz").await.status().as_u16(), 200);
    served.running.node.age.invalidate();
    let response = served.get("/earnz").await;
    assert_eq!(response.status().as_u16(), 503);
    let report: Value = read(response).await;
    let known = find(&report, "standing_known").unwrap();
    assert_eq!(known["ok"], false);
    assert!(known["reason"].as_str().unwrap().contains("chain"));
    assert!(known["remedy"].as_str().unwrap().contains("clock"));
    served.running.node.age.refresh();
    assert_eq!(served.get("/earnz").await.status().as_u16(), 200);
}

#[tokio::test]
async fn every_check_is_a_gauge() {
    let served = Served::new(World::new()).await;
    let node = &served.running.node;
    let reason = Some("full".to_owned());
    node.health.set("disk", Concern::Serving, reason);
    let text = served.metrics().await;
    for series in [
        "kms_check{check=\"disk\"} 0",
        "kms_check{check=\"store\"} 1",
        "kms_ready 0",
        "kms_earning 1",
    ] {
        assert!(text.contains(series), "{series} in\n{text}");
    }
}
