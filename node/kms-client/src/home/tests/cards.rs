//! Cards that a home stores, under names of its own.

use super::*;
use kms_core::card::Card;
use kms_core::keys::ReaderKey;

#[test]
fn refuses_another_card_of_a_stored_name() {
    let (_dir, home) = home();
    let lock = home.lock().unwrap();
    let card = |_| Card::make("bob", &ReaderKey::random().unwrap()).unwrap();
    let (bob, twin) = (card(1), card(2));
    home.add_card(&lock, &bob).unwrap();
    home.add_card(&lock, &bob).unwrap();
    let refused = home.add_card(&lock, &twin).unwrap_err();
    assert!(matches!(&refused, Error::CardExists { fingerprint, .. }
        if *fingerprint == bob.fingerprint()));
    assert_eq!(home.card("bob").unwrap(), bob);
    home.remove_card(&lock, "bob").unwrap();
    assert!(matches!(
        home.remove_card(&lock, "bob"),
        Err(Error::CardUnknown { .. })
    ));
    assert!(matches!(home.card("bob"), Err(Error::CardUnknown { .. })));
    home.add_card(&lock, &twin).unwrap();
    assert_eq!(home.cards().unwrap(), [twin]);
}

#[test]
fn a_card_file_has_the_homes_name_and_a_damaged_one_is_refused() {
    let (_dir, home) = home();
    let lock = home.lock().unwrap();
    home.add_card(
        &lock,
        &Card::make("bob", &ReaderKey::random().unwrap()).unwrap(),
    )
    .unwrap();
    let file = |name: &str| home.path().join(CARDS).join(format!("{name}.card"));
    std::fs::rename(file("bob"), file("eve")).unwrap();
    let renamed = home.card("eve").unwrap();
    assert_eq!((renamed.name(), renamed.own_name()), ("eve", "bob"));
    std::fs::write(file("eve"), "kmscard1nonsense").unwrap();
    assert!(matches!(home.cards(), Err(Error::HomeCorrupt { .. })));
    assert!(matches!(
        home.card("../config"),
        Err(Error::Core(kms_core::Error::NameInvalid { .. }))
    ));
}

#[test]
fn a_card_is_stored_under_the_name_that_the_home_chose() {
    let (_dir, home) = home();
    let lock = home.lock().unwrap();
    let card = || Card::make("bob", &ReaderKey::random().unwrap()).unwrap();
    let (mine, other) = (card().known_as("bobby").unwrap(), card());
    home.add_card(&lock, &mine).unwrap();
    home.add_card(&lock, &mine).unwrap();
    // Two readers call themselves bob.
    home.add_card(&lock, &other).unwrap();
    let names: Vec<String> = home
        .cards()
        .unwrap()
        .iter()
        .map(|card| card.name().to_owned())
        .collect();
    assert_eq!(names, ["bob", "bobby"]);
    let stored = home.card("bobby").unwrap();
    assert_eq!(stored.fingerprint(), mine.fingerprint());
    assert_eq!(stored.own_name(), "bob");
    let taken = home.add_card(&lock, &other.known_as("bobby").unwrap());
    assert!(matches!(taken, Err(Error::CardExists { name, .. }) if name == "bobby"));
}
