//! `texts.json`: what people exchange and type: seeds in words, labels, cards.

use bech32::{Bech32, Bech32m, Hrp};
use kms_client::Seed;
use serde_json::{Value, json};
use umbral::{SecretKeyFactory, Signer};

use super::files::{LABEL, SEED};
use super::{case, text};
use crate::bytes::Drawn;
use crate::play;

struct Cases(Vec<Value>);

impl Cases {
    fn push(&mut self, kind: &str, name: &str, given: Value) {
        let outcome = play::texts::run(kind, &given);
        self.0.push(case(kind, name, given, outcome));
    }

    fn line(&mut self, kind: &str, name: &str, line: &str) {
        self.push(kind, &format!("{kind}: {name}"), json!({ "line": line }));
    }
}

fn seeds(cases: &mut Cases) {
    let words = |bytes: [u8; 32]| {
        let seed = Seed::from_bytes(&bytes).unwrap();
        seed.expose_words().unwrap().to_string()
    };
    let good = words(SEED);
    let list: Vec<&str> = good.split(' ').collect();
    let mut push = |name: &str, words: &str| {
        cases.push("seed", &format!("seed: {name}"), json!({ "words": words }));
    };
    push("the owner's", &good);
    push("all ones", &words([0xff; 32]));
    push("drawn", &words(Drawn::new("seed").bytes()));
    push("in capitals", &good.to_uppercase());
    push(
        "with more space",
        &format!(" {}\n", good.replace(' ', "\t\n")),
    );
    push("without its last word", &list[..23].join(" "));
    push("a word more", &format!("{good} zoo"));
    push("12 words", &list[..12].join(" "));
    push("nothing", "");
    push("an unknown word", &good.replacen(list[3], "bitcoins", 1));
    let drawn = words(Drawn::new("seed").bytes());
    let mut swapped: Vec<&str> = drawn.split(' ').collect();
    swapped.swap(4, 5);
    push("two words swapped", &swapped.join(" "));
    swapped.swap(4, 5);
    swapped[23] = "abandon";
    push("another last word", &swapped.join(" "));
    push("all zeros", &format!("{}art", "abandon ".repeat(23)));
    push("hexadecimal digits", &hex::encode(SEED));
    for label in [LABEL, "films/other", "Größe", "a"] {
        let given = json!({ "seed": hex::encode(SEED), "label": label });
        cases.push("keys", &format!("keys of the owner, label {label}"), given);
    }
}

fn labels(cases: &mut Cases) {
    let long = "x".repeat(128);
    let more = "x".repeat(129);
    let half = "\u{e9}".repeat(65);
    for typed in [
        LABEL,
        "a b",
        "Gr\u{f6}\u{df}e",
        "Gro\u{308}\u{df}e",
        "\u{c5}ngstr\u{f6}m",
        "A\u{30a}ngstro\u{308}m",
        "\u{212b}ngstr\u{f6}m",
        "\u{65e5}\u{672c}",
        "\u{1f3ac}",
        "e\u{301}\u{323}",
        "\u{ac00}",
        "\u{1100}\u{1161}",
        &long,
        "",
        " ",
        " a",
        "a ",
        "a\u{a0}b",
        "\u{2003}a",
        "a\tb",
        "a\nb",
        "a\0b",
        "a\u{7f}",
        "a\u{85}",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{200d}b",
        "\u{feff}a",
        "a\u{ad}b",
        "a\u{fe0f}",
        "a\u{34f}b",
        "a\u{3164}",
        "a\u{e000}",
        "a\u{378}",
        "a\u{fdd0}",
        "kmslabel1abc",
        "kmscard1abc",
        &more,
        &half,
    ] {
        let name = format!("label: {}", typed.escape_unicode());
        let name = if typed.is_ascii() {
            format!("label: {typed:?}")
        } else {
            name
        };
        cases.push("label", &name, json!({ "typed": typed }));
    }
}

fn encode(prefix: &str, payload: &[u8]) -> String {
    bech32::encode::<Bech32m>(Hrp::parse(prefix).unwrap(), payload).unwrap()
}

