use std::collections::HashSet;
use std::io;

use getrandom::SysRng;

use super::*;
use crate::keys::DataKey;
use crate::parameters::Parameters;
use crate::spec::{CHUNK_BYTES, SLOT_BYTES};

fn cipher(segment: u32) -> ChunkCipher {
    let key = DataKey::random(&mut SysRng, Parameters::default()).unwrap();
    ChunkCipher::new(&key.body_keys().unwrap(), segment, None).unwrap()
}

#[test]
fn a_nonce_is_segment_chunk_and_last_flag() {
    let (first, other) = (cipher(0), cipher(0x0506_0708));
    assert_eq!(first.nonce(0, Place::Inner).unwrap(), [0; 12]);
    assert_eq!(
        first.nonce(0, Place::Last).unwrap(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    );
    assert_eq!(
        other.nonce(0x0102_0304, Place::Inner).unwrap(),
        [5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 0]
    );
}

#[test]
fn no_two_chunks_share_a_nonce() {
    let mut seen = HashSet::new();
    for cipher in [cipher(0), cipher(1)] {
        for chunk in (0..70_000).chain(CHUNKS_MAX - 1000..CHUNKS_MAX) {
            for place in [Place::Inner, Place::Last] {
                let nonce = cipher.nonce(chunk, place).unwrap();
                assert!(seen.insert(nonce), "{chunk} {place:?}");
            }
        }
    }
}

#[test]
fn refuses_a_chunk_number_beyond_the_limit_of_the_cipher() {
    for (chunk, place) in [(CHUNKS_MAX, Place::Inner), (u64::MAX, Place::Last)] {
        let error = cipher(0).nonce(chunk, place).unwrap_err();
        assert_eq!(error.code(), "file_too_long");
    }
}

#[test]
fn a_chunk_opens_at_its_own_place_alone() {
    let cipher = cipher(0);
    let mut slot = vec![7; SLOT_BYTES];
    let length = cipher
        .seal(5, Place::Inner, &mut slot, CHUNK_BYTES)
        .unwrap();
    assert_eq!(length, SLOT_BYTES);
    let open = |chunk, place| {
        let mut frame = slot.clone();
        let count = cipher
            .open(chunk, place, &mut frame, FRAME_HEAD_BYTES)
            .unwrap();
        count.map(|count| frame[..count].to_vec())
    };
    assert_eq!(open(5, Place::Inner), Some(vec![7; CHUNK_BYTES]));
    for (chunk, place) in [(4, Place::Inner), (6, Place::Inner), (5, Place::Last)] {
        assert_eq!(open(chunk, place), None);
    }
}

#[test]
fn a_chunk_of_another_file_does_not_open() {
    let mut slot = vec![7; 64];
    let length = cipher(0).seal(0, Place::Last, &mut slot, 16).unwrap();
    let opened = cipher(0).open(0, Place::Last, &mut slot[..length], FRAME_HEAD_BYTES);
    assert_eq!(opened.unwrap(), None);
}

#[test]
fn refuses_to_seal_without_room_for_the_tag() {
    let sealed = cipher(0).seal(0, Place::Last, &mut [0; 19], 0).unwrap_err();
    assert_eq!(sealed.code(), "bug");
}

/// Yields one byte at a time, interrupted before each, then fails or ends.
struct Slow(Vec<io::Result<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.pop() {
            Some(byte) => {
                buffer[0] = byte?;
                Ok(1)
            }
            None => Ok(0),
        }
    }
}

#[test]
fn reading_goes_on_after_short_reads_and_interruptions() {
    let mut slow = Slow(vec![Ok(2), Err(ErrorKind::Interrupted.into()), Ok(1)]);
    let mut buffer = [0; 3];
    assert_eq!(read_full(&mut slow, &mut buffer).unwrap(), 2);
    assert_eq!(buffer, [1, 2, 0]);
}

#[test]
fn reading_reports_an_error_of_the_input() {
    let mut slow = Slow(vec![Err(ErrorKind::ConnectionReset.into()), Ok(1)]);
    assert_eq!(
        read_full(&mut slow, &mut [0; 3]).unwrap_err().code(),
        "read_failed"
    );
}
