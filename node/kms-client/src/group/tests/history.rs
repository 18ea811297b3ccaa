//! Who reads what: doors, links, epochs, and the one order of messages.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn a_member_reads_from_the_epoch_of_its_door_on_and_nothing_before() {
    let mut scene = Scene::new().await;
    let (bob, carol) = (device(), device());
    let mut alice = scene.as_admin().await;
    scene.post(&mut alice, "before all").await;
    let first = scene.enter("bob", &bob, None).await;
    let mut alice = scene.as_admin().await;
    scene.post(&mut alice, "bob is here").await;
    let later = scene.enter("carol", &carol, None).await;
    let mut bobs = scene.by_door(&bob, first).await;
    scene.post(&mut bobs, "hello carol").await;
    let bob_reads = bobs.read(&scene.store).await.unwrap();
    assert_eq!(texts(&bob_reads), ["bob is here", "hello carol"]);
    let mut carols = scene.by_door(&carol, later).await;
    let carol_reads = carols.read(&scene.store).await.unwrap();
    assert_eq!(texts(&carol_reads), ["hello carol"]);
    assert_eq!((bob_reads.closed, carol_reads.closed), (1, 2));
    let all = scene.as_admin().await.read(&scene.store).await.unwrap();
    assert_eq!(texts(&all), ["before all", "bob is here", "hello carol"]);
    for timeline in [&bob_reads, &carol_reads, &all] {
        assert_eq!(codes(timeline), [""; 0]);
    }
}

#[tokio::test]
async fn history_is_opened_by_one_capsule_however_many_epochs_it_has() {
    let mut scene = Scene::new().await;
    for number in 0..9 {
        let mut alice = scene.as_admin().await;
        scene.post(&mut alice, &format!("of epoch {number}")).await;
        scene.begin(Change::default()).await;
    }
    let dave = device();
    scene.enter("dave", &dave, Some(4)).await;
    scene.begin(Change::default()).await;
    let mut daves = scene.by_door(&dave, 4).await;
    let read = daves.read(&scene.store).await.unwrap();
    let expected: Vec<String> = (4..9).map(|number| format!("of epoch {number}")).collect();
    assert_eq!(texts(&read), expected);
    assert_eq!(codes(&read), [""; 0]);
}

