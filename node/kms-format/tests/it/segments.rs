//! Files in segments: each has a capsule and a key of its own, told ahead; the index finds them.

use std::io::Cursor;

use getrandom::SysRng;
use kms_format::{
    CHUNK_BYTES, Encryptor, Error, RangeReader, SegmentKey, SegmentRecord, Segments, Summary,
};
use proptest::prelude::*;

use crate::support::{Label, pattern};

fn segmented(label: &Label, chunks: u64, ahead: u8) -> Encryptor {
    let bytes = chunks * CHUNK_BYTES as u64;
    let segments = Segments::of_bytes(bytes).looking_ahead(ahead);
    label.encryptor().with_segments(segments)
}

/// A file of segments of these lengths, cut by hand.
fn by_hand(label: &Label, lengths: &[usize], ahead: u8) -> (Vec<u8>, Vec<u8>) {
    let plain = pattern(lengths.iter().sum());
    let segments = Segments::BY_HAND.looking_ahead(ahead);
    let encryptor = label.encryptor().with_segments(segments);
    let mut rng = SysRng;
    let mut file = encryptor.writer(&mut rng, Vec::new()).unwrap();
    let mut rest = &*plain;
    for length in lengths {
        let (now, after) = rest.split_at(*length);
        file.push(now).unwrap();
        file.cut().unwrap();
        rest = after;
    }
    let (summary, file) = file.finish().unwrap();
    assert_eq!(summary.file_bytes, file.len() as u64);
    (plain, file)
}

fn check(label: &Label, plain: &[u8], file: &[u8]) -> Summary {
    let (out, outcome) = label.decrypt_some(file);
    let summary = outcome.unwrap();
    assert!(out == plain);
    let (header, data_key) = label.unlock(file);
    assert_eq!(header.layout(&mut Cursor::new(file)).unwrap(), summary);
    let mut reader = RangeReader::open(&header, &data_key, Cursor::new(file)).unwrap();
    assert_eq!(reader.records().len(), summary.segments as usize);
    let mut out = Vec::new();
    let all = 0..plain.len() as u64;
    reader
        .read_range_with(&mut label.segment_keys(), all, &mut out)
        .unwrap();
    assert!(out == plain);
    summary
}

#[test]
fn files_are_cut_at_the_bytes_asked_for() {
    let label = Label::random();
    for (chunks, length, segments) in [
        (1, 0, 1),
        (1, 1, 1),
        (1, CHUNK_BYTES, 1),
        (1, CHUNK_BYTES + 1, 2),
        (2, 5 * CHUNK_BYTES, 3),
        (4, 8 * CHUNK_BYTES, 2),
        (6, 13 * CHUNK_BYTES + 9, 3),
        (100, 3 * CHUNK_BYTES, 1),
    ] {
        for ahead in [0, 1, 4] {
            let plain = pattern(length);
            let file = label.encrypt_with(&segmented(&label, chunks, ahead), &plain);
            assert_eq!(
                check(&label, &plain, &file).segments,
                segments,
                "{chunks} {length}"
            );
        }
    }
}

#[test]
fn segments_cut_by_hand_have_any_length_and_are_never_empty() {
    let label = Label::random();
    let (plain, file) = by_hand(&label, &[1, 0, CHUNK_BYTES, 70_000, 0, 5], 2);
    assert_eq!(check(&label, &plain, &file).segments, 4);
    let (plain, file) = by_hand(&label, &[0, 0], 0);
    assert_eq!(check(&label, &plain, &file).segments, 1);
}

