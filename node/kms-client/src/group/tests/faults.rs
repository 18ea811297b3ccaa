//! What a hostile store, a member or one who was removed can try, and how it is told.

use super::super::store::{Stored, messages, put_message};
use super::*;

/// Bob and Carol in a group, three messages of each, in turns.
async fn talk() -> (Scene, [(ReaderKey, u64); 2]) {
    let mut scene = Scene::new().await;
    let (bob, carol) = (device(), device());
    let from = scene.enter("bob", &bob, None).await;
    scene.enter("carol", &carol, Some(from)).await;
    for round in 0..3 {
        for (name, key) in [("bob", &bob), ("carol", &carol)] {
            let mut channel = scene.by_door(key, from).await;
            channel.read(&scene.store).await.unwrap();
            scene.post(&mut channel, &format!("{name} {round}")).await;
        }
    }
    (scene, [(bob, from), (carol, from)])
}

async fn read(scene: &Scene) -> Timeline {
    scene.as_admin().await.read(&scene.store).await.unwrap()
}

/// The stored messages of a person, in order.
async fn stored_of(scene: &Scene, name: &str) -> Vec<Stored> {
    let channel = scene.as_admin().await;
    let sheet = &channel.epochs.values().next_back().unwrap().sheet;
    let member = sheet.members.iter().find(|member| member.name == name);
    let mailbox = sheet.mailbox(&member.unwrap().key);
    let mut stored = messages(&scene.store).await.unwrap();
    stored.retain(|item| item.mailbox == mailbox);
    stored
}

/// Puts a message into the store as a holder of the newest epoch's key can, whoever that is.
async fn plant(scene: &Scene, message: &Message, signer: &ReaderKey) -> String {
    let channel = scene.as_admin().await;
    let epoch = &channel.epochs[&message.epoch];
    let bytes = epoch
        .sealer
        .seal(message, &signer.signer().unwrap())
        .unwrap();
    let stored = Stored {
        mailbox: epoch.sheet.mailbox(&message.writer),
        number: message.number,
        bytes,
    };
    put_message(&scene.store, &stored).await.unwrap();
    stored.name()
}

/// The message that would follow the last one of a person.
async fn next_of(scene: &Scene, name: &str) -> Message {
    let timeline = read(scene).await;
    let last = timeline
        .entries
        .iter()
        .rev()
        .find(|entry| entry.name == name);
    let last = last.unwrap();
    let newest = timeline.position().unwrap();
    Message {
        number: last.message.number + 1,
        previous: last.hash,
        after: newest.hash,
        order: newest.order + 1,
        text: b"planted".to_vec(),
        ..last.message.clone()
    }
}

#[tokio::test]
async fn an_untouched_store_has_no_findings() {
    let (scene, people) = talk().await;
    let all = read(&scene).await;
    assert_eq!(codes(&all), [""; 0]);
    let expected = ["bob 0", "carol 0", "bob 1", "carol 1", "bob 2", "carol 2"];
    assert_eq!(texts(&all), expected);
    let (bob, from) = &people[0];
    let bobs = scene
        .by_door(bob, *from)
        .await
        .read(&scene.store)
        .await
        .unwrap();
    assert_eq!(texts(&bobs), expected);
}

#[tokio::test]
async fn a_member_cannot_write_in_the_name_of_another() {
    let (scene, people) = talk().await;
    let of_carol = next_of(&scene, "carol").await;
    let planted = plant(&scene, &of_carol, &people[0].0).await;
    let all = read(&scene).await;
    assert_eq!(
        (all.entries.len(), codes(&all)),
        (6, vec!["message_forged"])
    );
    assert_eq!(all.findings[0].what, planted);
}