#[tokio::test]
async fn a_door_that_nobody_used_for_a_while_opens_all_when_it_is_used_again() {
    let mut scene = Scene::new().await;
    let (bob, carol) = (device(), device());
    let from = scene.enter("bob", &bob, None).await;
    scene.leave(&bob).await;
    scene.begin(Change::default()).await;
    scene.enter("carol", &carol, Some(from)).await;
    let last = scene.begin(Change::default()).await;
    let channel = scene.by_door(&carol, from).await;
    let open: Vec<u64> = channel.epochs.keys().copied().collect();
    assert_eq!(open, (from..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_was_removed_has_no_key_of_the_next_epoch() {
    let mut scene = Scene::new().await;
    let (bob, carol) = (device(), device());
    let from = scene.enter("bob", &bob, None).await;
    scene.enter("carol", &carol, Some(from)).await;
    let before = scene.by_door(&bob, from).await;
    let next = scene.leave(&bob).await;
    let mut carols = scene.by_door(&carol, from).await;
    scene.post(&mut carols, "without bob").await;
    assert!(!before.epochs.contains_key(&next));
    let ledger = Ledger::read(&scene.line, &scene.store, None).await.unwrap();
    let stored = store::messages(&scene.store).await.unwrap();
    let sheet = &ledger.record(next).unwrap().sheet;
    for epoch in before.epochs.values() {
        assert!(
            stored
                .iter()
                .all(|item| epoch.sealer.open(&item.bytes).is_none())
        );
    }
    let keys = super::super::epochs::all_keys(&scene.world.keys, &ledger).unwrap();
    for (number, key) in keys {
        let opened = super::super::sheet::Sheet::open(sheet, &ledger.id, next, &key).unwrap();
        assert_eq!(opened.is_some(), number == next);
    }
    let mut stale = before;
    let refused = stale.read(&scene.store).await.unwrap();
    assert_eq!(texts(&refused), [""; 0]);
}

#[tokio::test]
async fn several_devices_of_one_member_write_under_its_name() {
    let mut scene = Scene::new().await;
    let (phone, laptop) = (device(), device());
    let from = scene.enter("bob", &phone, None).await;
    scene.enter("bob", &laptop, Some(from)).await;
    let mut on_phone = scene.by_door(&phone, from).await;
    scene.post(&mut on_phone, "from the phone").await;
    let mut on_laptop = scene.by_door(&laptop, from).await;
    on_laptop.read(&scene.store).await.unwrap();
    scene.post(&mut on_laptop, "from the laptop").await;
    let read = scene.as_admin().await.read(&scene.store).await.unwrap();
    assert_eq!(texts(&read), ["from the phone", "from the laptop"]);
    assert!(read.entries.iter().all(|entry| entry.name == "bob"));
    assert_ne!(
        read.entries[0].message.writer,
        read.entries[1].message.writer
    );
}

#[tokio::test]
async fn a_device_that_has_forgotten_all_goes_on_with_its_chain() {
    let mut scene = Scene::new().await;
    let bob = device();
    let from = scene.enter("bob", &bob, None).await;
    for text in ["one", "two"] {
        let mut anew = scene.by_door(&bob, from).await;
        scene.post(&mut anew, text).await;
    }
    scene.begin(Change::default()).await;
    let mut anew = scene.by_door(&bob, from).await;
    let third = scene.post(&mut anew, "three").await;
    assert_eq!(third.number, 2);
    let read = scene.as_admin().await.read(&scene.store).await.unwrap();
    assert_eq!((texts(&read).len(), codes(&read)), (3, vec![]));
}

#[tokio::test]
async fn refuses_a_post_of_who_is_no_member_and_one_that_is_too_long() {
    let mut scene = Scene::new().await;
    let (bob, guest) = (device(), device());
    let from = scene.enter("bob", &bob, None).await;
    let mut guests = scene.by_door(&guest, from).await;
    let refused = guests.post(&scene.store, b"let me in", 1).await;
    assert_eq!(refused.unwrap_err().code(), "not_a_member");
    let mut bobs = scene.by_door(&bob, from).await;
    let long = vec![b'x'; TEXT_BYTES_MAX + 1];
    let refused = bobs.post(&scene.store, &long, 1).await;
    assert_eq!(refused.unwrap_err().code(), "group_too_long");
    scene.leave(&bob).await;
    let mut gone = scene.by_door(&bob, from).await;
    let refused = gone.post(&scene.store, b"still here", 1).await;
    assert_eq!(refused.unwrap_err().code(), "not_a_member");
    assert!(scene.store.messages().is_empty());
}

/// One step of a group's life.
#[derive(Debug, Clone)]
enum Step {
    Post(usize),
    Begin,
    /// With history from that share of the epochs on.
    Enter(u8),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..8).prop_map(Step::Post),
        2 => Just(Step::Begin),
        2 => any::<u8>().prop_map(Step::Enter),
        1 => (0_usize..8).prop_map(Step::Leave),
    ]
}

/// Carries out the steps beside a model: what was written in which epoch, and who may read it.
async fn live(steps: Vec<Step>) {
    let mut scene = Scene::new().await;
    let mut people: Vec<(ReaderKey, u64)> = Vec::new();
    let (mut epoch, mut written) = (0, Vec::new());
    for (at, step) in steps.into_iter().enumerate() {
        match step {
            Step::Post(who) => {
                let mut channel = match people.get(who) {
                    Some((key, from)) => scene.by_door(key, *from).await,
                    None => scene.as_admin().await,
                };
                channel.read(&scene.store).await.unwrap();
                let text = format!("message {at}");
                scene.post(&mut channel, &text).await;
                written.push((epoch, text));
            }
            Step::Begin => epoch = scene.begin(Change::default()).await,
            Step::Enter(share) => {
                epoch += 1;
                let from = u64::from(share) % (epoch + 1);
                let key = device();
                scene.enter(&format!("person{at}"), &key, Some(from)).await;
                people.push((key, from));
            }
            Step::Leave(who) => {
                if who < people.len() {
                    let (key, _) = people.remove(who);
                    epoch = scene.leave(&key).await;
                }
            }
        }
    }
    let may_read = |from: u64| {
        let texts = written.iter().filter(|(epoch, _)| *epoch >= from);
        texts.map(|(_, text)| text.clone()).collect::<Vec<_>>()
    };
    let all = scene.as_admin().await.read(&scene.store).await.unwrap();
    assert_eq!((texts(&all), codes(&all)), (may_read(0), vec![]));
    for (key, from) in &people {
        let read = scene.by_door(key, *from).await.read(&scene.store).await;
        let read = read.unwrap();
        assert_eq!((texts(&read), codes(&read)), (may_read(*from), vec![]));
        assert_eq!(read.closed, written.len() - read.entries.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn everybody_reads_what_was_written_since_its_door_and_in_the_same_order(
        steps in prop::collection::vec(step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(steps));
    }
}
