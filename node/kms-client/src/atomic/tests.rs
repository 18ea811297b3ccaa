use super::*;

/// A disk with room for a fixed number of bytes.
struct SmallDisk {
    file: File,
    room: usize,
    sync_fails: bool,
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let taken = bytes.len().min(self.room);
        let written = self.file.write(&bytes[..taken])?;
        self.room -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for SmallDisk {
    fn sync(&self) -> io::Result<()> {
        if self.sync_fails {
            Err(io::Error::other("fsync failed"))
        } else {
            self.file.sync_all()
        }
    }
}

fn small_disk(target: &Path, room: usize, sync_fails: bool) -> AtomicFile {
    AtomicFile::with_sink(target, Visibility::Shared, Existing::Replace, |file| {
        Box::new(SmallDisk {
            file,
            room,
            sync_fails,
        })
    })
    .unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_committed_file_has_its_name_and_no_part_remains() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut file = AtomicFile::create(&out, Visibility::Shared, Existing::Refuse).unwrap();
    file.write_all(b"whole").unwrap();
    assert!(!out.exists());
    file.commit().unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), b"whole");
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn a_dropped_file_leaves_the_old_output_and_no_part() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    std::fs::write(&out, b"old").unwrap();
    let mut file = AtomicFile::create(&out, Visibility::Shared, Existing::Replace).unwrap();
    file.write_all(&vec![7; 2 * BUFFER_BYTES]).unwrap();
    assert_eq!(names(dir.path()).len(), 2);
    drop(file);
    assert_eq!(std::fs::read(&out).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn a_disk_that_fills_while_writing_leaves_the_old_output() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    std::fs::write(&out, b"old").unwrap();
    let mut file = small_disk(&out, 10, false);
    let error = file.write_all(&vec![7; 2 * BUFFER_BYTES]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    drop(file);
    assert_eq!(std::fs::read(&out).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn a_disk_that_fills_at_the_last_flush_fails_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut file = small_disk(&out, 3, false);
    file.write_all(b"more than three").unwrap();
    assert!(matches!(file.commit(), Err(Error::Io { .. })));
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_disk_that_cannot_sync_fails_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut file = small_disk(&out, 100, true);
    file.write_all(b"abc").unwrap();
    assert!(matches!(file.commit(), Err(Error::Io { .. })));
    assert!(names(dir.path()).is_empty());
}

#[test]
fn refuses_an_output_that_exists() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    std::fs::write(&out, b"old").unwrap();
    let refused = AtomicFile::create(&out, Visibility::Shared, Existing::Refuse);
    assert!(matches!(refused.err(), Some(Error::OutputExists { .. })));
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn refuses_an_output_that_appeared_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut file = AtomicFile::create(&out, Visibility::Shared, Existing::Refuse).unwrap();
    file.write_all(b"new").unwrap();
    std::fs::write(&out, b"other").unwrap();
    assert!(matches!(file.commit(), Err(Error::OutputExists { .. })));
    assert_eq!(std::fs::read(&out).unwrap(), b"other");
    assert_eq!(names(dir.path()), ["out"]);
}

#[test]
fn two_writers_of_one_output_do_not_share_a_part() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut one = AtomicFile::create(&out, Visibility::Shared, Existing::Replace).unwrap();
    let mut two = AtomicFile::create(&out, Visibility::Shared, Existing::Replace).unwrap();
    one.write_all(b"one").unwrap();
    two.write_all(b"two").unwrap();
    assert_ne!(one.part_path(), two.part_path());
    one.commit().unwrap();
    two.commit().unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), b"two");
}

#[test]
fn refuses_a_directory_that_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("nowhere").join("out");
    let refused = AtomicFile::create(&out, Visibility::Private, Existing::Replace);
    assert!(matches!(refused.err(), Some(Error::Io { .. })));
}

#[cfg(unix)]
#[test]
fn a_private_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    AtomicFile::create(&out, Visibility::Private, Existing::Replace)
        .unwrap()
        .commit()
        .unwrap();
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_keeps_its_mode_and_a_private_one_is_never_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (before, visibility, after) in [
        (0o600, Visibility::Shared, 0o600),
        (0o640, Visibility::Shared, 0o640),
        (0o644, Visibility::Private, 0o600),
    ] {
        std::fs::write(&out, b"old").unwrap();
        std::fs::set_permissions(&out, std::fs::Permissions::from_mode(before)).unwrap();
        let file = AtomicFile::create(&out, visibility, Existing::Replace).unwrap();
        assert_eq!(mode(file.part_path()), after, "while it is written");
        file.commit().unwrap();
        assert_eq!(mode(&out), after);
    }
}
