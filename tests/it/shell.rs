//! How commands behave towards a shell: signals, redirections, names, arguments, and another
//! command in the same home. All offline.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kms_chain::Deployment;
use kms_protocol::Address;
use tempfile::TempDir;

use crate::harness::world::World;
use kms_kit::kms::Kms;
use kms_kit::wait::until;

const PLAIN: &str = "what is to be shared";

/// An owner with an encrypted file, and the record of the chain it was made for, which is gone.
struct Desk {
    owner: Kms,
    folder: TempDir,
    deployment: Deployment,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let owner = Kms::at(&folder.path().join("home"));
        owner.init(&world.deployment_file, &world.rpc_url, &[]);
        owner.run(&["label", "new", "things"]).assert_success();
        let desk = Self {
            owner,
            folder,
            deployment: world.deployment.clone(),
        };
        std::fs::write(desk.path("plain"), PLAIN).unwrap();
        let (from, to) = (desk.text("plain"), desk.text("file.kms"));
        let encrypt = ["encrypt", "-t", "things", &from, "-o", &to];
        desk.owner.run(&encrypt).assert_success();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Part files in the folder.
    fn parts(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.as_bytes().ends_with(b".part"))
            .count()
    }

    /// A command that decrypts what it is given and has begun to write, with more to come.
    async fn decrypting(&self, mut command: Command) -> Child {
        let mut running = command.stdin(Stdio::piped()).spawn().unwrap();
        let bytes = std::fs::read(self.path("file.kms")).unwrap();
        let mut stdin = running.stdin.take().unwrap();
        stdin.write_all(&bytes[..bytes.len() - 1]).unwrap();
        running.stdin = Some(stdin);
        until("the part file", async || (self.parts() == 1).then_some(())).await;
        running
    }
}

fn signal(process: &Child, name: &str) {
    let pid = process.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_leaves_no_plaintext_and_ends_the_command_as_the_shell_expects() {
    let desk = Desk::new().await;
    let out = desk.text("out");
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let command = desk.owner.command(&["decrypt", "-", "-o", &out]);
        let mut running = desk.decrypting(command).await;
        // `wait` would close it, and the command would end by itself.
        let open = running.stdin.take();
        signal(&running, name);
        let ended = running.wait().unwrap();
        drop(open);
        assert_eq!(ended.signal(), Some(number), "{name}: {ended:?}");
        assert_eq!(desk.parts(), 0, "{name}");
        assert!(!desk.path("out").exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_under_nohup_outlives_its_terminal() {
    let desk = Desk::new().await;
    let inner = desk
        .owner
        .command(&["decrypt", "-", "-o", &desk.text("out")]);
    let mut command = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" \"$@\"";
    command.args(["-c", script]).arg(inner.get_program());
    command.args(inner.get_args());
    for (name, value) in inner.get_envs() {
        value.map(|value| command.env(name, value));
    }
    let mut running = desk.decrypting(command).await;
    signal(&running, "HUP");
    let bytes = std::fs::read(desk.path("file.kms")).unwrap();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(&bytes[bytes.len() - 1..]).unwrap();
    drop(stdin);
    assert!(running.wait().unwrap().success());
    assert_eq!(std::fs::read_to_string(desk.path("out")).unwrap(), PLAIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_output_by_name_is_written_to_and_not_replaced() {
    let desk = Desk::new().await;
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let decrypt = ["decrypt", &desk.text("file.kms"), "-o", name];
        let piped = desk.owner.run(&decrypt).assert_success();
        assert_eq!(piped.stdout, PLAIN, "{name}");
        let log = desk.path("log");
        std::fs::write(&log, "before ").unwrap();
        let append = OpenOptions::new().append(true).open(&log).unwrap();
        let mut command = desk.owner.command(&decrypt);
        assert!(command.stdout(append).status().unwrap().success());
        let written = std::fs::read_to_string(&log).unwrap();
        assert_eq!(written, format!("before {PLAIN}"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_text_is_no_failure_under_json() {
    let desk = Desk::new().await;
    let out = desk
        .folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"o\xff"));
    let file = desk.text("file.kms");
    let mut command = desk.owner.command(&["decrypt", &file, "--json", "-o"]);
    let done = command.arg(&out).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), PLAIN);
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(told["output"].as_str().unwrap().ends_with("o\u{fffd}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_file_stays_private_when_it_is_encrypted_over() {
    let desk = Desk::new().await;
    let to = desk.path("file.kms");
    std::fs::set_permissions(&to, Permissions::from_mode(0o600)).unwrap();
    let (from, into) = (desk.text("plain"), desk.text("file.kms"));
    let encrypt = ["encrypt", "-t", "things", &from, "-o", &into];
    desk.owner.run(&encrypt).assert_success();
    let mode = std::fs::metadata(&to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_usage_error_names_the_argument_under_json() {
    let missing = Kms::anywhere().json(&["grant", "films", "--periods", "3"]);
    let error = missing.assert_failure(2, "usage");
    assert!(
        error["message"].as_str().unwrap().contains("--to"),
        "{error}"
    );
    let length = Kms::anywhere().json(&["renew", "films", "--to", "bob"]);
    let error = length.assert_failure(2, "usage");
    assert!(
        error["message"].as_str().unwrap().contains("--for"),
        "{error}"
    );
    let unknown = Kms::anywhere().json(&["read", "--frobnicate"]);
    let error = unknown.assert_failure(2, "usage");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("--frobnicate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_command_waits_until_the_first_has_ended() {
    let desk = Desk::new().await;
    let first = File::options()
        .write(true)
        .open(desk.owner.home().join("lock"))
        .unwrap();
    first.lock().unwrap();
    let mut command = desk.owner.command(&["label", "new", "more"]);
    let piped = command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut second = piped.spawn().unwrap();
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let told = lines.next().unwrap().unwrap();
    assert!(told.contains("waiting for another command"), "{told}");
    assert!(second.try_wait().unwrap().is_none());
    drop(first);
    assert!(second.wait().unwrap().success());
    let labels = desk.owner.run(&["label", "list"]).assert_success();
    assert!(labels.stdout.contains("more"), "{labels:?}");
}

/// A home of a network that differs in one point from the desk's.
fn stranger(desk: &Desk, name: &str, change: impl Fn(&mut Deployment)) -> Kms {
    let mut deployment = desk.deployment.clone();
    change(&mut deployment);
    let file = desk.path(&format!("{name}.json"));
    deployment.save(&file).unwrap();
    let person = Kms::at(&desk.path(name));
    person.init(&file, "http://127.0.0.1:1", &[]);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_network_is_told_from_one_that_was_not_granted() {
    let desk = Desk::new().await;
    let chain = stranger(&desk, "chain", |of| of.chain_id += 1);
    let contract = stranger(&desk, "contract", |of| {
        of.contracts.policies.address = Address([7; 20]);
    });
    let read = ["read", &desk.text("file.kms"), "-o", &desk.text("out")];
    for person in [chain, contract] {
        let error = person.json(&read).assert_failure(30, "other_network");
        let message = error["message"].as_str().unwrap();
        let own = desk.deployment.contracts.policies.address.to_string();
        assert!(message.contains(&own), "{error}");
    }
    assert!(!Path::new(&desk.text("out")).exists());
    // The same network: the chain is asked, and it is gone.
    let reached = desk.owner.json(&read);
    assert_eq!(reached.code, 30, "{reached:?}");
    assert_ne!(reached.error().unwrap()["code"], "other_network");
}
