use std::fs;

use super::*;

fn open(path: &Path) -> Sink {
    Sink::open(path, Content::Secret, Existing::Replace).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_finished_file_replaces_the_old_one_and_leaves_no_part() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    fs::write(&path, "old").unwrap();
    let mut sink = open(&path);
    sink.write_all(b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    sink.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn a_file_that_is_not_finished_leaves_the_old_one_and_no_part() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    fs::write(&path, "old").unwrap();
    let mut sink = open(&path);
    sink.write_all(&[7; 1_000_000]).unwrap();
    drop(sink);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn refuses_an_existing_file_when_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    fs::write(&path, "old").unwrap();
    let refused = Sink::open(&path, Content::Encrypted, Existing::Refuse)
        .err()
        .unwrap();
    assert_eq!(refused.exit(), 2);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn refuses_a_directory_in_both_directions() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Source::open(dir.path()).err().unwrap().exit(), 2);
    let sink = Sink::open(dir.path(), Content::Secret, Existing::Replace);
    assert_eq!(sink.err().unwrap().exit(), 2);
}

#[test]
fn a_missing_input_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        Source::open(&dir.path().join("none")).err().unwrap().exit(),
        3
    );
}

#[test]
fn the_length_of_a_file_is_known_and_of_a_device_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in");
    fs::write(&path, "12345").unwrap();
    assert_eq!(Source::open(&path).unwrap().length, Some(5));
    assert_eq!(Source::open(Path::new("/dev/null")).unwrap().length, None);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_and_not_replaced() {
    let mut sink = open(Path::new("/dev/null"));
    assert!(matches!(sink, Sink::Special(..)));
    sink.write_all(b"gone").unwrap();
    sink.finish().unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_to_the_new_content() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut sink = open(&link);
    sink.write_all(b"new").unwrap();
    sink.finish().unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"new");
}

#[cfg(unix)]
#[test]
fn decrypted_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    open(&path).finish().unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[cfg(unix)]
#[test]
fn every_name_of_the_standard_output_is_the_standard_output() {
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        assert!(open(Path::new(name)).is_stdout(), "{name}");
    }
    for name in ["/dev/null", "/dev/fd/2", "/dev/stderr"] {
        assert!(!open(Path::new(name)).is_stdout(), "{name}");
        assert!(is_of_system(Path::new(name)), "{name}");
    }
    for name in [
        "stdout",
        "dev/stdout",
        "/devices",
        "/dev/shm/out",
        "/proc/self/cwd/out",
    ] {
        assert!(
            !is_of_system(Path::new(name)) && !is_stdout(Path::new(name)),
            "{name}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_behind_a_descriptor_is_appended_to() {
    use std::os::fd::AsRawFd as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, "old ").unwrap();
    let log = OpenOptions::new().append(true).open(&path).unwrap();
    for folder in ["/dev/fd", "/proc/self/fd"] {
        let mut sink = open(&Path::new(folder).join(log.as_raw_fd().to_string()));
        sink.write_all(b"new ").unwrap();
        sink.finish().unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), b"old new new ");
}
