use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Cost, change_password, decrypt, encrypt, encrypt_at, load, save};
use crate::error::{ChainError, KeystoreFault};
use crate::test_support::address;

/// Test vectors of the Web3 Secret Storage definition, which geth carries too.
const WIKI_SCRYPT: &str = r#"{
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
    "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    "kdf": "scrypt",
    "kdfparams": {
      "dklen": 32, "n": 262144, "r": 1, "p": 8,
      "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
    },
    "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
}"#;
const WIKI_PBKDF2: &str = r#"{
  "crypto": {
    "cipher": "aes-128-ctr",
    "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
    "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf": "pbkdf2",
    "kdfparams": {
      "c": 262144, "dklen": 32, "prf": "hmac-sha256",
      "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
    },
    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
  },
  "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  "version": 3
}"#;
const WIKI_PASSWORD: &str = "testpassword";
const WIKI_SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

/// Cheap enough for many tests.
const CHEAP: Cost = Cost(4);
const SECRET: [u8; 32] = [0x5e; 32];

fn cheap() -> Value {
    serde_json::from_str(&encrypt_at(CHEAP, &SECRET, "pass", None).unwrap()).unwrap()
}

#[test]
fn opens_keystores_of_other_programs() {
    for vector in [WIKI_SCRYPT, WIKI_PBKDF2] {
        let secret = decrypt(vector, WIKI_PASSWORD).unwrap();
        assert_eq!(hex::encode(*secret), WIKI_SECRET);
    }
}

#[test]
fn writes_the_shape_that_others_read() {
    let text = encrypt(&SECRET, "pass", Some(address(0xab))).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["version"], json!(3));
    assert_eq!(value["address"], json!("ab".repeat(20)));
    assert_eq!(value["crypto"]["cipher"], json!("aes-128-ctr"));
    assert_eq!(value["crypto"]["kdf"], json!("scrypt"));
    assert_eq!(value["crypto"]["kdfparams"]["n"], json!(131_072));
    assert_eq!(value["crypto"]["kdfparams"]["r"], json!(8));
    let id = value["id"].as_str().unwrap();
    let lengths: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert_eq!(id.as_bytes()[14], b'4');
    assert_eq!(*decrypt(&text, "pass").unwrap(), SECRET);
}

#[test]
fn uses_fresh_randomness_each_time() {
    let (first, second) = (cheap(), cheap());
    for pointer in [
        "/id",
        "/crypto/ciphertext",
        "/crypto/cipherparams/iv",
        "/crypto/kdfparams/salt",
    ] {
        assert_ne!(first.pointer(pointer), second.pointer(pointer), "{pointer}");
    }
}

#[test]
fn tells_a_wrong_password_from_a_broken_file() {
    let text = cheap().to_string();
    for password in ["", "Pass", "pass ", "passpass"] {
        assert!(matches!(
            decrypt(&text, password),
            Err(ChainError::WrongPassword)
        ));
    }
}

fn check_changed(pointer: &str, value: Value, expected: KeystoreFault) {
    let mut file = cheap();
    *file.pointer_mut(pointer).unwrap() = value;
    match decrypt(&file.to_string(), "pass") {
        Err(ChainError::Keystore(fault)) => assert_eq!(fault, expected, "{pointer}"),
        other => panic!("{pointer}: {other:?}"),
    }
}

#[test]
fn names_what_it_cannot_read() {
    use KeystoreFault::{Cipher, Kdf, KdfParams, Length, Malformed, Version};
    check_changed("/version", json!(1), Version);
    check_changed("/crypto/cipher", json!("aes-256-gcm"), Cipher);
    check_changed("/crypto/kdf", json!("argon2id"), Kdf);
    check_changed("/crypto/ciphertext", json!("00".repeat(31)), Length);
    check_changed("/crypto/ciphertext", json!("00".repeat(33)), Length);
    check_changed("/crypto/ciphertext", json!("xx"), Malformed);
    check_changed("/crypto/kdfparams/dklen", json!(16), KdfParams);
    for text in ["", "{}", "[]", "null", "not json"] {
        let result = decrypt(text, "pass");
        assert!(
            matches!(result, Err(ChainError::Keystore(Malformed))),
            "{text}"
        );
    }
}

