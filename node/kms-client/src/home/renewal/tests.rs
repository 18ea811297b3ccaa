use std::path::PathBuf;

use super::{Home, KeyFile, Passphrase};
use crate::error::Error;
use crate::home::Role;
use crate::testkit::{Fixed, PASSPHRASE, home_at};

const NEW: &str = "another horse battery";

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().unwrap();
    let home = home_at(&dir.path().join("home"));
    (dir, home)
}

fn new() -> Passphrase {
    Passphrase::new(NEW.to_owned())
}

/// Whether the passphrase opens both keys; it never opens one alone.
fn opens(home: &Home, passphrase: &'static str) -> bool {
    let seed = home.unlock_seed(&Fixed(passphrase)).is_ok();
    let wallet = home.unlock_wallet(&Fixed(passphrase)).is_ok();
    assert_eq!(seed, wallet, "one key alone");
    seed
}

fn folders(home: &Home) -> [bool; 2] {
    ["keys", "keys2"].map(|name| home.path().join(name).exists())
}

#[test]
fn a_change_is_for_both_keys_and_can_be_made_again() {
    let (_dir, mut home) = home();
    let lock = home.lock().unwrap();
    let wallet = home.wallet_address();
    home.change_passphrase(&lock, &Fixed(PASSPHRASE), &new())
        .unwrap();
    assert!(opens(&home, NEW) && !opens(&home, PASSPHRASE));
    assert_eq!(folders(&home), [false, true]);
    let mut home = Home::open(home.path()).unwrap();
    assert!(opens(&home, NEW) && !opens(&home, PASSPHRASE));
    let old = Passphrase::new(PASSPHRASE.to_owned());
    home.change_passphrase(&lock, &Fixed(NEW), &old).unwrap();
    assert!(opens(&home, PASSPHRASE) && !opens(&home, NEW));
    assert_eq!(folders(&home), [true, false]);
    assert_eq!(home.wallet_address(), wallet);
}

#[test]
fn refuses_the_wrong_old_one_and_a_short_new_one() {
    let (_dir, mut home) = home();
    let lock = home.lock().unwrap();
    let wrong = home.change_passphrase(&lock, &Fixed(NEW), &new());
    assert!(matches!(wrong, Err(Error::WrongPassphrase { .. })));
    let short = Passphrase::new("short".to_owned());
    let short = home.change_passphrase(&lock, &Fixed(PASSPHRASE), &short);
    assert!(matches!(short, Err(Error::PassphraseTooShort { .. })));
    assert!(opens(&home, PASSPHRASE) && !opens(&home, NEW));
    assert_eq!(folders(&home), [true, false]);
}

#[test]
fn refuses_the_lock_of_another_home() {
    let ((_dir, mut ours), (_other, theirs)) = (home(), home());
    let lock = theirs.lock().unwrap();
    let refused = ours.change_passphrase(&lock, &Fixed(PASSPHRASE), &new());
    assert!(matches!(refused, Err(Error::Bug(_))));
}

fn copy(home: &Home, from: &str, to: &str) {
    let dir = |name: &str| -> PathBuf { home.path().join(name) };
    crate::store::create_private_dir(&dir(to)).unwrap();
    for key in [KeyFile::Seed, KeyFile::Wallet] {
        std::fs::copy(
            dir(from).join(key.name(Role::Owner)),
            dir(to).join(key.name(Role::Owner)),
        )
        .unwrap();
    }
}

#[test]
fn what_an_interrupted_change_leaves_is_not_looked_at() {
    // Killed before the configuration: a second folder, whole or not.
    let (_dir, mut home) = home();
    let lock = home.lock().unwrap();
    crate::store::create_private_dir(&home.path().join("keys2")).unwrap();
    assert!(opens(&Home::open(home.path()).unwrap(), PASSPHRASE));
    std::fs::write(home.path().join("keys2/seed.json"), "half").unwrap();
    home.change_passphrase(&lock, &Fixed(PASSPHRASE), &new())
        .unwrap();
    // Killed after it: the first folder is still there.
    copy(&home, "keys2", "keys");
    std::fs::write(home.path().join("keys/wallet.json"), "old").unwrap();
    let home = Home::open(home.path()).unwrap();
    assert!(opens(&home, NEW) && !opens(&home, PASSPHRASE));
}

#[test]
fn a_configuration_read_before_the_lock_undoes_no_change_made_meanwhile() {
    let (_dir, mut first) = home();
    let mut second = Home::open(first.path()).unwrap();
    let lock = first.lock().unwrap();
    first.use_reader_key(&lock, 19).unwrap();
    second
        .change_passphrase(&lock, &Fixed(PASSPHRASE), &new())
        .unwrap();
    let deployment = crate::testkit::deployment(31337);
    first.set_network(&lock, deployment, Vec::new()).unwrap();
    let home = Home::open(first.path()).unwrap();
    assert!(opens(&home, NEW) && !opens(&home, PASSPHRASE));
    assert_eq!(home.config().reader_keys, 20);
}

#[test]
fn the_next_command_under_the_lock_removes_what_an_interrupted_change_left() {
    let (_dir, mut home) = home();
    let lock = home.lock().unwrap();
    copy(&home, "keys", "keys2");
    home.refresh(&lock).unwrap();
    assert_eq!(folders(&home), [true, false]);
    home.change_passphrase(&lock, &Fixed(PASSPHRASE), &new())
        .unwrap();
    copy(&home, "keys2", "keys");
    home.refresh(&lock).unwrap();
    assert_eq!(folders(&home), [false, true]);
    assert!(opens(&home, NEW));
}
