//! Reading a file: its header accepts the right secret, so fragments are combined unchecked first.

use super::*;
use crate::progress::Silent;

/// The header of a file for the world's label.
pub(super) fn header(world: &World) -> Header {
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    let mut file = Vec::new();
    kms_format::Encryptor::new(&key)
        .encrypt(&mut getrandom::SysRng, &b"data"[..], &mut file, &mut |_| {})
        .unwrap();
    Header::read(&mut &file[..]).unwrap()
}

#[tokio::test]
async fn a_file_opens_with_the_first_m() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let recorder = Recorder::default();
    let header = header(&world);
    let read = world.reader().data_key(&header, &recorder).await;
    assert!(read.is_ok(), "{:?}", read.err());
    let events = recorder.events();
    let done = |event: &crate::Event| matches!(event, crate::Event::NodeDone { .. });
    assert_eq!(events.iter().filter(|event| done(event)).count(), 2);
}

/// Whatever a single miner does, it is told, and the file opens with the two others.
#[tokio::test]
async fn a_file_opens_beside_a_false_miner_which_is_named() {
    for habit in [Habit::OtherCapsule, Habit::AnothersFragment] {
        let world = World::new(3).await;
        world.granted(2, 3).await;
        let header = header(&world);
        world.nodes[1].steal_from(&world.nodes[0], habit.clone());
        let reader = world.reader();
        assert!(reader.data_key(&header, &Silent).await.is_ok(), "{habit:?}");
        // When its answer is needed, it is the only one to blame.
        world.nodes[2].set(Habit::Refuses(Refusal::KfragMissing));
        let error = reader.data_key(&header, &Silent).await.err().unwrap();
        let blamed = [(2, "bad_fragment"), (3, "kfrag_missing")];
        assert_eq!(named(&error), blamed, "{habit:?}");
        assert!(matches!(error, Error::ThresholdNotMet { got: 1, .. }));
    }
}

#[tokio::test]
async fn neither_proofs_nor_commitments_are_needed_to_open_what_opens() {
    let world = World::new(2).await;
    world.granted(2, 2).await;
    world.nodes[0].set(Habit::BadCommitments);
    world.nodes[1].set(Habit::BadProof);
    let header = header(&world);
    assert!(world.reader().data_key(&header, &Silent).await.is_ok());
}

#[tokio::test]
async fn a_tampered_header_is_no_miners_fault() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    let mut file = Vec::new();
    kms_format::Encryptor::new(&key)
        .encrypt(&mut getrandom::SysRng, &b"data"[..], &mut file, &mut |_| {})
        .unwrap();
    let whole = Header::read(&mut &file[..]).unwrap();
    // The MAC stands at the end of the header.
    let last = whole.as_bytes().len() - 1;
    file[last] ^= 1;
    let tampered = Header::read(&mut &file[..]).unwrap();
    let recorder = Recorder::default();
    let error = world.reader().data_key(&tampered, &recorder).await;
    assert_eq!(error.err().unwrap().code(), "header_tampered");
    let failed = |event: &crate::Event| matches!(event, crate::Event::NodeFailed { .. });
    assert!(!recorder.events().iter().any(failed));
}

/// The header and the records of a file in three segments.
fn in_segments(world: &World) -> (Header, Vec<kms_format::SegmentRecord>) {
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    let encryptor =
        kms_format::Encryptor::new(&key).with_segments(kms_format::Segments::of_bytes(1));
    let mut file = Vec::new();
    encryptor
        .encrypt(
            &mut getrandom::SysRng,
            &[1; 150_000][..],
            &mut file,
            &mut |_| {},
        )
        .unwrap();
    let header = Header::read(&mut &file[..]).unwrap();
    let key = crate::data_key_of_label(&world.keys, &label("films/demo"), &header).unwrap();
    let file = std::io::Cursor::new(file);
    let reader = kms_format::RangeReader::open(&header, &key, file).unwrap();
    (header, reader.records().to_vec())
}

#[tokio::test]
async fn files_of_a_label_and_segments_are_opened_together() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let reader = world.reader();
    let headers = [header(&world), header(&world), header(&world)];
    let headers: Vec<&Header> = headers.iter().collect();
    let keys = reader.data_keys(&headers, &Silent).await.unwrap();
    assert_eq!(keys.len(), 3);
    let (of_segments, records) = in_segments(&world);
    let keys = reader
        .segment_keys(of_segments.label_key(), &records, &Silent)
        .await;
    assert_eq!(keys.unwrap().len(), 3);
}

#[tokio::test]
async fn a_changed_header_among_several_is_told() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let (one, other) = (header(&world), header(&world));
    let mut bytes = other.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let changed = Header::read(&mut &bytes[..]).unwrap();
    let error = world.reader().data_keys(&[&one, &changed], &Silent).await;
    assert_eq!(error.err().unwrap().code(), "header_tampered");
    let error = world.reader().data_keys(&[], &Silent).await;
    assert_eq!(error.err().unwrap().code(), "bug");
}
