//! The local daemon, used by a program in another language: Python with its standard library.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use crate::harness::world::{Miner, World};
use kms_kit::kms::Kms;
use kms_kit::process::{Process, free_port};
use kms_kit::wait::until;

/// A daemon at work: its base URL, and the process.
async fn serve(world: &World, alice: &Kms, more: &[&str]) -> (String, Process) {
    let port = free_port().to_string();
    let command = alice.command(&[&["serve", "--port", &port], more].concat());
    let process = Process::start(command, &world.path("serve.log")).unwrap();
    let place = format!("127.0.0.1:{port}");
    until("the daemon", async || {
        std::net::TcpStream::connect(&place).ok()
    })
    .await;
    (format!("http://{place}"), process)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_program_shares_files_and_keys_and_pays_once() {
    let world = World::new().await;
    let _miners: [Miner; 3] = world.miners().await;
    let every_second = kms_chain::devnet::Mining::Every(1);
    world.devnet.set_mining(every_second).await.unwrap();
    let (alice, bob) = (
        world.person("alice", 100).await,
        world.person("bob", 1).await,
    );
    alice.run(&["label", "new", "things"]).assert_success();
    let content = world.path("content");
    std::fs::create_dir(&content).unwrap();
    let plain: Vec<u8> = (0..150_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    std::fs::write(world.path("plain"), plain).unwrap();
    let (from, to) = (world.path("plain"), content.join("a film.kms"));
    let (from, to) = (from.display().to_string(), to.display().to_string());
    alice
        .run(&["encrypt", "-t", "things", &from, "-o", &to])
        .assert_success();
    let made = bob
        .json(&["card", "make", "--name", "bob"])
        .assert_success();
    let folder = content.display().to_string();
    let (address, daemon) = serve(&world, &alice, &["--content", &folder]).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/serve.py");
    let token = alice.home().join("serve/token");
    assert_eq!(
        token.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let ran = Command::new("python3")
        .arg(script)
        .args([
            &address,
            &token.display().to_string(),
            &made.text("card"),
            "a film.kms",
        ])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let listed = alice.json(&["policies", "list"]).assert_success();
    assert_eq!(
        (listed.text("policy"), listed.text("standing")),
        (
            told["policy"].as_str().unwrap().to_owned(),
            "revoked".to_owned(),
        )
    );
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_its_users_alone_and_a_reader_owns_nothing() {
    let world = World::new().await;
    let reader = Kms::at(&world.path("reader"));
    reader.init(&world.deployment_file, &world.rpc_url, &["--reader-only"]);
    let socket = world.path("kms.sock");
    let path = socket.display().to_string();
    let command = reader.command(&["serve", "--socket", &path]);
    let daemon = Process::start(command, &world.path("serve.log")).unwrap();
    until("the daemon", async || UnixStream::connect(&socket).ok()).await;
    assert_eq!(
        socket.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let token = std::fs::read_to_string(reader.home().join("serve/token")).unwrap();
    let ask = |method: &str, path: &str, token: &str, body: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: anything\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let token = token.trim();
    assert!(ask("GET", "/v1/version", token, "").starts_with("HTTP/1.1 200"));
    assert!(ask("GET", "/v1/version", "0", "").contains("token_missing"));
    let own = ask("POST", "/v1/labels", token, r#"{"label":"things"}"#);
    assert!(own.contains("reader_home"), "{own}");
    daemon.stop();
}
