use super::{changes, mutants, numbers};

#[test]
fn exchanges_each_operator_by_itself() {
    assert_eq!(
        changes("return a + b * c >> 96"),
        [
            "return a - b * c >> 96",
            "return a + b / c >> 96",
            "return a + b * c << 96",
            "return a + b * c >> 97",
        ]
    );
    assert_eq!(changes("a < b"), ["a <= b", "a > b"]);
    assert!(changes("a.b(c)").is_empty());
}

#[test]
fn numbers_are_no_part_of_a_name() {
    assert_eq!(numbers("uint96 x1 = 0x10 + 12"), [(19, 2)]);
    assert_eq!(numbers("a[0], 2 ** 96"), [(2, 1), (6, 1), (11, 2)]);
    assert!(numbers("235865763225513294137944142764154484399 1e5").is_empty());
}

#[test]
fn leaves_out_statements_and_nothing_else() {
    let left_out = |code: &str| changes(code).contains(&String::new());
    for code in ["a.b = c;", "a += b;", "_mark(x);", "a[b] = c.d();"] {
        assert!(left_out(code), "{code}");
    }
    for code in [
        "return a;",
        "uint256 a = b;",
        "uint96 a = b;",
        "if (a) {",
        "}",
        "uint96 pool;",
    ] {
        assert!(!left_out(code), "{code}");
    }
}

#[test]
fn passes_over_comments_and_declarations() {
    let source =
        "// a + b\n    /// @dev 1 < 2\nimport {A} from 'A.sol';\nfunction a(uint256 b) {\n";
    assert!(mutants(source).is_empty());
    let found = mutants("{\n    a = b; // 1 + 1\n}\n");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].source.as_str()), (2, "{\n\n}\n"));
}
