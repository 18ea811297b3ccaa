use std::fs;

use super::*;

#[test]
fn a_signal_removes_the_parts_in_work_and_no_finished_file() {
    let dir = tempfile::tempdir().unwrap();
    let (part, done) = (dir.path().join("a.part"), dir.path().join("b.part"));
    fs::write(&part, "half").unwrap();
    fs::write(&done, "whole").unwrap();
    let parts = Parts::default();
    let _in_work = parts.guard(&part);
    drop(parts.guard(&done));
    parts.remove_all();
    assert!(!part.exists());
    assert!(done.exists());
}

#[test]
fn a_part_that_is_gone_already_is_no_trouble() {
    let parts = Parts::default();
    let _guard = parts.guard(Path::new("/nonexistent/part"));
    parts.remove_all();
}

#[test]
fn two_parts_are_forgotten_one_by_one() {
    let parts = Parts::default();
    let first = parts.guard(Path::new("one"));
    let second = parts.guard(Path::new("two"));
    drop(first);
    assert_eq!(*parts.0.lock().unwrap(), [PathBuf::from("two")]);
    drop(second);
    assert!(parts.0.lock().unwrap().is_empty());
}
