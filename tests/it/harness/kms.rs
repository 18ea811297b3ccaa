//! The `kms` binary as a person or a script calls it: a home, a passphrase, exit codes, JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The passphrase of every home the tests make.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// Somebody's command line.
#[derive(Clone)]
pub(crate) struct Kms {
    home: Option<PathBuf>,
    passphrase: Option<PathBuf>,
}

/// What a call gave.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) what: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary, beside the folder of this test binary.
pub(crate) fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.parent().and_then(Path::parent).unwrap().join("kms");
    assert!(
        path.exists(),
        "{path:?} is missing: cargo build --release --package kms"
    );
    path
}

impl Kms {
    /// Without a home.
    pub(crate) fn anywhere() -> Self {
        Self {
            home: None,
            passphrase: None,
        }
    }

    /// With a home at `home`, which need not exist yet, and the usual passphrase beside it.
    pub(crate) fn at(home: &Path) -> Self {
        let passphrase = home.with_extension("passphrase");
        std::fs::write(&passphrase, format!("{PASSPHRASE}\n")).unwrap();
        Self {
            home: Some(home.to_owned()),
            passphrase: Some(passphrase),
        }
    }

    /// The same home with another passphrase.
    pub(crate) fn saying(&self, passphrase: &str) -> Self {
        let path = self
            .home
            .as_ref()
            .unwrap()
            .with_extension("other-passphrase");
        std::fs::write(&path, passphrase).unwrap();
        Self {
            passphrase: Some(path),
            ..self.clone()
        }
    }

    /// The home.
    pub(crate) fn home(&self) -> &Path {
        self.home.as_ref().unwrap()
    }

    /// The command, not started yet, free of the caller's own settings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KMS_") && name != "KMS_ANVIL" {
                command.env_remove(name);
            }
        }
        if let Some(home) = &self.home {
            command.env("KMS_HOME", home);
        }
        if let Some(passphrase) = &self.passphrase {
            command.env("KMS_PASSPHRASE_FILE", passphrase);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Runs to the end, printing as for people.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        finish(self.command(args), args)
    }

    /// Runs to the end with `--json`.
    pub(crate) fn json(&self, args: &[&str]) -> Output {
        let args = [args, &["--json"]].concat();
        finish(self.command(&args), &args)
    }
}

fn finish(mut command: Command, args: &[&str]) -> Output {
    let output = command.output().unwrap();
    Output {
        what: format!("kms {}", args.join(" ")),
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Output {
    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub(crate) fn assert_success(self) -> Self {
        assert_eq!(
            self.code, 0,
            "{}\n{}\n{}",
            self.what, self.stdout, self.stderr
        );
        self
    }

    /// Fails the test unless the command failed with this exit code and error code; returns the
    /// error object. A failed command prints no backtrace and no panic.
    #[track_caller]
    pub(crate) fn assert_failure(self, exit: i32, code: &str) -> Value {
        assert_eq!(
            self.code, exit,
            "{}\n{}\n{}",
            self.what, self.stdout, self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        let error = objects(&self.stderr)
            .into_iter()
            .chain(objects(&self.stdout))
            .find(|object| object.get("exit").is_some())
            .unwrap_or_else(|| panic!("{}: no error object\n{}", self.what, self.stderr));
        assert_eq!(error["code"], code, "{}: {error}", self.what);
        assert_eq!(error["exit"], exit, "{}: {error}", self.what);
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            !message.is_empty(),
            "{}: an error without a message",
            self.what
        );
        error
    }

    /// A field of the first object that has it.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Value {
        objects(&self.stdout)
            .iter()
            .find_map(|object| object.get(name).cloned())
            .unwrap_or_else(|| panic!("{}: no `{name}` in {}", self.what, self.stdout))
    }

    /// A text field.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        let value = self.field(name);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{}: `{name}` is {value}", self.what))
            .to_owned()
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(Value::is_object)
        .collect()
}
