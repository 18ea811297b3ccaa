use super::*;

fn options(dir: &Path) -> InitOptions {
    let settings = [
        ("deployment", "deployments/31337.json"),
        ("rpc_urls", "http://127.0.0.1:8545,http://127.0.0.1:8546"),
        ("miner", "0x00000000000000000000000000000000000000aa"),
        ("public_url", "http://node.example"),
        ("fee_per_kms", "1 ETH"),
        ("confirmations", "3"),
        ("admin_listen", ""),
    ];
    let settings = settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
    InitOptions {
        data_dir: dir.to_owned(),
        settings,
        consent: ConsentTo {
            escrow: escrow(),
            until: 42,
        },
    }
}

fn escrow() -> Domain {
    Domain::staking_escrow(31_337, Address([9; 20]))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn makes_a_node_that_loads_and_refuses_to_overwrite_it() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("new/node");
    let made = init(&options(&dir), "a passphrase").unwrap();
    assert_eq!(mode(&dir), 0o700);
    for name in [CONFIG_FILE, WORKER_FILE, STORAGE_FILE, CONSENT_FILE] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    check_private(&dir).unwrap();
    let file = Some(dir.join(CONFIG_FILE));
    let config = NodeConfig::load(&Sources {
        file,
        ..Sources::default()
    })
    .unwrap()
    .config;
    assert_eq!(config.data_dir, dir);
    assert_eq!(config.rpc_urls.len(), 2);
    assert_eq!((config.confirmations, config.admin_listen), (3, None));
    assert!(config.deployment.is_absolute());
    let keys = Keys::open(&dir, "a passphrase").unwrap();
    assert_eq!(keys.worker.address(), made.worker);
    assert_eq!(worker_of(&dir).unwrap(), made.worker);
    assert_eq!(
        worker_of(parent.path()).unwrap_err().code(),
        "file_unusable"
    );
    let consent = consent_of(&dir).unwrap();
    assert_eq!(consent, made.consent);
    consent.check(&escrow()).unwrap();
    assert_eq!(consent.consent.worker, made.worker);
    assert_eq!(
        (consent.consent.miner, consent.consent.deadline),
        (config.miner, 42)
    );
    let wrong = Keys::open(&dir, "another").err().unwrap();
    assert_eq!(wrong.code(), "wrong_passphrase");
    let again = init(&options(&dir), "a passphrase").unwrap_err();
    assert_eq!(again.code(), "already_initialised");
    assert_eq!(
        Keys::open(&dir, "a passphrase").unwrap().worker.address(),
        made.worker
    );
}

#[test]
fn writes_nothing_for_a_configuration_that_would_not_start() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("node");
    for (key, value, code) in [
        ("lisen", "127.0.0.1:1", "config_unknown_key"),
        ("public_url", "", "config_missing"),
        ("miner", "0x", "config_invalid"),
        ("confirmations", "x", "config_invalid"),
    ] {
        let mut options = options(&dir);
        options.settings.push((key.into(), value.into()));
        assert_eq!(init(&options, "p").unwrap_err().code(), code, "{key}");
        assert!(!dir.exists());
    }
}

#[test]
fn refuses_files_and_directories_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let open = check_private(dir.path()).unwrap_err();
    assert_eq!(open.code(), "file_permissions");
    let path = dir.path().join(WORKER_FILE);
    fs::write(&path, "{}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        Keys::open(dir.path(), "p").err().unwrap().code(),
        "file_permissions"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(
        Keys::open(dir.path(), "p").err().unwrap().code(),
        "keystore_invalid"
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(
        Keys::open(dir.path(), "p").err().unwrap().code(),
        "file_unusable"
    );
}

#[test]
fn a_consent_is_signed_anew_by_the_same_worker() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("node");
    assert_eq!(consent_of(&dir).unwrap_err().code(), "file_unusable");
    let made = init(&options(&dir), "a passphrase").unwrap();
    let (miner, to) = (
        Address([3; 20]),
        ConsentTo {
            escrow: escrow(),
            until: 43,
        },
    );
    let wrong = consent(&dir, "another", miner, &to).unwrap_err();
    assert_eq!(wrong.code(), "wrong_passphrase");
    assert_eq!(consent_of(&dir).unwrap(), made.consent);
    // What a run that was killed left is in nobody's way.
    fs::write(dir.join("worker-consent.new"), "half").unwrap();
    let again = consent(&dir, "a passphrase", miner, &to).unwrap();
    assert_eq!(consent_of(&dir).unwrap(), again);
    again.check(&escrow()).unwrap();
    let told = again.consent;
    assert_eq!(
        (told.worker, told.miner, told.deadline),
        (made.worker, miner, 43)
    );
    fs::write(dir.join(CONSENT_FILE), "kmsworker1:").unwrap();
    assert_eq!(consent_of(&dir).unwrap_err().code(), "file_unusable");
}
