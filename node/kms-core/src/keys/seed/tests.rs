use proptest::prelude::*;

use super::*;

/// The bytes 0x7f: a published vector of BIP-39 (24 words).
const WORDS_OF_7F: &str = "legal winner thank year wave sausage worth useful legal winner thank \
                           year wave sausage worth useful legal winner thank year wave sausage \
                           worth title";

fn fault_of(text: &str) -> SeedFault {
    match Seed::from_words(text) {
        Err(Error::SeedInvalid { why }) => why,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("accepted: {text}"),
    }
}

fn words() -> Vec<&'static str> {
    WORDS_OF_7F.split(' ').collect()
}

#[test]
fn the_words_are_those_of_the_standard() {
    let seed = Seed::from_bytes(&[0x7f; 32]).unwrap();
    assert_eq!(*seed.expose_words().unwrap(), WORDS_OF_7F);
    let read = Seed::from_words(WORDS_OF_7F).unwrap();
    assert_eq!(read.expose_bytes(), &[0x7f; 32]);
}

#[test]
fn capitals_and_any_white_space_are_the_same_seed() {
    for text in [
        WORDS_OF_7F.to_uppercase(),
        WORDS_OF_7F.replace("winner", "Winner"),
        WORDS_OF_7F.replace(' ', "\n"),
        WORDS_OF_7F.replace(' ', "\r\n"),
        WORDS_OF_7F.replace(' ', " \t "),
        WORDS_OF_7F.replace(' ', "\u{a0}"),
        format!("\n\n  {WORDS_OF_7F}\n"),
    ] {
        let seed = Seed::from_words(&text).unwrap();
        assert_eq!(seed.expose_bytes(), &[0x7f; 32], "{text:?}");
    }
}

#[test]
fn a_wrong_word_is_told_by_its_place_and_not_repeated() {
    for number in 1..=24 {
        let mut words = words();
        words[number - 1] = "kryptonite";
        let why = fault_of(&words.join(" "));
        assert_eq!(why, SeedFault::WordUnknown { number });
        assert!(!why.to_string().contains("kryptonite"));
    }
    // Not in the list: a form with an accent, a full-width letter, a cut word, a numbered one.
    for bad in ["légal", "ｌegal", "lega", "1.legal", "legal,"] {
        let text = WORDS_OF_7F.replacen("legal", bad, 1);
        assert_eq!(
            fault_of(&text),
            SeedFault::WordUnknown { number: 1 },
            "{bad}"
        );
    }
}

#[test]
fn a_word_of_the_list_in_the_wrong_place_fails_the_checksum() {
    let mut exchanged = words();
    exchanged.swap(3, 17);
    assert_eq!(fault_of(&exchanged.join(" ")), SeedFault::Checksum);
    let mut another = words();
    another[5] = "zebra";
    assert_eq!(fault_of(&another.join(" ")), SeedFault::Checksum);
    let mut turned = words();
    turned.reverse();
    assert_eq!(fault_of(&turned.join(" ")), SeedFault::Checksum);
}

#[test]
fn only_24_words_are_a_seed() {
    let twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    assert_eq!(fault_of(twelve), SeedFault::WordCount { found: 12 });
    for found in [0, 1, 11, 12, 15, 18, 21, 23] {
        let text = words()[..found].join(" ");
        assert_eq!(fault_of(&text), SeedFault::WordCount { found });
    }
    let longer = format!("{WORDS_OF_7F} legal");
    assert_eq!(fault_of(&longer), SeedFault::WordCount { found: 25 });
    let twice = format!("{WORDS_OF_7F} {WORDS_OF_7F}");
    assert_eq!(fault_of(&twice), SeedFault::WordCount { found: 48 });
}

#[test]
fn digits_are_no_seed() {
    for text in [hex::encode([7; 32]), format!("0x{}", hex::encode([7; 32]))] {
        assert_eq!(fault_of(&text), SeedFault::WordCount { found: 1 });
    }
    let bytes = ["07"; 24].join(" ");
    assert_eq!(fault_of(&bytes), SeedFault::WordUnknown { number: 1 });
}

#[test]
fn refuses_the_seed_that_was_never_filled() {
    let zero = [&["abandon"; 23][..], &["art"]].concat().join(" ");
    assert_eq!(fault_of(&zero), SeedFault::Zero);
    assert!(matches!(
        Seed::from_bytes(&[0; 32]),
        Err(Error::SeedInvalid {
            why: SeedFault::Zero
        })
    ));
}

#[test]
fn a_seed_is_never_printed() {
    let seed = Seed::from_bytes(&[0x7f; 32]).unwrap();
    assert_eq!(format!("{seed:?}"), "Seed(<redacted>)");
    let fingerprint = seed.fingerprint();
    assert_eq!(fingerprint.len(), 24);
    let other = Seed::from_bytes(&[0x7e; 32]).unwrap();
    assert_ne!(other.fingerprint(), fingerprint);
}

proptest! {
    #[test]
    fn every_seed_comes_back_from_its_words(bytes in any::<[u8; 32]>()) {
        prop_assume!(bytes != [0; 32]);
        let seed = Seed::from_bytes(&bytes).unwrap();
        let read = Seed::from_words(&seed.expose_words().unwrap()).unwrap();
        prop_assert_eq!(read.expose_bytes(), &bytes);
        prop_assert_eq!(read.fingerprint(), seed.fingerprint());
    }

    /// What is accepted is that seed and no other: another word anywhere is refused, or is the one
    /// in 256 whose checksum fits, whose fingerprint differs.
    #[test]
    fn another_word_never_makes_the_same_seed(
        bytes in any::<[u8; 32]>(), place in 0..24_usize, index in 0..2048_usize,
    ) {
        prop_assume!(bytes != [0; 32]);
        let seed = Seed::from_bytes(&bytes).unwrap();
        let text = seed.expose_words().unwrap();
        let mut words: Vec<&str> = text.split(' ').collect();
        let other = Language::English.word_list()[index];
        prop_assume!(words[place] != other);
        words[place] = other;
        match Seed::from_words(&words.join(" ")) {
            Ok(read) => prop_assert_ne!(read.fingerprint(), seed.fingerprint()),
            Err(Error::SeedInvalid { why }) => prop_assert_eq!(why, SeedFault::Checksum),
            Err(error) => prop_assert!(false, "another error: {}", error),
        }
    }

    #[test]
    fn no_text_makes_it_fail_in_another_way(text in ".{0,300}") {
        if let Err(error) = Seed::from_words(&text) {
            prop_assert_eq!(error.code(), "seed_invalid");
        }
    }
}
