//! The chain of records and the group's line: whatever is not the admin's is refused.

use proptest::prelude::*;

use super::super::store::records;
use super::*;

async fn four_epochs() -> Scene {
    let mut scene = Scene::new().await;
    scene.enter("bob", &device(), None).await;
    scene.enter("carol", &device(), Some(1)).await;
    scene.begin(Change::default()).await;
    scene
}

fn record(number: u64) -> String {
    format!("records/{number:016x}")
}

async fn refused(scene: &Scene, seen: Option<Seen>) -> &'static str {
    let read = Ledger::read(&scene.line, &scene.store, seen).await;
    read.map(|_| ()).unwrap_err().code()
}

#[tokio::test]
async fn every_changed_byte_of_a_record_shows() {
    let scene = four_epochs().await;
    let stored = records(&scene.store).await.unwrap();
    for number in 0..4_usize {
        for at in (0..stored[number].1.len()).step_by(11) {
            let mut changed = stored.clone();
            changed[number].1[at] ^= 0x10;
            let error = Ledger::check(&scene.line, changed, None)
                .map(|_| ())
                .unwrap_err();
            assert_eq!(error.code(), "group_record_invalid", "{number}: byte {at}");
        }
    }
}

#[tokio::test]
async fn refuses_records_that_are_cut_missing_exchanged_or_anothers() {
    let scene = four_epochs().await;
    let whole = records(&scene.store).await.unwrap();
    let check = |stored: Vec<(u64, Vec<u8>)>| {
        let checked = Ledger::check(&scene.line, stored, None).map(|_| ());
        checked.map_err(|error| error.code())
    };
    assert_eq!(check(whole.clone()), Ok(()));
    let mut cut = whole.clone();
    cut[3].1.truncate(60);
    let mut missing = whole.clone();
    missing.remove(1);
    let mut exchanged = whole.clone();
    (exchanged[1].1, exchanged[2].1) = (whole[2].1.clone(), whole[1].1.clone());
    let mut longer = whole.clone();
    longer[3].1.push(0);
    for stored in [cut, missing, exchanged, longer] {
        assert_eq!(check(stored), Err("group_record_invalid"));
    }
    assert_eq!(check(Vec::new()), Err("group_store_empty"));
    // The same admin and name, another group.
    let other = four_epochs().await;
    let mut mixed = whole.clone();
    mixed[0].1 = records(&other.store).await.unwrap().remove(0).1;
    assert_eq!(check(mixed), Err("group_record_invalid"));
}

#[tokio::test]
async fn refuses_a_store_that_goes_back_behind_what_was_seen() {
    let scene = four_epochs().await;
    let seen = scene.as_admin().await.seen();
    assert_eq!(seen.number, 3);
    scene.store.items().remove(&record(3)).unwrap();
    assert_eq!(refused(&scene, Some(seen)).await, "group_rolled_back");
    assert!(Ledger::read(&scene.line, &scene.store, None).await.is_ok());
}

#[tokio::test]
async fn refuses_a_second_history_of_the_same_admin() {
    let mut scene = four_epochs().await;
    let seen = scene.as_admin().await.seen();
    scene.store.items().remove(&record(3)).unwrap();
    scene.begin(Change::default()).await;
    assert_eq!(refused(&scene, Some(seen)).await, "group_forked");
}

#[tokio::test]
async fn an_epoch_that_is_begun_again_has_another_key() {
    let mut scene = four_epochs().await;
    let key_of = |store: &MemoryStore| {
        let bytes = store.items()[&record(3)].clone();
        let record =
            super::super::record::Record::read(&bytes, 3, &scene.line.id(), scene.line.admin());
        let keys = &scene.world.keys;
        let nonce = record.unwrap().nonce;
        let key = super::super::epochs::epoch_key(keys, &scene.line.id(), 3, &nonce).unwrap();
        *key.expose()
    };
    let first = key_of(&scene.store);
    let rolled_back = scene.store.duplicate();
    rolled_back.items().remove(&record(3)).unwrap();
    let second = {
        let admin = Admin {
            store: &rolled_back,
            ..scene.admin()
        };
        admin.begin().await.unwrap();
        key_of(&rolled_back)
    };
    assert_ne!(first, second);
    scene.begin(Change::default()).await;
}

#[tokio::test]
async fn two_admins_at_once_begin_one_epoch() {
    let scene = four_epochs().await;
    let admin = scene.admin();
    let (one, other) = (admin.open().await.unwrap(), admin.open().await.unwrap());
    admin.begin_epoch(&one, Change::default()).await.unwrap();
    let late = admin
        .begin_epoch(&other, Change::default())
        .await
        .unwrap_err();
    assert_eq!(late.code(), "group_store_taken");
}

#[tokio::test]
async fn another_seed_is_not_the_admin() {
    let scene = four_epochs().await;
    let seed = kms_core::keys::Seed::from_bytes(&[8; 32]).unwrap();
    let keys = kms_core::keys::OwnerKeys::from_seed(&seed).unwrap();
    let opened = Channel::open_as_admin(&scene.line, &scene.store, None, &keys).await;
    assert_eq!(opened.map(|_| ()).unwrap_err().code(), "not_group_admin");
}

#[tokio::test]
async fn a_line_is_read_back_and_nothing_else_is_one() {
    let scene = Scene::new().await;
    let line = scene.line.to_string();
    assert!(line.starts_with("kmsgroup1"));
    assert_eq!(line.parse::<GroupLine>().unwrap(), scene.line);
    let card = kms_core::card::Card::make("bob", &device())
        .unwrap()
        .to_string();
    for text in [
        "",
        "kmsgroup1",
        &line[..line.len() - 1],
        &line.to_uppercase(),
        &card,
    ] {
        let error = text.parse::<GroupLine>().unwrap_err();
        assert_eq!(error.code(), "group_line_invalid", "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_record_but_the_admins(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let seed = kms_core::keys::Seed::from_bytes(&crate::testkit::SEED).unwrap();
        let keys = kms_core::keys::OwnerKeys::from_seed(&seed).unwrap();
        let admin = keys.group_signer("team").unwrap().verifying_key();
        let line = GroupLine::new("team", admin).unwrap();
        let read = Ledger::check(&line, vec![(0, bytes)], None);
        prop_assert_eq!(read.map(|_| ()).unwrap_err().code(), "group_record_invalid");
    }

    #[test]
    fn a_line_with_a_changed_letter_is_none(at in 0_usize..90, letter in "[a-z0-9]") {
        let seed = kms_core::keys::Seed::from_bytes(&crate::testkit::SEED).unwrap();
        let keys = kms_core::keys::OwnerKeys::from_seed(&seed).unwrap();
        let admin = keys.group_signer("team").unwrap().verifying_key();
        let line = GroupLine::new("team", admin).unwrap().to_string();
        let at = at % line.len();
        let changed = [&line[..at], &letter, &line[at + 1..]].concat();
        prop_assume!(changed != line);
        prop_assert!(changed.parse::<GroupLine>().is_err());
    }
}
