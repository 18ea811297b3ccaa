use super::{check, parse};

const REPORT: &str = "TN:
SF:src/A.sol
DA:1,5
BRDA:4,0,0,1
BRDA:4,0,1,-
BRDA:7,1,0,0
end_of_record
SF:test/B.t.sol
BRDA:1,0,0,0
end_of_record
";

fn check_text(text: &str) -> anyhow::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    check(file.path())
}

#[test]
fn counts_the_branches_of_src_and_names_the_lines_missed() {
    let files = parse(REPORT);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].branches, files[0].reached), (3, 1));
    assert_eq!(files[0].missed, [4, 7]);
}

#[test]
fn refuses_too_few_branches_and_none_at_all() {
    assert!(check_text(REPORT).is_err());
    assert!(check_text("").is_err());
    assert!(check_text("SF:src/A.sol\nDA:1,5\n").is_err());
    let missed = |number| "BRDA:1,0,0,-\n".repeat(number);
    let reached = |number| "BRDA:1,0,0,3\n".repeat(number);
    assert!(check_text(&format!("SF:src/A.sol\n{}{}", missed(1), reached(19))).is_ok());
    assert!(check_text(&format!("SF:src/A.sol\n{}{}", missed(1), reached(18))).is_err());
}
