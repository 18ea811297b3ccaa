//! Makes the files of the kit, from seeds that are written down here.

use serde_json::{Map, Value, json};

mod contents;
mod damage;
pub(crate) mod files;
pub(crate) mod forged;
mod frames;
mod grants;
mod memos;
mod messages;
pub(crate) mod policies;
mod restore;
mod sealed;
pub(crate) mod texts;

/// Name and text of every file.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    vec![
        ("files.json", files::make()),
        ("grants.json", grants::make()),
        ("texts.json", texts::make()),
        ("sealed.json", sealed::make()),
        ("policies.json", policies::make()),
        ("messages.json", messages::make()),
        ("contents.json", contents::make()),
    ]
}

/// One case: what is given, and what comes of it.
pub(crate) fn case(kind: &str, name: &str, given: Value, outcome: Value) -> Value {
    let mut case = json!({ "kind": kind, "name": name, "in": given });
    let Value::Object(outcome) = outcome else {
        panic!("{name}: an outcome is {{out}} or {{error}}")
    };
    case.as_object_mut().unwrap().extend(outcome);
    case
}

/// The text of a file: `head`, then one case a line, names in alphabetical order.
pub(crate) fn text(about: &str, head: &[(&str, Value)], cases: &[Value]) -> String {
    let mut out = format!("{{\"about\":{},\n\"format\":1,\n", json!(about));
    for (name, value) in head {
        out.push_str(&format!("\"{name}\":{{\n"));
        let entries = value.as_object().unwrap().iter();
        let entries = entries.map(|(name, value)| format!("{}:{}", json!(name), sorted(value)));
        out.push_str(&entries.collect::<Vec<_>>().join(",\n"));
        out.push_str("},\n");
    }
    let cases: Vec<String> = cases.iter().map(|case| sorted(case).to_string()).collect();
    out + "\"cases\":[\n" + &cases.join(",\n") + "]}\n"
}

/// The value with the fields of every object in alphabetical order, whatever serde_json keeps.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            let fields = fields
                .iter()
                .map(|(name, value)| ((*name).clone(), sorted(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
