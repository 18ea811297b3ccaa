//! Everything that is not the file that was written is refused, with the error of the right region,
//! and nothing of a damaged chunk comes out.

use kms_format::{CHUNK_BYTES, END_FRAME_BYTES, Error, FRAME_HEAD_BYTES, Header, TAG_BYTES};
use proptest::prelude::*;

use crate::support::{Label, pattern};

const HEADER: usize = 279;
const SLOT: usize = FRAME_HEAD_BYTES + CHUNK_BYTES + TAG_BYTES;

/// The codes a flipped bit at this byte of the header may have.
fn codes_at(byte: usize) -> &'static [&'static str] {
    match byte {
        0..8 => &["not_a_kms_file"],
        8 => &["unsupported_version"],
        // Another suite that there is makes other keys of the same capsule.
        9 => &["unsupported_parameter", "header_tampered"],
        // Flags that there are, and what they allow, are covered by the MAC.
        10..16 => &["unsupported_parameter", "header_tampered"],
        // A longer header reaches into the chunks, or beyond the end of the file.
        16..20 => &[
            "header_malformed",
            "file_truncated",
            "unknown_critical_field",
        ],
        // Heads of the fields: another type, another length.
        20..24 | 57..61 | 159..163 | 211..215 => &["header_malformed", "unknown_critical_field"],
        // The key: not a point, or another point.
        24..57 => &["header_key_invalid", "header_tampered"],
        61..159 => &["header_key_invalid"],
        _ => &["header_tampered"],
    }
}

#[test]
fn every_flipped_bit_of_a_small_file_is_refused_with_its_regions_error() {
    let label = Label::random();
    let file = label.encrypt(&pattern(1024));
    let end = file.len() - END_FRAME_BYTES;
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (written, outcome) = label.decrypt_some(&changed);
        let code = outcome.unwrap_err().code();
        let byte = bit / 8;
        if byte < HEADER {
            assert!(codes_at(byte).contains(&code), "bit {bit}: {code}");
        } else if byte < HEADER + FRAME_HEAD_BYTES {
            // A longer chunk may reach beyond the end of the file.
            let codes = ["chunk_tampered", "file_truncated"];
            assert!(codes.contains(&code), "bit {bit}: {code}");
        } else if byte < end {
            assert_eq!(code, "chunk_tampered", "bit {bit}");
        } else {
            assert_eq!(code, "end_tampered", "bit {bit}");
        }
        assert!(written.is_empty() || byte >= end, "bit {bit}");
    }
}

#[test]
fn every_shorter_file_is_cut_and_not_changed() {
    let label = Label::random();
    let file = label.encrypt(&pattern(1024));
    for length in 0..file.len() {
        let (_, outcome) = label.decrypt_some(&file[..length]);
        let Err(Error::Truncated { offset }) = outcome else {
            panic!("{length}: {outcome:?}")
        };
        assert_eq!(offset, length as u64);
    }
}

#[test]
fn a_file_cut_anywhere_near_a_chunk_is_truncated_there() {
    let label = Label::random();
    let file = label.encrypt(&pattern(3 * CHUNK_BYTES + 5));
    for chunks in 0..=3 {
        for more in [0, 1, 3, 4, 5, 99, SLOT - 17, SLOT - 16, SLOT - 1] {
            let cut = HEADER + chunks * SLOT + more;
            if cut >= file.len() {
                continue;
            }
            let (written, outcome) = label.decrypt_some(&file[..cut]);
            let Err(Error::Truncated { offset }) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(offset, cut as u64);
            assert!(written.len() >= chunks * CHUNK_BYTES);
            assert!(pattern(3 * CHUNK_BYTES + 5).starts_with(&written));
        }
    }
}

