//! The context of a command: home, passphrases, output and log.

use std::env;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kms_client::{Home, HomeLock};
use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Format, Output};
use crate::passphrase::Passphrases;

/// How long a command waits for another one that writes to the home.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Everything a verb is given beside its own flags.
pub(crate) struct Context {
    pub(crate) out: Output,
    pub(crate) passphrases: Passphrases,
    home: PathBuf,
    verbosity: u8,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Outcome<Self> {
        let home = match &global.home {
            Some(home) => home.clone(),
            None => default_home().ok_or_else(|| {
                Failure::new("home_missing", "there is no home directory", "set KMS_HOME")
            })?,
        };
        let context = Self {
            out: Output {
                format: global.format(),
                chatter: global.chatter(),
            },
            passphrases: Passphrases::of(home.clone()),
            home,
            verbosity: global.verbose,
        };
        Ok(context)
    }

    /// The path of the home, which need not exist yet.
    pub(crate) fn home_dir(&self) -> &PathBuf {
        &self.home
    }

    /// Opens the home. Fails if there is none.
    pub(crate) fn home(&self) -> Outcome<Home> {
        Ok(Home::open(&self.home)?)
    }

    /// Locks the home for writing; waits for a command that has it.
    pub(crate) fn lock(&self, home: &Home) -> Outcome<HomeLock> {
        let deadline = Instant::now() + LOCK_PATIENCE;
        let mut told = false;
        loop {
            match home.lock() {
                Err(kms_client::Error::HomeLocked { .. }) if Instant::now() < deadline => {
                    if !told {
                        self.out
                            .note("waiting for another command in this home to end");
                    }
                    told = true;
                    std::thread::sleep(LOCK_POLL);
                }
                locked => return Ok(locked?),
            }
        }
    }

    /// Starts the log on stderr at the level `usual`, unless `KMS_LOG` or `-vv` set another.
    pub(crate) fn start_log(&self, usual: &str) {
        let level = match self.verbosity {
            0 | 1 => usual,
            2 => "debug,hyper=info,reqwest=info,sqlx=info",
            _ => "trace,hyper=info",
        };
        let filter = EnvFilter::try_from_env("KMS_LOG").unwrap_or_else(|_| EnvFilter::new(level));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        // Fails only if a log is started already, as in tests; that one stays.
        let _ = match self.out.format {
            Format::Human => log.with_target(false).try_init(),
            Format::Json => log.json().try_init(),
        };
    }
}

/// The default home: `$XDG_DATA_HOME/kms`, `~/.local/share/kms`; on Windows `%APPDATA%\kms`.
fn default_home() -> Option<PathBuf> {
    let dir = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty());
    if cfg!(windows) {
        return dir("APPDATA").map(|base| PathBuf::from(base).join("kms"));
    }
    let base = match dir("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|base| base.is_absolute())
    {
        Some(base) => base,
        None => PathBuf::from(dir("HOME")?).join(".local").join("share"),
    };
    Some(base.join("kms"))
}
