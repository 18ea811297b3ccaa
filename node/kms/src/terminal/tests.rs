use proptest::prelude::*;

use super::*;

#[test]
fn a_terminal_is_shown_text_alone() {
    let mut out = Vec::new();
    let mut guarded = Guarded::new(&mut out, Rule::TextOnly);
    guarded.write_all("Größe\t1\r\n".as_bytes()).unwrap();
    for binary in [&b"\x1b[2J"[..], b"\0", b"\xff\xfe", b"\x07"] {
        assert!(guarded.write_all(binary).is_err());
    }
    assert_eq!(out, "Größe\t1\r\n".as_bytes());
}

#[test]
fn a_pipe_is_given_anything() {
    let mut out = Vec::new();
    let mut guarded = Guarded::new(&mut out, Rule::Anything);
    guarded.write_all(b"\0\x1b").unwrap();
    assert_eq!(out, b"\0\x1b");
}

proptest! {
    #[test]
    fn text_is_text_wherever_it_is_cut(text in "[a-zA-Zäöü€😀\n ]{0,40}", cut in 0_usize..80) {
        let bytes = text.as_bytes();
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        prop_assert!(is_text(head) && is_text(tail));
    }
}
