//! The histories that the contract's differential test replays are those of today's formula.

#[path = "../examples/reward_histories/history.rs"]
mod history;
#[path = "../examples/reward_histories/random.rs"]
mod random;

const FILE: &str = "../../tests/vectors/reward_histories.json";

#[test]
fn the_committed_histories_are_fresh() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == history::file().unwrap(),
        "run the command at the head of examples/reward_histories/main.rs"
    );
}

#[test]
fn every_kind_of_act_occurs_with_and_without_kappa() {
    let file: serde_json::Value = serde_json::from_str(&history::file().unwrap()).unwrap();
    for kappa in [false, true] {
        let histories = file["histories"].as_array().unwrap().iter();
        let mut codes = [0; 10];
        for history in histories.filter(|history| history["kappa"] == kappa) {
            for act in history["acts"].as_array().unwrap().chunks(4) {
                codes[usize::try_from(act[0].as_u64().unwrap()).unwrap()] += 1;
            }
        }
        assert!(codes.iter().all(|number| *number >= 10), "{codes:?}");
    }
}
