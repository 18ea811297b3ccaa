//! `contents.json`: the JSON inside the envelope, and that of `/v2/info`; each with every value and
//! every field changed.

use kms_protocol::messages::Problem;
use kms_protocol::{B256, Refusal};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{case, sorted, text};
use crate::play;

mod genuine;

use genuine::genuine;

fn value(content: &impl Serialize) -> Value {
    sorted(&serde_json::to_value(content).unwrap())
}

struct Cases {
    bases: Map<String, Value>,
    cases: Vec<Value>,
}

impl Cases {
    /// A case of this text, told as the one place where it differs from its base.
    fn push(&mut self, kind: &str, base: &str, name: &str, changed: &[u8]) {
        let text = self.bases[base]["text"].as_str().unwrap().as_bytes();
        let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| {
            pairs.take_while(|(before, after)| before == after).count()
        };
        let at = same(&mut text.iter().zip(changed));
        let room = text.len().min(changed.len()) - at;
        let tail = same(&mut text.iter().rev().zip(changed.iter().rev())).min(room);
        let insert = hex::encode(&changed[at..changed.len() - tail]);
        let edit = json!({ "at": at, "remove": text.len() - tail - at, "insert": insert });
        let whole = text == changed;
        self.edit(
            kind,
            base,
            name,
            if whole { json!([]) } else { json!([edit]) },
        );
    }

    fn edit(&mut self, kind: &str, base: &str, name: &str, edits: Value) {
        let given = json!({ "base": base, "edits": edits });
        let outcome = play::contents::run(&self.bases, kind, &given);
        let name = format!("{kind}: {base}: {name}");
        self.cases.push(case(kind, &name, given, outcome));
    }

    /// Puts a part of the text in again, so many times, each behind these bytes.
    fn repeat(&mut self, kind: &str, base: &str, name: &str, again: &Again<'_>) {
        let text = self.bases[base]["text"].as_str().unwrap();
        let from = text.find(again.part).unwrap();
        let part = json!({ "base": base, "from": from, "length": again.part.len() });
        let parts = (0..again.times).flat_map(|_| [json!(hex::encode(again.behind)), part.clone()]);
        let at = from + again.part.len();
        let insert = Value::Array(parts.collect());
        let edits = json!([{ "at": at, "remove": 0, "insert": insert }]);
        self.edit(kind, base, name, edits);
    }
}

struct Again<'a> {
    part: &'a str,
    behind: &'a str,
    times: usize,
}

/// Where every value below `value` is, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, v)| (name.clone(), v)).collect(),
        Value::Array(list) => (0..)
            .zip(list)
            .map(|(i, v): (u32, _)| (i.to_string(), v))
            .collect(),
        _ => Vec::new(),
    };
    for (name, value) in entries {
        let place = format!("{at}/{name}");
        places(value, &place, found);
        found.push(place);
    }
}

/// What is put in the place of a value, by its type.
fn instead(value: &Value) -> Vec<(&'static str, Value)> {
    let mut all = vec![("null", Value::Null)];
    match value {
        Value::String(text) => {
            let mut short = text.clone();
            short.pop();
            all.extend([
                ("a number", json!(5)),
                ("a character shorter", json!(short)),
                ("a character longer", json!(format!("{text}0"))),
                ("of letters", json!(format!("{short}g"))),
            ]);
        }
        Value::Number(_) => all.extend([
            ("a text", json!("5")),
            ("negative", json!(-1)),
            ("a fraction", json!(1.5)),
            ("2^32", json!(1_u64 << 32)),
        ]),
        Value::Bool(_) => all.push(("a number", json!(0))),
        Value::Array(_) => all.extend([("an object", json!({})), ("empty", json!([]))]),
        Value::Object(_) => all.extend([("an empty object", json!({})), ("a number", json!(5))]),
        Value::Null => {}
    }
    all
}

fn written(value: &Value) -> Vec<u8> {
    sorted(value).to_string().into_bytes()
}

/// Changes every value, takes out every field and puts one in that is unknown.
fn values(cases: &mut Cases, kind: &str, base: &str, whole: &Value) {
    let mut found = Vec::new();
    places(whole, "", &mut found);
    for place in found {
        for (what, value) in instead(whole.pointer(&place).unwrap()) {
            let mut changed = whole.clone();
            *changed.pointer_mut(&place).unwrap() = value;
            cases.push(
                kind,
                base,
                &format!("{place} is {what}"),
                &written(&changed),
            );
        }
        let (parent, field) = place.rsplit_once('/').unwrap();
        let mut changed = whole.clone();
        if let Some(fields) = changed.pointer_mut(parent).unwrap().as_object_mut() {
            fields.remove(field);
            cases.push(kind, base, &format!("without {place}"), &written(&changed));
        }
        let within = whole.pointer(&place).unwrap();
        if let Some(entries) = within.as_array() {
            for times in [64 - entries.len(), 65 - entries.len()] {
                let again = Again {
                    part: &sorted(&entries[0]).to_string(),
                    behind: ",",
                    times,
                };
                let name = format!("{place} with {times} entries more");
                cases.repeat(kind, base, &name, &again);
            }
        }
        let mut changed = whole.clone();
        if let Some(fields) = changed.pointer_mut(&place).unwrap().as_object_mut() {
            fields.insert("zz".to_owned(), json!(0));
            cases.push(
                kind,
                base,
                &format!("{place} and a field more"),
                &written(&changed),
            );
        }
    }
}

