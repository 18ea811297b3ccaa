//! `grants.json`: kfrags of version 2, commitments, cfrags, and files opened by their reader.

use serde_json::{Map, Value, json};
use umbral::{Context, GrantParams, Granted, Policy, Quorum, SecretKey, Signer};

use super::files::{Base, LABEL, bases, label_key};
use super::{case, text};
use crate::bytes::Drawn;
use crate::play;

/// A grant of m of n, its miners named by their number.
pub(super) struct Made {
    name: &'static str,
    pub(super) context: Context,
    policy: Policy,
    miners: Vec<umbral::Miner>,
    receiving: SecretKey,
    signer: Signer,
    pub(super) granted: Granted,
    rng: Drawn,
}

pub(super) fn grant(name: &'static str, threshold: u16, shares: u16) -> Made {
    let mut rng = Drawn::new(name);
    let receiving = SecretKey::random(&mut rng).unwrap();
    let signer = Signer::random(&mut rng).unwrap();
    let delegating = label_key(LABEL);
    let policy = Policy {
        chain_id: 31_337,
        contract: [0xc0; 20],
        policy_id: rng.bytes(),
        quorum: Quorum::new(threshold, shares).unwrap(),
        not_before: 5,
        expiry: 35,
        conditions: [0; 32],
    };
    let miners: Vec<_> = (0..shares).map(|_| rng.bytes()).collect();
    let params = GrantParams {
        delegating: &delegating,
        receiving: &receiving.public_key(),
        signer: &signer,
        policy: &policy,
        miners: &miners,
    };
    let granted = umbral::generate_kfrags(&mut rng, &params);
    Made {
        name,
        context: Context {
            delegating: delegating.public_key(),
            receiving: receiving.public_key(),
            verifying: signer.verifying_key(),
        },
        policy,
        miners,
        receiving,
        signer,
        granted: granted.unwrap(),
        rng,
    }
}

impl Made {
    fn json(&self, file: &Base) -> Value {
        let miners: Vec<String> = self.miners.iter().map(hex::encode).collect();
        json!({
            "delegating": hex::encode(self.context.delegating.to_bytes()),
            "receiving": hex::encode(self.context.receiving.to_bytes()),
            "receiving_secret": hex::encode(*self.receiving.to_secret_bytes()),
            "verifying": hex::encode(self.context.verifying.to_bytes()),
            "policy": {
                "chain_id": self.policy.chain_id,
                "contract": hex::encode(self.policy.contract),
                "policy_id": hex::encode(self.policy.policy_id),
                "threshold": self.policy.quorum.threshold(),
                "shares": self.policy.quorum.shares(),
                "not_before": self.policy.not_before,
                "expiry": self.policy.expiry,
                "conditions": hex::encode(self.policy.conditions),
            },
            "miners": miners,
            "commitments": hex::encode(self.granted.commitments.to_bytes()),
            "file": hex::encode(file.bytes()),
        })
    }

    /// Commitments of the same keys and policy to another polynomial.
    fn commitments_again(&mut self) -> Vec<u8> {
        let params = GrantParams {
            delegating: &label_key(LABEL),
            receiving: &self.context.receiving,
            signer: &self.signer,
            policy: &self.policy,
            miners: &self.miners,
        };
        let granted = umbral::generate_kfrags(&mut self.rng, &params);
        granted.unwrap().commitments.to_bytes()
    }

    /// Signs commitments for this policy, as a cheating owner does, with this proof of origin.
    fn sign_with_proof(&mut self, policy_id: &[u8], commitments: &[u8], proof: &[u8]) -> Vec<u8> {
        let statement = [&commitments[..commitments.len() - 128], proof].concat();
        let tag = b"UMBRAL_COMMITMENTS_V2";
        let length = u32::try_from(tag.len()).unwrap().to_be_bytes();
        let [a, b] = [self.context.delegating, self.context.receiving].map(|key| key.to_bytes());
        let message = [&length[..], tag, policy_id, &a, &b, &statement].concat();
        let signature = self.signer.sign(&mut self.rng, &message).unwrap();
        [statement, signature.to_bytes().to_vec()].concat()
    }

    pub(super) fn kfrag(&self, number: usize) -> Vec<u8> {
        self.granted.kfrags[number].to_secret_bytes().to_vec()
    }

    fn cfrag(&mut self, file: &Base, number: usize) -> Vec<u8> {
        let header = kms_format::Header::read(&mut &*file.bytes()).unwrap();
        let kfrag = &self.granted.kfrags[number];
        let cfrag = umbral::reencrypt(&mut self.rng, header.capsule(), kfrag);
        cfrag.unwrap().to_bytes().to_vec()
    }
}

/// The cases of one file.
struct Cases {
    grants: Map<String, Value>,
    cases: Vec<Value>,
}

