use super::{Tally, cargo, cargo_as, forge, halmos, lines_with, node, property_tests_in, vectors};

fn rows(tally: &Tally) -> Vec<(&str, u64)> {
    tally
        .rows
        .iter()
        .map(|(kind, number)| (kind.as_str(), *number))
        .collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn tells_unit_end_to_end_and_documentation_tests() {
    let tally = cargo(&lines(
        "     Running unittests src/lib.rs (target/release/deps/umbral-1)
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
     Running it/main.rs (target/release/deps/it-2)
test result: ok. 3 passed; 0 failed; 0 ignored
   Doc-tests umbral
test result: ok. 1 passed; 0 failed; 0 ignored
     Running unittests src/lib.rs (target/release/deps/kms-3)
test result: ok. 30 passed; 0 failed",
    ));
    assert_eq!(
        rows(&tally),
        [
            ("rust unit", 42),
            ("end to end", 3),
            ("rust documentation", 1)
        ]
    );
    assert_eq!(tally.passed(), 46);
}

#[test]
fn counts_a_failed_test_as_failed() {
    let tally = cargo(&lines("test result: FAILED. 1 passed; 2 failed; 0 ignored"));
    assert_eq!((tally.passed(), tally.failed()), (1, 2));
    assert_eq!(forge(&lines("[FAIL: no] test_a() (gas: 1)")).failed(), 1);
    assert_eq!(vectors("v", &lines("3 passed, 4 failed")).failed(), 4);
}

#[test]
fn counts_nothing_in_foreign_output() {
    assert_eq!(cargo(&lines("hello\n5 passed")), Tally::default());
    assert_eq!(vectors("v", &[]), Tally::default());
}

#[test]
fn tells_forge_unit_fuzz_and_invariants() {
    let tally = forge(&lines(
        "[PASS] test_a() (gas: 10)
[PASS] testFuzz_b(uint256) (runs: 256, u: 1)
[PASS] invariant_c() (runs: 24, calls: 1)
Suite result: ok. 3 passed; 0 failed",
    ));
    assert_eq!(
        rows(&tally),
        [
            ("forge unit", 1),
            ("forge fuzz", 1),
            ("forge invariants", 1)
        ]
    );
}

#[test]
fn counts_tests_inside_proptest_blocks_only() {
    let source = "#[test]\nfn a() {}\nproptest! {\n    #[test]\n    fn b(x in 0..1) {\n    }\n}\n\
                  #[test]\nfn c() {}\n";
    assert_eq!(property_tests_in(source), 1);
}

#[test]
fn counts_all_of_a_run_as_one_kind() {
    let tally = cargo_as(
        "peers",
        &lines(
            "     Running unittests src/lib.rs (target/release/deps/peers-1)
test result: ok. 2 passed; 0 failed
     Running tests/interop.rs (target/release/deps/interop-2)
test result: FAILED. 3 passed; 1 failed",
        ),
    );
    assert_eq!(rows(&tally), [("peers", 5)]);
    assert_eq!(tally.failed(), 1);
}

#[test]
fn counts_marked_lines_only() {
    let output = lines("seed 1\nopen 20 executions, no panic\nverify 20 executions, no panic");
    assert_eq!(
        rows(&lines_with("targets", " executions, no panic", &output)),
        [("targets", 2)]
    );
    assert_eq!(lines_with("targets", "panicked", &output), Tally::default());
}

#[test]
fn counts_proofs_over_all_contracts() {
    let tally = halmos(&lines(
        "[PASS] check_a() (paths: 1)
Symbolic test result: 1 passed; 0 failed; time: 0.10s
Symbolic test result: 4 passed; 2 failed; time: 0.10s",
    ));
    assert_eq!(rows(&tally), [("halmos proofs", 5)]);
    assert_eq!(tally.failed(), 2);
}

#[test]
fn counts_what_node_reports() {
    let lines = lines("ok 1 - a page\n# tests 3\n# suites 0\n# pass 2\n# fail 1\n");
    let tally = node(&lines);
    assert_eq!((tally.passed(), tally.failed()), (2, 1));
    assert_eq!(node(&[]).passed(), 0);
}
