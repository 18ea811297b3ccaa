mod cards;

use super::root::Root;
use super::{
    CARDS, CONFIG, Config, Error, Home, InitOptions, NodeAddresses, Passphrase, SeedSource,
};
use crate::node_url::AddressRule;
use crate::testkit::{Fixed, PASSPHRASE, SEED, home_at, label, options};
use kms_core::keys::{OwnerKeys, Seed};
use kms_protocol::Address;
use std::path::Path;

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().unwrap();
    let home = home_at(&dir.path().join("home"));
    (dir, home)
}

fn reason(error: &Error) -> String {
    match error {
        Error::HomeCorrupt { reason, .. } => reason.clone(),
        other => panic!("another error: {other}"),
    }
}

#[test]
fn refuses_to_make_a_home_over_anything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("home");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("precious"), b"x").unwrap();
    let refused = Home::init(&path, options(&Fixed(PASSPHRASE)));
    assert!(matches!(refused, Err(Error::HomeExists { .. })));
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn refuses_to_make_a_home_in_place_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("home");
    std::fs::write(&path, b"x").unwrap();
    let refused = Home::init(&path, options(&Fixed(PASSPHRASE)));
    assert!(matches!(refused, Err(Error::HomeExists { .. })));
}

#[test]
fn refuses_a_short_passphrase_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Home::init(&dir.path().join("home"), options(&Fixed("short")));
    assert!(matches!(
        refused,
        Err(Error::PassphraseTooShort { given: 5, .. })
    ));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn refuses_a_missing_home() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        Home::open(dir.path()),
        Err(Error::HomeMissing { .. })
    ));
}

#[test]
fn refuses_the_wrong_passphrase() {
    let (_dir, home) = home();
    let wrong = Fixed("wrong horse");
    assert!(matches!(
        home.unlock_seed(&wrong),
        Err(Error::WrongPassphrase { .. })
    ));
    assert!(matches!(
        home.unlock_wallet(&wrong),
        Err(Error::WrongPassphrase { .. })
    ));
}

#[test]
fn refuses_a_key_file_that_is_damaged_or_gone() {
    let (_dir, home) = home();
    let seed = home.key_path(super::KeyFile::Seed);
    let old = std::fs::read(&seed).unwrap();
    std::fs::write(&seed, b"{}").unwrap();
    assert!(matches!(
        home.unlock_seed(&Fixed(PASSPHRASE)),
        Err(Error::HomeCorrupt { .. })
    ));
    std::fs::write(&seed, old).unwrap();
    assert!(home.unlock_seed(&Fixed(PASSPHRASE)).is_ok());
    std::fs::remove_file(&seed).unwrap();
    let gone = home.unlock_seed(&Fixed(PASSPHRASE)).unwrap_err();
    assert_eq!(reason(&gone), "the key file is missing");
}

#[test]
fn refuses_damaged_configurations() {
    let (_dir, home) = home();
    let path = home.path().join(CONFIG);
    let good = std::fs::read_to_string(&path).unwrap();
    let cases = [
        (String::new(), "not a versioned JSON file"),
        ("[]".to_owned(), "not a versioned JSON file"),
        (
            good.replace("\"version\": 1", "\"version\": 2"),
            "version 2, this program knows",
        ),
        (
            good.replace("\"reader_keys\"", "\"readerkeys\""),
            "unknown field",
        ),
        (good.replace("\"reader_keys\": 16,", ""), "missing field"),
        (
            good[..good.len() / 2].to_owned(),
            "not a versioned JSON file",
        ),
    ];
    for (text, expected) in cases {
        std::fs::write(&path, &text).unwrap();
        let error = Home::open(home.path()).unwrap_err();
        assert!(reason(&error).contains(expected), "{}", reason(&error));
    }
}

#[cfg(unix)]
#[test]
fn refuses_keys_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, home) = home();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let seed = home.key_path(super::KeyFile::Seed);
    open(&seed, 0o640);
    let refused = home.unlock_seed(&Fixed(PASSPHRASE));
    assert!(matches!(
        refused,
        Err(Error::PermissionsTooOpen { mode: 0o640, .. })
    ));
    open(&seed, 0o600);
    open(home.path(), 0o755);
    let refused = Home::open(home.path());
    assert!(matches!(
        refused,
        Err(Error::PermissionsTooOpen { mode: 0o755, .. })
    ));
}

