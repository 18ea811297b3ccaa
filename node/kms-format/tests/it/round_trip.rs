//! What goes in comes out: at every interesting length, in parts, and under a new header.

use std::io::{self, Cursor, Read, Write};

use getrandom::SysRng;
use kms_format::{
    CHUNK_BYTES, Decryptor, END_FRAME_BYTES, FRAME_HEAD_BYTES, Header, Locator, RangeReader,
    TAG_BYTES,
};
use proptest::prelude::*;
use rand_core::{TryCryptoRng, TryRng};

use crate::support::{Label, pattern};

const HEADER: usize = 279;

fn check(length: usize) {
    let label = Label::random();
    let plain = pattern(length);
    let file = label.encrypt(&plain);
    let chunks = length.div_ceil(CHUNK_BYTES).max(1);
    let more = chunks * (FRAME_HEAD_BYTES + TAG_BYTES) + END_FRAME_BYTES;
    assert_eq!(file.len(), HEADER + length + more);
    let (out, outcome) = label.decrypt_some(&file);
    let summary = outcome.unwrap();
    assert!(out == plain, "{length} bytes");
    let header = Header::read(&mut &*file).unwrap();
    assert_eq!(header.layout(&mut Cursor::new(&file)).unwrap(), summary);
    assert_eq!(summary.chunks, chunks as u64);
    assert_eq!(summary.plaintext_bytes, length as u64);
    assert_eq!(summary.header_bytes, HEADER as u64);
    assert_eq!(summary.file_bytes, file.len() as u64);
}

#[test]
fn every_boundary_length_round_trips() {
    let full = CHUNK_BYTES;
    for length in [
        0,
        1,
        2,
        15,
        16,
        17,
        full - 1,
        full,
        full + 1,
        2 * full - 1,
        2 * full,
    ] {
        check(length);
    }
}

#[test]
fn several_mebibytes_round_trip() {
    check(5 * 1024 * 1024 + 12_345);
}

#[test]
fn two_encryptions_of_one_plaintext_share_no_chunk() {
    let label = Label::random();
    let (first, second) = (label.encrypt(&[0; 100]), label.encrypt(&[0; 100]));
    assert_ne!(first[HEADER..], second[HEADER..]);
    assert_ne!(first[61..159], second[61..159]);
}

#[test]
fn progress_counts_plaintext_bytes_up_to_the_end() {
    let label = Label::random();
    let plain = pattern(2 * CHUNK_BYTES + 5);
    let (mut file, mut seen) = (Vec::new(), Vec::new());
    let mut note = |done| seen.push(done);
    label
        .encryptor()
        .encrypt(&mut SysRng, &*plain, &mut file, &mut note)
        .unwrap();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&131_077));
    let (header, data_key) = label.unlock(&file);
    let mut seen = Vec::new();
    Decryptor::new(&header, &data_key, &file[HEADER..])
        .unwrap()
        .decrypt(io::sink(), &mut |done| seen.push(done))
        .unwrap();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&131_077));
}

/// A source that trickles: at most seven bytes a read.
struct Trickle<R>(R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(7);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn short_reads_change_nothing() {
    let label = Label::random();
    let plain = pattern(CHUNK_BYTES + 3);
    let mut file = Vec::new();
    let source = Trickle(&*plain);
    label
        .encryptor()
        .encrypt(&mut SysRng, source, &mut file, &mut |_| ())
        .unwrap();
    let mut reader = Trickle(&*file);
    let header = Header::read(&mut reader).unwrap();
    let data_key = header.unlock(&label.secret(&header)).unwrap();
    let mut out = Vec::new();
    let decryptor = Decryptor::new(&header, &data_key, reader).unwrap();
    decryptor.decrypt(&mut out, &mut |_| ()).unwrap();
    assert!(out == plain);
}

/// A sink that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_a_write_error() {
    let label = Label::random();
    let plain = pattern(2 * CHUNK_BYTES);
    for room in [
        0,
        HEADER,
        HEADER + CHUNK_BYTES,
        HEADER + 2 * CHUNK_BYTES + 50,
    ] {
        let error = label
            .encryptor()
            .encrypt(&mut SysRng, &*plain, Full(room), &mut |_| ());
        assert_eq!(error.unwrap_err().code(), "write_failed");
    }
}

/// A generator that fails after some bytes.
struct Failing(usize);

impl TryRng for Failing {
    type Error = io::Error;

    fn try_next_u32(&mut self) -> Result<u32, io::Error> {
        Err(io::ErrorKind::Other.into())
    }

    fn try_next_u64(&mut self) -> Result<u64, io::Error> {
        Err(io::ErrorKind::Other.into())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), io::Error> {
        self.0 = self.0.checked_sub(out.len()).ok_or(io::ErrorKind::Other)?;
        getrandom::fill(out).map_err(|_| io::ErrorKind::Other.into())
    }
}

impl TryCryptoRng for Failing {}

#[test]
fn a_failing_generator_is_an_error_before_anything_is_written() {
    let encryptor = Label::random().encryptor();
    for budget in [0, 31, 32, 64, 95] {
        let mut file = Vec::new();
        let outcome = encryptor.encrypt(&mut Failing(budget), &b"x"[..], &mut file, &mut |_| ());
        let code = outcome.unwrap_err().code();
        assert!(
            ["rng_failed", "encapsulate_failed"].contains(&code),
            "{budget}: {code}"
        );
        assert!(file.is_empty());
    }
}

