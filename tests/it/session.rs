//! The first sessions of README.md and of `kms --help`, typed word for word at a terminal, with
//! passphrases typed when they are asked for.

use kms_kit::kms::{Kms, PASSPHRASE};
use tempfile::TempDir;

use crate::harness::terminal::Terminal;
use crate::harness::world::World;

/// The chain's and the nodes' ports are free ones; the commands stay as they are written.
const SETTINGS: [(&str, &str); 1] = [("KMS_DEV_PORT", "0")];
/// The command that runs in a terminal of its own.
const DEV: &str = "kms dev --miners 3";
/// What each terminal needs first; where the tests' own build is found already, it does nothing.
const FIND: &str = "export PATH=$PWD/target/release:$PATH";

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    std::fs::read_to_string(path).unwrap()
}

/// The lines of each block of commands in README's first session.
fn blocks(readme: &str) -> Vec<Vec<String>> {
    let (_, session) = readme.split_once("\n## A first session\n").unwrap();
    let (session, _) = session.split_once("\n## ").unwrap();
    let blocks = session.split("```").skip(1).step_by(2);
    blocks
        .map(|block| {
            block
                .lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

/// The exit code that a line says it ends with.
fn expected(line: &str) -> i32 {
    let told = line.split_once("# exit ").map(|(_, rest)| rest);
    let code = told.and_then(|rest| rest.split(':').next());
    code.map_or(0, |code| code.parse().unwrap())
}

/// Two terminals in a folder with a file to share.
struct Desk {
    folder: TempDir,
    chain: Terminal,
    person: Terminal,
}

impl Desk {
    /// Types the command that runs the chain, and waits until it says what to type next.
    fn with_chain(file: &str, content: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        let mut chain = Terminal::open(folder.path(), &SETTINGS);
        chain.press(&format!("{DEV}\n"));
        chain.until_shown("kms init --network local");
        let person = Terminal::open(folder.path(), &SETTINGS);
        Self {
            folder,
            chain,
            person,
        }
    }

    /// Types a line, and compares its exit code with the one it promises.
    #[track_caller]
    fn type_line(&mut self, line: &str) -> String {
        let (code, shown) = self.person.run(line, PASSPHRASE);
        assert_eq!(code, expected(line), "{line}\n{shown}");
        shown
    }

    fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(name)).ok()
    }

    /// Ends the chain by Ctrl-C; nothing that was typed in secret was shown.
    fn close(mut self) {
        self.chain.press("\x03");
        let (code, shown) = self.chain.until_ready("");
        assert_eq!(code, 0, "{shown}");
        for terminal in [&self.chain, &self.person] {
            assert!(
                !terminal.screen().contains(PASSPHRASE),
                "a passphrase was shown"
            );
        }
    }
}

#[test]
fn readme_s_first_session_works_as_it_is_written() {
    let readme = readme();
    let [build, dev, session]: [Vec<String>; 3] = blocks(&readme).try_into().unwrap();
    // The tests' own build stands for the first block.
    assert!(
        build.iter().any(|line| line.starts_with("cargo build ")),
        "{build:?}"
    );
    assert_eq!(dev, [FIND, DEV]);
    let mut desk = Desk::with_chain("README.md", &readme);
    let mut shown = String::new();
    for line in &session {
        shown += &desk.type_line(line);
    }
    assert!(shown.contains("3 active"), "{shown}");
    assert!(shown.contains("[policy_revoked]"), "{shown}");
    for read in ["readme.md", "mine.md"] {
        assert!(
            desk.file(read).as_ref() == Some(&readme),
            "{read} is another file"
        );
    }
    assert!(desk.file("again.md").is_none());
    let (alice, bob) = (".local/share/kms: ", "kms-bob: ");
    for asked in [
        format!("New passphrase for the home at {}/{alice}", home(&desk)),
        format!("New passphrase for the home at {}/{bob}", home(&desk)),
        format!("Passphrase of the keys in {}/{alice}", home(&desk)),
        format!("Passphrase of the keys in {}/{bob}", home(&desk)),
    ] {
        assert!(shown.contains(&asked), "{asked:?} was not asked\n{shown}");
    }
    desk.close();
}

fn home(desk: &Desk) -> String {
    desk.folder.path().display().to_string()
}

#[test]
fn the_session_of_the_help_works_as_it_is_written() {
    let help = Kms::anywhere().run(&["--help"]).assert_success().stdout;
    let (_, session) = help.split_once("A first session").unwrap();
    let (session, _) = session.split_once("\n\n").unwrap();
    let mut lines = session.lines().skip(1).map(str::trim);
    let dev = lines.next().unwrap();
    assert!(dev.starts_with(DEV), "{dev}");
    let mut desk = Desk::with_chain("movie.mp4", "a film");
    for line in lines {
        desk.type_line(line);
    }
    assert_eq!(desk.file("bobs-movie.mp4").as_deref(), Some("a film"));
    desk.close();
}

/// A terminal whose home is there already, the kit's passphrase its own, and its world.
async fn at_home() -> (World, Kms, Terminal) {
    let world = World::new().await;
    let alice = Kms::at(&world.path("alice"));
    alice.init(&world.deployment_file, &world.rpc_url, &[]);
    let home = alice.home().display().to_string();
    let terminal = Terminal::open(&world.path(""), &[("KMS_HOME", &home)]);
    (world, alice, terminal)
}

/// A command that needs the passphrase and no chain.
const ASKS: &str = "kms key list --readers";

#[tokio::test(flavor = "multi_thread")]
async fn a_background_job_does_not_ask_and_says_what_to_do() {
    let (_world, _alice, mut terminal) = at_home().await;
    let (code, shown) = terminal.run(&format!("{ASKS} & wait $!"), PASSPHRASE);
    assert_eq!(code, 40, "{shown}");
    assert!(shown.contains("[prompt_in_background]"), "{shown}");
    assert!(shown.contains("hint: "), "{shown}");
    assert!(!shown.contains("Passphrase of"), "{shown}");
    let (code, shown) = terminal.run("jobs -s", "");
    assert!(
        code == 0 && !shown.contains("kms"),
        "a job was stopped: {shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_nobody_is_asked() {
    let (_world, alice, _terminal) = at_home().await;
    let kms = alice.command(&[]);
    let mut command = std::process::Command::new("setsid");
    command
        .arg("--wait")
        .arg(kms.get_program())
        .args(["key", "list", "--readers", "--json"]);
    let output = command
        .env("KMS_HOME", alice.home())
        .env_remove("KMS_PASSPHRASE_FILE")
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(40));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("\"passphrase_missing\""), "{error}");
    assert!(error.contains("KMS_PASSPHRASE_FILE"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_wrong_empty_and_differing_passphrases_at_the_prompt() {
    let (_world, _alice, mut terminal) = at_home().await;
    let (code, shown) = terminal.run(ASKS, "not the passphrase");
    assert!(
        code == 21 && shown.contains("[wrong_passphrase]"),
        "{code} {shown}"
    );
    let (code, shown) = terminal.run(ASKS, "");
    assert!(
        code == 40 && shown.contains("[passphrase_missing]"),
        "{code} {shown}"
    );
    let (code, shown) = terminal.run(ASKS, PASSPHRASE);
    assert_eq!(code, 0, "{shown}");

    terminal.press("kms --home new init --network deployment.json --rpc http://127.0.0.1:1\n");
    for _ in 0..3 {
        terminal.until_shown("New passphrase for the home at new: ");
        terminal.press("one passphrase\n");
        terminal.until_shown("The same again: ");
        terminal.press("another passphrase\n");
    }
    let (code, shown) = terminal.until_ready("");
    assert!(
        code == 40 && shown.contains("[passphrase_missing]"),
        "{code} {shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_the_prompt_ends_the_command_and_turns_the_echo_on() {
    let (_world, _alice, mut terminal) = at_home().await;
    terminal.press(&format!("{ASKS}\n"));
    terminal.until_shown("Passphrase of the keys in ");
    terminal.until_shown(": ");
    terminal.press("\x03");
    let (code, shown) = terminal.until_ready("");
    assert_ne!(code, 0, "{shown}");
    let (_, modes) = terminal.run("stty -a", "");
    assert!(modes.contains(" echo "), "{modes}");
}