#[cfg(unix)]
#[test]
fn everything_in_a_new_home_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, home) = home();
    let mut open = vec![home.path().to_path_buf()];
    while let Some(path) = open.pop() {
        let metadata = path.metadata().unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(
            metadata.permissions().mode() & 0o777,
            expected,
            "{}",
            path.display()
        );
        if metadata.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
}

#[test]
fn refuses_a_second_writer() {
    let (_dir, home) = home();
    let lock = home.lock().unwrap();
    assert!(matches!(home.lock(), Err(Error::HomeLocked { .. })));
    drop(lock);
    assert!(home.lock().is_ok());
}

#[test]
fn refuses_the_lock_of_another_home() {
    let ((_a, one), (_b, two)) = (home(), home());
    let keys = one.unlock_owner(&Fixed(PASSPHRASE)).unwrap();
    let lock = two.lock().unwrap();
    assert!(matches!(
        one.add_label(&lock, &keys, &label("x")),
        Err(Error::Bug(_))
    ));
}

#[test]
fn a_seed_brings_every_key_back() {
    let (_dir, home) = home();
    let seed = home.unlock_seed(&Fixed(PASSPHRASE)).unwrap();
    assert_eq!(home.config().seed_fingerprint, seed.fingerprint());
    let words = seed.expose_words().unwrap();
    let again = OwnerKeys::from_seed(&Seed::from_words(&words).unwrap()).unwrap();
    let keys = home.unlock_owner(&Fixed(PASSPHRASE)).unwrap();
    assert_eq!(
        keys.label_key(&label("a")).unwrap(),
        again.label_key(&label("a")).unwrap()
    );
    assert_eq!(again.wallet().unwrap().address(), home.wallet_address());
    let wallet = home.unlock_wallet(&Fixed(PASSPHRASE)).unwrap();
    assert_eq!(wallet.address(), home.wallet_address());
}

#[test]
fn keys_of_different_purposes_differ() {
    let keys = OwnerKeys::from_seed(&Seed::from_bytes(&SEED).unwrap()).unwrap();
    let delegating = keys.label_key(&label("0")).unwrap();
    let reader = keys.reader(0).unwrap().receiving_key();
    assert_ne!(delegating, reader);
    assert_ne!(delegating, keys.label_key(&label("1")).unwrap());
    assert_ne!(reader, keys.reader(1).unwrap().receiving_key());
    assert_ne!(
        keys.signer(&label("0")).unwrap().verifying_key().to_bytes(),
        delegating.to_bytes()
    );
}

#[test]
fn refuses_the_seed_file_of_another_home() {
    let (dir, home) = home();
    let other = Home::init(
        &dir.path().join("other"),
        InitOptions {
            seed: SeedSource::New,
            ..options(&Fixed(PASSPHRASE))
        },
    )
    .unwrap();
    let file = |home: &Home| home.key_path(super::KeyFile::Seed);
    std::fs::copy(file(&other), file(&home)).unwrap();
    let refused = home.unlock_owner(&Fixed(PASSPHRASE)).unwrap_err();
    assert_eq!(reason(&refused), "the seed inside is another home's");
}

#[test]
fn labels_are_readable_without_a_passphrase() {
    let (_dir, home) = home();
    let keys = home.unlock_owner(&Fixed(PASSPHRASE)).unwrap();
    let lock = home.lock().unwrap();
    let made = home.add_label(&lock, &keys, &label("films/demo")).unwrap();
    assert_eq!(
        home.add_label(&lock, &keys, &label("films/demo")).unwrap(),
        made
    );
    let reopened = Home::open(home.path()).unwrap();
    assert_eq!(reopened.label_key(&label("films/demo")).unwrap(), made);
    let labels = reopened.labels().unwrap();
    assert_eq!(
        labels.name_of(&made.public_key()),
        Some(&label("films/demo"))
    );
}

