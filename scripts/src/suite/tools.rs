//! The tools of the suite: finds, installs and runs them. A missing Debian package is installed if
//! the suite runs as root; Python packages go into the target folder, checked against their hashes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::say;

/// Cases per property test under `--deep`; the default of the tests is at most 256.
const DEEP_PROPTEST_CASES: &str = "4096";

/// Pinned Python packages with their hashes, and the folder below the target folder they go into.
struct Pins {
    requirements: &'static str,
    folder: &'static str,
}

const ANALYSES: Pins = Pins {
    requirements: "contracts/requirements.txt",
    folder: "python",
};
/// Apart from the analyses, so that the kit's program has what it names and nothing else.
const KIT: Pins = Pins {
    requirements: "tests/python/requirements.txt",
    folder: "python-kit",
};

/// The workspace root and the options of a run.
pub(super) struct Suite {
    root: PathBuf,
    target: PathBuf,
    forge: PathBuf,
    deep: bool,
}

impl Suite {
    pub(super) fn new(root: &Path, deep: bool) -> Result<Self> {
        let root = std::fs::canonicalize(root).context("finding the workspace")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => std::path::absolute(target).context("finding the target folder")?,
            None => root.join("target"),
        };
        let forge = find_forge(&root)?;
        Ok(Self {
            root,
            target,
            forge,
            deep,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn contracts(&self) -> PathBuf {
        self.root.join("contracts")
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    pub(super) fn is_deep(&self) -> bool {
        self.deep
    }

    pub(super) fn cargo(&self, args: &[&str]) -> Command {
        self.cargo_in("", args)
    }

    /// The cargo command in another workspace below the root, with the root's target folder, so
    /// that common crates are compiled once.
    pub(super) fn cargo_in(&self, folder: &str, args: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(self.root.join(folder));
        command.env("CARGO_TARGET_DIR", &self.target);
        // Most end-to-end tests run a chain and several nodes each.
        command.env("RUST_TEST_THREADS", "2");
        if self.deep {
            command.env("PROPTEST_CASES", DEEP_PROPTEST_CASES);
        }
        command
    }

    /// The command `forge` in contracts/, under the default profile.
    pub(super) fn forge(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.forge);
        command.args(args).current_dir(self.contracts());
        command.env_remove("FOUNDRY_PROFILE");
        command
    }

    pub(super) fn forge_program(&self) -> &Path {
        &self.forge
    }

    pub(super) fn release(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// The command of a program of the contracts' npm packages.
    pub(super) fn npm(&self, name: &str) -> Command {
        let mut command = Command::new(self.contracts().join("node_modules/.bin").join(name));
        command.current_dir(self.contracts());
        command
    }

    /// The command of an analysis of the contracts, installed if missing, with `forge` on its PATH.
    pub(super) fn python(&self, name: &str) -> Result<Command> {
        let programs = self.python_programs(&ANALYSES)?;
        let mut folders = vec![programs.clone(), self.contracts().join("node_modules/.bin")];
        folders.extend(self.forge.parent().map(Path::to_path_buf));
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        let mut command = Command::new(programs.join(name));
        command
            .current_dir(self.contracts())
            .env("PATH", std::env::join_paths(folders)?);
        Ok(command)
    }

    /// The command of a script of the root, run by a Python that has the packages of the kit.
    pub(super) fn python_kit(&self, script: &str) -> Result<Command> {
        let mut command = Command::new(self.python_programs(&KIT)?.join("python"));
        command.arg(script).current_dir(&self.root);
        // No folders of compiled files among the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(command)
    }

    /// Makes a virtual environment in the target folder with the packages of `pins`.
    fn python_programs(&self, pins: &Pins) -> Result<PathBuf> {
        let requirements = self.root.join(pins.requirements);
        let text = std::fs::read(&requirements).context("reading Python's requirements")?;
        let wanted = hex::encode(Sha256::digest(&text));
        let folder = self.target.join(pins.folder);
        let stamp = folder.join("requirements.sha256");
        let programs = folder.join("bin");
        if std::fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
            return Ok(programs);
        }
        if !succeeds("python3", &["-c", "import venv, ensurepip"]) {
            install("python3-venv")?;
        }
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(&folder);
        run(create)?;
        let mut fill = Command::new(programs.join("pip"));
        fill.args(["install", "--quiet", "--disable-pip-version-check"]);
        fill.args([
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ]);
        run({
            fill.arg(&requirements);
            fill
        })?;
        std::fs::write(&stamp, wanted)?;
        Ok(programs)
    }
}

/// Ensures that `program` is on PATH, else installs the Debian package `package`.
pub(super) fn ensure_program(program: &str, package: &str) -> Result<()> {
    // ffmpeg knows the flag with one dash only.
    let runs = || succeeds(program, &["--version"]) || succeeds(program, &["-version"]);
    if runs() {
        return Ok(());
    }
    install(package)?;
    ensure!(
        runs(),
        "{program} does not run, though the package {package} is installed"
    );
    Ok(())
}

/// Ensures that PostgreSQL's programs are where Debian puts them, out of PATH.
pub(super) fn ensure_postgres() -> Result<()> {
    let is_there = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten();
        let mut folders = versions.filter_map(|entry| Some(entry.ok()?.path()));
        folders.any(|folder| folder.join("bin/initdb").exists())
    };
    if !is_there() {
        install("postgresql")?;
    }
    ensure!(is_there(), "PostgreSQL is not in /usr/lib/postgresql");
    Ok(())
}

fn install(package: &str) -> Result<()> {
    say::line(&format!("installing the Debian package {package}"));
    let is_root = Command::new("id").arg("-u").output();
    let is_root = is_root.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !is_root || !succeeds("apt-get", &["--version"]) {
        bail!("{package} is missing; install it (Debian: apt-get install {package})");
    }
    for args in [&["update", "--quiet"][..], &["install", "--yes", package]] {
        let mut command = Command::new("apt-get");
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        run(command)?;
    }
    Ok(())
}

/// Ensures that the toolchain has the standard crates of a target.
pub(super) fn ensure_target(suite: &Suite, target: &str) -> Result<()> {
    let mut sysroot = Command::new("rustc");
    sysroot.args(["--print", "target-libdir", "--target", target]);
    let output = sysroot.current_dir(suite.root()).output()?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && folder.is_dir() {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", target])
        .current_dir(suite.root());
    run(add).with_context(|| {
        format!(
            "the Rust target {target} is missing and could not be added; where there is a network, \
             `rustup target add {target}` is the remedy"
        )
    })?;
    Ok(())
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}

/// Finds `forge` of the pinned version on PATH, else in the npm packages.
fn find_forge(root: &Path) -> Result<PathBuf> {
    let package = std::fs::read_to_string(root.join("contracts/package.json"))?;
    let package: serde_json::Value = serde_json::from_str(&package)?;
    let pinned = package
        .pointer("/devDependencies/@foundry-rs~1forge")
        .and_then(serde_json::Value::as_str)
        .context("contracts/package.json pins no forge")?;
    if let Ok(output) = Command::new("forge").arg("--version").output()
        && String::from_utf8_lossy(&output.stdout).contains(&format!("Version: {pinned}"))
    {
        return Ok(PathBuf::from("forge"));
    }
    let folder = root.join("contracts/node_modules/@foundry-rs");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("{} is missing; run scripts/setup", folder.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("forge-"))
        })
        .map(|path| path.join("bin/forge"))
        .find(|path| path.exists())
        .context("no forge for this platform; run scripts/setup")
}

/// Runs `command` and returns the lines of its output. Fails if it fails.
pub(super) fn run(command: Command) -> Result<Vec<String>> {
    let what = format!("{command:?}");
    let (lines, succeeded) = attempt(command)?;
    ensure!(succeeded, "{what} failed, see above");
    Ok(lines)
}

/// Runs `command` and prints each line of its output. Returns the lines, and whether it succeeded.
pub(super) fn attempt(mut command: Command) -> Result<(Vec<String>, bool)> {
    let what = format!("{command:?}");
    let (reader, writer) = std::io::pipe().context("opening a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {what}"))?;
    // Closes the pipe's writing ends, without which the reader below would never end.
    drop(command);
    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line.context("reading output")?).into_owned();
        say::line(&line);
        lines.push(line);
    }
    Ok((lines, child.wait()?.success()))
}
