use std::path::Path;

use super::*;

fn flags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

const REQUIRED: &[(&str, &str)] = &[
    ("data_dir", "/data"),
    ("deployment", "/chain.json"),
    ("rpc_urls", "http://127.0.0.1:8545"),
    ("miner", "0x00000000000000000000000000000000000000aa"),
    ("public_url", "http://node.example:8470/"),
];

fn with(extra: &[(&str, &str)]) -> Result<NodeConfig, ConfigError> {
    let flags = [flags(REQUIRED), flags(extra)].concat();
    NodeConfig::load(&Sources {
        flags,
        ..Sources::default()
    })
    .map(|loaded| loaded.config)
}

fn refused(key: &'static str, value: &str) {
    match with(&[(key, value)]) {
        Err(ConfigError::Invalid { key: named, .. } | ConfigError::Missing { key: named, .. }) => {
            assert_eq!(named, key, "{value:?}");
        }
        other => panic!("{key} = {value:?}: {other:?}"),
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/config")
        .join(name)
}

#[test]
fn a_password_of_the_database_is_never_shown() {
    let url = "postgres://kms:hunter2@db.example:5433/kms?sslmode=require";
    let config = with(&[("database", url)]).unwrap();
    let database = config.database.as_ref().unwrap();
    assert_eq!(database.expose(), url);
    let shown = [format!("{config:?}"), shown("database", url)];
    for text in shown {
        assert!(text.contains("postgres://db.example:5433/***"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    for wrong in [
        "mysql://kms:hunter2@db.example/kms",
        "kms:hunter2@db.example",
    ] {
        let error = with(&[("database", wrong)]).unwrap_err();
        assert!(matches!(
            error,
            ConfigError::Invalid {
                key: "database",
                ..
            }
        ));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert_eq!(with(&[]).unwrap().database, None);
}

#[test]
fn later_sources_win() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("node.toml");
    std::fs::write(
        &file,
        "confirmations = 5\npoll_interval_ms = 300\nmax_view_age_ms = 9000\n",
    )
    .unwrap();
    let env = flags(&[
        ("KMS_NODE_POLL_INTERVAL_MS", "400"),
        ("KMS_NODE_MAX_VIEW_AGE_MS", "8000"),
        ("KMS_NODE_LISTEN", ""),
        ("KMS_HOME", "/elsewhere"),
    ]);
    let flags = [flags(REQUIRED), flags(&[("max_view_age_ms", "7000")])].concat();
    let loaded = NodeConfig::load(&Sources {
        file: Some(file.clone()),
        env,
        flags,
    })
    .unwrap();
    let config = loaded.config;
    assert_eq!(config.rpc_timeout_ms, 4_000, "default");
    assert_eq!(config.confirmations, 5, "file over default");
    assert_eq!(config.poll_interval_ms, 400, "environment over file");
    assert_eq!(config.max_view_age_ms, 7_000, "flag over environment");
    assert_eq!(
        loaded.values["confirmations"].origin,
        Origin::File {
            path: file,
            line: 1
        }
    );
    assert_eq!(loaded.values["max_view_age_ms"].origin, Origin::Flag);
    assert_eq!(loaded.values["listen"].origin, Origin::Default);
}

#[test]
fn examples_are_valid_and_the_maximal_one_names_every_key_with_its_default() {
    for name in ["node.minimal.toml", "node.maximal.toml"] {
        let file = Some(example(name));
        let loaded = NodeConfig::load(&Sources {
            file,
            ..Sources::default()
        })
        .unwrap();
        assert!(loaded.config.deployment.ends_with("deployments/31337.json"));
    }
    let text = std::fs::read_to_string(example("node.maximal.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for key in KEYS {
        let value = table
            .get(key.name)
            .unwrap_or_else(|| panic!("{} is missing", key.name));
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        if !key.default.is_empty() {
            assert_eq!(value, key.default, "{}", key.name);
        }
    }
    assert_eq!(table.len(), KEYS.len());
}

#[test]
fn data_dir_defaults_to_the_directory_of_the_file() {
    let file = Some(example("node.minimal.toml"));
    let config = NodeConfig::load(&Sources {
        file,
        ..Sources::default()
    })
    .unwrap()
    .config;
    assert_eq!(
        config.data_dir,
        example("node.minimal.toml").parent().unwrap()
    );
}

#[test]
fn an_unknown_key_is_an_error_everywhere_with_a_suggestion() {
    let expect = |sources: Sources, place: &str| {
        let error = NodeConfig::load(&sources).unwrap_err().to_string();
        assert!(error.contains("did you mean `confirmations`?"), "{error}");
        assert!(error.contains(place), "{error}");
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("node.toml");
    std::fs::write(&file, "\nconfirmation = 5\n").unwrap();
    expect(
        Sources {
            file: Some(file),
            ..Sources::default()
        },
        "node.toml:2",
    );
    let env = flags(&[("KMS_NODE_CONFIRMATIOS", "5")]);
    expect(
        Sources {
            env,
            ..Sources::default()
        },
        "KMS_NODE_CONFIRMATIOS",
    );
    expect(
        Sources {
            flags: flags(&[("confrmations", "5")]),
            ..Sources::default()
        },
        "flag",
    );
}

#[test]
fn a_key_nothing_like_any_other_gets_no_suggestion() {
    let error = with(&[("zzz", "1")]).unwrap_err();
    assert!(matches!(
        error,
        ConfigError::UnknownKey {
            suggestion: None,
            ..
        }
    ));
}

#[test]
fn refuses_what_is_missing() {
    for (missing, _) in REQUIRED {
        let given: Vec<_> = REQUIRED
            .iter()
            .copied()
            .filter(|(key, _)| key != missing)
            .collect();
        let sources = Sources {
            flags: flags(&given),
            ..Sources::default()
        };
        match NodeConfig::load(&sources) {
            Err(ConfigError::Missing { key, .. }) => assert_eq!(key, *missing),
            other => panic!("{missing}: {other:?}"),
        }
    }
}

#[test]
fn refuses_values_out_of_range_or_of_another_kind() {
    for (key, value) in [
        ("poll_interval_ms", "60001"),
        ("request_window_s", "0"),
        // A reader takes no receipt of a time so far ahead.
        ("request_window_s", "601"),
        ("poll_interval_ms", "-1"),
        ("poll_interval_ms", "0.5"),
        ("rpc_timeout_ms", "0"),
        ("max_view_age_ms", "99999999999999999999999"),
        ("confirmations", "129"),
        ("shutdown_grace_ms", "9001"),
        ("claim_every_periods", "0"),
        ("listen", "localhost"),
        ("listen", "127.0.0.1"),
        ("miner", "0xaa"),
        ("admin_listen", "localhost:8471"),
        ("rpc_urls", "127.0.0.1:8545"),
        ("rpc_urls", "http://a.example,,http://b.example"),
        ("rpc_urls", "file:///etc/passwd"),
        ("public_url", "ftp://node.example"),
        ("public_url", "http://user@node.example"),
        ("public_url", "http://node.example/?q"),
        ("public_url", ""),
    ] {
        refused(key, value);
    }
}

#[test]
fn a_refused_url_is_not_repeated_with_its_access_key() {
    let refused = with(&[(
        "rpc_urls",
        "http://me:0123abcd@a.example,b.example/0123abcd",
    )]);
    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains("a.example") && !text.contains("0123abcd"),
        "{text}"
    );
}

#[test]
fn amounts_need_their_unit() {
    for value in ["1", "0.5", "1 ETH", "-1 KMS", "0.0000000000000000001 KMS"] {
        refused("min_rate", value);
    }
    for value in ["1", "1 KMS", "-1 gwei", "0.5 wei"] {
        refused("max_fee_per_gas", value);
        refused("fee_per_kms", value);
    }
    let config = with(&[("max_fee_per_gas", "0.5 gwei")]).unwrap();
    assert_eq!(config.max_fee_per_gas, Wei(500_000_000));
    let config = with(&[("min_rate", "0.5 KMS")]).unwrap();
    assert_eq!(config.min_rate, Some(Amount(Amount::KMS.0 / 2)));
    assert_eq!(with(&[]).unwrap().min_rate, None);
}

#[test]
fn refuses_a_file_that_is_missing_or_not_toml_or_nested() {
    let dir = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        let file = dir.path().join("node.toml");
        std::fs::write(&file, text).unwrap();
        NodeConfig::load(&Sources {
            file: Some(file),
            ..Sources::default()
        })
        .unwrap_err()
    };
    let file = Some(dir.path().join("absent.toml"));
    let absent = NodeConfig::load(&Sources {
        file,
        ..Sources::default()
    })
    .unwrap_err();
    assert!(matches!(absent, ConfigError::File { .. }));
    assert!(matches!(load("listen ="), ConfigError::Syntax { .. }));
    assert!(matches!(
        load("listen = \"a\"\nlisten = \"b\""),
        ConfigError::Syntax { .. }
    ));
    assert!(matches!(
        load("[listen]\nport = 1"),
        ConfigError::Invalid { key: "listen", .. }
    ));
    assert!(matches!(
        load("confirmations = 1.5"),
        ConfigError::Invalid { .. }
    ));
    assert!(matches!(
        load("[http]\nport = 1"),
        ConfigError::UnknownKey { .. }
    ));
}

#[test]
fn the_public_url_loses_its_trailing_slash() {
    assert_eq!(with(&[]).unwrap().public_url, "http://node.example:8470");
}

#[test]
fn readme_has_the_same_table_of_keys() {
    let listed: Vec<String> = KEYS
        .iter()
        .map(|key| {
            let default = match (key.required, key.default) {
                (true, _) => "required".to_owned(),
                (false, "") => "-".to_owned(),
                (false, text) => format!("`{text}`"),
            };
            format!("| `{}` | {default} | {} |", key.name, key.help)
        })
        .collect();
    let documented: Vec<&str> = include_str!("../../../../README.md")
        .lines()
        .skip_while(|line| *line != "## A node's settings")
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(listed, documented);
}

#[test]
fn a_certificate_takes_both_of_its_files() {
    assert_eq!(with(&[]).unwrap().tls, None);
    let both = [
        ("tls_certificate", "/a/chain.pem"),
        ("tls_key", "/a/key.pem"),
    ];
    let tls = with(&both).unwrap().tls.unwrap();
    assert_eq!(tls.certificate.to_str(), Some("/a/chain.pem"));
    assert_eq!(tls.key.to_str(), Some("/a/key.pem"));
    for alone in both {
        let missing = with(&[alone]).unwrap_err();
        assert!(matches!(missing, ConfigError::Missing { .. }), "{missing}");
    }
}
