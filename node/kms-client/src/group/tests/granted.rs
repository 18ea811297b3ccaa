//! A group with real doors: grants, miners on loopback, revocations.

use super::*;
use crate::error::Error;
use crate::owner::{FeeLimit, GrantSpec, Rate, Repeat, Selection, Span, Start};
use crate::progress::Silent;
use crate::reader::{ReadLimits, Reader};
use kms_core::card::Card;

fn spec(label: Label, card: Card) -> Result<GrantSpec> {
    Ok(GrantSpec {
        label,
        card,
        threshold: 2,
        shares: 3,
        start: Start::Now,
        span: Span::Periods(30),
        rate: Rate::Market,
        max_fee: FeeLimit::AsQuoted,
        selection: Selection::Stake { seed: [1; 32] },
        repeat: Repeat::Refuse,
    })
}

fn cards(people: &[(&str, &ReaderKey)]) -> Vec<(String, Card)> {
    let card =
        |(name, key): &(&str, &ReaderKey)| ((*name).to_owned(), Card::make(name, key).unwrap());
    people.iter().map(card).collect()
}

impl Scene {
    async fn add(&self, people: &[(&str, &ReaderKey)], history: History) -> Result<Changed> {
        let devices = cards(people);
        let admin = self.admin();
        let added = admin.add(&devices, history, &spec, self.world.spend(), &Silent);
        let changed = added.await?;
        self.world.chain.advance(100);
        Ok(changed)
    }

    async fn open(&self, key: &ReaderKey) -> Result<Channel> {
        let limits = ReadLimits {
            total_ms: 30_000,
            start_wait_s: 0,
            lag_ms: 1_000,
        };
        let keys = std::slice::from_ref(key);
        let reader = Reader::new(keys, &self.world.chain, &self.world.http).with_limits(limits);
        Channel::open(&self.line, &self.store, None, &reader, &Silent).await
    }
}

#[tokio::test]
async fn people_are_let_in_by_one_transaction_and_read_what_they_were_given() {
    let mut scene = Scene::with(World::new(3).await).await;
    let mut alice = scene.as_admin().await;
    scene.post(&mut alice, "last month").await;
    scene.now = 5_000;
    scene.begin(Change::default()).await;
    let mut alice = scene.as_admin().await;
    scene.post(&mut alice, "last week").await;
    let (bob, carol, dave) = (device(), device(), device());
    let people = [("bob", &bob), ("carol", &carol)];
    let changed = scene.add(&people, History::Since(5_000)).await.unwrap();
    assert_eq!(
        (changed.grants.len(), changed.from, changed.seen.number),
        (2, 1, 2)
    );
    assert_eq!(scene.world.chain.kinds(), ["create_policies"]);
    let mut bobs = scene.open(&bob).await.unwrap();
    scene.post(&mut bobs, "thank you").await;
    let mut carols = scene.open(&carol).await.unwrap();
    let read = carols.read(&scene.store).await.unwrap();
    assert_eq!(texts(&read), ["last week", "thank you"]);
    assert_eq!(codes(&read), [""; 0]);
    let refused = scene.open(&dave).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), "no_policy");
}

#[tokio::test]
async fn a_window_is_read_and_not_written() {
    let mut scene = Scene::with(World::new(3).await).await;
    for text in ["january", "february", "march", "april"] {
        let mut alice = scene.as_admin().await;
        scene.post(&mut alice, text).await;
        scene.begin(Change::default()).await;
    }
    // The epochs begin at 1,000, 4,600, 8,200, 11,800.
    let auditor = device();
    let window = History::Window(4_600, 11_800);
    scene.add(&[("auditor", &auditor)], window).await.unwrap();
    let mut opened = scene.open(&auditor).await.unwrap();
    let read = opened.read(&scene.store).await.unwrap();
    assert_eq!(
        (texts(&read), codes(&read)),
        (vec!["february".into(), "march".into()], vec![])
    );
    let refused = opened.post(&scene.store, b"hello", 1).await.unwrap_err();
    assert_eq!(refused.code(), "not_a_member");
    for (since, until) in [(90_000, 99_000), (4_600, 4_600), (8_000, 8_100)] {
        let history = History::Window(since, until);
        let empty = scene
            .add(&[("other", &device())], history)
            .await
            .unwrap_err();
        assert_eq!(empty.code(), "group_window_empty");
    }
}