#[tokio::test]
async fn bytes_that_nobody_sealed_are_told_and_hide_nothing() {
    for garbage in [&b""[..], b"\x01", &[1; 40], &[2; 300], &[0xff; 64]] {
        let (scene, _) = talk().await;
        let mut bob = stored_of(&scene, "bob").await.remove(0);
        (bob.number, bob.bytes) = (77, garbage.to_vec());
        put_message(&scene.store, &bob).await.unwrap();
        let all = read(&scene).await;
        assert_eq!(
            (all.entries.len(), codes(&all)),
            (6, vec!["message_forged"])
        );
    }
}

#[tokio::test]
async fn every_changed_bit_of_a_message_shows() {
    let (scene, _) = talk().await;
    let name = stored_of(&scene, "carol").await.remove(1).name();
    let whole = scene.store.items()[&name].clone();
    for at in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        scene.store.items().insert(name.clone(), changed);
        let all = read(&scene).await;
        assert_eq!(all.entries.len(), 5, "byte {at}");
        assert!(
            codes(&all).contains(&"messages_missing"),
            "byte {at}: {all:?}"
        );
    }
}

#[tokio::test]
async fn a_copy_at_another_place_is_told() {
    let (scene, _) = talk().await;
    let first = stored_of(&scene, "bob").await.remove(0);
    let other = stored_of(&scene, "carol").await.remove(0);
    let later = Stored {
        number: 3,
        mailbox: first.mailbox.clone(),
        bytes: first.bytes.clone(),
    };
    let elsewhere = Stored {
        number: 3,
        mailbox: other.mailbox,
        bytes: first.bytes,
    };
    for copy in [later, elsewhere] {
        put_message(&scene.store, &copy).await.unwrap();
    }
    let all = read(&scene).await;
    let expected = vec!["message_misplaced", "message_misplaced"];
    assert_eq!((all.entries.len(), codes(&all)), (6, expected));
}

#[tokio::test]
async fn a_message_that_is_held_back_is_missed() {
    let (scene, people) = talk().await;
    let held = stored_of(&scene, "bob").await.remove(1).name();
    scene.store.items().remove(&held).unwrap();
    let all = read(&scene).await;
    assert_eq!(all.entries.len(), 5);
    // Carol answered it, so it is missed twice.
    assert_eq!(codes(&all), ["message_ahead", "messages_missing"]);
    assert!(all.findings[1].detail.starts_with("message 1 "), "{all:?}");
    let (carol, from) = &people[1];
    let carols = scene
        .by_door(carol, *from)
        .await
        .read(&scene.store)
        .await
        .unwrap();
    assert!(codes(&carols).contains(&"messages_missing"));
}

#[tokio::test]
async fn the_last_messages_of_an_epoch_cannot_be_held_back_once_it_has_ended() {
    let (mut scene, people) = talk().await;
    let next = scene.begin(Change::default()).await;
    for item in stored_of(&scene, "carol").await.split_off(1) {
        scene.store.items().remove(&item.name()).unwrap();
    }
    let (bob, from) = &people[0];
    let bobs = scene
        .by_door(bob, *from)
        .await
        .read(&scene.store)
        .await
        .unwrap();
    let missing = bobs
        .findings
        .iter()
        .find(|of| of.code == "messages_missing")
        .unwrap();
    assert_eq!(missing.what, "carol");
    assert!(missing.detail.starts_with("messages 1 to 2 "), "{missing}");
    assert_eq!(next, 3);
}

#[tokio::test]
async fn two_messages_of_one_number_are_a_fork() {
    let (scene, people) = talk().await;
    let (bob, from) = &people[0];
    let other = scene.store.duplicate();
    let mut here = scene.by_door(bob, *from).await;
    scene.post(&mut here, "one story").await;
    let mut there = scene.by_door_in(&other, bob, *from).await;
    for text in [&b"another story"[..], b"and its end"] {
        there.post(&other, text, 1).await.unwrap();
    }
    // Somebody copies what is new from there: the number that both have stays as it was here.
    let refused = copy_items(&other, &scene.store).await.unwrap_err();
    assert_eq!(refused.code(), "group_store_taken");
    for (name, bytes) in other.items().iter() {
        scene
            .store
            .items()
            .entry(name.clone())
            .or_insert(bytes.clone());
    }
    let all = read(&scene).await;
    assert!(codes(&all).contains(&"message_forked"), "{all:?}");
}

