use proptest::prelude::*;
use unicode_normalization::is_nfc;

use super::*;
use crate::keys::{OwnerKeys, Seed};

fn why(typed: &str) -> String {
    match Label::new(typed).unwrap_err() {
        Error::NameInvalid { name, why } => {
            assert_eq!(name, typed);
            why.into_owned()
        }
        other => panic!("another error: {other}"),
    }
}

#[test]
fn composed_and_decomposed_forms_are_one_label_with_one_key() {
    let keys = OwnerKeys::from_seed(&Seed::from_bytes(&[7; 32]).unwrap()).unwrap();
    let forms = [
        ("caf\u{e9}", "cafe\u{301}"),
        ("\u{1e69}", "s\u{307}\u{323}"),
        ("\u{ac01}", "\u{1100}\u{1161}\u{11a8}"),
        // The sign of the unit is the letter.
        ("\u{3a9}", "\u{2126}"),
    ];
    for (composed, decomposed) in forms {
        let (one, two) = (
            Label::new(composed).unwrap(),
            Label::new(decomposed).unwrap(),
        );
        assert_eq!(one, two);
        assert_eq!(two.as_str(), composed);
        assert_eq!(
            keys.label_key(&one).unwrap(),
            keys.label_key(&two).unwrap(),
            "{composed}"
        );
    }
}

#[test]
fn refuses_what_cannot_be_seen_and_names_its_code_point() {
    let cases = [
        ('\u{202e}', "it holds U+202E, a format character"),
        ('\u{200b}', "it holds U+200B, a format character"),
        ('\u{2066}', "it holds U+2066, a format character"),
        ('\u{feff}', "it holds U+FEFF, a format character"),
        ('\u{ad}', "it holds U+00AD, a format character"),
        ('\u{e0041}', "it holds U+E0041, a format character"),
        ('\u{7}', "it holds U+0007, a control character"),
        ('\n', "it holds U+000A, a control character"),
        ('\u{85}', "it holds U+0085, a control character"),
        ('\u{2028}', "it holds U+2028, a space other than U+0020"),
        ('\u{a0}', "it holds U+00A0, a space other than U+0020"),
        ('\u{3000}', "it holds U+3000, a space other than U+0020"),
        ('\u{e000}', "it holds U+E000, a character for private use"),
        ('\u{378}', "it holds U+0378, not an assigned character"),
        ('\u{fe0f}', "it holds U+FE0F, an invisible character"),
        ('\u{3164}', "it holds U+3164, an invisible character"),
        ('\u{34f}', "it holds U+034F, an invisible character"),
    ];
    for (character, expected) in cases {
        for typed in [
            format!("a{character}b"),
            format!("{character}b"),
            format!("a{character}"),
        ] {
            assert_eq!(why(&typed), expected, "{typed:?}");
        }
    }
}

#[test]
fn the_message_shows_the_code_point_and_not_the_character() {
    let error = Label::new("films\u{202e}omed").unwrap_err();
    assert_eq!(error.code(), "name_invalid");
    assert_eq!(
        error.to_string(),
        "\"films\\u{202e}omed\" is not a name: it holds U+202E, a format character"
    );
}

#[test]
fn refuses_names_that_would_be_misread() {
    assert_eq!(why(""), "it is empty");
    for typed in [" a", "a ", " "] {
        assert_eq!(why(typed), "it begins or ends with white space");
    }
    for typed in ["kmslabel1abc", "kmscard1abc"] {
        assert_eq!(why(typed), "it looks like a key");
    }
}

#[test]
fn counts_bytes_after_normalisation() {
    // Three bytes as typed, two normalised.
    let typed = "e\u{301}".repeat(64);
    assert_eq!(typed.len(), 192);
    assert_eq!(Label::new(&typed).unwrap().as_str().len(), 128);
    assert_eq!(
        why(&"e\u{301}".repeat(65)),
        "it has 130 bytes, more than 128"
    );
    // The other way round: three bytes as typed, six normalised.
    let grows = "\u{fb2c}";
    assert_eq!(Label::new(grows).unwrap().as_str().len(), 6);
    assert_eq!(why(&grows.repeat(22)), "it has 132 bytes, more than 128");
    assert!(Label::new(&"x".repeat(128)).is_ok());
    assert_eq!(why(&"x".repeat(129)), "it has 129 bytes, more than 128");
}

#[test]
fn a_stored_name_that_is_not_normalised_is_refused() {
    assert!(Label::try_from("caf\u{e9}".to_owned()).is_ok());
    assert!(Label::try_from("cafe\u{301}".to_owned()).is_err());
    assert!(serde_json::from_str::<Label>("\"cafe\u{301}\"").is_err());
    let label: Label = serde_json::from_str("\"caf\u{e9}\"").unwrap();
    assert_eq!(serde_json::to_string(&label).unwrap(), "\"caf\u{e9}\"");
}

/// A name is normalised for good only if the normalisation knows every character that is let in.
#[test]
fn both_tables_are_of_one_version_of_unicode() {
    let (major, minor, update) = unicode_normalization::UNICODE_VERSION;
    assert_eq!(
        unicode_properties::UNICODE_VERSION,
        (major.into(), minor.into(), update.into())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_accepted_name_is_normalised_once_and_prints_as_typed(typed in "\\PC{0,48}") {
        let Ok(label) = Label::new(&typed) else { return Ok(()) };
        prop_assert!(is_nfc(label.as_str()));
        prop_assert_eq!(&Label::new(label.as_str()).unwrap(), &label);
        prop_assert_eq!(&Label::try_from(label.as_str().to_owned()).unwrap(), &label);
        // The characters that were typed, in Unicode's sense of canonical equivalence.
        prop_assert!(label.to_string().nfd().eq(typed.nfd()));
    }

    #[test]
    fn every_canonical_form_of_a_name_is_the_same_label(typed in "[\\p{L}\\p{M}\\p{N} /.-]{1,24}") {
        let Ok(label) = Label::new(&typed) else { return Ok(()) };
        let (apart, together): (String, String) = (typed.nfd().collect(), typed.nfc().collect());
        prop_assert_eq!(&Label::new(&apart).unwrap(), &label);
        prop_assert_eq!(&Label::new(&together).unwrap(), &label);
    }

    #[test]
    fn no_text_makes_it_panic(typed: String) {
        let _ = Label::new(&typed);
    }

    #[test]
    fn plain_names_are_taken_as_they_are(typed in "[a-z0-9/._-]{1,128}") {
        prop_assume!(!typed.starts_with("kms"));
        let label = Label::new(&typed).unwrap();
        prop_assert_eq!(label.as_str(), typed.as_str());
    }
}