/// Changes of the text itself.
fn texts(cases: &mut Cases, kind: &str, base: &str, whole: &Value) {
    let text = String::from_utf8(written(whole)).unwrap();
    let inner = &text[1..text.len() - 1];
    for (name, changed) in [
        ("as it was written", text.clone()),
        ("cut", text[..text.len() - 1].to_owned()),
        ("a bracket more", format!("{text}}}")),
        ("a comma at its end", format!("{{{inner},}}")),
        ("a field more", format!("{{{inner},\"zz\":0}}")),
        ("an empty object", "{}".to_owned()),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
        ("a byte order mark", format!("\u{feff}{text}")),
    ] {
        cases.push(kind, base, name, changed.as_bytes());
    }
    for (name, part, behind) in [("twice", &*text, ""), ("every field twice", inner, ",")] {
        let again = Again {
            part,
            behind,
            times: 1,
        };
        cases.repeat(kind, base, name, &again);
    }
    let spaced = json!([
        { "at": text.len(), "remove": 0, "insert": "0a" },
        { "at": 0, "remove": 0, "insert": "20090d0a" },
    ]);
    cases.edit(kind, base, "with white space", spaced);
    let stray = [&text.as_bytes()[..2], &[0xff], &text.as_bytes()[2..]].concat();
    cases.push(kind, base, "not UTF-8", &stray);
}

/// Texts for people, and the kinds of a message.
fn particular(cases: &mut Cases) {
    let refusal = |detail: &str| {
        let mut problem = value(&Problem::new(Refusal::TooMany, ""));
        problem["detail"] = detail.into();
        written(&json!({ "refused": problem }))
    };
    for (name, detail) in [
        ("a detail of 1,000 bytes", "\u{e9}".repeat(500)),
        (
            "a detail of 1,001 bytes",
            format!("x{}", "\u{e9}".repeat(500)),
        ),
        ("a detail with a line end", "a\nb".to_owned()),
        ("a detail with U+0085", "a\u{85}b".to_owned()),
        ("a detail that turns direction", "a\u{202e}b".to_owned()),
        ("a detail that isolates", "a\u{2066}b".to_owned()),
    ] {
        cases.push("answer", "a refusal", name, &refusal(&detail));
    }
    for (name, text) in [
        ("an escape of half a character", "\\ud83d"),
        ("an escape that does not exist", "\\x61"),
        ("a line end within a text", "\n"),
    ] {
        let text = String::from_utf8(refusal("#")).unwrap().replace('#', text);
        cases.push("answer", "a refusal", name, text.as_bytes());
    }
    let request = cases.bases["a request"]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    for number in [
        "18446744073709551616",
        "18446744073709551615",
        "-0",
        "01234",
        "1e3",
        "0x1",
    ] {
        let text = request.replace("1234", number);
        cases.push(
            "message",
            "a request",
            &format!("block {number}"),
            text.as_bytes(),
        );
    }
    let status = json!({ "status": B256([7; 32]), "stored": null });
    cases.push("message", "a question", "two kinds", &written(&status));
    cases.push("message", "a question", "a kind's name", b"\"status\"");
    cases.push("message", "a question", "an answer", &refusal(""));
}

pub(crate) fn make() -> String {
    let genuine = genuine();
    let bases = genuine.iter().map(|(_, name, whole)| {
        let text = String::from_utf8(written(whole)).unwrap();
        ((*name).to_owned(), json!({ "text": text }))
    });
    let mut cases = Cases {
        bases: bases.collect(),
        cases: Vec::new(),
    };
    for (kind, name, whole) in &genuine {
        texts(&mut cases, kind, name, whole);
        values(&mut cases, kind, name, whole);
    }
    particular(&mut cases);
    let codes = Refusal::ALL
        .iter()
        .map(|code| (code.code().to_owned(), json!(code.http_status())));
    let head = [
        ("bases", Value::Object(cases.bases)),
        ("refusals", Value::Object(codes.collect())),
    ];
    let about = "JSON of messages, answers and a node's information";
    text(about, &head, &cases.cases)
}
