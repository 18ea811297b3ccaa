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
    let length = u64::try_from(file.len()).unwrap();
    let layout = whole.layout(length).unwrap();
    let last = usize::try_from(layout.header_bytes).unwrap() - 1;
    file[last] ^= 1;
    let tampered = Header::read(&mut &file[..]).unwrap();
    let recorder = Recorder::default();
    let error = world.reader().data_key(&tampered, &recorder).await;
    assert_eq!(error.err().unwrap().code(), "header_tampered");
    let failed = |event: &crate::Event| matches!(event, crate::Event::NodeFailed { .. });
    assert!(!recorder.events().iter().any(failed));
}
