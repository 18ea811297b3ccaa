use super::*;

#[test]
fn refuses_a_second_holder_and_frees_on_drop() {
    let dir = tempfile::tempdir().unwrap();
    let first = DirLock::take(dir.path()).unwrap();
    let refused = DirLock::take(dir.path()).unwrap_err();
    assert_eq!(refused.code(), "already_running");
    drop(first);
    DirLock::take(dir.path()).unwrap();
}

#[test]
fn names_a_directory_that_is_missing() {
    let refused = DirLock::take(Path::new("/nonexistent/kms")).unwrap_err();
    assert_eq!(refused.code(), "file_unusable");
}
