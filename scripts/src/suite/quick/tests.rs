//! The arguments of cargo for a set of changed crates.

use super::*;

fn member(name: &str, has_library: bool) -> Member {
    Member {
        folder: name.to_owned(),
        name: name.to_owned(),
        has_unit_tests: true,
        has_library,
    }
}

fn unit_tests(members: &[&Member]) -> Vec<String> {
    let mut found = steps(members).into_iter();
    let step = found.find(|(name, _)| *name == "unit tests");
    step.map(|(_, args)| args).unwrap_or_default()
}

#[test]
fn asks_for_libraries_only_where_there_is_one() {
    let (binary, library) = (member("kms", false), member("umbral", true));
    let tidy = member(TIDY, true);
    let lib = "--lib".to_owned();
    assert!(!unit_tests(&[&binary]).contains(&lib));
    assert!(!unit_tests(&[&binary, &tidy]).contains(&lib));
    assert!(unit_tests(&[&binary, &library]).contains(&lib));
    assert!(unit_tests(&[]).is_empty());
}
