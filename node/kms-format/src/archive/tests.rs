use getrandom::SysRng;
use proptest::prelude::*;
use umbral::SecretKey;

use super::*;
use crate::{Decryptor, Header};

fn entry(path: &str, kind: Kind) -> Entry {
    Entry {
        path: EntryPath::new(path.as_bytes()).unwrap(),
        kind,
        mode: 0o640,
        modified: Modified {
            seconds: -5,
            nanos: 7,
        },
    }
}

fn file(path: &str, bytes: u64) -> Entry {
    entry(path, Kind::File { bytes })
}

fn folder(path: &str) -> Entry {
    entry(path, Kind::Folder)
}

fn link(path: &str, target: &str) -> Entry {
    let target = target.as_bytes().to_vec();
    entry(path, Kind::Link { target })
}

fn sample() -> Manifest {
    Manifest::new(vec![
        folder("a"),
        file("a/one", 3),
        file("a-b", 0),
        folder("a/deep"),
        file("a/deep/two", 5),
        link("a/deep/up", "../one"),
        folder("empty"),
        file("z", 2),
    ])
    .unwrap()
}

#[track_caller]
fn refused(manifest: Result<Manifest>) {
    assert_eq!(manifest.unwrap_err().code(), "archive_malformed");
}

#[test]
fn entries_come_in_the_order_of_their_names() {
    let manifest = sample();
    let paths: Vec<_> = manifest
        .entries()
        .iter()
        .map(|entry| String::from_utf8_lossy(entry.path.as_bytes()).into_owned())
        .collect();
    let expected = [
        "a",
        "a/deep",
        "a/deep/two",
        "a/deep/up",
        "a/one",
        "a-b",
        "empty",
        "z",
    ];
    assert_eq!(paths, expected);
    assert_eq!(manifest.content_bytes(), 10);
    let begin = manifest.to_bytes().len() as u64 + 4;
    let places: Vec<u64> = manifest.contents().map(|(_, at)| at - begin).collect();
    assert_eq!(places, [0, 0, 0, 5, 5, 8, 8, 8]);
}

#[test]
fn a_manifest_is_read_as_it_was_written() {
    let manifest = sample();
    let bytes = manifest.to_bytes();
    assert_eq!(Manifest::from_bytes(&bytes).unwrap(), manifest);
    assert_eq!(Manifest::from_bytes(&[]).unwrap(), Manifest::default());
}

#[test]
fn refuses_paths_that_lead_out_of_the_folder() {
    for path in [
        "",
        "/",
        "/etc/passwd",
        "a/",
        "a//b",
        ".",
        "./a",
        "a/./b",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "a\0b",
    ] {
        let error = EntryPath::new(path.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "archive_malformed", "{path:?}");
    }
    assert!(EntryPath::new(&[b'a'; 255]).is_ok());
    assert!(EntryPath::new(&[b'a'; 256]).is_err());
    assert!(EntryPath::new("a/".repeat(2048).as_bytes()).is_err());
    for path in ["..a", "a..", "...", "a b", "\u{fc}"] {
        assert!(EntryPath::new(path.as_bytes()).is_ok(), "{path}");
    }
}

#[test]
fn refuses_links_that_lead_out_of_the_archive() {
    let with = |path: &str, target: &str| {
        Manifest::new(vec![folder("a"), folder("a/b"), link(path, target)])
    };
    for (path, target) in [
        ("l", "a"),
        ("l", "a/b/nothing"),
        ("a/l", "../a"),
        ("a/b/l", "../../a/b"),
        ("a/b/l", "x"),
    ] {
        with(path, target).unwrap();
    }
    for (path, target) in [
        ("l", ""),
        ("l", "/"),
        ("l", "/etc/passwd"),
        ("l", ".."),
        ("l", "../x"),
        ("a/l", "../../x"),
        ("a/b/l", "../../../x"),
        ("l", "a/.."),
        ("l", "a/../../x"),
        ("a/l", "../a/../b"),
        ("l", "."),
        ("l", "a//b"),
        ("l", "a/"),
        ("l", "a\0"),
    ] {
        refused(with(path, target));
    }
}

#[test]
fn refuses_entries_twice_or_without_their_folder() {
    refused(Manifest::new(vec![file("a", 1), file("a", 1)]));
    refused(Manifest::new(vec![file("a", 1), folder("a")]));
    refused(Manifest::new(vec![file("a/b", 1)]));
    // Through a file, or through a link that could lead anywhere.
    refused(Manifest::new(vec![file("a", 1), file("a/b", 1)]));
    refused(Manifest::new(vec![
        folder("b"),
        link("a", "b"),
        file("a/x", 1),
    ]));
}

#[test]
fn refuses_another_order_when_it_reads() {
    let bytes = |entries: &[Entry]| {
        let one = |entry: &Entry| Manifest::new(vec![entry.clone()]).unwrap().to_bytes();
        entries.iter().flat_map(one).collect::<Vec<u8>>()
    };
    assert!(Manifest::from_bytes(&bytes(&[file("a", 1), file("b", 1)])).is_ok());
    refused(Manifest::from_bytes(&bytes(&[file("b", 1), file("a", 1)])));
    refused(Manifest::from_bytes(&bytes(&[file("a", 1), file("a", 1)])));
}