/// Changes that no line of this kind survives.
fn damaged(cases: &mut Cases, kind: &str, prefix: &str, payload: &[u8]) {
    let good = encode(prefix, payload);
    cases.line(kind, "with white space around it", &format!(" {good}\n"));
    let mut letters = good.clone().into_bytes();
    letters.swap(20, 21);
    cases.line(
        kind,
        "two letters swapped",
        &String::from_utf8(letters).unwrap(),
    );
    cases.line(kind, "a letter short", &good[..good.len() - 1]);
    cases.line(kind, "a letter long", &format!("{good}q"));
    cases.line(kind, "in capitals", &good.to_uppercase());
    cases.line(kind, "with space inside", &good.replacen('q', " q", 1));
    cases.line(kind, "of no content", &encode(prefix, &[]));
    cases.line(kind, "nothing", "");
    cases.line(kind, "another prefix", &encode("kmsother", payload));
    let old = bech32::encode::<Bech32>(Hrp::parse(prefix).unwrap(), payload);
    cases.line(kind, "with bech32's older checksum", &old.unwrap());
    let mut changed = |name: &str, at: usize, mask: u8| {
        let mut payload = payload.to_vec();
        payload[at] ^= mask;
        cases.line(kind, name, &encode(prefix, &payload));
    };
    changed("version 0", 0, 1);
    changed("version 3", 0, 2);
    changed("key of an unknown tag", 1, 4);
    let mut off = payload.to_vec();
    off[2..34].fill(5);
    cases.line(kind, "key off the curve", &encode(prefix, &off));
    cases.line(kind, "cut in its key", &encode(prefix, &payload[..20]));
    cases.line(
        kind,
        "too long",
        &encode(prefix, &[payload, &[0x61; 200]].concat()),
    );
}

fn cards(cases: &mut Cases) {
    let readers = SecretKeyFactory::from_secret_bytes(&SEED).make_factory(b"kms/v1/reader");
    let secret = readers.unwrap().make_key(&0_u32.to_be_bytes()).unwrap();
    let signer = Signer::from_secret_bytes(&secret.to_secret_bytes()).unwrap();
    let key = secret.public_key().to_bytes();
    let mut rng = Drawn::new("card");
    let mut card = |name: &[u8]| {
        let message = [&b"KMS reader card v1"[..], &key, name].concat();
        let signature = signer.sign(&mut rng, &message).unwrap();
        [&[1][..], &key, &signature.to_bytes(), name].concat()
    };
    let bob = card(b"bob");
    cases.line("card", "bob", &encode("kmscard", &bob));
    for name in ["Bob_2.x+y@example", "0", &"n".repeat(64)] {
        let payload = card(name.as_bytes());
        cases.line(
            "card",
            &format!("name {name}"),
            &encode("kmscard", &payload),
        );
    }
    for name in [
        "",
        ".bob",
        "-bob",
        "bob eve",
        "b\u{f6}b",
        "bob/eve",
        "kmscard1x",
        &"n".repeat(65),
    ] {
        let payload = card(name.as_bytes());
        cases.line(
            "card",
            &format!("refused name {name:?}"),
            &encode("kmscard", &payload),
        );
    }
    let payload = card(b"\xff");
    cases.line(
        "card",
        "name that is not UTF-8",
        &encode("kmscard", &payload),
    );
    damaged(cases, "card", "kmscard", &bob);
    let mut eve = bob.clone();
    eve.splice(98.., *b"eve");
    cases.line("card", "signed for another name", &encode("kmscard", &eve));
    let mut other = bob.clone();
    other.splice(
        1..34,
        super::files::label_key(LABEL).public_key().to_bytes(),
    );
    cases.line("card", "signed by another key", &encode("kmscard", &other));
    let mut high = bob.clone();
    high[66..98].fill(0xff);
    cases.line("card", "s above the order", &encode("kmscard", &high));
    cases.line("card", "a label key's prefix", &encode("kmslabel", &bob));
}

fn label_keys(cases: &mut Cases) {
    let key = super::files::label_key(LABEL).public_key().to_bytes();
    let sealed = super::sealed::name_of(SEED, LABEL);
    let payload = [&[1], &key[..], sealed.as_bytes()].concat();
    cases.line("label_key", LABEL, &encode("kmslabel", &payload));
    for length in [80, 112, 144, 176] {
        let payload = [&[1], &key[..], &vec![0x5e; length]].concat();
        let name = format!("a sealed name of {length} bytes");
        cases.line("label_key", &name, &encode("kmslabel", &payload));
    }
    for length in [0, 16, 47, 49, 64, 175, 177, 208] {
        let payload = [&[1], &key[..], &vec![0x5e; length]].concat();
        let name = format!("refused, a sealed name of {length} bytes");
        cases.line("label_key", &name, &encode("kmslabel", &payload));
    }
    damaged(cases, "label_key", "kmslabel", &payload);
    cases.line("label_key", "a card's prefix", &encode("kmscard", &payload));
}

pub(crate) fn make() -> String {
    let mut cases = Cases(Vec::new());
    seeds(&mut cases);
    labels(&mut cases);
    cards(&mut cases);
    label_keys(&mut cases);
    let about = "Seeds in words, keys derived from a seed, labels, cards, label keys";
    text(about, &[], &cases.0)
}
