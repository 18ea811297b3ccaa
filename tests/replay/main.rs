//! The public test kit, tests/vectors: makes it, replays it, and holds the committed files to what
//! is made now. To write them again after a format has changed:
//!
//!     WRITE_VECTORS=1 cargo test --release --package kms-tests --test kit

#[cfg(test)]
mod bytes;
#[cfg(test)]
mod make;
#[cfg(test)]
mod play;

#[cfg(test)]
mod kit {
    use std::path::{Path, PathBuf};

    use serde_json::{Value, json};

    use crate::{make, play};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
    }

    #[test]
    fn the_committed_files_are_what_is_made_now() {
        for (name, text) in make::all() {
            let path = folder().join(name);
            if std::env::var_os("WRITE_VECTORS").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap();
            assert!(committed == text, "{name}: set WRITE_VECTORS=1 to write it");
        }
    }

    #[test]
    fn every_case_gives_what_it_says() {
        let mut wrong = Vec::new();
        for (name, text) in make::all() {
            let file: Value = serde_json::from_str(&text).unwrap();
            for case in file["cases"].as_array().unwrap() {
                let found = play::case(&file, case);
                let (wanted, got) = (play::expected(case), found);
                if wanted != got {
                    wrong.push(format!("{name}: {}: {got} for {wanted}", case["name"]));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Digests are of statements that anybody may sign: another value makes another signer.
    #[test]
    fn most_of_each_set_is_refused() {
        for (name, text) in make::all() {
            let file: Value = serde_json::from_str(&text).unwrap();
            let cases = file["cases"].as_array().unwrap().iter();
            let cases: Vec<&Value> = cases.filter(|case| case["kind"] != "digest").collect();
            let refused = |case: &&&Value| {
                case["error"].is_string() || case["out"]["recognised"] == json!(false)
            };
            let refused = cases.iter().filter(refused).count();
            assert!(2 * refused > cases.len(), "{name}: {refused}");
            assert!(name != "files.json" || cases.len() >= 100);
        }
    }
}
