use std::collections::HashSet;
use std::io;

use getrandom::SysRng;

use super::*;
use crate::spec::{CHUNK_BYTES, SEALED_BYTES};

#[test]
fn a_nonce_is_segment_chunk_and_last_flag() {
    assert_eq!(nonce(0, Place::Inner).unwrap(), [0; 12]);
    assert_eq!(
        nonce(0, Place::Last).unwrap(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    );
    assert_eq!(
        nonce(0x0102_0304, Place::Inner).unwrap(),
        [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0]
    );
}

#[test]
fn no_two_chunks_share_a_nonce() {
    let mut seen = HashSet::new();
    for chunk in (0..70_000).chain(CHUNKS_MAX - 1000..CHUNKS_MAX) {
        for place in [Place::Inner, Place::Last] {
            assert!(
                seen.insert(nonce(chunk, place).unwrap()),
                "{chunk} {place:?}"
            );
        }
    }
}

#[test]
fn refuses_a_chunk_number_beyond_the_limit_of_the_cipher() {
    assert_eq!(
        nonce(CHUNKS_MAX, Place::Inner).unwrap_err().code(),
        "file_too_long"
    );
    assert_eq!(
        nonce(u64::MAX, Place::Last).unwrap_err().code(),
        "file_too_long"
    );
}

#[test]
fn a_chunk_opens_at_its_own_place_alone() {
    let cipher = ChunkCipher::new(&DataKey::random(&mut SysRng).unwrap()).unwrap();
    let mut buffer = vec![7; SEALED_BYTES];
    let sealed = cipher
        .seal(5, Place::Inner, &mut buffer, CHUNK_BYTES)
        .unwrap()
        .to_vec();
    let at = |chunk, place| {
        cipher
            .open(chunk, place, &mut sealed.clone())
            .map(<[u8]>::to_vec)
    };
    assert_eq!(at(5, Place::Inner).unwrap(), vec![7; CHUNK_BYTES]);
    for (chunk, place) in [(4, Place::Inner), (6, Place::Inner), (5, Place::Last)] {
        assert_eq!(at(chunk, place).unwrap_err().code(), "chunk_tampered");
    }
}

#[test]
fn a_chunk_of_another_file_does_not_open() {
    let [first, second] =
        [(); 2].map(|()| ChunkCipher::new(&DataKey::random(&mut SysRng).unwrap()).unwrap());
    let mut buffer = vec![7; 32];
    let sealed = first
        .seal(0, Place::Last, &mut buffer, 16)
        .unwrap()
        .to_vec();
    assert!(second.open(0, Place::Last, &mut sealed.clone()).is_err());
}

#[test]
fn refuses_to_seal_without_room_for_the_tag() {
    let cipher = ChunkCipher::new(&DataKey::random(&mut SysRng).unwrap()).unwrap();
    let sealed = cipher.seal(0, Place::Last, &mut [0; 15], 0).unwrap_err();
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