#[test]
fn each_segment_tells_its_own_key_and_those_that_follow() {
    let label = Label::random();
    let (_, file) = by_hand(&label, &[10, 10, 10], 2);
    let (header, data_key) = label.unlock(&file);
    let mut asked = Vec::new();
    let mut owner = label.segment_keys();
    let mut keys = |records: &[SegmentRecord]| {
        asked.push(
            records
                .iter()
                .map(SegmentRecord::number)
                .collect::<Vec<_>>(),
        );
        owner(records)
    };
    kms_format::Decryptor::new(&header, &data_key, &file[header.as_bytes().len()..])
        .unwrap()
        .with_keys(&mut keys)
        .decrypt(std::io::sink(), &mut |_| ())
        .unwrap();
    assert_eq!(asked, [[0, 1, 2], [1, 2, 3], [2, 3, 4]]);
}

#[test]
fn decryption_stops_before_the_first_segment_without_a_key() {
    let label = Label::random();
    let (plain, file) = by_hand(&label, &[70_000, 70_000, 70_000], 1);
    let (header, data_key) = label.unlock(&file);
    let mut owner = label.segment_keys();
    let mut paid = |records: &[SegmentRecord]| -> Result<SegmentKey, Error> {
        match records[0].number() {
            segment @ 2.. => Err(Error::SegmentKey {
                segment,
                reason: "not paid".to_owned(),
            }),
            _ => owner(records),
        }
    };
    let mut out = Vec::new();
    let outcome = kms_format::Decryptor::new(&header, &data_key, &file[header.as_bytes().len()..])
        .unwrap()
        .with_keys(&mut paid)
        .decrypt(&mut out, &mut |_| ());
    assert_eq!(outcome.unwrap_err().code(), "segment_key_missing");
    assert!(out == plain[..140_000]);
}

#[test]
fn the_data_key_alone_opens_no_segment() {
    let label = Label::random();
    let (_, file) = by_hand(&label, &[10, 10], 0);
    let (header, data_key) = label.unlock(&file);
    let body = &file[header.as_bytes().len()..];
    let decryptor = kms_format::Decryptor::new(&header, &data_key, body).unwrap();
    let error = decryptor.decrypt(std::io::sink(), &mut |_| ()).unwrap_err();
    assert_eq!(error.code(), "segment_key_missing");
    let mut reader = RangeReader::open(&header, &data_key, Cursor::new(&file)).unwrap();
    let error = reader.read_range(0..1, std::io::sink()).unwrap_err();
    assert_eq!(error.code(), "segment_key_missing");
}

#[test]
fn the_key_of_one_segment_opens_no_other() {
    let label = Label::random();
    let (_, file) = by_hand(&label, &[10, 10], 0);
    let (header, data_key) = label.unlock(&file);
    let mut reader = RangeReader::open(&header, &data_key, Cursor::new(&file)).unwrap();
    let first = reader.records()[0].clone();
    let mut owner = label.segment_keys();
    let mut always_first = |_: &[SegmentRecord]| owner(std::slice::from_ref(&first));
    let outcome = reader.read_range_with(&mut always_first, 10..11, std::io::sink());
    assert_eq!(outcome.unwrap_err().code(), "chunk_tampered");
}

#[test]
fn every_flipped_bit_is_refused() {
    let label = Label::random();
    let (plain, file) = by_hand(&label, &[3, 4], 1);
    let header = label.unlock(&file).0.as_bytes().len();
    for bit in header * 8..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (written, outcome) = label.decrypt_some(&changed);
        let code = outcome.unwrap_err().code();
        let codes = [
            "chunk_tampered",
            "segment_tampered",
            "end_tampered",
            "file_truncated",
        ];
        assert!(codes.contains(&code), "bit {bit}: {code}");
        assert!(plain.starts_with(&written), "bit {bit}");
    }
}

#[test]
fn every_shorter_file_is_cut() {
    let label = Label::random();
    let (_, file) = by_hand(&label, &[3, 4], 1);
    for length in 0..file.len() {
        let error = label.decrypt(&file[..length]).unwrap_err();
        assert_eq!(error.code(), "file_truncated", "{length}");
    }
}

