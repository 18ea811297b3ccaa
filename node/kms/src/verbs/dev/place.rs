//! The folders of `kms dev`: one for chain and miners, kept or not, and the one in which
//! `kms init --network local` looks for the deployment file.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use kms_chain::{Deployment, devnet};
use tempfile::TempDir;

use crate::failure::{Failure, Outcome};

const CHAIN: &str = "chain.json";
const DEPLOYMENT: &str = "deployment.json";
const MINERS: &str = "miners";
const LOCK: &str = "kms-dev.lock";

/// The folder of a run, which one process has at a time.
#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
    /// What becomes of the folder in the end.
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// It is removed.
    Fleeting { _dir: TempDir },
    /// It stays; the lock goes.
    Kept { _lock: File },
}

impl Place {
    /// A folder that stays, if its path is given, else one that goes with the value.
    ///
    /// A kept folder without a chain was left before its first run had ended in order; what else
    /// is in it belongs to a chain that is gone, and is removed.
    pub(super) fn take(kept: Option<&Path>) -> Outcome<Self> {
        let Some(path) = kept else {
            let made = tempfile::Builder::new().prefix("kms-chain-").tempdir();
            let made = made.map_err(|error| Failure::io("a temporary folder", &error))?;
            return Ok(Self {
                dir: made.path().to_path_buf(),
                kind: Kind::Fleeting { _dir: made },
            });
        };
        let failed = |error: std::io::Error| Failure::io(path.display(), &error);
        let dir = std::path::absolute(path).map_err(failed)?;
        let mut builder = std::fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(failed)?;
        refuse_foreign(&dir)?;
        let lock = lock(&dir)?;
        if !dir.join(CHAIN).is_file() {
            remove(&dir.join(DEPLOYMENT), |path| std::fs::remove_file(path))?;
            remove(&dir.join(MINERS), |path| std::fs::remove_dir_all(path))?;
        }
        Ok(Self {
            dir,
            kind: Kind::Kept { _lock: lock },
        })
    }

    /// The file that a kept chain is loaded from and saved to.
    pub(super) fn chain_file(&self) -> Option<PathBuf> {
        match self.kind {
            Kind::Fleeting { .. } => None,
            Kind::Kept { .. } => Some(self.dir.join(CHAIN)),
        }
    }

    /// The record of the contracts, which the nodes read.
    pub(super) fn deployment_file(&self) -> PathBuf {
        self.dir.join(DEPLOYMENT)
    }

    /// The folder of a miner, numbered from 1.
    pub(super) fn miner(&self, number: u16) -> PathBuf {
        self.dir.join(MINERS).join(number.to_string())
    }
}

/// Refuses a folder that no run has had, if anything in it stands where a run's own would.
fn refuse_foreign(dir: &Path) -> Outcome {
    if dir.join(LOCK).exists() {
        return Ok(());
    }
    let names = [CHAIN, DEPLOYMENT, MINERS];
    match names.iter().find(|name| dir.join(name).exists()) {
        Some(name) => {
            let dir = dir.display();
            let why = format!("{dir} is not a folder of `kms dev`, and has a {name} of its own");
            Err(Failure::usage(why).hint("name a new or an empty folder with --state"))
        }
        None => Ok(()),
    }
}

fn lock(dir: &Path) -> Outcome<File> {
    let path = dir.join(LOCK);
    let mut options = File::options();
    let file = options.create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| Failure::io(path.display(), &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure::new(
            "already_running",
            format!("another `kms dev` runs on {}", dir.display()),
            "use that one, stop it, or name another folder",
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(Failure::io(path.display(), &error)),
    }
}

fn remove(path: &Path, by: impl FnOnce(&Path) -> std::io::Result<()>) -> Outcome {
    match by(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::io(path.display(), &error))
        }
        _ => Ok(()),
    }
}

/// The deployment file where `kms init --network local` finds it, for as long as the chain runs.
#[derive(Debug)]
pub(super) struct Published {
    path: PathBuf,
    deployment: Deployment,
    /// The folder, if it was made for the file.
    made: Option<PathBuf>,
}

impl Published {
    /// Writes the file into the given folder, or into `deployments/` here or above.
    pub(super) fn write(dir: Option<PathBuf>, deployment: &Deployment) -> Outcome<Self> {
        let dir = dir.map_or_else(deployments_dir, Ok)?;
        let made = (!dir.exists()).then(|| dir.clone());
        std::fs::create_dir_all(&dir).map_err(|error| Failure::io(dir.display(), &error))?;
        let path = dir.join(format!("{}.json", devnet::CHAIN_ID));
        deployment.save(&path)?;
        Ok(Self {
            path,
            deployment: deployment.clone(),
            made,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // Another chain's file stays, and a folder with anything else in it.
        if Deployment::load(&self.path).is_ok_and(|found| found == self.deployment) {
            let _ = std::fs::remove_file(&self.path);
            let _ = self.made.as_ref().map(std::fs::remove_dir);
        }
    }
}

/// Finds `deployments/` in the working directory or the nearest one above.
fn deployments_dir() -> Outcome<PathBuf> {
    let here = std::env::current_dir().map_err(|error| Failure::io("this directory", &error))?;
    let found = here
        .ancestors()
        .map(|dir| dir.join("deployments"))
        .find(|dir| dir.is_dir());
    Ok(found.unwrap_or_else(|| here.join("deployments")))
}

#[cfg(test)]
mod tests;
