//! Replays the published vectors, with the same code as the example.

#[path = "../examples/vectors/replay/mod.rs"]
mod replay;

const VECTORS: &str = include_str!("../../tests/vectors/umbral.json");

#[test]
fn every_vector_does_what_is_expected() {
    let report = replay::replay(VECTORS).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.passed, 72);
}
