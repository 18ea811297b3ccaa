//! Films played with a chain in memory and real nodes: keys in time, the end of a grant, live
//! input.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use kms_format::{Encryptor, Segments};
use kms_kit::wait::until;
use kms_protocol::{Period, PolicyId, Refusal};
use reqwest::StatusCode;
use reqwest::header::{HOST, ORIGIN, RANGE};

use super::*;
use crate::daemon::Films;
use crate::error::{Error, Result};
use crate::reader::ReadLimits;
use crate::testkit::{Habit, SEED, World, label};
use kms_core::keys::{OwnerKeys, ReaderKey, Seed};
use std::sync::Arc;
use std::time::Duration;

const SEGMENT: usize = 65_536;
const SEGMENTS: usize = 9;

fn film() -> Vec<u8> {
    (0..u32::try_from(SEGMENT * SEGMENTS).unwrap())
        .map(|n| n.to_le_bytes()[1] ^ n.to_le_bytes()[2])
        .collect()
}

fn encryptor(world: &World, segments: Segments) -> Encryptor {
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    Encryptor::new(&key).with_segments(segments.looking_ahead(2))
}

fn published(world: &World, dir: &Path) -> PathBuf {
    let path = dir.join("film.kms");
    let file = std::fs::File::create(&path).unwrap();
    encryptor(world, Segments::of_bytes(1))
        .encrypt(&mut getrandom::SysRng, &*film(), file, &mut |_| {})
        .unwrap();
    path
}

/// A film that Bob may see with two of three miners, and his playback.
async fn playing(world: &mut World, dir: &Path) -> (PolicyId, Arc<Playback>) {
    let policy = world.granted(2, 3).await;
    let path = published(world, dir);
    let bob = std::mem::replace(&mut world.bob, [ReaderKey::random().unwrap()]);
    let limits = ReadLimits {
        total_ms: 30_000,
        start_wait_s: 0,
        lag_ms: 1,
    };
    let chain = Arc::new(world.chain.clone());
    let viewer = Viewer::new(chain, world.http.clone(), bob.into()).with_limits(limits);
    let playback = Playback::open(Arc::new(viewer), &path).await.unwrap();
    (policy, playback)
}

/// Plays so many segments more; what came, and the error if one did.
async fn segments(cursor: &mut Cursor, count: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    while out.len() < count * SEGMENT {
        out.extend(cursor.next().await?.unwrap());
    }
    Ok(out)
}

