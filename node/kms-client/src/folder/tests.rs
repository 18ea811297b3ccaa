use std::os::unix::fs::PermissionsExt as _;

use kms_format::archive::Unpack;
use kms_format::{DataKey, Decryptor, Header};
use tempfile::TempDir;
use umbral::SecretKey;

use super::*;

fn label() -> SecretKey {
    SecretKey::from_secret_bytes(&[0x11; 32]).unwrap()
}

fn make(root: &Path) {
    for folder in ["a/deep", "empty", "read-only"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("a/one"), b"one").unwrap();
    fs::write(root.join("a/deep/two"), vec![7; 200_000]).unwrap();
    fs::write(root.join("nothing"), b"").unwrap();
    fs::write(root.join("read-only/x"), b"x").unwrap();
    std::os::unix::fs::symlink("../one", root.join("a/deep/up")).unwrap();
    let mode = |path: &str, mode| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("a/one", 0o741);
    mode("read-only", 0o555);
    let old = UNIX_EPOCH - std::time::Duration::new(5, 250_000_000);
    let file = File::options()
        .write(true)
        .open(root.join("nothing"))
        .unwrap();
    file.set_modified(old).unwrap();
}

fn encrypted(folder: &PackedFolder) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let encryptor = Encryptor::new(&label().public_key());
    folder.encrypt(&encryptor, &mut out, &mut |_| ())?;
    Ok(out)
}

fn open(mut file: &[u8]) -> (Header, DataKey, &[u8]) {
    let header = Header::read(&mut file).unwrap();
    let secret = umbral::decapsulate_original(&label(), header.capsule()).unwrap();
    let key = header.unlock(&secret).unwrap();
    (header, key, file)
}

fn unpack(file: &[u8], folder: NewFolder) -> Result<u64> {
    let (header, key, rest) = open(file);
    let mut unpack = Unpack::new(folder);
    let decryptor = Decryptor::new(&header, &key, rest)?;
    decryptor.decrypt(&mut unpack, &mut |_| ())?;
    unpack.finish()?.finish()
}

fn parts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap();
    let is_part = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".part");
    names
        .filter(|entry| is_part(&entry.as_ref().unwrap().file_name()))
        .count()
}

#[test]
fn a_folder_comes_back_as_it_was() {
    let place = TempDir::new().unwrap();
    let (from, to) = (place.path().join("from"), place.path().join("to"));
    fs::create_dir(&from).unwrap();
    make(&from);
    let packed = PackedFolder::look(&from).unwrap();
    let file = encrypted(&packed).unwrap();
    assert_eq!(unpack(&file, NewFolder::create(&to).unwrap()).unwrap(), 9);
    assert_eq!(PackedFolder::look(&to).unwrap().manifest, packed.manifest);
    for path in ["a/one", "a/deep/two", "a/deep/up", "nothing", "read-only/x"] {
        assert_eq!(
            fs::read(to.join(path)).unwrap(),
            fs::read(from.join(path)).unwrap()
        );
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&to), 0o700, "nobody else looks into what is decrypted");
    assert_eq!(mode(&to.join("a/one")), 0o741);
    assert_eq!(parts(place.path()), 0);
}

#[test]
fn one_entry_comes_alone_with_what_is_in_it() {
    let place = TempDir::new().unwrap();
    let (from, to) = (place.path().join("from"), place.path().join("to"));
    fs::create_dir(&from).unwrap();
    make(&from);
    let file = encrypted(&PackedFolder::look(&from).unwrap()).unwrap();
    let wanted = EntryPath::new(b"a/deep").unwrap();
    let folder = NewFolder::create(&to).unwrap().only(wanted);
    assert_eq!(unpack(&file, folder).unwrap(), 4);
    assert_eq!(fs::read(to.join("a/deep/two")).unwrap(), vec![7; 200_000]);
    for absent in ["a/one", "empty", "nothing"] {
        assert!(!to.join(absent).exists(), "{absent}");
    }
}

#[test]
fn refuses_links_that_lead_out_and_what_is_no_file() {
    for target in ["/etc/passwd", "../x", "a/../../x"] {
        let place = TempDir::new().unwrap();
        std::os::unix::fs::symlink(target, place.path().join("l")).unwrap();
        let error = PackedFolder::look(place.path()).unwrap_err();
        assert_eq!(error.code(), "not_packable", "{target}");
    }
    let place = TempDir::new().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.path().join("s")).unwrap();
    let error = PackedFolder::look(place.path()).unwrap_err();
    assert_eq!(error.code(), "not_packable");
}

#[test]
fn refuses_a_file_that_grew_shrank_or_went() {
    for content in [Some(&b"longer than before"[..]), Some(b""), None] {
        let place = TempDir::new().unwrap();
        let file = place.path().join("f");
        fs::write(&file, b"before").unwrap();
        let packed = PackedFolder::look(place.path()).unwrap();
        match content {
            Some(content) => fs::write(&file, content).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let code = encrypted(&packed).unwrap_err().code();
        assert_eq!(
            code,
            if content.is_some() {
                "not_packable"
            } else {
                "not_found"
            }
        );
    }
}

#[test]
fn nothing_is_left_of_an_archive_that_is_damaged() {
    let place = TempDir::new().unwrap();
    let (from, to) = (place.path().join("from"), place.path().join("to"));
    fs::create_dir(&from).unwrap();
    make(&from);
    let mut file = encrypted(&PackedFolder::look(&from).unwrap()).unwrap();
    let at = file.len() - 100_000;
    file[at] ^= 1;
    let error = unpack(&file, NewFolder::create(&to).unwrap()).unwrap_err();
    assert_eq!(error.code(), "chunk_tampered");
    assert!(!to.exists());
    assert_eq!(parts(place.path()), 0);
}

#[test]
fn replaces_nothing_that_is_there() {
    let place = TempDir::new().unwrap();
    let to = place.path().join("to");
    fs::write(&to, b"kept").unwrap();
    let Err(error) = NewFolder::create(&to) else {
        panic!("a file was replaced")
    };
    assert_eq!(error.code(), "output_exists");
    fs::remove_file(&to).unwrap();
    let folder = NewFolder::create(&to).unwrap();
    fs::write(&to, b"kept").unwrap();
    assert_eq!(folder.finish().unwrap_err().code(), "output_exists");
    assert_eq!(fs::read(&to).unwrap(), b"kept");
    assert_eq!(parts(place.path()), 0);
}
