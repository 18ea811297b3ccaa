//! Files that are opened from the owner's 24 words alone, by the name sealed in their header.

use kms_client::Seed;
use serde_json::{Map, Value, json};

use super::damage::{find, layout};
use super::files::{Base, SEED};
use super::{case, forged, sealed};
use crate::bytes::{Drawn, sha256};
use crate::play;

/// Number of the field with the sealed name.
const NAME: u16 = 0x0005;

struct Cases<'a> {
    bases: &'a Map<String, Value>,
    words: &'a str,
    cases: &'a mut Vec<Value>,
}

impl Cases<'_> {
    fn push(&mut self, name: &str, base: &str, edits: Value) {
        self.with_words(name, base, edits, self.words);
    }

    fn with_words(&mut self, name: &str, base: &str, edits: Value, words: &str) {
        let mut given = json!({ "base": base, "edits": edits, "words": words });
        let file = play::file(self.bases, &given);
        given["sha256"] = sha256(&file).into();
        let outcome = play::restored(&file, words);
        let name = format!("from the words: {name}");
        self.cases.push(case("restore", &name, given, outcome));
    }
}

fn words(seed: [u8; 32]) -> String {
    let seed = Seed::from_bytes(&seed).unwrap();
    seed.expose_words().unwrap().to_string()
}

pub(super) fn restores(whole: &[Base], bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    let owner = words(SEED);
    let mut cases = Cases {
        bases,
        words: &owner,
        cases,
    };
    for base in [
        "named",
        "full name",
        "long name",
        "plain",
        "full",
        "stranger",
        "foreign name",
        "misplaced name",
    ] {
        cases.push(&format!("{base}, as it was written"), base, json!([]));
    }
    let capitals = format!(" {}\n", owner.to_uppercase());
    cases.with_words("words in capitals", "named", json!([]), &capitals);
    let list: Vec<&str> = owner.split(' ').collect();
    let unknown = owner.replacen(list[3], "bitcoins", 1);
    for (name, words) in [
        ("another seed", words(Drawn::new("seed").bytes())),
        ("23 words", list[..23].join(" ")),
        ("an unknown word", unknown),
        ("no words", String::new()),
    ] {
        cases.with_words(name, "named", json!([]), &words);
    }
    regions(&mut cases, find(whole, "named"));
    headers(&mut cases, find(whole, "named"), find(whole, "stranger"));
}

/// Damages each region of a file with a name.
fn regions(cases: &mut Cases<'_>, named: &Base) {
    let all = named.bytes().len();
    for (region, start, end) in layout(named) {
        let mut push = |what: &str, edits| cases.push(&format!("{region} {what}"), "named", edits);
        push("flipped first", json!([{ "at": start, "xor": "80" }]));
        push("flipped last", json!([{ "at": end - 1, "xor": "01" }]));
        let cut = json!([{ "at": start, "remove": all - start, "insert": "" }]);
        push("cut off", cut);
    }
}

/// Headers whose MAC holds, with a name that leads nowhere or elsewhere.
fn headers(cases: &mut Cases<'_>, named: &Base, stranger: &Base) {
    let good = forged::fields(&named.header);
    let mut push = |name: &str, change: &dyn Fn(&mut Vec<forged::Field>)| {
        let mut fields = good.clone();
        change(&mut fields);
        let header = hex::encode(forged::header(&named.header, &fields, &named.data_key));
        let edits = json!([{ "at": 0, "remove": named.header.len(), "insert": header }]);
        cases.push(name, "named", edits);
    };
    push("without its name", &|fields| {
        fields.retain(|(field, _)| *field != NAME);
    });
    let put = |fields: &mut Vec<forged::Field>, value: Vec<u8>| {
        let name = fields.iter_mut().find(|(field, _)| *field == NAME);
        name.unwrap().1 = value;
    };
    push("a name of zeros", &|fields| put(fields, vec![0; 48]));
    for (what, plain) in sealed::wrong_names() {
        let value = sealed::forged_name(&plain);
        push(&format!("a name {what}"), &|fields| {
            put(fields, value.clone())
        });
    }
    let theirs = forged::fields(&stranger.header);
    let name = sealed::name_of(SEED, "films/other").as_bytes().to_vec();
    push("label key and name of another label", &|fields| {
        fields[0] = theirs[0].clone();
        put(fields, name.clone());
    });
    push("capsule of another label", &|fields| {
        fields[1] = theirs[1].clone()
    });
}