#[test]
fn a_damaged_chunk_is_named_and_not_written() {
    let label = Label::random();
    let plain = pattern(4 * CHUNK_BYTES + 100);
    let file = label.encrypt(&plain);
    for chunk in 0..5 {
        let mut changed = file.clone();
        changed[HEADER + chunk * SLOT + 50] ^= 4;
        let (written, outcome) = label.decrypt_some(&changed);
        let Err(Error::ChunkTampered { chunk: named }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(named, chunk as u64);
        assert!(written == plain[..chunk * CHUNK_BYTES]);
    }
}

/// A file, taken apart.
#[derive(Clone)]
struct Parts {
    header: Vec<u8>,
    /// The frames of the chunks.
    chunks: Vec<Vec<u8>>,
    end: Vec<u8>,
}

impl Parts {
    fn of(file: &[u8]) -> Self {
        let (rest, end) = file.split_at(file.len() - END_FRAME_BYTES);
        Self {
            header: rest[..HEADER].to_vec(),
            chunks: rest[HEADER..].chunks(SLOT).map(<[u8]>::to_vec).collect(),
            end: end.to_vec(),
        }
    }
}

#[track_caller]
fn refused(label: &Label, parts: &Parts, code: &str) {
    let file = [&*parts.header, &parts.chunks.concat(), &parts.end].concat();
    assert_eq!(label.decrypt(&file).unwrap_err().code(), code);
}

#[test]
fn reordered_repeated_and_deleted_chunks_are_refused() {
    let label = Label::random();
    for tail in [0, 77] {
        let whole = Parts::of(&label.encrypt(&pattern(4 * CHUNK_BYTES + tail)));
        let count = whole.chunks.len();
        for at in 0..count - 1 {
            let mut swapped = whole.clone();
            swapped.chunks.swap(at, at + 1);
            refused(&label, &swapped, "chunk_tampered");
        }
        for at in 0..count {
            let mut repeated = whole.clone();
            repeated.chunks.insert(at, whole.chunks[at].clone());
            // After the last chunk the end is expected.
            let code = if at == count - 1 {
                "end_tampered"
            } else {
                "chunk_tampered"
            };
            refused(&label, &repeated, code);
            let mut shorter = whole.clone();
            shorter.chunks.remove(at);
            refused(&label, &shorter, "chunk_tampered");
        }
    }
}

#[test]
fn bytes_after_the_end_are_trailing_data() {
    let label = Label::random();
    for length in [0, 1, 1000, 2 * CHUNK_BYTES] {
        let file = label.encrypt(&pattern(length));
        for more in [1, 15, 16, 17, 1000, SLOT] {
            let outcome = label.decrypt(&[&*file, &vec![0; more]].concat());
            let Err(Error::TrailingData { offset }) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(offset, file.len() as u64);
        }
        assert_eq!(
            label.decrypt(&file.repeat(2)).unwrap_err().code(),
            "trailing_data"
        );
    }
}

#[test]
fn the_end_of_another_file_is_refused() {
    let label = Label::random();
    let (mut one, two) = (
        Parts::of(&label.encrypt(&[1; 500])),
        Parts::of(&label.encrypt(&[2; 500])),
    );
    one.end = two.end;
    refused(&label, &one, "end_tampered");
}

#[test]
fn the_header_of_another_file_of_the_same_label_is_refused() {
    let label = Label::random();
    let (first, second) = (label.encrypt(&[1; 500]), label.encrypt(&[2; 500]));
    let mixed = [&first[..HEADER], &second[HEADER..]].concat();
    assert_eq!(label.decrypt(&mixed).unwrap_err().code(), "chunk_tampered");
}

#[test]
fn the_capsule_of_another_file_of_the_same_label_is_refused() {
    let label = Label::random();
    let (first, second) = (label.encrypt(&[1; 500]), label.encrypt(&[2; 500]));
    let mut mixed = first;
    mixed[61..159].copy_from_slice(&second[61..159]);
    assert_eq!(label.decrypt(&mixed).unwrap_err().code(), "wrong_key");
}

#[test]
fn chunks_of_another_file_at_the_same_place_are_refused() {
    let label = Label::random();
    let mut one = Parts::of(&label.encrypt(&pattern(3 * CHUNK_BYTES)));
    one.chunks[1] = Parts::of(&label.encrypt(&pattern(3 * CHUNK_BYTES))).chunks[1].clone();
    refused(&label, &one, "chunk_tampered");
}

#[test]
fn the_key_of_another_label_is_refused() {
    let file = Label::random().encrypt(b"secret");
    assert_eq!(
        Label::random().decrypt(&file).unwrap_err().code(),
        "wrong_key"
    );
}

#[test]
fn text_mode_damage_is_not_a_kms_file() {
    let file = Label::random().encrypt(b"x");
    let without_cr: Vec<u8> = file.iter().copied().filter(|byte| *byte != b'\r').collect();
    let seven_bit: Vec<u8> = file.iter().map(|byte| byte & 0x7f).collect();
    for damaged in [without_cr, seven_bit, b"age-encryption.org/v1\n".to_vec()] {
        assert_eq!(
            Header::read(&mut &*damaged).unwrap_err().code(),
            "not_a_kms_file"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_yield_at_most_a_true_prefix(
        at in 0_usize..200_000, value: u8, cut in 0_usize..400_000,
    ) {
        let label = Label::random();
        let plain = pattern(2 * CHUNK_BYTES + 70_000);
        let mut file = label.encrypt(&plain);
        let original = file.clone();
        file[at] = value;
        file.truncate(cut);
        let (written, outcome) = label.decrypt_some(&file);
        prop_assert!(plain.starts_with(&written));
        prop_assert_eq!(outcome.is_ok(), file == original);
    }
}