impl Cases {
    fn push(&mut self, kind: &str, name: &str, given: Value) {
        let outcome = play::grants::run(&self.grants, kind, &given);
        self.cases.push(case(kind, name, given, outcome));
    }
}

/// Every field of an encoding with its first and its last byte changed, and two other lengths.
fn damaged(bytes: &[u8], fields: &[(&str, usize)]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut start = 0;
    for (field, size) in fields {
        for (place, at) in [("first", start), ("last", start + size - 1)] {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            all.push((format!("{place} byte of {field}"), changed));
        }
        let mut erased = bytes.to_vec();
        erased[start..start + size].fill(0);
        all.push((format!("{field} erased"), erased));
        start += size;
    }
    all.push(("a byte short".into(), bytes[..bytes.len() - 1].to_vec()));
    all.push(("a byte long".into(), [bytes, &[0]].concat()));
    all.push(("empty".into(), Vec::new()));
    all
}

fn with(given: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut given = given.clone();
    given[field] = value.into();
    given
}

/// The same thing under every other policy, keys and miner.
fn elsewhere(cases: &mut Cases, kind: &str, given: &Value, made: &Made, other: &Made) {
    let policy = made.json(&bases()[0])["policy"].clone();
    for (field, value) in [
        ("chain_id", json!(1)),
        ("contract", json!(hex::encode([0xc1; 20]))),
        ("policy_id", json!(hex::encode([9; 32]))),
        ("threshold", json!(1)),
        ("shares", json!(7)),
        ("not_before", json!(6)),
        ("expiry", json!(36)),
        ("conditions", json!(hex::encode([1; 32]))),
    ] {
        let given = with(given, "policy", with(&policy, field, value));
        cases.push(kind, &format!("{kind} for another {field}"), given);
    }
    let keys = [
        ("delegating", other.context.receiving.to_bytes()),
        ("receiving", other.context.receiving.to_bytes()),
        ("verifying", other.context.verifying.to_bytes()),
    ];
    for (field, key) in keys {
        let given = with(given, field, hex::encode(key));
        cases.push(kind, &format!("{kind} for another {field} key"), given);
    }
}

const KFRAG: [(&str, usize); 6] = [
    ("version", 1),
    ("id", 32),
    ("rk", 32),
    ("X", 33),
    ("U1", 33),
    ("signature", 64),
];
const COMMITMENTS: [(&str, usize); 8] = [
    ("version", 1),
    ("m", 2),
    ("X", 33),
    ("C_0", 33),
    ("C_1", 33),
    ("c", 32),
    ("s", 32),
    ("signature", 64),
];
const CFRAG: [(&str, usize); 10] = [
    ("E1", 33),
    ("V1", 33),
    ("id", 32),
    ("X", 33),
    ("E2", 33),
    ("V2", 33),
    ("U1", 33),
    ("U2", 33),
    ("z", 32),
    ("signature", 64),
];

fn kfrags(cases: &mut Cases, made: &Made, other: &Made) {
    for number in 0..made.miners.len() {
        let kfrag = hex::encode(made.kfrag(number));
        let given = json!({ "grant": made.name, "miner": number, "kfrag": kfrag });
        cases.push("kfrag", &format!("kfrag {number} of {}", made.name), given);
    }
    let kfrag = made.kfrag(0);
    let given = json!({ "grant": made.name, "miner": 0, "kfrag": hex::encode(&kfrag) });
    for (what, bytes) in damaged(&kfrag, &KFRAG) {
        cases.push(
            "kfrag",
            &format!("kfrag: {what}"),
            with(&given, "kfrag", hex::encode(bytes)),
        );
    }
    cases.push("kfrag", "kfrag of another miner", with(&given, "miner", 1));
    elsewhere(cases, "kfrag", &given, made, other);
}

fn commitments(cases: &mut Cases, made: &Made, other: &Made) {
    let bytes = made.granted.commitments.to_bytes();
    let given = json!({ "grant": made.name, "commitments": hex::encode(&bytes) });
    cases.push(
        "commitments",
        &format!("commitments of {}", made.name),
        given.clone(),
    );
    for (what, bytes) in damaged(&bytes, &COMMITMENTS) {
        let given = with(&given, "commitments", hex::encode(bytes));
        cases.push("commitments", &format!("commitments: {what}"), given);
    }
    elsewhere(cases, "commitments", &given, made, other);
    let theirs = hex::encode(other.granted.commitments.to_bytes());
    cases.push(
        "commitments",
        "commitments of another grant",
        with(&given, "commitments", theirs),
    );
}

