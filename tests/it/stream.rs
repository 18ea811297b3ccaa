//! A film of H.264, published and played by a real player over HTTP, to the end of what is paid.

use std::path::Path;
use std::process::Command;

use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_kit::process::Process;
use kms_kit::wait::until;

use crate::harness::world::{Miner, World};

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// The output of a program that has to succeed.
fn output(program: &str, args: &[&str]) -> Vec<u8> {
    let ran = Command::new(program).args(args).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program} (Debian: ffmpeg): {error}"));
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {args:?}: {errors}");
    ran.stdout
}

/// Twenty seconds of noise, some 20 MB, whose index stands at the end: a player has to seek.
fn make_film(film: &str) {
    let input = "testsrc2=size=640x360:rate=25:duration=20";
    let (kind, grain) = (
        ["-f", "lavfi", "-i", input],
        ["-vf", "noise=alls=60:allf=t"],
    );
    let codec = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-b:v",
        "8M",
        "-minrate",
        "8M",
    ];
    let pictures = ["-g", "25", "-pix_fmt", "yuv420p", "-y", film];
    let quiet = ["-v", "error"];
    output(
        "ffmpeg",
        &[&quiet[..], &kind, &grain, &codec, &pictures].concat(),
    );
    let length = std::fs::metadata(film).unwrap().len();
    assert!(length > 12_000_000, "{length}");
}

/// Hashes of all pictures that a player decodes, or of a second of them behind a seek.
fn pictures(source: &str, seek: Option<&str>) -> Vec<u8> {
    let (quiet, input) = (["-v", "error"], ["-i", source]);
    let seek = seek.map(|seek| ["-ss", seek]);
    let seek = seek.as_ref().map(|seek| &seek[..]).unwrap_or_default();
    let part: &[&str] = if seek.is_empty() { &[] } else { &["-t", "1"] };
    output(
        "ffmpeg",
        &[&quiet[..], seek, &input, part, &["-f", "framemd5", "-"]].concat(),
    )
}

/// A film that Bob may see with two of three miners, for some periods.
fn share(world: &World, alice: &Kms, bob: &Kms) {
    let (film, stream) = (path(world, "film.mp4"), path(world, "film.mp4.kms"));
    make_film(&film);
    let card = bob.json(&["card", "make", "--name", "bob"]);
    let card = card.assert_success().text("card");
    alice.run(&["label", "new", "films"]).assert_success();
    let publish = ["stream", "publish", "-t", "films", &film, "-o", &stream];
    let published = alice.json(&[&publish[..], &["--segment", "512K"]].concat());
    assert!(published.assert_success().field("chunks").as_u64().unwrap() > 150);
    alice.run(&["card", "add", &card]).assert_success();
    let terms = ["--threshold", "2/3", "--periods", "5"];
    let grant = [&["grant", "films", "--to", "bob"], &terms[..]].concat();
    alice.run(&grant).assert_success();
}

/// Serves the film; its URL, and the process with its log.
async fn serve(world: &World, person: &Kms, log: &Path) -> (String, Process) {
    let stream = path(world, "film.mp4.kms");
    let command = person.command(&["stream", "serve", &stream, "--json"]);
    let process = Process::start(command, log).unwrap();
    let url = until("the film's URL", async || {
        let log = std::fs::read_to_string(log).unwrap();
        let line = log.lines().find(|line| line.contains("\"url\""))?;
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        Some(told["url"].as_str().unwrap().to_owned())
    });
    (url.await, process)
}

/// A real player decodes the film whole, and from a place in its middle.
fn play_by_ffmpeg(world: &World, url: &str) {
    let film = path(world, "film.mp4");
    assert!(
        pictures(url, None) == pictures(&film, None),
        "pictures differ"
    );
    let (here, there) = (pictures(url, Some("13.2")), pictures(&film, Some("13.2")));
    assert!(here == there, "pictures differ behind a seek");
    let args = [
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
    ];
    let codec = output("ffprobe", &[&args[..], &[url]].concat());
    assert_eq!(codec.trim_ascii(), b"h264");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_plays_and_seeks_until_the_end_of_what_is_paid() {
    let world = World::new().await;
    let _miners: [Miner; 3] = world.miners().await;
    let (alice, bob) = (
        world.person("alice", 100).await,
        world.person("bob", 1).await,
    );
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    tokio::task::block_in_place(|| share(&world, &alice, &bob));
    let log = world.path("stream.log");
    let (url, server) = serve(&world, &bob, &log).await;
    tokio::task::block_in_place(|| play_by_ffmpeg(&world, &url));

    let film = std::fs::read(world.path("film.mp4")).unwrap();
    let stream = path(&world, "film.mp4.kms");
    let rest = bob
        .command(&["stream", "play", &stream, "--from", "1M"])
        .output();
    assert!(rest.unwrap().stdout == film[1 << 20..], "the rest differs");
    let own = alice
        .command(&["stream", "play", &stream])
        .output()
        .unwrap();
    assert!(own.stdout == film, "the owner's film differs");
    assert!(!std::fs::read_to_string(&log).unwrap().contains("stopped"));

    // A slow player is in the middle of the film when the last paid period ends.
    let mut slow = reqwest::get(&url).await.unwrap();
    let mut seen = slow.chunk().await.unwrap().unwrap().to_vec();
    world.pass_periods(6).await;
    while let Ok(Some(more)) = slow.chunk().await {
        seen.extend_from_slice(&more);
    }
    assert!(film.starts_with(&seen), "other bytes before the end");
    assert!(seen.len() < film.len(), "the film went on");
    assert_eq!(seen.len() % (512 << 10), 0, "{}", seen.len());
    let late = reqwest::get(&url).await.unwrap();
    assert_eq!(late.status(), 410);
    assert!(late.text().await.unwrap().contains("\"policy_expired\""));
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.contains("[policy_expired]"), "{told}");
    let play = bob.json(&["stream", "play", &stream]);
    play.assert_failure(11, "policy_expired");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn live_input_ends_in_order_when_it_is_stopped() {
    let world = World::new().await;
    let alice = world.person("alice", 1).await;
    alice.run(&["label", "new", "films"]).assert_success();
    let (input, live) = (world.path("input"), path(&world, "live.ts.kms"));
    let made = Command::new("mkfifo").arg(&input).status().unwrap();
    assert!(made.success());
    let from = input.display().to_string();
    let publish = ["stream", "publish", "-t", "films", &from, "-o", &live];
    let command = alice.command(&[&publish[..], &["--live", "--every", "1"]].concat());
    let publisher = Process::start(command, &world.path("publish.log")).unwrap();
    let open = tokio::task::spawn_blocking(move || std::fs::File::create(input).unwrap());
    let mut pipe = open.await.unwrap();
    std::io::Write::write_all(&mut pipe, b"what happens now").unwrap();
    let command = alice.command(&["stream", "play", &live]);
    until("the stream", async || {
        std::fs::metadata(&live)
            .ok()
            .filter(|file| file.len() > 900)
    })
    .await;
    let played = world.path("played");
    let player = Process::start(command, &played).unwrap();
    until("the first segment", async || {
        let seen = std::fs::read(&played).ok()?;
        (seen == b"what happens now").then_some(())
    })
    .await;
    publisher.stop();
    let layout = alice.json(&["inspect", &live]).assert_success();
    assert_eq!(layout.field("plaintext_bytes"), 16);
    let again = alice.json(&[&publish[..], &["--live"]].concat());
    again.assert_failure(2, "output_exists");
    let none = alice.json(&["stream", "play", &path(&world, "none.kms")]);
    none.assert_failure(3, "not_found");
    player.stop();
    drop(pipe);
}
