use super::*;

#[test]
fn a_warning_does_not_make_the_node_unready_and_a_critical_condition_does() {
    let health = Health::new();
    health.set("money", Concern::Earning, Some("none left".into()));
    assert!(Report::new(health.checks()).ready);
    health.set("disk", Concern::Serving, Some("full".into()));
    let report = Report::new(health.checks());
    assert!(!report.ready);
    let disk = report
        .checks
        .iter()
        .find(|check| check.id == "disk")
        .unwrap();
    assert_eq!(disk.reason.as_deref(), Some("full"));
    health.set("disk", Concern::Serving, None);
    assert!(Report::new(health.checks()).ready);
}

#[test]
fn a_task_without_progress_makes_the_node_unready() {
    let health = Health::new();
    let heartbeat = health.heartbeat("chain");
    assert!(Report::new(health.checks()).ready);
    let late = Health {
        start: Instant::now() - 2 * HEARTBEAT_LIMIT,
        ..health.clone()
    };
    let report = Report::new(late.checks());
    assert!(!report.ready);
    assert!(
        report.checks[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("no progress")
    );
    heartbeat.beat();
    assert_eq!(health.beat_ages().len(), 1);
}
