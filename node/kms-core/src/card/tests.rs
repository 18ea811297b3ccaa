use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn reader() -> ReaderKey {
    ReaderKey::random().unwrap()
}

fn why<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result.unwrap_err() {
        Error::CardInvalid { why } | Error::LabelKeyInvalid { why } => why,
        other => panic!("another error: {other}"),
    }
}

/// A line with a right checksum around any payload.
fn line(prefix: &str, payload: &[u8]) -> String {
    bech32::encode::<Bech32m>(Hrp::parse(prefix).unwrap(), payload).unwrap()
}

fn payload_of(card: &Card) -> Vec<u8> {
    read_line(CARD_PREFIX, &card.to_string()).unwrap()
}

#[test]
fn refuses_a_card_whose_name_was_changed() {
    let mut payload = payload_of(&Card::make("bob", &reader()).unwrap());
    payload.splice(98.., *b"eve");
    assert_eq!(
        why(line("kmscard", &payload).parse::<Card>()),
        "its signature does not hold"
    );
}

#[test]
fn refuses_a_card_whose_key_was_changed() {
    let mut payload = payload_of(&Card::make("bob", &reader()).unwrap());
    payload.splice(1..34, reader().receiving_key().to_bytes());
    assert_eq!(
        why(line("kmscard", &payload).parse::<Card>()),
        "its signature does not hold"
    );
}