#[test]
fn refuses_a_list_of_labels_that_cannot_be_understood() {
    let (_dir, home) = home();
    let keys = home.unlock_owner(&Fixed(PASSPHRASE)).unwrap();
    let lock = home.lock().unwrap();
    home.add_label(&lock, &keys, &label("caf\u{e9}")).unwrap();
    let path = home.path().join(super::LABELS);
    let good = std::fs::read_to_string(&path).unwrap();
    let cases = [
        good.replace("caf\u{e9}", "cafe\u{301}"),
        good.replace("caf\u{e9}", "a\u{202e}b"),
        good.replace("kmslabel1q", "kmslabel1p"),
        good.replace("\"version\": 1", "\"version\": 2"),
    ];
    for text in cases {
        assert_ne!(text, good);
        std::fs::write(&path, &text).unwrap();
        let refused = home.labels();
        assert!(matches!(refused, Err(Error::HomeCorrupt { .. })), "{text}");
    }
    std::fs::write(&path, good).unwrap();
    assert!(home.labels().is_ok());
}

#[test]
fn a_label_that_is_not_here_is_unknown() {
    let (_dir, home) = home();
    assert!(matches!(
        home.label_key(&label("nothing")),
        Err(Error::LabelUnknown { .. })
    ));
}

#[test]
fn refuses_a_label_of_another_seed() {
    let (_dir, home) = home();
    let lock = home.lock().unwrap();
    let ours = home.unlock_owner(&Fixed(PASSPHRASE)).unwrap();
    let other = OwnerKeys::from_seed(&Seed::from_bytes(&[8; 32]).unwrap()).unwrap();
    home.add_label(&lock, &ours, &label("a")).unwrap();
    let refused = home.add_label(&lock, &other, &label("a"));
    assert!(matches!(refused, Err(Error::LabelExists { .. })));
}

#[test]
fn a_leftover_part_file_is_no_card() {
    let (_dir, home) = home();
    std::fs::write(home.path().join(CARDS).join(".part-x.card"), "half").unwrap();
    assert!(home.cards().unwrap().is_empty());
}

#[test]
fn private_addresses_are_for_local_chains_or_on_demand() {
    let config = |chain_id| {
        let deployment = crate::testkit::deployment(chain_id);
        let seed = Seed::from_bytes(&SEED).unwrap();
        Config::new(deployment, Vec::new(), &Root::Seed(seed), Address::ZERO)
    };
    assert_eq!(config(31337).address_rule(), AddressRule::AnyAddress);
    let mut main = config(1);
    assert_eq!(main.address_rule(), AddressRule::PublicOnly);
    main.node_addresses = NodeAddresses::Any;
    assert_eq!(main.address_rule(), AddressRule::AnyAddress);
}

#[test]
fn secrets_are_not_printed() {
    let seed = Seed::from_bytes(&SEED).unwrap();
    let shown = format!("{seed:?} {:?}", Passphrase::new(PASSPHRASE.to_owned()));
    assert_eq!(shown, "Seed(<redacted>) Passphrase(<redacted>)");
}

#[test]
fn a_reader_key_that_is_used_is_remembered_and_none_is_forgotten() {
    let (_dir, mut home) = home();
    let lock = home.lock().unwrap();
    let mut config = home.config().clone();
    config.reader_keys = 1;
    home.set_config(&lock, config).unwrap();
    let kept = |home: &Home| Home::open(home.path()).unwrap().config().reader_keys;
    for (number, keys) in [(0, 1), (3, 4), (1, 4)] {
        home.use_reader_key(&lock, number).unwrap();
        assert_eq!((home.config().reader_keys, kept(&home)), (keys, keys));
    }
}

#[test]
fn a_home_of_a_backup_reads_with_every_reader_key_and_a_new_one_with_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let pass = Fixed(PASSPHRASE);
    let backup = SeedSource::Import(Seed::from_bytes(&SEED).unwrap());
    for (name, seed, keys) in [("new", SeedSource::New, 1), ("restored", backup, 16)] {
        let options = InitOptions {
            seed,
            ..options(&pass)
        };
        let home = Home::init(&dir.path().join(name), options).unwrap();
        assert_eq!(home.config().reader_keys, keys, "{name}");
    }
}