/// Commitments, signed well, with the proof of origin that was made for something else.
fn origins(cases: &mut Cases, made: &mut Made, other: &mut Made) {
    let bytes = made.granted.commitments.to_bytes();
    let proof = &bytes[bytes.len() - 128..bytes.len() - 64];
    let mut push = |what: &str, given: Value, commitments: Vec<u8>| {
        let given = with(&given, "commitments", hex::encode(commitments));
        cases.push("commitments", &format!("proof of origin of {what}"), given);
    };
    let given = json!({ "grant": made.name });
    let same = made.sign_with_proof(&made.policy.policy_id.clone(), &bytes, proof);
    push("these commitments, signed again", given.clone(), same);
    let again = made.commitments_again();
    push("another polynomial's own", given.clone(), again.clone());
    let moved = made.sign_with_proof(&made.policy.policy_id.clone(), &again, proof);
    push("another X", given.clone(), moved);
    let policy_id = [9; 32];
    let policy = &made.json(&bases()[0])["policy"];
    let policy = with(policy, "policy_id", hex::encode(policy_id));
    let moved = made.sign_with_proof(&policy_id, &bytes, proof);
    push("another policy", with(&given, "policy", policy), moved);
    let theirs = other.granted.commitments.to_bytes();
    let moved = other.sign_with_proof(&other.policy.policy_id.clone(), &theirs, proof);
    push("another grant", json!({ "grant": other.name }), moved);
    std::mem::swap(&mut made.signer, &mut other.signer);
    let verifying = hex::encode(made.signer.verifying_key().to_bytes());
    let moved = made.sign_with_proof(&made.policy.policy_id.clone(), &bytes, proof);
    push(
        "another signer",
        with(&given, "verifying", verifying),
        moved,
    );
    std::mem::swap(&mut made.signer, &mut other.signer);
}

fn cfrags(cases: &mut Cases, made: &mut Made, other: &Made, file: &Base) {
    let cfrag = made.cfrag(file, 0);
    let given = json!({ "grant": made.name, "miner": 0, "cfrag": hex::encode(&cfrag) });
    cases.push("cfrag", &format!("cfrag of {}", made.name), given.clone());
    for (what, bytes) in damaged(&cfrag, &CFRAG) {
        cases.push(
            "cfrag",
            &format!("cfrag: {what}"),
            with(&given, "cfrag", hex::encode(bytes)),
        );
    }
    cases.push("cfrag", "cfrag of another miner", with(&given, "miner", 1));
    let twin = &bases()[5];
    let twins = hex::encode(twin.bytes());
    cases.push(
        "cfrag",
        "cfrag for another capsule",
        with(&given, "file", twins),
    );
    let theirs = hex::encode(other.granted.commitments.to_bytes());
    cases.push(
        "cfrag",
        "cfrag of another polynomial",
        with(&given, "commitments", theirs),
    );
    elsewhere(cases, "cfrag", &given, made, other);
}

fn openings(cases: &mut Cases, made: &mut Made, other: &mut Made, file: &Base) {
    let all: Vec<Value> = (0..made.miners.len())
        .map(|number| json!({ "miner": number, "cfrag": hex::encode(made.cfrag(file, number)) }))
        .collect();
    let m = usize::from(made.policy.quorum.threshold());
    let mut push = |name: &str, cfrags: Value| {
        let given = json!({ "grant": made.name, "cfrags": cfrags });
        cases.push("open", &format!("{name} of {}", made.name), given);
    };
    push("the first cfrags", json!(all[..m]));
    push("the last cfrags", json!(all[all.len() - m..]));
    push("all cfrags", json!(all));
    push("no cfrags", json!([]));
    push("a cfrag twice", json!([all[0], all[0]]));
    if m > 1 {
        push("too few cfrags", json!(all[..m - 1]));
    }
    let stray = json!({ "miner": 0, "cfrag": hex::encode(other.cfrag(file, 0)) });
    push("cfrags of two grants", json!([all[0], stray]));
}

pub(crate) fn make() -> String {
    let whole = bases();
    let file = &whole[0];
    let mut one = grant("1 of 1", 1, 1);
    let mut two = grant("2 of 3", 2, 3);
    let mut five = grant("5 of 8", 5, 8);
    let grants = [&one, &two, &five];
    let grants = grants.map(|made| (made.name.to_owned(), made.json(file)));
    let mut cases = Cases {
        grants: grants.into_iter().collect(),
        cases: Vec::new(),
    };
    kfrags(&mut cases, &two, &one);
    commitments(&mut cases, &two, &one);
    origins(&mut cases, &mut two, &mut one);
    cfrags(&mut cases, &mut two, &one, file);
    openings(&mut cases, &mut two, &mut one, file);
    openings(&mut cases, &mut one, &mut five, file);
    openings(&mut cases, &mut five, &mut two, file);
    let Cases { grants, cases } = cases;
    let about = "Kfrags of version 2, commitments, cfrags, and a file opened with them";
    text(about, &[("grants", Value::Object(grants))], &cases)
}
