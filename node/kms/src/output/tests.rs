use super::*;

#[test]
fn a_table_is_as_wide_as_its_widest_cells() {
    let rows = [
        vec!["a".to_owned(), "long cell".to_owned()],
        vec!["éé".to_owned(), String::new()],
    ];
    assert_eq!(table(&["N", "KEY"], &rows), "N   KEY\na   long cell\néé");
}

#[test]
fn a_reader_that_has_gone_is_no_error_to_talk_about() {
    let failure = stdout_failure(&io::ErrorKind::BrokenPipe.into());
    assert!(failure.is_silent());
    assert!(!stdout_failure(&io::ErrorKind::StorageFull.into()).is_silent());
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_written_all_the_same() {
    use std::os::unix::ffi::OsStrExt as _;
    #[derive(Serialize)]
    struct Named<'a> {
        #[serde(serialize_with = "path_text")]
        path: &'a Path,
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(b"a\xffb"));
    let json = serde_json::to_string(&Named { path }).unwrap();
    assert_eq!(json, "{\"path\":\"a\u{fffd}b\"}");
}
