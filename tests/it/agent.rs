//! `kms agent`: one unlock for many commands; `kms key passphrase`.

use std::process::Command;

use kms_kit::kms::{Kms, Output, PASSPHRASE, write_private};
use kms_kit::process::Process;
use kms_kit::wait::until;

use crate::harness::world::World;

/// A home without a passphrase at hand, and the same one with it.
struct Person {
    world: World,
    knowing: Kms,
    forgetful: Kms,
}

/// Commands that need a key of the home, and no chain.
const LOCKED: [&[&str]; 5] = [
    &["label", "new", "films/demo"],
    &["card", "make", "--name", "alice"],
    &["key", "list", "--readers"],
    &["key", "show", "reader"],
    &["key", "export"],
];

impl Person {
    async fn new() -> Self {
        let world = World::new().await;
        let knowing = Kms::at(&world.path("alice"));
        knowing.init(&world.deployment_file, &world.rpc_url, &[]);
        let forgetful = knowing.without_passphrase();
        Self {
            world,
            knowing,
            forgetful,
        }
    }

    /// Runs what needs a key; nobody can be asked.
    fn locked(&self, who: &Kms) {
        for command in LOCKED {
            without_terminal(who, command).assert_failure(40, "passphrase_missing");
        }
    }
}

/// Runs a command that has no terminal to ask at.
fn without_terminal(who: &Kms, args: &[&str]) -> Output {
    let args = [args, &["--json"]].concat();
    let inner = who.command(&args);
    let mut command = Command::new("setsid");
    command
        .arg("--wait")
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Kms::finish(command, &args)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unlock_serves_five_commands_until_it_is_stopped() {
    let person = Person::new().await;
    person.locked(&person.forgetful);
    let started = person
        .knowing
        .json(&["agent", "--for", "1h"])
        .assert_success();
    assert_eq!(started.field("running"), true);
    for command in LOCKED {
        without_terminal(&person.forgetful, command).assert_success();
    }
    let status = person.forgetful.json(&["agent", "status"]).assert_success();
    assert_eq!(status.field("running"), true);
    let text = person.forgetful.run(&["agent", "status"]).assert_success();
    assert!(
        text.stdout.contains("is unlocked until "),
        "{}",
        text.stdout
    );

    let other = Kms::at(&person.world.path("bob"));
    other.init(&person.world.deployment_file, &person.world.rpc_url, &[]);
    person.locked(&other.without_passphrase());

    person.forgetful.run(&["agent", "stop"]).assert_success();
    let status = person.forgetful.json(&["agent", "status"]).assert_success();
    assert_eq!(status.field("running"), false);
    person.locked(&person.forgetful);
    person.forgetful.run(&["agent", "stop"]).assert_success();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_time_ends_and_only_the_passphrase_begins_another() {
    let person = Person::new().await;
    person
        .knowing
        .run(&["agent", "--for", "1s"])
        .assert_success();
    let socket = person.knowing.home().join("run/agent.sock");
    until("the end of the agent", async || {
        (!socket.exists()).then_some(())
    })
    .await;
    person.locked(&person.forgetful);

    person
        .knowing
        .run(&["agent", "--for", "1h"])
        .assert_success();
    without_terminal(&person.forgetful, &["agent", "--for", "2h"])
        .assert_failure(40, "passphrase_missing");
    let wrong = person.knowing.saying("not the passphrase");
    wrong
        .json(&["agent"])
        .assert_failure(21, "wrong_passphrase");
    without_terminal(&person.forgetful, LOCKED[2]).assert_success();
    person
        .knowing
        .run(&["agent", "--for", "2h"])
        .assert_success();
    let left = person.knowing.json(&["agent", "status"]).assert_success();
    assert!(left.field("seconds_left").as_u64().unwrap() > 3600);
    person.knowing.run(&["agent", "stop"]).assert_success();
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_socket_that_others_can_reach_and_another_home_s() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let person = Person::new().await;
    person.knowing.run(&["agent"]).assert_success();
    let run = person.knowing.home().join("run");
    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(run.join("agent.sock"), open).unwrap();
    let ask = LOCKED[2];
    person
        .knowing
        .json(ask)
        .assert_failure(20, "permissions_too_open");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(run.join("agent.sock"), private).unwrap();
    person.forgetful.json(ask).assert_success();

    let other = Kms::at(&person.world.path("bob"));
    other.init(&person.world.deployment_file, &person.world.rpc_url, &[]);
    let theirs = other.home().join("run");
    symlink(&run, &theirs).unwrap();
    other.json(ask).assert_failure(20, "home_corrupt");
    std::fs::remove_file(&theirs).unwrap();
    std::fs::rename(&run, &theirs).unwrap();
    other.json(ask).assert_failure(20, "home_corrupt");
    std::fs::rename(&theirs, &run).unwrap();
    person.knowing.run(&["agent", "stop"]).assert_success();
}

/// The same home with a file that has the new passphrase.
fn changing(person: &Person, new: &str) -> Command {
    let file = person.world.path("new-passphrase");
    write_private(&file, new);
    let mut command = person.knowing.command(&["key", "passphrase", "--json"]);
    command.env("KMS_NEW_PASSPHRASE_FILE", file);
    command
}

const NEW: &str = "another horse battery";

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_changed_for_every_key_at_once() {
    let person = Person::new().await;
    let short = Kms::finish(changing(&person, "short"), &[]);
    short.assert_failure(2, "passphrase_too_short");
    person.knowing.run(LOCKED[2]).assert_success();

    Kms::finish(changing(&person, NEW), &[]).assert_success();
    person
        .knowing
        .json(LOCKED[2])
        .assert_failure(21, "wrong_passphrase");
    let renewed = person.knowing.saying(NEW);
    renewed.run(LOCKED[2]).assert_success();
    // The seed's key and the account's.
    renewed.run(&["agent"]).assert_success();
    renewed.run(&["agent", "stop"]).assert_success();
    let again = Kms::finish(changing(&person, "yet another one"), &[]);
    again.assert_failure(21, "wrong_passphrase");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_killed_leaves_one_passphrase_for_all_keys() {
    let person = Person::new().await;
    let home = person.knowing.home().to_owned();
    let folders = || [home.join("keys"), home.join("keys2")].map(|path| path.exists());
    let kills: [fn([bool; 2]) -> bool; 2] = [|_| true, |there| there[1]];
    for kill_when in kills {
        let log = person.world.path("log");
        let process = Process::start(changing(&person, NEW), &log).unwrap();
        until("the moment to kill", async || {
            kill_when(folders()).then_some(())
        })
        .await;
        process.kill();
        let opens = |passphrase: &str| {
            let who = person.knowing.saying(passphrase);
            let opened = who.run(&["agent"]).code == 0;
            who.run(&["agent", "stop"]).assert_success();
            opened
        };
        let (old, new) = (opens(PASSPHRASE), opens(NEW));
        assert!(old != new, "old {old}, new {new}");
        if new {
            return;
        }
    }
    Kms::finish(changing(&person, NEW), &[]).assert_success();
    assert_eq!(folders(), [false, true]);
}