#[tokio::test]
async fn who_replaces_a_message_that_the_admin_has_seen_is_found_out() {
    let (mut scene, people) = talk().await;
    scene.begin(Change::default()).await;
    let last = stored_of(&scene, "bob").await.remove(2);
    let mut message = next_of(&scene, "bob").await;
    (message.number, message.epoch) = (2, 2);
    let before = read(&scene).await;
    let second = before
        .entries
        .iter()
        .find(|e| e.name == "bob" && e.message.number == 1);
    message.previous = second.unwrap().hash;
    scene.store.items().remove(&last.name()).unwrap();
    plant(&scene, &message, &people[0].0).await;
    let all = read(&scene).await;
    assert!(codes(&all).contains(&"message_forked"), "{all:?}");
}

#[tokio::test]
async fn a_removed_member_adds_nothing_to_the_epochs_it_knows() {
    let (mut scene, people) = talk().await;
    scene.leave(&people[0].0).await;
    let late = next_of(&scene, "bob").await;
    assert_eq!(late.epoch, 2);
    plant(&scene, &late, &people[0].0).await;
    let all = read(&scene).await;
    assert_eq!(
        (all.entries.len(), codes(&all)),
        (6, vec!["message_after_removal"])
    );
}

#[tokio::test]
async fn a_member_who_is_late_is_still_read() {
    let (mut scene, people) = talk().await;
    scene.begin(Change::default()).await;
    let late = next_of(&scene, "carol").await;
    assert_eq!(late.epoch, 2);
    plant(&scene, &late, &people[1].0).await;
    let all = read(&scene).await;
    assert_eq!((all.entries.len(), codes(&all)), (7, vec![]));
}

#[tokio::test]
async fn who_came_later_has_written_nothing_before() {
    let (mut scene, _) = talk().await;
    let dave = device();
    scene.enter("dave", &dave, Some(1)).await;
    let planted = Message {
        writer: dave.receiving_key(),
        number: 0,
        ..next_of(&scene, "bob").await
    };
    // Dave has the key of that epoch by his door; and the mailboxes' secret.
    plant(&scene, &planted, &dave).await;
    let all = read(&scene).await;
    assert_eq!(
        (all.entries.len(), codes(&all)),
        (6, vec!["message_foreign"])
    );
}

#[tokio::test]
async fn nobody_writes_before_what_the_epoch_began_with() {
    let (mut scene, people) = talk().await;
    let epoch = scene.begin(Change::default()).await;
    let next = next_of(&scene, "bob").await;
    let low_place = Message {
        epoch,
        order: 3,
        ..next.clone()
    };
    plant(&scene, &low_place, &people[0].0).await;
    let all = read(&scene).await;
    assert_eq!(
        (all.entries.len(), codes(&all)),
        (6, vec!["message_backdated"])
    );
}

#[tokio::test]
async fn a_message_of_another_group_is_no_message_here() {
    let (scene, people) = talk().await;
    let mut other = Scene::new().await;
    let from = other.enter("bob", &people[0].0, None).await;
    other.begin(Change::default()).await;
    let mut there = other.by_door(&people[0].0, from).await;
    other.post(&mut there, "not for you").await;
    let foreign = other.store.messages().remove(0);
    let bytes = other.store.items()[&foreign].clone();
    let mut item = stored_of(&scene, "bob").await.remove(0);
    (item.number, item.bytes) = (3, bytes);
    put_message(&scene.store, &item).await.unwrap();
    let all = read(&scene).await;
    assert_eq!(
        (all.entries.len(), codes(&all)),
        (6, vec!["message_forged"])
    );
}
