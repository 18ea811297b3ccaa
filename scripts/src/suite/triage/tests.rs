use serde_json::{Value, json};

use super::{Accepted, Finding, findings, problems};

fn report() -> Value {
    let contract = json!({ "type": "contract", "name": "Books" });
    let function = json!({
        "type": "function", "name": "_roll", "type_specific_fields": { "parent": contract }
    });
    let node =
        json!({ "type": "node", "name": "a == b", "type_specific_fields": { "parent": function } });
    json!({ "success": true, "error": null, "results": { "detectors": [
        { "check": "incorrect-equality", "description": "one", "elements": [function, node] },
        { "check": "timestamp", "description": "two", "elements": [node] },
        { "check": "pragma", "description": "three", "elements": [contract] },
    ] } })
}

fn accepted(check: &str, place: &str) -> Accepted {
    Accepted {
        check: check.to_owned(),
        places: vec![place.to_owned()],
        reason: "because".to_owned(),
    }
}

fn known() -> Vec<Accepted> {
    vec![
        accepted("incorrect-equality", "Books._roll"),
        accepted("timestamp", "*"),
        accepted("pragma", "Books"),
    ]
}

#[test]
fn names_the_function_that_a_finding_is_in() {
    let places: Vec<String> = findings(&report())
        .unwrap()
        .into_iter()
        .map(|f| f.place)
        .collect();
    assert_eq!(places, ["Books._roll", "Books._roll", "Books"]);
}

#[test]
fn accepts_what_is_listed() {
    let found: Vec<Finding> = findings(&report()).unwrap();
    assert_eq!(problems(&found, &known()), Vec::<String>::new());
}

#[test]
fn refuses_a_new_finding_a_stale_entry_and_a_missing_reason() {
    let found = findings(&report()).unwrap();
    let mut list = known();
    list.pop();
    assert_eq!(problems(&found, &list).len(), 1, "new");
    let mut list = known();
    list.push(accepted("pragma", "Gone"));
    assert_eq!(
        problems(&found, &list),
        ["not found any more: pragma in Gone"]
    );
    let mut list = known();
    list[0].reason = " ".to_owned();
    assert_eq!(problems(&found, &list), ["no reason: incorrect-equality"]);
}

#[test]
fn refuses_the_report_of_a_run_that_failed() {
    let failed = json!({ "success": false, "error": "no compiler", "results": {} });
    assert!(findings(&failed).is_err());
    assert!(findings(&json!({})).is_err());
}
