//! The `kms` binary as a person or a script calls it: a home, a passphrase, exit codes, JSON.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use kms_protocol::{Address, Amount};
use serde_json::Value;

/// The passphrase of every home the tests make.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// Somebody's command line.
#[derive(Debug, Clone)]
pub struct Kms {
    home: Option<PathBuf>,
    passphrase: Option<PathBuf>,
}

/// What a call gave.
#[derive(Debug)]
pub struct Output {
    what: String,
    /// Exit code; -1 if a signal ended the call.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// The binary: beside this program, or beside the folder of this test's binary.
fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folders = here.ancestors().skip(1).take(2);
    let mut paths = folders.map(|folder| folder.join("kms"));
    let found = paths.find(|path| path.is_file());
    found.expect("kms is missing: cargo build --release --package kms")
}

/// Writes a file that only its owner can read.
///
/// # Panics
/// The file cannot be written.
pub fn write_private(path: &Path, text: &str) {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

impl Kms {
    /// Without a home.
    pub fn anywhere() -> Self {
        Self {
            home: None,
            passphrase: None,
        }
    }

    /// With a home at `home`, which need not exist yet, and the usual passphrase beside it.
    pub fn at(home: &Path) -> Self {
        let passphrase = home.with_extension("passphrase");
        write_private(&passphrase, PASSPHRASE);
        Self {
            home: Some(home.to_owned()),
            passphrase: Some(passphrase),
        }
    }

    /// The same home with another passphrase.
    pub fn saying(&self, passphrase: &str) -> Self {
        let path = self.home().with_extension("other-passphrase");
        write_private(&path, passphrase);
        Self {
            passphrase: Some(path),
            ..self.clone()
        }
    }

    /// The same home, and no passphrase.
    pub fn without_passphrase(&self) -> Self {
        Self {
            passphrase: None,
            ..self.clone()
        }
    }

    /// The home.
    ///
    /// # Panics
    /// There is none.
    pub fn home(&self) -> &Path {
        self.home.as_ref().unwrap()
    }

    /// The command, not started yet, free of the caller's own settings; what it leaves behind for
    /// the next call stands beside the home.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os() {
            // The chain tool stays findable; a developer's own home stays untouched.
            if name.to_string_lossy().starts_with("KMS_") && name != "KMS_ANVIL" {
                command.env_remove(name);
            }
        }
        if let Some(home) = &self.home {
            command.env("KMS_HOME", home);
            command.envs(home.parent().map(|folder| ("TMPDIR", folder)));
        }
        if let Some(passphrase) = &self.passphrase {
            command.env("KMS_PASSPHRASE_FILE", passphrase);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Runs to the end, printing as for people.
    pub fn run(&self, args: &[&str]) -> Output {
        Self::finish(self.command(args), args)
    }

    /// The same in a folder.
    pub fn run_in(&self, folder: &Path, args: &[&str]) -> Output {
        let mut command = self.command(args);
        command.current_dir(folder);
        Self::finish(command, args)
    }

    /// Runs a command with these arguments to its end.
    pub fn finish(mut command: Command, args: &[&str]) -> Output {
        let output = command.output().unwrap();
        Output {
            what: format!("kms {}", args.join(" ")),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs to the end with `--json`.
    pub fn json(&self, args: &[&str]) -> Output {
        self.run(&[args, &["--json"]].concat())
    }

    /// Makes the home, for the network of a deployment file; the address of its wallet.
    #[track_caller]
    pub fn init(&self, network: &Path, rpc: &str, more: &[&str]) -> Address {
        let network = network.display().to_string();
        let args = ["init", "--network", &network, "--rpc", rpc];
        let made = self.json(&[&args[..], more].concat());
        made.assert_success().address("wallet")
    }
}

impl Output {
    /// Itself, if the command succeeded.
    ///
    /// # Errors
    /// It did not; with all it printed.
    pub fn success(self) -> Result<Self> {
        match self.code {
            0 => Ok(self),
            code => bail!("{}: {code}\n{}{}", self.what, self.stdout, self.stderr),
        }
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn assert_success(self) -> Self {
        self.success().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The object that tells why the command failed.
    pub fn error(&self) -> Option<Value> {
        let mut told = objects(&self.stderr).chain(objects(&self.stdout));
        told.find(|object| object.get("code").is_some() && object.get("exit").is_some())
    }

    /// Fails the test unless the command failed with this exit code and error code; returns the
    /// error object. A failed command prints no backtrace and no panic.
    #[track_caller]
    pub fn assert_failure(&self, exit: i32, code: &str) -> Value {
        assert_eq!(self.code, exit, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let error = self.error();
        let error = error.unwrap_or_else(|| panic!("no error object: {self:#?}"));
        assert_eq!(error["code"], code, "{}: {error}", self.what);
        assert_eq!(error["exit"], exit, "{}: {error}", self.what);
        let message = error["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{}: no message", self.what);
        error
    }

    /// A field of the first object that has it.
    #[track_caller]
    pub fn field(&self, name: &str) -> Value {
        objects(&self.stdout)
            .find_map(|object| object.get(name).cloned())
            .unwrap_or_else(|| panic!("{}: no `{name}` in {}", self.what, self.stdout))
    }

    /// A text field.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        let value = self.field(name);
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("{}: `{name}` is {value}", self.what))
    }

    /// An address field.
    #[track_caller]
    pub fn address(&self, name: &str) -> Address {
        self.text(name).parse().unwrap()
    }

    /// An amount field: a decimal string of the smallest unit.
    #[track_caller]
    pub fn amount(&self, name: &str) -> Amount {
        Amount(self.text(name).parse().unwrap())
    }
}

/// The JSON objects of an output, one per line.
fn objects(text: &str) -> impl Iterator<Item = Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(Value::is_object)
}