#[tokio::test]
async fn an_addition_that_was_interrupted_pays_for_nothing_twice() {
    let scene = Scene::with(World::new(3).await).await;
    let (bob, carol) = (device(), device());
    let people = [("bob", &bob), ("carol", &carol)];
    // Somebody else's record stands where the next one should: paid, and not written.
    let blocked = scene.store.duplicate();
    blocked
        .items()
        .insert("records/0000000000000001".to_owned(), vec![0; 9]);
    let admin = scene.admin();
    let channel = admin.open().await.unwrap();
    let label = Label::new(&format!(
        "group/team/{}/1",
        hex::encode(&scene.line.id().0[..8])
    ));
    let label = label.unwrap();
    scene
        .world
        .home
        .add_label(&scene.world.lock, &scene.world.keys, &label)
        .unwrap();
    let mut quotes = Vec::new();
    for (_, card) in cards(&people) {
        let spec = spec(label.clone(), card).unwrap();
        quotes.push(scene.world.owner().quote(&spec).await.unwrap());
    }
    let paid = scene.world.owner();
    paid.grant_all(quotes, &scene.world.keys, scene.world.spend(), &Silent)
        .await
        .unwrap();
    let in_way = Admin {
        store: &blocked,
        ..admin
    };
    let refused = in_way
        .begin_epoch(&channel, Change::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "group_store_taken");
    scene.add(&people, History::FromNow).await.unwrap();
    assert_eq!(scene.world.chain.effects("create_policies"), 1);
    assert_eq!(scene.world.chain.effects("create_policy"), 0);
    assert!(scene.open(&bob).await.is_ok());
}

#[tokio::test]
async fn refuses_a_member_twice_and_a_name_that_is_none() {
    let scene = Scene::with(World::new(3).await).await;
    let bob = device();
    scene.add(&[("bob", &bob)], History::FromNow).await.unwrap();
    let twice = scene
        .add(&[("robert", &bob)], History::FromNow)
        .await
        .unwrap_err();
    assert_eq!(twice.code(), "member_exists");
    let carol = device();
    let people = [("carol", &carol), ("carola", &carol)];
    let twice = scene.add(&people, History::FromNow).await.unwrap_err();
    assert_eq!(twice.code(), "member_exists");
    let mut devices = cards(&[("dave", &device())]);
    devices[0].0 = "../dave".to_owned();
    let spend = scene.world.spend();
    let named = scene
        .admin()
        .add(&devices, History::FromNow, &spec, spend, &Silent)
        .await;
    assert_eq!(named.unwrap_err().code(), "name_invalid");
    assert_eq!(scene.as_admin().await.seen().number, 1);
}

#[tokio::test]
async fn no_epoch_begins_while_the_miners_would_still_serve_who_was_removed() {
    let scene = Scene::with(World::new(3).await).await;
    let (phone, laptop) = (device(), device());
    let devices = [("bob", &phone), ("bob", &laptop)];
    scene.add(&devices, History::FromNow).await.unwrap();
    let names = ["bob".to_owned()];
    let spend = scene.world.spend();
    let early = scene
        .admin()
        .remove(&names, spend, &Silent)
        .await
        .unwrap_err();
    assert_eq!(early.code(), "removal_unconfirmed");
    assert_eq!(scene.world.chain.effects("revoke_policy"), 2);
    assert_eq!(scene.as_admin().await.seen().number, 1);
    scene
        .world
        .nodes
        .iter()
        .for_each(crate::testkit::TestNode::revoke);
    let changed = scene.admin().remove(&names, spend, &Silent).await.unwrap();
    assert_eq!((changed.seen.number, changed.revocations.len()), (2, 2));
    assert_eq!(scene.world.chain.effects("revoke_policy"), 2);
    let members = &scene.as_admin().await.epochs().pop().unwrap().members;
    assert_eq!(
        members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
        ["alice"]
    );
    for key in [&phone, &laptop] {
        let refused = scene.open(key).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::PolicyRevoked { .. }), "{refused}");
    }
    let again = scene
        .admin()
        .remove(&names, spend, &Silent)
        .await
        .unwrap_err();
    assert_eq!(again.code(), "member_unknown");
}