#[test]
fn refuses_lines_that_are_no_cards() {
    let card = Card::make("bob", &reader()).unwrap();
    let payload = payload_of(&card);
    let with = |at: usize, byte: u8| {
        let mut changed = payload.clone();
        changed[at] = byte;
        line("kmscard", &changed)
    };
    let short = |length: usize| line("kmscard", &payload[..length]);
    let cases = [
        (
            String::new(),
            "its check digits do not fit: a letter is wrong or missing",
        ),
        (
            "kmscard1".to_owned(),
            "its check digits do not fit: a letter is wrong or missing",
        ),
        ("x".repeat(401), "it is too long"),
        (line("kmslabel", &payload), "its prefix is wrong"),
        (line("kmscard", &[]), "it is empty"),
        (with(0, 2), "it is of a version this program does not know"),
        (with(1, 5), "its key is not a key"),
        (short(20), "it is too short"),
        (short(60), "it is too short"),
        (short(98), "its name is not allowed"),
        (with(98, 0xff), "its name is not UTF-8"),
        (with(98, b'/'), "its name is not allowed"),
        (with(98, b'.'), "its name is not allowed"),
        (
            card.to_string().to_uppercase(),
            "it is not in canonical form",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(why(text.parse::<Card>()), expected, "{text}");
    }
}

#[test]
fn refuses_the_older_checksum() {
    let payload = payload_of(&Card::make("bob", &reader()).unwrap());
    let hrp = Hrp::parse("kmscard").unwrap();
    let older = bech32::encode::<bech32::Bech32>(hrp, &payload).unwrap();
    assert!(older.parse::<Card>().is_err());
}

/// A label's key with a sealed name of any of the five lengths.
fn label_key(blocks: usize) -> LabelKey {
    let name = SealedName::from_bytes(&vec![0xa5; 16 + 32 * blocks]).unwrap();
    LabelKey::new(reader().receiving_key(), name)
}

#[test]
fn refuses_label_keys_that_are_none() {
    let key = reader().receiving_key().to_bytes();
    let with =
        |version: u8, name: &[u8]| line("kmslabel", &[&[version], key.as_slice(), name].concat());
    let no_key = line("kmslabel", &[&[1; 34][..], &[0; 48]].concat());
    let mut cases = vec![
        (line("kmscard", &key), "its prefix is wrong"),
        (line("kmslabel", &[]), "it is empty"),
        (
            with(9, &[0; 48]),
            "it is of a version this program does not know",
        ),
        (
            line("kmslabel", &[&[1], &key[..32]].concat()),
            "it is too short",
        ),
        (no_key, "its key is not a key"),
    ];
    for length in [0, 1, 47, 49, 79, 81, 175, 177] {
        cases.push((
            with(1, &vec![0; length]),
            "its sealed name has a length that none has",
        ));
    }
    for (text, expected) in cases {
        assert_eq!(why(text.parse::<LabelKey>()), expected, "{text}");
    }
}

#[test]
fn a_label_key_is_its_line_as_json() {
    let key = label_key(1);
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(json, format!("\"{key}\""));
    assert_eq!(serde_json::from_str::<LabelKey>(&json).unwrap(), key);
    assert!(serde_json::from_str::<LabelKey>("\"kmslabel1\"").is_err());
}

#[test]
fn refuses_names_that_would_be_misread() {
    let long = "x".repeat(65);
    for name in [
        "",
        ".hidden",
        "-flag",
        "a/b",
        "a b",
        "..",
        "käthe",
        "kmscard1abc",
        &long,
        "a\n",
    ] {
        let refused = Card::make(name, &reader());
        assert!(
            matches!(refused, Err(Error::NameInvalid { .. })),
            "{name:?}"
        );
    }
}

#[test]
fn a_fingerprint_is_five_groups_of_the_key_alone() {
    let key = reader();
    let (one, two) = (
        Card::make("a", &key).unwrap(),
        Card::make("b", &key).unwrap(),
    );
    assert_eq!(one.fingerprint(), two.fingerprint());
    assert_eq!(one.fingerprint().len(), 24);
    assert_ne!(
        one.fingerprint(),
        Card::make("a", &reader()).unwrap().fingerprint()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_card_survives_its_line(name in "[a-zA-Z0-9_@+][a-zA-Z0-9_@+.-]{0,63}") {
        let card = Card::make(&name, &reader()).unwrap();
        let read: Card = format!("  {card}\n").parse().unwrap();
        prop_assert_eq!(read.name(), &name);
        prop_assert_eq!(read.to_string(), card.to_string());
    }

    #[test]
    fn a_label_key_survives_its_line(blocks in 1_usize..=5) {
        let key = label_key(blocks);
        prop_assert_eq!(key.to_string().parse::<LabelKey>().unwrap(), key);
    }

    #[test]
    fn a_label_key_with_one_other_letter_is_refused(at in 0usize..400, to in "[02-9ac-hj-np-z]") {
        let text = label_key(3).to_string();
        let at = at % text.len();
        prop_assume!(text[at..=at] != to);
        let mut changed = text;
        changed.replace_range(at..=at, &to);
        prop_assert!(changed.parse::<LabelKey>().is_err());
    }

    #[test]
    fn a_card_with_one_other_letter_is_refused(at in 0usize..250, to in "[02-9ac-hj-np-z]") {
        let text = Card::make("bob", &reader()).unwrap().to_string();
        let at = at % text.len();
        prop_assume!(text[at..=at] != to);
        let mut changed = text;
        changed.replace_range(at..=at, &to);
        prop_assert!(changed.parse::<Card>().is_err());
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in "\\PC{0,420}") {
        prop_assert!(text.parse::<Card>().is_err());
        prop_assert!(text.parse::<LabelKey>().is_err());
    }

    #[test]
    fn no_payload_makes_the_decoder_panic(payload in vec(any::<u8>(), 0..230)) {
        prop_assert!(line("kmscard", &payload).parse::<Card>().is_err());
        let _ = line("kmslabel", &payload).parse::<LabelKey>();
    }
}

#[test]
fn a_card_can_be_known_by_another_name_than_the_readers() {
    let card = Card::make("robert", &reader()).unwrap();
    let line = card.to_string();
    let known = card.known_as("bob").unwrap();
    assert_eq!((known.name(), known.own_name()), ("bob", "robert"));
    assert_eq!(known.to_string(), line, "what the reader signed stays");
    let back = known.known_as("robert").unwrap();
    assert_eq!((back.name(), back.own_name()), ("robert", "robert"));
    for wrong in ["", ".bob", "-bob", "../bob", "kmscard1bob", "b ob"] {
        let refused = back.clone().known_as(wrong);
        assert!(
            matches!(refused, Err(Error::NameInvalid { .. })),
            "{wrong:?}"
        );
    }
}

#[test]
fn the_words_of_a_card_are_eight_of_the_list_and_of_its_key_alone() {
    let key = reader();
    let (one, other) = (
        Card::make("bob", &key).unwrap(),
        Card::make("robert", &key).unwrap(),
    );
    assert_eq!(one.words(), other.words());
    assert_ne!(one.words(), Card::make("bob", &reader()).unwrap().words());
    let list = bip39::Language::English.word_list();
    let words = one.words();
    assert_eq!(words.split(' ').count(), 8);
    assert!(words.split(' ').all(|word| list.contains(&word)), "{words}");
}

#[test]
fn the_words_of_a_key_are_the_first_bits_of_its_hash() {
    let list = bip39::Language::English.word_list();
    let digest = kms_protocol::keccak256(b"tagkey").0;
    let mut bits = String::new();
    digest
        .iter()
        .for_each(|byte| bits += &format!("{byte:08b}"));
    let words: Vec<&str> = (0..8)
        .map(|word| usize::from_str_radix(&bits[word * 11..][..11], 2).unwrap())
        .map(|index| list[index])
        .collect();
    assert_eq!(tagged_words(b"tag", b"key"), words.join(" "));
}