#[test]
fn refuses_modes_times_and_lengths_that_there_are_not() {
    let changed = |change: &dyn Fn(&mut Entry)| {
        let mut entry = file("a", 1);
        change(&mut entry);
        Manifest::new(vec![entry])
    };
    refused(changed(&|entry| entry.mode = 0o1000));
    refused(changed(&|entry| entry.modified.nanos = 1_000_000_000));
    refused(Manifest::new(vec![file("a", u64::MAX), file("b", 1)]));
}

#[test]
fn every_shorter_manifest_is_another_one_or_refused() {
    let bytes = sample().to_bytes();
    for length in 0..bytes.len() {
        if let Ok(shorter) = Manifest::from_bytes(&bytes[..length]) {
            assert_eq!(shorter.to_bytes(), bytes[..length]);
        }
    }
}

/// Writes down what it is given.
#[derive(Default)]
struct Notes(Vec<(String, Vec<u8>)>);

impl Destination for Notes {
    fn entry(&mut self, entry: &Entry) -> std::io::Result<()> {
        let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
        self.0.push((path, Vec::new()));
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }
}

fn plaintext(manifest: &Manifest, contents: &[u8]) -> Vec<u8> {
    let bytes = manifest.to_bytes();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], &bytes, contents].concat()
}

fn unpack(plain: &[u8], piece: usize) -> Result<Notes> {
    let mut unpack = Unpack::new(Notes::default());
    for piece in plain.chunks(piece) {
        unpack.write_all(piece).map_err(Error::Write)?;
    }
    unpack.finish()
}

#[test]
fn pieces_of_any_size_are_unpacked_alike() {
    let plain = plaintext(&sample(), b"twotwoneZZ");
    let expected = [
        ("a", ""),
        ("a/deep", ""),
        ("a/deep/two", "twotw"),
        ("a/deep/up", ""),
        ("a/one", "one"),
        ("a-b", ""),
        ("empty", ""),
        ("z", "ZZ"),
    ];
    for piece in 1..=plain.len() {
        let notes = unpack(&plain, piece).unwrap().0;
        let seen: Vec<_> = notes
            .iter()
            .map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap()))
            .collect();
        assert_eq!(seen, expected, "{piece}");
    }
}

#[test]
fn refuses_an_archive_of_another_length() {
    let plain = plaintext(&sample(), b"twotwoneZZ");
    for length in 0..plain.len() {
        assert!(unpack(&plain[..length], 64).is_err(), "{length}");
    }
    assert!(unpack(&[&*plain, b"!"].concat(), 64).is_err());
    let nothing = plaintext(&Manifest::default(), b"");
    assert!(unpack(&nothing, 3).is_ok());
    assert!(unpack(&[&*nothing, b"!"].concat(), 3).is_err());
    assert!(unpack(&[0xff; 64], 64).is_err());
}

#[test]
fn an_archive_is_marked_and_opens_as_any_file() {
    let label = SecretKey::random(&mut SysRng).unwrap();
    let encryptor = Encryptor::new(&label.public_key());
    let mut rng = SysRng;
    let mut archive = encryptor.archive(&mut rng, &sample(), Vec::new()).unwrap();
    archive.push(b"twotwoneZZ").unwrap();
    let (_, bytes) = archive.finish().unwrap();
    let mut rest = &*bytes;
    let header = Header::read(&mut rest).unwrap();
    assert!(header.parameters().archive);
    let secret = umbral::decapsulate_original(&label, header.capsule()).unwrap();
    let data_key = header.unlock(&secret).unwrap();
    let mut unpack = Unpack::new(Notes::default());
    let decryptor = Decryptor::new(&header, &data_key, rest).unwrap();
    decryptor.decrypt(&mut unpack, &mut |_| ()).unwrap();
    assert_eq!(unpack.finish().unwrap().0.len(), 8);
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_alike(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400, value: u8,
    ) {
        if let Ok(manifest) = Manifest::from_bytes(&bytes) {
            prop_assert_eq!(manifest.to_bytes(), bytes);
        }
        let mut changed = sample().to_bytes();
        let at = at % changed.len();
        changed[at] = value;
        if let Ok(manifest) = Manifest::from_bytes(&changed) {
            prop_assert_eq!(manifest.to_bytes(), changed);
        }
    }

    #[test]
    fn no_accepted_link_climbs_above_the_top(
        depth in 0_usize..4, names in proptest::collection::vec("(\\.\\.|\\.|a|b|)", 1..7),
    ) {
        let folders: Vec<String> = (1..=depth).map(|depth| vec!["d"; depth].join("/")).collect();
        let place = folders.last().map_or("l".to_owned(), |folder| format!("{folder}/l"));
        let mut entries: Vec<Entry> = folders.iter().map(|path| folder(path)).collect();
        entries.push(link(&place, &names.join("/")));
        let climbs = names.iter().take_while(|name| *name == "..").count();
        if Manifest::new(entries).is_ok() {
            prop_assert!(climbs <= depth);
            prop_assert!(names[climbs..].iter().all(|name| name == "a" || name == "b"));
        }
    }
}