#[test]
fn a_new_header_opens_the_old_chunks_under_the_new_key() {
    let (old, new) = (Label::random(), Label::random());
    let plain = pattern(CHUNK_BYTES + 9);
    let file = old.encrypt(&plain);
    let header = Header::read(&mut &*file).unwrap();
    let data_key = header.unlock(&old.secret(&header)).unwrap();

    let locator = Locator {
        chain_id: 31337,
        contract: [7; 20],
    };
    let rewrapped = new
        .encryptor()
        .with_locator(locator)
        .rewrap(&mut SysRng, &data_key)
        .unwrap();
    let moved = [rewrapped.as_bytes(), &file[HEADER..]].concat();
    assert!(new.decrypt(&moved).unwrap() == plain);
    assert_eq!(old.decrypt(&moved).unwrap_err().code(), "wrong_key");
}

#[test]
fn a_new_header_does_not_open_another_file() {
    let label = Label::random();
    let (file, other) = (label.encrypt(b"one"), label.encrypt(b"two"));
    let header = Header::read(&mut &*file).unwrap();
    let data_key = header.unlock(&label.secret(&header)).unwrap();
    let rewrapped = label.encryptor().rewrap(&mut SysRng, &data_key).unwrap();
    let moved = [rewrapped.as_bytes(), &other[HEADER..]].concat();
    assert_eq!(label.decrypt(&moved).unwrap_err().code(), "chunk_tampered");
}

fn ranges(file: &[u8], label: &Label) -> Result<RangeReader<Cursor<Vec<u8>>>, kms_format::Error> {
    let header = Header::read(&mut &*file)?;
    let data_key = header.unlock(&label.secret(&header))?;
    RangeReader::open(&header, &data_key, Cursor::new(file.to_vec()))
}

#[test]
fn every_range_yields_its_bytes() {
    let label = Label::random();
    let plain = pattern(3 * CHUNK_BYTES + 100);
    let mut reader = ranges(&label.encrypt(&plain), &label).unwrap();
    let end = plain.len();
    assert_eq!(reader.plaintext_bytes(), end as u64);
    let full = CHUNK_BYTES;
    for (from, to) in [
        (0, 0),
        (0, 1),
        (full - 1, full + 1),
        (full, 2 * full),
        (0, end),
        (end - 1, end),
        (end, end),
    ] {
        let mut out = Vec::new();
        reader.read_range(from as u64..to as u64, &mut out).unwrap();
        assert!(out == plain[from..to], "{from}..{to}");
    }
}

#[test]
fn a_file_of_a_length_that_its_end_does_not_tell_is_cut_short() {
    let label = Label::random();
    for length in [0, 1000, CHUNK_BYTES, CHUNK_BYTES + 1] {
        let file = label.encrypt(&pattern(length));
        let header = Header::read(&mut &*file).unwrap();
        let code = |file: &[u8]| header.layout(&mut Cursor::new(file)).unwrap_err().code();
        for cut in (0..file.len()).step_by(13) {
            assert_eq!(code(&file[..cut]), "file_truncated", "{cut}");
        }
        let body = file.len() - HEADER - END_FRAME_BYTES;
        for gone in [1, 16, 20].into_iter().filter(|gone| *gone <= body) {
            let mut shorter = file.clone();
            shorter.drain(HEADER..HEADER + gone);
            assert_eq!(code(&shorter), "file_truncated", "{gone}");
            let mut longer = file.clone();
            longer.splice(HEADER..HEADER, vec![0; gone]);
            assert_eq!(code(&longer), "file_truncated", "{gone}");
        }
    }
}

#[test]
fn refuses_a_range_beyond_the_end() {
    let label = Label::random();
    let mut reader = ranges(&label.encrypt(b"abc"), &label).unwrap();
    let error = reader.read_range(0..4, Vec::new()).unwrap_err();
    assert_eq!(error.code(), "range_outside_file");
}

#[test]
fn ranges_of_a_shortened_or_lengthened_file_are_refused_at_once() {
    let label = Label::random();
    let sealed = CHUNK_BYTES + TAG_BYTES;
    let file = label.encrypt(&pattern(3 * CHUNK_BYTES));
    for length in [
        HEADER,
        HEADER + 5,
        HEADER + sealed,
        HEADER + 2 * sealed,
        file.len() - 1,
    ] {
        assert!(ranges(&file[..length], &label).is_err(), "{length}");
    }
    for more in [1, 16, 17, sealed] {
        let longer = [&*file, &vec![0; more]].concat();
        assert!(ranges(&longer, &label).is_err(), "{more}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_lengths_round_trip(length in 0_usize..200_000) {
        check(length);
    }

    #[test]
    fn random_ranges_yield_their_bytes(a in 0_usize..200_000, b in 0_usize..200_000) {
        let label = Label::random();
        let plain = pattern(200_000);
        let mut reader = ranges(&label.encrypt(&plain), &label).unwrap();
        let mut out = Vec::new();
        let range = a.min(b)..a.max(b);
        reader.read_range(range.start as u64..range.end as u64, &mut out).unwrap();
        prop_assert!(out == plain[range]);
    }
}