#[test]
fn refuses_parameters_that_are_invalid_or_would_cost_too_much() {
    use KeystoreFault::{Kdf, KdfCost, KdfParams};
    for n in [0_u64, 1, 3, 1_000, u64::MAX] {
        check_changed("/crypto/kdfparams/n", json!(n), KdfParams);
    }
    for n in [1_u64 << 24, 1 << 40] {
        check_changed("/crypto/kdfparams/n", json!(n), KdfCost);
    }
    for (field, value, expected) in [
        ("r", 0_u32, KdfParams),
        ("p", 0, KdfParams),
        ("r", u32::MAX, KdfCost),
        ("p", u32::MAX, KdfCost),
    ] {
        check_changed(
            &format!("/crypto/kdfparams/{field}"),
            json!(value),
            expected,
        );
    }
    let changed = |from: &str, to: &str| decrypt(&WIKI_PBKDF2.replace(from, to), WIKI_PASSWORD);
    for (to, expected) in [("\"c\": 0", KdfParams), ("\"c\": 4000000000", KdfCost)] {
        let Err(ChainError::Keystore(fault)) = changed("\"c\": 262144", to) else {
            panic!("{to} was taken");
        };
        assert_eq!(fault, expected, "{to}");
    }
    let result = changed("hmac-sha256", "hmac-sha1");
    assert!(matches!(result, Err(ChainError::Keystore(fault)) if fault == Kdf));
}

/// scrypt holds p blocks of 128 * r bytes besides its table of N: here 2 GiB of them.
#[test]
fn counts_the_blocks_of_scrypt_as_memory_and_tells_the_limit() {
    for (n, r, p) in [(2, 1 << 20, 16), (2, 1, 1 << 24), (16, 1 << 18, 32)] {
        let mut file = cheap();
        let params = file.pointer_mut("/crypto/kdfparams").unwrap();
        params["n"] = json!(n);
        params["r"] = json!(r);
        params["p"] = json!(p);
        let error = decrypt(&file.to_string(), "pass").unwrap_err();
        assert!(
            matches!(error, ChainError::Keystore(KeystoreFault::KdfCost)),
            "{n} {r} {p}: {error}"
        );
        assert!(error.to_string().contains("1 GiB"), "{error}");
    }
}

#[test]
fn refuses_a_file_that_was_tampered_with() {
    for pointer in [
        "/crypto/ciphertext",
        "/crypto/mac",
        "/crypto/kdfparams/salt",
    ] {
        let mut file = cheap();
        let field = file.pointer_mut(pointer).unwrap();
        let mut bytes = hex::decode(field.as_str().unwrap()).unwrap();
        bytes[0] ^= 1;
        *field = json!(hex::encode(bytes));
        let result = decrypt(&file.to_string(), "pass");
        assert!(
            matches!(result, Err(ChainError::WrongPassword)),
            "{pointer}"
        );
    }
    let mut file = cheap();
    file["crypto"]["mac"] = json!("");
    assert!(matches!(
        decrypt(&file.to_string(), "pass"),
        Err(ChainError::WrongPassword)
    ));
    file["crypto"]["cipherparams"]["iv"] = json!("00");
    assert!(decrypt(&file.to_string(), "pass").is_err());
}

#[test]
fn writes_private_files_and_never_over_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("worker.json");
    save(&path, &SECRET, "pass", None).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let result = save(&path, &[1; 32], "other", None);
    assert!(matches!(result, Err(ChainError::FileExists { .. })));
    assert_eq!(*load(&path, "pass").unwrap(), SECRET);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn refuses_a_file_that_others_may_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("worker.json");
    std::fs::write(&path, cheap().to_string()).unwrap();
    for (mode, refused) in [(0o644, true), (0o640, true), (0o604, true), (0o600, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let result = load(&path, "pass");
        let fault = matches!(
            result,
            Err(ChainError::Keystore(KeystoreFault::Permissions))
        );
        assert_eq!(fault, refused, "{mode:o}");
    }
    assert!(matches!(
        load(&directory.path().join("x"), "pass"),
        Err(ChainError::File { .. })
    ));
}

#[test]
fn changes_a_password_only_under_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("worker.json");
    let text = encrypt_at(CHEAP, &SECRET, "old", Some(address(7))).unwrap();
    crate::files::write(&path, text.as_bytes(), crate::files::Existing::Refuse).unwrap();
    assert!(matches!(
        change_password(&path, "new", "new"),
        Err(ChainError::WrongPassword)
    ));
    change_password(&path, "old", "new").unwrap();
    assert!(matches!(load(&path, "old"), Err(ChainError::WrongPassword)));
    assert_eq!(*load(&path, "new").unwrap(), SECRET);
    let value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(value["address"], json!("07".repeat(20)));
}

proptest! {
    #[test]
    fn round_trips(secret in any::<[u8; 32]>(), password in any::<String>()) {
        let text = encrypt_at(CHEAP, &secret, &password, None).unwrap();
        prop_assert!(!text.contains(&hex::encode(secret)));
        prop_assert_eq!(*decrypt(&text, &password).unwrap(), secret);
    }

    #[test]
    fn survives_any_text(text in any::<String>()) {
        prop_assert!(decrypt(&text, "pass").is_err());
    }
}
