//! `kms dev`: a chain with miners at work, in one process that leaves nothing behind.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kms_chain::Deployment;
use kms_kit::kms::{Kms, Output};
use kms_kit::process::free_port;
use kms_kit::wait::{poll, until};
use serde_json::Value;
use tempfile::TempDir;

/// Limit of a start: the contracts, a period, and every miner active at once, beside other builds.
const REPORT_LIMIT: Duration = Duration::from_secs(240);

/// A person's folder, in which `kms dev` runs, and its output.
struct Yard {
    folder: TempDir,
    person: Kms,
}

impl Yard {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let person = Kms::at(&folder.path().join("home"));
        Self { folder, person }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.person.command(args);
        command.current_dir(self.folder.path());
        command
    }

    /// Runs a command in the folder to its end.
    fn run(&self, args: &[&str]) -> Output {
        self.person.run_in(self.folder.path(), args)
    }

    /// Starts `kms dev` and waits for its report.
    fn start(&self, args: &[&str]) -> Dev {
        let log = self.path("log");
        let out = std::fs::File::create(&log).unwrap();
        let args = [&["dev", "--json", "--port", "0"], args].concat();
        let mut command = self.command(&args);
        command.stderr(out.try_clone().unwrap()).stdout(out);
        let mut dev = Dev {
            child: command.stdin(Stdio::null()).spawn().unwrap(),
            report: Value::Null,
        };
        dev.report = poll("the report of kms dev", REPORT_LIMIT, || {
            let text = std::fs::read_to_string(&log).unwrap();
            let ended = dev.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}\n{text}");
            Ok(text.lines().find_map(|line| {
                let value: Value = serde_json::from_str(line).ok()?;
                value.get("rpc_url").is_some().then_some(value)
            }))
        })
        .unwrap();
        dev
    }

    /// What stands in the folder, but for what the person has.
    fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let own = ["log", "home", "home.passphrase", "chain"];
        names.filter(|name| !own.contains(&name.as_str())).collect()
    }
}

/// A running `kms dev`.
struct Dev {
    child: Child,
    report: Value,
}

impl Dev {
    fn miners(&self) -> &Vec<Value> {
        self.report["miners"].as_array().unwrap()
    }

    /// The contracts of its chain.
    fn deployment(&self) -> Deployment {
        let path = self.report["deployment"].as_str().unwrap();
        Deployment::load(Path::new(path)).unwrap()
    }

    fn keeper(&self) -> PathBuf {
        Path::new("/proc").join(self.report["process_id"].to_string())
    }

    /// Sends a signal and waits for the end; the exit code, or -1 if the signal ended it.
    fn signal(mut self, name: &str) -> i32 {
        let id = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -s {name} {id}")])
            .status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_miners_earn_a_home_gets_money_and_nothing_outlives_it() {
    let yard = Yard::new();
    let dev = yard.start(&["--miners", "2"]);
    yard.run(&["init", "--network", "local"]).assert_success();
    let status = yard.run(&["status", "--json"]).assert_success();
    assert_eq!(status.field("active_miners"), 2);
    assert_eq!(status.text("kms"), (100_000 * 10_u128.pow(18)).to_string());
    assert_eq!(status.text("eth"), (100 * 10_u128.pow(18)).to_string());

    let miner = dev.miners()[0]["miner"].as_str().unwrap().to_owned();
    until("a claimed reward", async || {
        let stake = yard
            .run(&["stake", "status", &miner, "--json"])
            .assert_success();
        (stake.amount("balance").0 > 0).then_some(())
    })
    .await;
    let http = reqwest::Client::new();
    for miner in dev.miners() {
        let url = format!("{}/readyz", miner["url"].as_str().unwrap());
        assert!(http.get(url).send().await.unwrap().status().is_success());
    }

    let (keeper, rpc) = (
        dev.keeper(),
        dev.report["rpc_url"].as_str().unwrap().to_owned(),
    );
    assert!(keeper.exists());
    assert_eq!(dev.signal("INT"), 0);
    assert!(!keeper.exists(), "anvil runs on");
    assert_eq!(yard.leftovers(), [""; 0]);
    assert!(http.get(rpc).send().await.is_err(), "somebody answers");
    yard.run(&["init", "--network", "local", "--home", "other", "--json"])
        .assert_failure(3, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_chain_goes_on_with_its_miners_and_is_one_process_s() {
    let yard = Yard::new();
    let dev = yard.start(&["--miners", "1", "--state", "chain"]);
    yard.run(&["init", "--network", "local"]).assert_success();
    let busy = yard.run(&["dev", "--port", "0", "--state", "chain", "--json"]);
    busy.assert_failure(50, "already_running");
    let (before, miners) = (dev.deployment(), dev.miners().clone());
    assert_eq!(dev.signal("TERM"), 0);
    assert_eq!(yard.leftovers(), [""; 0]);

    let dev = yard.start(&["--miners", "1", "--state", "chain"]);
    let after = dev.deployment();
    assert_eq!(after.genesis_hash, before.genesis_hash);
    assert_eq!(after.contracts, before.contracts);
    assert_eq!(dev.miners()[0]["miner"], miners[0]["miner"]);
    assert_eq!(dev.miners()[0]["locked"], miners[0]["locked"]);
    // The home that was there at the start got its money again, on top of the first.
    let rpc = dev.report["rpc_url"].as_str().unwrap();
    let fund = ["dev", "fund", "--eth", "1 ETH", "--rpc", rpc, "--json"];
    let funded = yard.run(&fund).assert_success();
    assert_eq!(funded.text("kms"), (200_000 * 10_u128.pow(18)).to_string());
    assert_eq!(dev.signal("HUP"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_chain_ends_with_it_even_by_a_kill() {
    let yard = Yard::new();
    let dev = yard.start(&["--state", "chain"]);
    let (keeper, before) = (dev.keeper(), dev.deployment());
    assert_eq!(dev.signal("KILL"), -1);
    until("the end of anvil", async || {
        (!keeper.exists()).then_some(())
    })
    .await;
    // The kept chain was written all the same.
    let dev = yard.start(&["--state", "chain"]);
    assert_eq!(dev.deployment().genesis_hash, before.genesis_hash);
    let dropped = dev.keeper();
    drop(dev);
    until("the end of anvil", async || {
        (!dropped.exists()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_port_that_is_taken_and_leaves_nothing() {
    let yard = Yard::new();
    let (port, _taken) = std::iter::repeat_with(free_port)
        .find_map(|port| {
            let above = port.checked_add(1)?;
            let taken = std::net::TcpListener::bind(("127.0.0.1", above)).ok()?;
            Some((port, taken))
        })
        .unwrap();
    let port = port.to_string();
    let error = yard
        .run(&["dev", "--miners", "1", "--port", &port, "--json"])
        .assert_failure(70, "listen_failed");
    assert!(error["message"].as_str().unwrap().contains("127.0.0.1"));
    assert_eq!(yard.leftovers(), [""; 0]);
}

#[test]
fn names_the_command_that_installs_a_missing_anvil() {
    let yard = Yard::new();
    let mut command = yard.command(&["dev", "--json"]);
    let output = command.env("KMS_ANVIL", "/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("\"anvil_missing\""), "{error}");
    assert!(error.contains("`scripts/setup`"), "{error}");
}
