//! Files that are read while they are written: whole segments only, then the verified end.

use std::cell::RefCell;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use getrandom::SysRng;
use kms_format::{Error, RangeReader, SegmentKey, SegmentKeys as _, Segments};

use crate::support::{Label, pattern};

const LENGTHS: [usize; 4] = [70_000, 1, 140_000, 65_536];

/// A file that grows under its reader.
#[derive(Clone, Default)]
struct Shared {
    bytes: Rc<RefCell<Vec<u8>>>,
    at: u64,
}

impl Read for Shared {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut cursor = Cursor::new(self.bytes.borrow().clone());
        cursor.set_position(self.at);
        let count = cursor.read(into)?;
        self.at = cursor.position();
        Ok(count)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let length = self.bytes.borrow().len() as u64;
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(0) => length,
            other => unreachable!("{other:?}"),
        };
        Ok(self.at)
    }
}

/// A file of segments of [`LENGTHS`]; its plaintext, its bytes, and its length after each segment.
fn written(label: &Label) -> (Vec<u8>, Vec<u8>, Vec<usize>) {
    let plain = pattern(LENGTHS.iter().sum());
    let encryptor = label
        .encryptor()
        .with_segments(Segments::BY_HAND.looking_ahead(2));
    let mut rng = SysRng;
    let mut file = encryptor.writer(&mut rng, Vec::new()).unwrap();
    let (mut rest, mut ends) = (&*plain, Vec::new());
    for length in LENGTHS {
        let (now, after) = rest.split_at(length);
        file.push(now).unwrap();
        file.cut().unwrap();
        ends.push(file.output().len());
        rest = after;
    }
    let (_, file) = file.finish().unwrap();
    (plain, file, ends)
}

fn whole_segments(ends: &[usize], length: usize) -> usize {
    ends.iter().filter(|end| **end <= length).count()
}

fn give_all<R: Read + Seek>(reader: &mut RangeReader<R>, label: &Label) {
    for record in reader.keyless(0, 100) {
        let key: SegmentKey = label
            .segment_keys()
            .key(std::slice::from_ref(&record))
            .unwrap();
        reader.give_key(record.number(), &key).unwrap();
    }
}

/// The plaintext that is there.
fn read_all<R: Read + Seek>(reader: &mut RangeReader<R>) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(piece) = reader.piece(out.len() as u64).unwrap() {
        assert!(!piece.is_empty());
        out.extend_from_slice(piece);
    }
    out
}

#[test]
fn a_file_that_grows_shows_its_whole_segments_and_then_its_end() {
    let label = Label::random();
    let (plain, file, ends) = written(&label);
    let (header, data_key) = label.unlock(&file);
    let first = header.as_bytes().len();
    let shared = Shared::default();
    shared.bytes.borrow_mut().extend_from_slice(&file[..first]);
    let mut reader = RangeReader::growing(&header, &data_key, shared.clone()).unwrap();
    assert_eq!((reader.is_whole(), reader.plaintext_bytes()), (false, 0));
    for length in (first..file.len()).step_by(9_973).chain([file.len()]) {
        shared.bytes.borrow_mut().truncate(0);
        shared.bytes.borrow_mut().extend_from_slice(&file[..length]);
        assert_eq!(reader.look().unwrap(), length == file.len(), "{length}");
        let segments = whole_segments(&ends, length);
        let there: usize = LENGTHS[..segments].iter().sum();
        assert_eq!(reader.plaintext_bytes(), there as u64, "{length}");
        give_all(&mut reader, &label);
        assert!(read_all(&mut reader) == plain[..there], "{length}");
    }
    assert!(reader.is_whole() && reader.look().unwrap());
    assert_eq!(reader.records().len(), LENGTHS.len());
    let newest: usize = LENGTHS[..3].iter().sum();
    assert_eq!(reader.newest(), newest as u64);
    assert_eq!(reader.segment_at(newest as u64 - 1), Some(2));
    assert_eq!(reader.segment_at(newest as u64), Some(3));
    assert_eq!(reader.segment_at(plain.len() as u64), None);
}

#[test]
fn keys_ahead_are_known_before_their_segments_are_there() {
    let label = Label::random();
    let (_, file, ends) = written(&label);
    let (header, data_key) = label.unlock(&file);
    let beginning = Cursor::new(file[..ends[0]].to_vec());
    let mut reader = RangeReader::growing(&header, &data_key, beginning).unwrap();
    let numbers = |reader: &RangeReader<_>, from, ahead| {
        let records = reader.keyless(from, ahead);
        records
            .iter()
            .map(|record| record.number())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&reader, 0, 9), [0, 1, 2]);
    assert_eq!(numbers(&reader, 1, 0), [1]);
    let key = label.segment_keys().key(&reader.keyless(1, 0)).unwrap();
    reader.give_key(1, &key).unwrap();
    assert_eq!(numbers(&reader, 0, 9), [0, 2]);
    assert!(matches!(
        reader.piece(0),
        Err(Error::SegmentKey { segment: 0, .. })
    ));
    reader.forget_keys();
    assert_eq!(numbers(&reader, 0, 9), [0, 1, 2]);
}

#[test]
fn whatever_is_changed_in_a_growing_file_never_opens() {
    let label = Label::random();
    let (plain, file, ends) = written(&label);
    let (header, data_key) = label.unlock(&file);
    let first = header.as_bytes().len();
    let places = (first..first + 5).chain([first + 30, ends[0] + 2, ends[0] + 9, ends[1] - 20]);
    for at in places {
        let mut changed = file[..ends[2]].to_vec();
        changed[at] ^= 1;
        let Ok(mut reader) = RangeReader::growing(&header, &data_key, Cursor::new(changed)) else {
            continue;
        };
        give_all(&mut reader, &label);
        let mut out = Vec::new();
        while let Ok(Some(piece)) = reader.piece(out.len() as u64) {
            out.extend_from_slice(piece);
        }
        let there: usize = LENGTHS[..3].iter().sum();
        assert!(plain.starts_with(&out) && out.len() < there, "{at}");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(matches!(
        RangeReader::growing(&header, &data_key, Cursor::new(longer)),
        Err(Error::TrailingData { .. })
    ));
    let plain_file = label.encrypt(&plain);
    let (header, data_key) = label.unlock(&plain_file);
    let cut = Cursor::new(&plain_file[..plain_file.len() - 1]);
    assert!(matches!(
        RangeReader::growing(&header, &data_key, cut),
        Err(Error::Truncated { .. })
    ));
}
