//! Rule on citations: nothing is cited that is not in the repository. Seen before: numbers of cases
//! of a list, and of decisions of a document, that only their authors had.

use super::sources::{self, report};

/// Whether the text that follows begins with a number.
fn numbered(rest: &str) -> bool {
    rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

/// What a line cites that nobody else can look up.
fn cited(line: &str) -> Option<&'static str> {
    let lower = line.to_lowercase();
    let follows = |word: &str, wanted: fn(&str) -> bool| {
        let mut places = lower.match_indices(word);
        places.any(|(at, _)| wanted(&lower[at + word.len()..]))
    };
    if follows("decision ", numbered) {
        Some("the number of a decision")
    } else if follows("overview", |rest| rest.starts_with(['.', ',', ')'])) {
        Some("an overview")
    } else if has_case_number(line) {
        Some("the number of a case")
    } else {
        None
    }
}

/// `C` and two digits, as a word or as a part of a name.
fn has_case_number(line: &str) -> bool {
    let bytes = line.as_bytes();
    let is_part = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let starts = line.match_indices('C').map(|(at, _)| at);
    let mut starts = starts.filter(|at| *at == 0 || !is_part(at - 1));
    starts.any(|at| is_digit(at + 1) && is_digit(at + 2) && !is_part(at + 3))
}

#[test]
fn nothing_is_cited_that_is_not_in_the_repository() {
    let mut findings = Vec::new();
    for source in ["rs", "sol", "md", "toml"]
        .into_iter()
        .flat_map(sources::with_extension)
    {
        if source.path == "tests/tidy/citations.rs" {
            continue;
        }
        for (number, line) in source.text().unwrap_or_default().lines().enumerate() {
            let what = cited(line).into_iter();
            findings.extend(what.map(|what| format!("{}:{}: {what}", source.path, number + 1)));
        }
    }
    report("what is cited can be read", findings, &[]);
}

#[test]
fn finds_numbers_of_cases_and_decisions_only() {
    for wrong in [
        "see C12.",
        "test_C01_refuses",
        "(overview, decision 8)",
        "Decision 5",
        "the overview)",
    ] {
        assert!(cited(wrong).is_some(), "{wrong}");
    }
    for right in [
        "ERC20",
        "0xC1234567",
        "a decision about each",
        "C1 and C123",
        "AC12",
    ] {
        assert_eq!(cited(right), None, "{right}");
    }
}
