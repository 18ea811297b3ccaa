//! Everything that is not the file that was written is refused, with the error of the right region,
//! and nothing of a damaged chunk comes out.

use kms_format::{CHUNK_BYTES, Error, Header, TAG_BYTES};
use proptest::prelude::*;

use crate::support::{Label, pattern};

const HEADER: usize = 279;
const SEALED: usize = CHUNK_BYTES + TAG_BYTES;

/// The codes a flipped bit at this byte of the header may have.
fn codes_at(byte: usize) -> &'static [&'static str] {
    match byte {
        0..8 => &["not_a_kms_file"],
        8 => &["unsupported_version"],
        9..16 => &["unsupported_parameter"],
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
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (written, outcome) = label.decrypt_some(&changed);
        let code = outcome.unwrap_err().code();
        assert!(written.is_empty(), "bit {bit}");
        if bit / 8 < HEADER {
            assert!(codes_at(bit / 8).contains(&code), "bit {bit}: {code}");
        } else {
            assert_eq!(code, "chunk_tampered", "bit {bit}");
        }
    }
}

#[test]
fn every_shorter_file_is_refused() {
    let label = Label::random();
    let file = label.encrypt(&pattern(1024));
    for length in 0..file.len() {
        let (written, outcome) = label.decrypt_some(&file[..length]);
        let code = outcome.unwrap_err().code();
        assert!(written.is_empty(), "{length}");
        // Sixteen bytes of a chunk could be an empty chunk, so from there on its tag decides.
        let expected = if length < HEADER + TAG_BYTES {
            "file_truncated"
        } else {
            "chunk_tampered"
        };
        assert_eq!(code, expected, "{length}");
    }
}

#[test]
fn a_file_cut_between_chunks_is_truncated() {
    let label = Label::random();
    let file = label.encrypt(&pattern(3 * CHUNK_BYTES + 5));
    for chunks in 1..=3 {
        let cut = HEADER + chunks * SEALED;
        let (written, outcome) = label.decrypt_some(&file[..cut]);
        let Err(Error::Truncated { offset }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(offset, cut as u64);
        assert!(written.len() == (chunks - 1) * CHUNK_BYTES);
    }
}

#[test]
fn a_file_cut_inside_a_tag_is_truncated() {
    let label = Label::random();
    let file = label.encrypt(&pattern(2 * CHUNK_BYTES));
    for more in 1..TAG_BYTES {
        let cut = HEADER + SEALED + more;
        let error = label.decrypt(&file[..cut]).unwrap_err();
        assert!(matches!(error, Error::Truncated { offset } if offset == cut as u64));
    }
}

#[test]
fn a_damaged_chunk_is_named_and_not_written() {
    let label = Label::random();
    let plain = pattern(4 * CHUNK_BYTES + 100);
    let file = label.encrypt(&plain);
    for chunk in 0..5 {
        let mut changed = file.clone();
        changed[HEADER + chunk * SEALED + 50] ^= 4;
        let (written, outcome) = label.decrypt_some(&changed);
        let Err(Error::ChunkTampered { chunk: named }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(named, chunk as u64);
        assert!(written == plain[..chunk * CHUNK_BYTES]);
    }
}

fn chunks_of(file: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let chunks = file[HEADER..].chunks(SEALED).map(<[u8]>::to_vec).collect();
    (file[..HEADER].to_vec(), chunks)
}

#[track_caller]
fn refused(label: &Label, header: &[u8], chunks: &[Vec<u8>], code: &str) {
    let file = [header.to_vec(), chunks.concat()].concat();
    assert_eq!(label.decrypt(&file).unwrap_err().code(), code);
}

#[test]
fn reordered_repeated_and_deleted_chunks_are_refused() {
    let label = Label::random();
    for tail in [0, 77] {
        let (header, chunks) = chunks_of(&label.encrypt(&pattern(4 * CHUNK_BYTES + tail)));
        let count = chunks.len();
        for at in 0..count - 1 {
            let mut swapped = chunks.clone();
            swapped.swap(at, at + 1);
            refused(&label, &header, &swapped, "chunk_tampered");
        }
        for at in 0..count {
            let mut repeated = chunks.clone();
            repeated.insert(at, chunks[at].clone());
            refused(&label, &header, &repeated, "chunk_tampered");
            let mut shorter = chunks.clone();
            shorter.remove(at);
            let code = if at == count - 1 {
                "file_truncated"
            } else {
                "chunk_tampered"
            };
            refused(&label, &header, &shorter, code);
        }
    }
}

#[test]
fn bytes_after_a_full_last_chunk_are_trailing_data() {
    let label = Label::random();
    let file = label.encrypt(&pattern(2 * CHUNK_BYTES));
    for more in [1, 15, 16, 17, 1000, SEALED - 1] {
        let error = label
            .decrypt(&[&*file, &vec![0; more]].concat())
            .unwrap_err();
        let Error::TrailingData { offset } = error else {
            panic!("{error}")
        };
        assert_eq!(offset, file.len() as u64);
    }
}

#[test]
fn bytes_after_a_short_last_chunk_are_refused() {
    let label = Label::random();
    for length in [0, 1, 1000] {
        let file = label.encrypt(&pattern(length));
        for more in [1, 16, 70_000] {
            let outcome = label.decrypt(&[&*file, &vec![0; more]].concat());
            assert_eq!(outcome.unwrap_err().code(), "chunk_tampered");
        }
    }
}

#[test]
fn two_files_in_a_row_are_refused() {
    let label = Label::random();
    let twice = [label.encrypt(b"one"), label.encrypt(b"two")].concat();
    assert_eq!(label.decrypt(&twice).unwrap_err().code(), "chunk_tampered");
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
    let (header, mut chunks) = chunks_of(&label.encrypt(&pattern(3 * CHUNK_BYTES)));
    chunks[1] = chunks_of(&label.encrypt(&pattern(3 * CHUNK_BYTES))).1[1].clone();
    refused(&label, &header, &chunks, "chunk_tampered");
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
