use super::{BASELINE, Comparison, gas_of};
use crate::gas::bench::Measured;

const THEIRS: &str = r#"{"note": "n", "systems": {
    "nu-v5.3.3": [{"op": "claim", "gas": 300}], "livepeer": [{"op": "mint", "gas": 200}]}}"#;
const PAIRS: &str = "[claim]\nlimit = 90\nnu-v5 = \"claim\"\nlivepeer = \"mint\"\n";

fn measured(gas: u64) -> Vec<Measured> {
    let row = |operation: &str, gas| Measured {
        operation: operation.to_owned(),
        gas,
    };
    vec![row("claim", gas), row("other", 7)]
}

fn comparison(pairs: &str) -> anyhow::Result<Comparison> {
    Comparison::parse(THEIRS, pairs)
}

#[test]
fn every_entry_of_the_committed_files_is_found() {
    let comparison = Comparison::load().unwrap();
    assert!(comparison.rows.len() > 40);
    assert!(comparison.note.contains("real transactions"));
}

#[test]
fn the_ratio_is_the_cheapest_other_divided_by_ours() {
    let lines = comparison(PAIRS).unwrap().table(&measured(80));
    let of = |name: &str| lines.iter().find(|line| line.starts_with(name)).unwrap();
    let words: Vec<&str> = of("claim").split_whitespace().collect();
    assert_eq!(words, ["claim", "80", "300", "200", "2.50", "90"]);
    let words: Vec<&str> = of("other ").split_whitespace().collect();
    assert_eq!(words, ["other", "7"]);
}

#[test]
fn refuses_a_cost_above_its_limit_without_a_reason() {
    let plain = comparison(PAIRS).unwrap();
    assert!(plain.check(&measured(90)).is_ok());
    let error = plain.check(&measured(91)).unwrap_err().to_string();
    assert!(error.contains("claim costs 91 gas"), "{error}");
    let excused = comparison(&format!("{PAIRS}above = \"because\"\n")).unwrap();
    assert!(excused.check(&measured(91)).is_ok());
    let said = excused.table(&measured(91)).join("\n");
    assert!(said.contains("1 above its limit of 90: because"), "{said}");
}

#[test]
fn refuses_pairs_that_name_nothing() {
    for pairs in [
        "[claim]\nnu-v5 = \"no such operation\"",
        "[claim]\ngraph = \"claim\"",
        "[claim]\nnobody = \"claim\"",
        "[claim]\nlimit = -1",
    ] {
        assert!(comparison(pairs).is_err(), "{pairs}");
    }
    assert!(Comparison::parse("{}", PAIRS).is_err());
    assert!(Comparison::parse(&BASELINE.replace("\"note\"", "\"notes\""), PAIRS).is_err());
}

#[test]
fn refuses_an_operation_that_was_not_measured() {
    let comparison = comparison(PAIRS).unwrap();
    let error = comparison.check(&[]).unwrap_err().to_string();
    assert!(error.contains("`claim` was not measured"), "{error}");
    assert_eq!(gas_of(&measured(80), "other").unwrap(), 7);
    assert!(gas_of(&measured(80), "othe").is_err());
}
