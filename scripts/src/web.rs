//! `kms-scripts web`: makes deployments/web of node/web, the same bytes on every machine, or
//! checks what is there. The tools are those that node/web/package-lock.json pins.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::say;

/// What to do with deployments/web.
#[derive(clap::Subcommand, Clone, Copy)]
pub(crate) enum Action {
    /// Build the pages and write them.
    Build,
    /// Build the pages and fail if a committed file differs.
    Check,
}

/// Files of a page that are taken as they are.
const PLAIN: [&str; 2] = ["index.html", "icon.svg"];
/// Files of a page that esbuild makes: its source and its name.
const MADE: [(&str, &str); 2] = [("main.tsx", "app.js"), ("style.css", "style.css")];
const FLAGS: [&str; 8] = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=none",
    "--jsx=automatic",
    "--jsx-import-source=preact",
];

pub(crate) fn run(action: Action) -> Result<()> {
    let root = std::fs::canonicalize(crate::workspace::root())?;
    let web = root.join("node/web");
    install(&web)?;
    done(tool(&web, "tsc"))?;
    let built = tempfile::tempdir().context("making a folder")?;
    dashboard(&web, built.path())?;
    let kept = root.join("deployments/web/dashboard");
    let mut differing = Vec::new();
    for name in names() {
        let fresh = std::fs::read(built.path().join(name)).with_context(|| name.to_owned())?;
        if std::fs::read(kept.join(name)).is_ok_and(|bytes| bytes == fresh) {
            continue;
        }
        differing.push(name);
        if matches!(action, Action::Build) {
            std::fs::create_dir_all(&kept)?;
            std::fs::write(kept.join(name), fresh)?;
        }
    }
    match action {
        Action::Build => say::line(&format!("web: changed: {differing:?}")),
        Action::Check => {
            ensure!(
                differing.is_empty(),
                "deployments/web/dashboard: {differing:?} differ from what node/web makes; \
                 run `kms-scripts web build` and commit"
            );
            say::line("web: deployments/web is fresh");
        }
    }
    Ok(())
}

fn names() -> impl Iterator<Item = &'static str> {
    PLAIN.into_iter().chain(MADE.map(|(_, name)| name))
}

/// Installs the pinned tools, unless the last installation was of the same lock file.
pub(crate) fn install(web: &Path) -> Result<()> {
    let lock = std::fs::read(web.join("package-lock.json")).context("reading the lock file")?;
    let stamp = web.join("node_modules/.kms-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    npm.arg("--loglevel=error").current_dir(web);
    done(npm)?;
    std::fs::write(stamp, lock).context("noting what is installed")
}

fn tool(web: &Path, name: &str) -> Command {
    let mut command = Command::new(web.join("node_modules/.bin").join(name));
    command.current_dir(web);
    command
}

fn dashboard(web: &Path, built: &Path) -> Result<()> {
    let page = PathBuf::from("pages/dashboard");
    for name in PLAIN {
        std::fs::copy(web.join(&page).join(name), built.join(name))?;
    }
    for (source, name) in MADE {
        let mut esbuild = tool(web, "esbuild");
        esbuild.arg(page.join(source)).args(FLAGS);
        esbuild.arg("--log-level=warning");
        esbuild.arg(format!("--outfile={}", built.join(name).display()));
        done(esbuild)?;
    }
    Ok(())
}

fn done(mut command: Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed, see above");
    Ok(())
}
