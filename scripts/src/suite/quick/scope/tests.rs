//! The crates of changed files, and their description.

use super::*;

fn members() -> Vec<Member> {
    ["umbral", "node/kms", "node/kms-node", "tests", "tests/tidy"]
        .map(|folder| Member {
            folder: folder.to_owned(),
            name: folder.rsplit('/').next().unwrap().to_owned(),
            has_unit_tests: true,
            has_library: true,
        })
        .to_vec()
}

fn check(files: &[&str], taken: &[(&str, &str)], outside: &[&str]) {
    let members = members();
    let scope = Scope::of("0123", files.iter().copied(), &members);
    let found = scope
        .taken
        .iter()
        .map(|(member, why)| (&*member.name, &**why));
    assert_eq!(found.collect::<Vec<_>>(), taken);
    assert_eq!(scope.outside, outside);
}

#[test]
fn takes_the_innermost_crate_of_each_file() {
    check(
        &[
            "node/kms-node/src/gate.rs",
            "tests/it/main.rs",
            "tests/tidy/main.rs",
        ],
        &[
            ("kms-node", "node/kms-node/src/gate.rs differs"),
            ("tests", "tests/it/main.rs differs"),
            ("tidy", "tests/tidy/main.rs differs"),
        ],
        &[],
    );
}

#[test]
fn counts_the_files_of_a_crate() {
    check(
        &["umbral/src/lib.rs", "umbral/Cargo.toml"],
        &[("umbral", "2 files differ, umbral/src/lib.rs among them")],
        &[],
    );
}

#[test]
fn names_what_no_crate_covers() {
    let outside = ["contracts/src/KMSToken.sol", "umbral.md", "Cargo.lock"];
    check(&outside, &[], &outside);
    let members = members();
    let scope = Scope::of("0123", outside.iter().copied(), &members);
    assert!(scope.lines().iter().any(|line| line.contains("--all")));
}
