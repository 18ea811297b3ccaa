//! `policies.json`: terms and ids of policies, look-up values and tags of pairs.

use kms_protocol::{Address, Amount, B256, PairKey, Period, Terms};
use serde_json::{Map, Value, json};
use umbral::SecretKey;

use super::{case, text};
use crate::bytes::Drawn;
use crate::play;

const CHAIN: u64 = 31_337;
const CONTRACT: Address = Address([0xc0; 20]);

struct Cases {
    terms: Map<String, Value>,
    cases: Vec<Value>,
}

impl Cases {
    fn push(&mut self, kind: &str, name: &str, given: Value) {
        let outcome = play::policies::run(&self.terms, kind, &given);
        self.cases.push(case(kind, name, given, outcome));
    }

    /// Terms that cases name and change.
    fn base(&mut self, name: &'static str, terms: &Terms) -> &'static str {
        self.terms.insert(name.to_owned(), json!(terms));
        name
    }

    /// The fields in which these terms differ from those of a name.
    fn change(&self, base: &str, terms: &Terms) -> Value {
        let terms = json!(terms);
        let fields = terms.as_object().unwrap().iter();
        let changed = fields.filter(|(field, value)| self.terms[base][field.as_str()] != **value);
        Value::Object(
            changed
                .map(|(field, value)| (field.clone(), value.clone()))
                .collect(),
        )
    }
}

pub(crate) fn terms(rng: &mut Drawn, miners: usize) -> Terms {
    let mut listed: Vec<Address> = (0..miners).map(|_| Address(rng.bytes())).collect();
    listed.sort();
    Terms {
        author: Address(rng.bytes()),
        sponsor: Address(rng.bytes()),
        verifier: Address(rng.bytes()),
        keys_hash: B256(rng.bytes()),
        rate: Amount(12_500_000_000_000_000),
        first_period: Period(5),
        last_period: Period(34),
        threshold: 1,
        salt: B256(rng.bytes()),
        miners: listed,
    }
}

/// These terms, and each with one field changed.
fn changed(terms: &Terms) -> Vec<(&'static str, Terms)> {
    let mut all = vec![("as they are", terms.clone())];
    let mut push = |name, change: &dyn Fn(&mut Terms)| {
        let mut terms = terms.clone();
        change(&mut terms);
        all.push((name, terms));
    };
    push("another author", &|t| t.author.0[0] ^= 1);
    push("another sponsor", &|t| t.sponsor.0[19] ^= 1);
    push("another verifier", &|t| t.verifier.0[5] ^= 1);
    push("another keys hash", &|t| t.keys_hash.0[31] ^= 1);
    push("another rate", &|t| t.rate.0 += 1);
    push("the greatest rate", &|t| t.rate = Amount((1 << 96) - 1));
    push("another first period", &|t| t.first_period.0 += 1);
    push("another last period", &|t| t.last_period.0 += 1);
    push("another threshold", &|t| t.threshold += 1);
    push("another salt", &|t| t.salt.0[0] ^= 1);
    push("another tag", &|t| t.salt.0[31] ^= 1);
    push("no tag", &|t| t.salt.0[16..].fill(0));
    push("a miner less", &|t| t.miners.truncate(2));
    push("another miner", &|t| t.miners[1].0[19] ^= 1);
    all
}

fn given(base: &str, change: Value) -> Value {
    let contract = hex::encode(CONTRACT.0);
    json!({ "chain_id": CHAIN, "contract": contract, "terms": base, "change": change })
}

fn ids(cases: &mut Cases, rng: &mut Drawn) {
    let terms = terms(rng, 3);
    let base = cases.base("of 3 miners", &terms);
    for (name, terms) in changed(&terms) {
        let change = cases.change(base, &terms);
        cases.push("terms", &format!("id: {name}"), given(base, change));
    }
    for (name, miners) in [("of 1 miner", 1), ("of 32 miners", 32)] {
        let base = cases.base(name, &self::terms(rng, miners));
        cases.push("terms", &format!("id: {name}"), given(base, json!({})));
    }
    let mut elsewhere = given(base, json!({}));
    elsewhere["chain_id"] = 1.into();
    cases.push("terms", "id: another chain", elsewhere);
    let mut elsewhere = given(base, json!({}));
    elsewhere["contract"] = hex::encode([0xc1; 20]).into();
    cases.push("terms", "id: another contract", elsewhere);
}

/// What a field of terms cannot be.
const WRONG: [(&str, &str); 46] = [
    ("author", "\"0x0000000000000000000000000000000000000000\""),
    ("author", "\"0x11111111111111111111111111111111111111\""),
    ("author", "\"0x111111111111111111111111111111111111111111\""),
    ("author", "\"0x111111111111111111111111111111111111111\""),
    ("author", "\"1111111111111111111111111111111111111111\""),
    ("author", "\"0X1111111111111111111111111111111111111111\""),
    ("author", "\"0x111111111111111111111111111111111111111g\""),
    ("author", "\"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267\""),
    ("author", "\"0xf39FD6e51aad88F6F4ce6aB8827279cffFb92266\""),
    ("author", "17"),
    ("author", "null"),
    ("sponsor", "\"0x0000000000000000000000000000000000000000\""),
    ("verifier", "\"0x0000000000000000000000000000000000000000\""),
    ("verifier", "\"\""),
    ("keys_hash", "\"0x11\""),
    ("keys_hash", "[]"),
    ("rate", "\"0\""),
    ("rate", "\"79228162514264337593543950336\""),
    ("rate", "\"340282366920938463463374607431768211456\""),
    ("rate", "\"007\""),
    ("rate", "\"+7\""),
    ("rate", "\"-7\""),
    ("rate", "\"1e3\""),
    ("rate", "\"7.0\""),
    ("rate", "\"7 KMS\""),
    ("rate", "\"\""),
    ("rate", "7"),
    ("first_period", "0"),
    ("first_period", "35"),
    ("first_period", "-1"),
    ("first_period", "5.0"),
    ("first_period", "\"5\""),
    ("last_period", "4294967296"),
    ("last_period", "4"),
    ("threshold", "0"),
    ("threshold", "4"),
    ("threshold", "256"),
    ("threshold", "true"),
    ("salt", "\"0x\""),
    (
        "salt",
        "\"0x111111111111111111111111111111111111111111111111111111111111111111\"",
    ),
    ("miners", "[]"),
    ("miners", "{}"),
    ("miners", "\"0x1111111111111111111111111111111111111111\""),
    ("miners", "[null]"),
    ("memo", "\"0x\""),
    ("", "0"),
];

fn malformed(cases: &mut Cases) {
    let base = "of 3 miners";
    let terms = cases.terms[base].clone();
    let mut push = |name: &str, change: Value| {
        cases.push("terms", &format!("terms: {name}"), given(base, change));
    };
    for (field, value) in WRONG {
        let value: Value = serde_json::from_str(value).unwrap();
        let name = format!("{field:?} is {value}");
        push(&name, json!({ field: value }));
    }
    let miners = terms["miners"].as_array().unwrap();
    let unsorted = json!([miners[1], miners[0], miners[2]]);
    push("miners out of order", json!({ "miners": unsorted }));
    let repeated = json!([miners[0], miners[0], miners[2]]);
    push("a miner twice", json!({ "miners": repeated }));
    let many: Vec<_> = (1..=33).map(|number: u8| Address([number; 20])).collect();
    push("33 miners", json!({ "miners": many }));
    for field in terms.as_object().unwrap().keys() {
        let mut without = given(base, json!({}));
        without["without"] = field.as_str().into();
        cases.push("terms", &format!("terms: without {field}"), without);
    }
}

fn keys(a: &SecretKey, b: &SecretKey) -> Value {
    json!({
        "delegating_secret": hex::encode(*a.to_secret_bytes()),
        "receiving_secret": hex::encode(*b.to_secret_bytes()),
    })
}

fn pairs(cases: &mut Cases, rng: &mut Drawn) -> [SecretKey; 3] {
    let [owner, reader, other] = [(); 3].map(|()| SecretKey::random(rng).unwrap());
    for number in [0, 1, 15, 16, u32::MAX] {
        let mut given = keys(&owner, &reader);
        given["number"] = number.into();
        cases.push("pair", &format!("pair: grant {number}"), given);
    }
    let mut given = keys(&owner, &reader);
    given["number"] = 0.into();
    for (name, a, b) in [
        ("another label", &other, &reader),
        ("roles swapped", &reader, &owner),
    ] {
        let mut given = keys(a, b);
        given["number"] = 0.into();
        cases.push("pair", &format!("pair: {name}"), given);
    }
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for field in ["delegating_secret", "receiving_secret"] {
        for (name, bytes) in [
            ("zero", "00".repeat(32)),
            ("the order", order.to_owned()),
            ("2^256 - 1", "ff".repeat(32)),
            ("a byte short", "11".repeat(31)),
            ("a byte long", "11".repeat(33)),
        ] {
            let mut given = given.clone();
            given[field] = bytes.into();
            cases.push("pair", &format!("pair: {field} is {name}"), given);
        }
    }
    [owner, reader, other]
}

fn tags(cases: &mut Cases, rng: &mut Drawn, [owner, reader, other]: &[SecretKey; 3]) {
    let pair = PairKey::of_owner(owner, &reader.public_key()).unwrap();
    let mut plain = terms(rng, 3);
    plain.keys_hash = pair.keys_hash(0);
    let tagged = pair.tagged(plain, CHAIN, &CONTRACT);
    let base = cases.base("with a tag", &tagged);
    let given = |keys: Value, change: Value, chain: u64, contract: [u8; 20]| {
        let mut given = keys;
        given["terms"] = base.into();
        given["change"] = change;
        given["chain_id"] = chain.into();
        given["contract"] = hex::encode(contract).into();
        given
    };
    for (name, terms) in changed(&tagged) {
        let change = cases.change(base, &terms);
        let given = given(keys(owner, reader), change, CHAIN, CONTRACT.0);
        cases.push("tag", &format!("tag: {name}"), given);
    }
    let mut push = |name: &str, keys, chain, contract| {
        let given = given(keys, json!({}), chain, contract);
        cases.push("tag", &format!("tag: {name}"), given);
    };
    push("another chain", keys(owner, reader), 1, CONTRACT.0);
    push("another contract", keys(owner, reader), CHAIN, [0xc1; 20]);
    push("another reader", keys(owner, other), CHAIN, CONTRACT.0);
    push("another owner", keys(other, reader), CHAIN, CONTRACT.0);
    push("roles swapped", keys(reader, owner), CHAIN, CONTRACT.0);
}

pub(crate) fn make() -> String {
    let mut rng = Drawn::new("policies");
    let mut cases = Cases {
        terms: Map::new(),
        cases: Vec::new(),
    };
    ids(&mut cases, &mut rng);
    malformed(&mut cases);
    let keys = pairs(&mut cases, &mut rng);
    tags(&mut cases, &mut rng, &keys);
    let about = "Terms and ids of policies, look-up values and tags of an owner and a reader";
    let head = [("terms", Value::Object(cases.terms))];
    text(about, &head, &cases.cases)
}
