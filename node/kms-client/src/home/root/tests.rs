use std::path::Path;

use crate::error::Error;
use crate::home::{Home, InitOptions, KeyFile, Passphrase, Role, SeedSource};
use crate::testkit::{Fixed, PASSPHRASE, SEED, home_at, options};
use kms_core::keys::{OwnerKeys, Seed};

fn reader_at(path: &Path, seed: SeedSource) -> Home {
    let options = InitOptions {
        role: Role::Reader,
        seed,
        ..options(&Fixed(PASSPHRASE))
    };
    Home::init(path, options).unwrap()
}

fn seed() -> Seed {
    Seed::from_bytes(&SEED).unwrap()
}

fn reader() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().unwrap();
    let home = reader_at(&dir.path().join("home"), SeedSource::Import(seed()));
    (dir, home)
}

#[test]
fn a_reader_s_home_has_the_reader_keys_of_the_seed() {
    let (dir, home) = reader();
    let owner = home_at(&dir.path().join("owner"));
    let ours = home.unlock_readers(&Fixed(PASSPHRASE)).unwrap();
    let same = owner.unlock_readers(&Fixed(PASSPHRASE)).unwrap();
    let keys = OwnerKeys::from_seed(&seed()).unwrap();
    for number in [0, 1, 7] {
        let expected = keys.reader(number).unwrap().receiving_key();
        assert_eq!(ours.key(number).unwrap().receiving_key(), expected);
        assert_eq!(same.key(number).unwrap().receiving_key(), expected);
    }
    assert_eq!(home.config().seed_fingerprint, ours.fingerprint());
    assert_ne!(ours.fingerprint(), seed().fingerprint());
}

#[test]
fn a_reader_s_home_holds_no_seed_and_not_the_owner_s_account() {
    let (dir, home) = reader();
    let pass = Fixed(PASSPHRASE);
    assert!(matches!(
        home.unlock_seed(&pass),
        Err(Error::ReaderHome { .. })
    ));
    assert!(matches!(
        home.unlock_owner(&pass),
        Err(Error::ReaderHome { .. })
    ));
    let held = home.unlock_key(KeyFile::Seed, &pass).unwrap();
    assert_ne!(*held, SEED);
    let owner = home_at(&dir.path().join("owner"));
    assert_ne!(home.wallet_address(), owner.wallet_address());
    assert_eq!(
        home.unlock_wallet(&pass).unwrap().address(),
        home.wallet_address()
    );
    let files = std::fs::read_dir(home.path().join("keys")).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["reader.json", "wallet.json"]);
}

#[test]
fn refuses_the_root_of_another_reader_and_a_seed_in_its_place() {
    let (dir, home) = reader();
    let other = reader_at(&dir.path().join("other"), SeedSource::New);
    let owner = home_at(&dir.path().join("owner"));
    for stranger in [other, owner] {
        let (from, to) = (
            stranger.key_path(KeyFile::Seed),
            home.key_path(KeyFile::Seed),
        );
        std::fs::copy(from, to).unwrap();
        let refused = home.unlock_readers(&Fixed(PASSPHRASE));
        assert!(
            matches!(refused, Err(Error::HomeCorrupt { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn two_readers_of_new_seeds_have_nothing_in_common() {
    let dir = tempfile::tempdir().unwrap();
    let homes = ["a", "b"].map(|name| reader_at(&dir.path().join(name), SeedSource::New));
    let [a, b] = homes.map(|home| {
        let key = home
            .unlock_readers(&Fixed(PASSPHRASE))
            .unwrap()
            .key(0)
            .unwrap();
        (key.receiving_key(), home.wallet_address())
    });
    assert_ne!(a.0, b.0);
    assert_ne!(a.1, b.1);
}

#[test]
fn a_reader_s_passphrase_can_be_changed() {
    let (_dir, mut home) = reader();
    let lock = home.lock().unwrap();
    let new = Passphrase::new("another horse battery".to_owned());
    home.change_passphrase(&lock, &Fixed(PASSPHRASE), &new)
        .unwrap();
    assert!(home.unlock_readers(&Fixed("another horse battery")).is_ok());
    assert!(home.unlock_readers(&Fixed(PASSPHRASE)).is_err());
}