/// The header, the segments with their frames, and what follows them.
fn parts(file: &[u8], ahead: usize, length: usize) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
    let size = 4 + 4 + 178 * (ahead + 1) + 32 + 4 + length + 16;
    let count = (file.len() - 279) / size;
    let body = &file[279..279 + count * size];
    let segments = body.chunks(size).map(<[u8]>::to_vec).collect();
    (
        file[..279].to_vec(),
        segments,
        file[279 + count * size..].to_vec(),
    )
}

#[test]
fn segments_can_be_neither_moved_nor_repeated_nor_removed_nor_exchanged() {
    let label = Label::random();
    let (_, file) = by_hand(&label, &[1000; 6], 1);
    let (_, other) = by_hand(&label, &[1000; 6], 1);
    let (header, mut segments, tail) = parts(&file, 1, 1000);
    segments.truncate(6);
    let end = header.len() + segments.concat().len();
    let tail = [&file[end..file.len() - tail.len()], &tail].concat();
    let foreign = parts(&other, 1, 1000).1;
    let refuse = |segments: &[Vec<u8>], codes: &[&str]| {
        let file = [&*header, &segments.concat(), &tail].concat();
        let code = label.decrypt(&file).unwrap_err().code();
        assert!(codes.contains(&code), "{code}");
    };
    assert!(
        label
            .decrypt(&[&*header, &segments.concat(), &tail].concat())
            .is_ok()
    );
    for at in 0..6 {
        let mut exchanged = segments.clone();
        exchanged[at] = foreign[at].clone();
        refuse(&exchanged, &["segment_tampered"]);
        let mut without = segments.clone();
        without.remove(at);
        refuse(&without, &["segment_tampered", "end_tampered"]);
        let mut repeated = segments.clone();
        repeated.insert(at, segments[at].clone());
        refuse(&repeated, &["segment_tampered"]);
        if at > 0 {
            let mut swapped = segments.clone();
            swapped.swap(at - 1, at);
            refuse(&swapped, &["segment_tampered"]);
        }
    }
}

#[test]
fn ranges_read_no_more_segments_than_they_touch() {
    let label = Label::random();
    let plain = pattern(9 * CHUNK_BYTES + 5);
    let file = label.encrypt_with(&segmented(&label, 2, 0), &plain);
    let (header, data_key) = label.unlock(&file);
    let mut reader = RangeReader::open(&header, &data_key, Cursor::new(&file)).unwrap();
    for (from, to, wanted) in [
        (0, 0, vec![]),
        (0, 1, vec![0]),
        (2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES + 1, vec![1]),
        (0, 2 * CHUNK_BYTES, vec![0]),
        (5 * CHUNK_BYTES, 9 * CHUNK_BYTES + 5, vec![2, 3, 4]),
    ] {
        let mut asked = Vec::new();
        let mut owner = label.segment_keys();
        let mut keys = |records: &[SegmentRecord]| {
            asked.push(records[0].number());
            owner(records)
        };
        let mut out = Vec::new();
        let range = from as u64..to as u64;
        reader.read_range_with(&mut keys, range, &mut out).unwrap();
        assert!(out == plain[from..to], "{from}..{to}");
        // The key of the segment that was read last is kept.
        assert_eq!(asked, wanted, "{from}..{to}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_cuts_round_trip(
        lengths in proptest::collection::vec(0_usize..150_000, 1..6), ahead in 0_u8..=4,
    ) {
        let label = Label::random();
        let (plain, file) = by_hand(&label, &lengths, ahead);
        check(&label, &plain, &file);
    }

    #[test]
    fn any_damage_yields_at_most_a_true_prefix(at in 279_usize..20_000, value: u8) {
        let label = Label::random();
        let (plain, file) = by_hand(&label, &[6000; 4], 2);
        let mut changed = file.clone();
        let at = at.min(file.len() - 1);
        changed[at] = value;
        let (written, outcome) = label.decrypt_some(&changed);
        prop_assert!(plain.starts_with(&written));
        prop_assert_eq!(outcome.is_ok(), changed == file);
    }
}