#[tokio::test]
async fn keys_that_were_asked_for_in_time_play_on_while_the_miners_are_silent() {
    let (mut world, dir) = (World::new(3).await, tempfile::tempdir().unwrap());
    let (_, playback) = playing(&mut world, dir.path()).await;
    let mut cursor = playback.from(0);
    assert!(segments(&mut cursor, 1).await.unwrap() == film()[..SEGMENT]);
    for node in &world.nodes {
        node.set(Habit::Refuses(Refusal::TooMany));
    }
    // Those of four segments ahead are there.
    let next = segments(&mut cursor, 4).await.unwrap();
    assert!(next == film()[SEGMENT..5 * SEGMENT]);
    assert_eq!(playback.waits(), 1);
    playback.settled().await;
    let error = segments(&mut cursor, 1).await.unwrap_err();
    assert!(matches!(error, Error::ThresholdNotMet { .. }), "{error}");
    for node in &world.nodes {
        node.set(Habit::Honest);
    }
    let rest = segments(&mut cursor, 4).await.unwrap();
    assert!(rest == film()[5 * SEGMENT..]);
    assert!(cursor.next().await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_waits_once_it_plays() {
    let (mut world, dir) = (World::new(3).await, tempfile::tempdir().unwrap());
    let (_, playback) = playing(&mut world, dir.path()).await;
    let mut cursor = playback.from(0);
    for _ in 0..SEGMENTS {
        segments(&mut cursor, 1).await.unwrap();
        playback.settled().await;
    }
    assert_eq!(playback.waits(), 1);
    // A seek waits once, unless the key is there.
    segments(&mut playback.from(3), 1).await.unwrap();
    assert_eq!(playback.waits(), 1);
}

#[tokio::test]
async fn playback_stops_between_segments_at_the_end_of_what_is_paid_and_goes_on_if_renewed() {
    let (mut world, dir) = (World::new(3).await, tempfile::tempdir().unwrap());
    let (policy, playback) = playing(&mut world, dir.path()).await;
    let mut cursor = playback.from(0);
    segments(&mut cursor, 1).await.unwrap();
    playback.settled().await;
    let last = world
        .chain
        .state()
        .policy(policy)
        .unwrap()
        .state
        .effective_last;
    world.chain.mine_to_period(last.0 + 1);
    // The segment that begins now is the last one: its round finds out.
    segments(&mut cursor, 1).await.unwrap();
    playback.settled().await;
    for _ in 0..2 {
        let error = cursor.next().await.unwrap_err();
        assert!(matches!(error, Error::PolicyExpired { .. }), "{error}");
    }
    let error = playback.from(10).next().await.unwrap_err();
    assert_eq!(error.code(), "policy_expired");
    let renewed = Period(last.0 + 5);
    world
        .chain
        .state()
        .policy(policy)
        .unwrap()
        .state
        .effective_last = renewed;
    let next = segments(&mut cursor, 2).await.unwrap();
    assert!(next == film()[2 * SEGMENT..4 * SEGMENT]);
}

#[tokio::test]
async fn a_revocation_stops_the_player_and_a_silent_chain_does_not() {
    let (mut world, dir) = (World::new(3).await, tempfile::tempdir().unwrap());
    let (policy, playback) = playing(&mut world, dir.path()).await;
    let mut cursor = playback.from(0);
    segments(&mut cursor, 1).await.unwrap();
    world.chain.state().online = false;
    segments(&mut cursor, 4).await.unwrap();
    playback.settled().await;
    let error = cursor.next().await.unwrap_err();
    assert!(matches!(error, Error::Chain(_)), "{error}");
    world.chain.state().online = true;
    segments(&mut cursor, 1).await.unwrap();
    playback.settled().await;
    world.chain.state().policy(policy).unwrap().state.revoked = true;
    segments(&mut cursor, 1).await.unwrap();
    playback.settled().await;
    let error = cursor.next().await.unwrap_err();
    assert!(matches!(error, Error::PolicyRevoked { .. }), "{error}");
}

#[tokio::test]
async fn a_live_input_is_played_while_it_is_published() {
    let (world, dir) = (World::new(1).await, tempfile::tempdir().unwrap());
    let path = dir.path().join("live.kms");
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (input, stop) = LiveInput::of(reader);
    let out = std::fs::File::create(&path).unwrap();
    let encryptor = encryptor(&world, Segments::BY_HAND);
    let published = tokio::task::spawn_blocking(move || {
        publish_live(&encryptor, &input, out, Duration::from_millis(5))
    });
    writer.write_all(b"one").unwrap();
    let keys = || OwnerKeys::from_seed(&Seed::from_bytes(&SEED).unwrap()).unwrap();
    let labels = || world.home.labels().unwrap();
    let viewer = || {
        let chain = Arc::new(world.chain.clone());
        let viewer = Viewer::new(chain, world.http.clone(), Vec::new());
        Arc::new(viewer.owning(keys(), labels()))
    };
    let playback = until("the first segment", async || {
        let playback = Playback::open(viewer(), &path).await.ok()?;
        let extent = playback.extent().await.unwrap();
        (extent.bytes == 3).then_some(playback)
    })
    .await;
    assert!(!playback.extent().await.unwrap().is_whole);
    let mut cursor = playback.from(0);
    assert_eq!(cursor.next().await.unwrap().unwrap(), b"one");
    writer.write_all(b"two").unwrap();
    assert_eq!(cursor.next().await.unwrap().unwrap(), b"two");
    let mut newest = playback.from_newest().await.unwrap();
    assert_eq!(newest.next().await.unwrap().unwrap(), b"two");
    writer.write_all(b"three").unwrap();
    until("the third segment", async || {
        (playback.extent().await.unwrap().bytes == 11).then_some(())
    })
    .await;
    stop.stop();
    let summary = published.await.unwrap().unwrap();
    assert_eq!((summary.plaintext_bytes, summary.segments), (11, 3));
    assert_eq!(newest.next().await.unwrap().unwrap(), b"three");
    assert!(newest.next().await.unwrap().is_none());
    assert!(playback.extent().await.unwrap().is_whole);
}

#[tokio::test]
async fn films_are_served_to_players_and_to_nobody_else() {
    let (mut world, dir) = (World::new(3).await, tempfile::tempdir().unwrap());
    let (policy, playback) = playing(&mut world, dir.path()).await;
    let films = vec![("my film.mp4".to_owned(), playback)];
    let (told, heard) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let films = Films::bind(
        films,
        0,
        |_| 11,
        move |_, error| {
            told.lock().unwrap().send(error.code()).unwrap();
        },
    );
    let films = films.await.unwrap();
    let url = films.urls().remove(0);
    tokio::spawn(films.run(std::future::pending()));
    assert!(url.ends_with("/my%20film.mp4"), "{url}");
    let client = reqwest::Client::new();
    let whole = client.get(&url).send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "video/mp4");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert!(whole.bytes().await.unwrap() == film());
    let part = client.get(&url).header(RANGE, "bytes=65530-65540").send();
    let part = part.await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    let length = film().len();
    assert_eq!(
        part.headers()["content-range"],
        format!("bytes 65530-65540/{length}")
    );
    assert!(part.bytes().await.unwrap() == film()[65530..=65540]);
    let head = client.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], length.to_string());
    refuse_strangers(&client, &url).await;
    assert!(heard.try_recv().is_err());
    world.chain.state().policy(policy).unwrap().state.revoked = true;
    // A segment that nobody has asked for since.
    let codes = until("the end of the grant", async || {
        // One that was begun with a key at hand is broken off, maybe before its head is out.
        let answer = client.get(&url).send().await.ok()?;
        (answer.status() == StatusCode::GONE).then_some(answer)
    });
    let body = json(codes.await).await;
    assert_eq!(body["code"], "policy_revoked");
    assert_eq!(heard.recv().unwrap(), "policy_revoked");
}

/// The same address with another token.
fn flip_token(url: &str) -> String {
    let (before, token) = url.split_at(url.len() - "0/my%20film.mp4".len());
    let other = if token.starts_with('0') { '1' } else { '0' };
    format!("{before}{other}{}", &token[1..])
}

async fn json(answer: reqwest::Response) -> serde_json::Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// Whoever has no URL of this run, and whatever is no range, is refused with a code.
async fn refuse_strangers(client: &reqwest::Client, url: &str) {
    let refusals = [
        (
            client.get(url).header(HOST, "evil.example"),
            403,
            "host_refused",
        ),
        (
            client.get(url).header(ORIGIN, "null"),
            403,
            "origin_refused",
        ),
        (
            client.get(url).header(RANGE, "bytes=9999999-"),
            416,
            "range_refused",
        ),
        (client.post(url), 405, "method_refused"),
        (
            client.get(url.replace("my%20", "no%20")),
            404,
            "film_unknown",
        ),
        (client.get(flip_token(url)), 404, "film_unknown"),
    ];
    for (request, status, code) in refusals {
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status().as_u16(), status, "{code}");
        let body = json(refused).await;
        assert_eq!(body["code"], code);
    }
}
