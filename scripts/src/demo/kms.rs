//! Calls the `kms` binary as a person or a script would: a home of its own, `--json`, exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use kms_protocol::{Address, Amount};
use serde_json::Value;

/// Somebody's command line.
#[derive(Clone)]
pub(super) struct Kms {
    binary: PathBuf,
    home: PathBuf,
    passphrase: PathBuf,
}

/// What one call gave.
pub(super) struct Answer {
    /// Exit code.
    pub(super) code: i32,
    /// The JSON objects printed on stdout, one per line.
    pub(super) lines: Vec<Value>,
    /// The error object, if the call failed.
    pub(super) error: Option<Value>,
    /// For messages: what was run.
    what: String,
    stderr: String,
}

impl Kms {
    /// The binary beside this one, with `home` as home and a passphrase from a file.
    pub(super) fn new(home: &Path, passphrase: &Path) -> Result<Self> {
        let here = std::env::current_exe().context("finding this program")?;
        let binary = here.with_file_name("kms");
        ensure!(
            binary.exists(),
            "{} is missing; run scripts/demo, or cargo build --release --package kms",
            binary.display()
        );
        Ok(Self {
            binary,
            home: home.to_owned(),
            passphrase: passphrase.to_owned(),
        })
    }

    /// The command, not started yet; nothing of the caller's own settings reaches it.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            // The demo's chain tool stays findable; a developer's own home stays untouched.
            let text = name.to_string_lossy();
            if text.starts_with("KMS_") && text != "KMS_ANVIL" {
                command.env_remove(name);
            }
        }
        command
            .env("KMS_HOME", &self.home)
            .env("KMS_PASSPHRASE_FILE", &self.passphrase);
        // What is left behind for the next call goes with the stage.
        if let Some(stage) = self.home.parent() {
            command.env("TMPDIR", stage);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Runs to the end, whatever the exit code.
    pub(super) fn run(&self, args: &[&str]) -> Result<Answer> {
        let what = format!("kms {}", args.join(" "));
        let mut command = self.command(args);
        let output = command
            .arg("--json")
            .output()
            .with_context(|| format!("starting {what}"))?;
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = objects(&stdout);
        let error = objects(&stderr)
            .into_iter()
            .chain(lines.iter().cloned())
            .find(is_error);
        let code = output
            .status
            .code()
            .with_context(|| format!("{what} was killed"))?;
        Ok(Answer {
            code,
            lines,
            error,
            what,
            stderr,
        })
    }

    /// Runs to the end and expects success.
    pub(super) fn ok(&self, args: &[&str]) -> Result<Answer> {
        let answer = self.run(args)?;
        ensure!(
            answer.code == 0,
            "{} failed ({}): {}",
            answer.what,
            answer.code,
            answer.stderr
        );
        Ok(answer)
    }
}

impl Answer {
    /// The first object that has the field.
    pub(super) fn field(&self, name: &str) -> Result<&Value> {
        self.lines
            .iter()
            .find_map(|line| line.get(name))
            .with_context(|| format!("{} printed no `{name}`", self.what))
    }

    /// A text field.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let value = self.field(name)?;
        let text = value
            .as_str()
            .with_context(|| format!("{}: `{name}` is {value}", self.what))?;
        Ok(text.to_owned())
    }

    /// An address field.
    pub(super) fn address(&self, name: &str) -> Result<Address> {
        self.text(name)?
            .parse()
            .with_context(|| format!("{}: `{name}`", self.what))
    }

    /// An amount field: a decimal string of the smallest unit.
    pub(super) fn amount(&self, name: &str) -> Result<Amount> {
        let text = self.text(name)?;
        Ok(Amount(text.parse().with_context(|| {
            format!("{}: `{name}` is {text}", self.what)
        })?))
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(Value::is_object)
        .collect()
}

fn is_error(value: &Value) -> bool {
    value.get("code").is_some() && value.get("exit").is_some()
}
