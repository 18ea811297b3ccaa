//! The second suite and the writer's signature.

use std::sync::Arc;

use getrandom::SysRng;
use kms_format::{CHUNK_BYTES, END_FRAME_BYTES, Parameters, Segments, Suite};
use umbral::Signer;

use crate::support::{Label, pattern};

/// Bytes of the frame of a signature.
const SIGNATURE: usize = 4 + 33 + 64 + 16;

#[test]
fn every_suite_round_trips_and_says_so() {
    let label = Label::random();
    for suite in Suite::ALL {
        for length in [0, 1, CHUNK_BYTES, 5 * CHUNK_BYTES + 7] {
            let encryptor = label.encryptor().with_suite(suite);
            let file = label.encrypt_with(&encryptor, &pattern(length));
            assert_eq!(label.unlock(&file).0.parameters().suite, suite);
            assert!(label.decrypt(&file).unwrap() == pattern(length));
        }
    }
}

#[test]
fn a_file_does_not_open_under_the_other_suite() {
    let label = Label::random();
    for suite in Suite::ALL {
        let encryptor = label.encryptor().with_suite(suite);
        let mut file = label.encrypt_with(&encryptor, b"content");
        file[9] = 3 - suite.number();
        // The commitment is the same, the wrapped key is not.
        assert_eq!(label.decrypt(&file).unwrap_err().code(), "header_tampered");
    }
}

#[test]
fn tells_who_signed_and_that_nobody_did() {
    let label = Label::random();
    let signer = Arc::new(Signer::random(&mut SysRng).unwrap());
    for segments in [None, Some(Segments::of_bytes(1))] {
        let mut encryptor = label.encryptor().signed_by(signer.clone());
        if let Some(segments) = segments {
            encryptor = encryptor.with_segments(segments);
        }
        for length in [0, 1, 3 * CHUNK_BYTES] {
            let file = label.encrypt_with(&encryptor, &pattern(length));
            let (plain, outcome) = label.decrypt_some(&file);
            let signed = outcome.unwrap().signer;
            assert_eq!(signed, Some(signer.verifying_key().to_bytes()));
            assert!(plain == pattern(length));
        }
    }
    let (_, outcome) = label.decrypt_some(&label.encrypt(b"unsigned"));
    assert_eq!(outcome.unwrap().signer, None);
}

#[test]
fn a_signed_file_shows_nobody_else_who_signed() {
    let label = Label::random();
    let signer = Arc::new(Signer::random(&mut SysRng).unwrap());
    let key = signer.verifying_key().to_bytes();
    let file = label.encrypt_with(&label.encryptor().signed_by(signer), b"content");
    assert!(!file.windows(33).any(|window| window == key));
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let label = Label::random();
    let signer = Arc::new(Signer::random(&mut SysRng).unwrap());
    let file = label.encrypt_with(&label.encryptor().signed_by(signer), b"content");
    let start = file.len() - END_FRAME_BYTES - SIGNATURE;
    for bit in start * 8..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            label.decrypt(&changed).unwrap_err().code(),
            "end_tampered",
            "{bit}"
        );
    }
}

#[test]
fn a_signature_can_be_neither_removed_nor_moved() {
    let label = Label::random();
    let signer = Arc::new(Signer::random(&mut SysRng).unwrap());
    let encryptor = label.encryptor().signed_by(signer);
    let [one, two] = [b"one", b"two"].map(|plain| label.encrypt_with(&encryptor, plain));
    let start = one.len() - END_FRAME_BYTES - SIGNATURE;
    let without = [&one[..start], &one[start + SIGNATURE..]].concat();
    assert_eq!(label.decrypt(&without).unwrap_err().code(), "end_tampered");
    let moved = [&one[..start], &two[start..]].concat();
    assert_eq!(label.decrypt(&moved).unwrap_err().code(), "end_tampered");
    // A header that says that there is none is another header.
    let mut denied = one.clone();
    denied[11] ^= 2;
    assert_eq!(
        label.decrypt(&denied).unwrap_err().code(),
        "header_tampered"
    );
    assert!(Parameters::default() != label.unlock(&one).0.parameters());
}
