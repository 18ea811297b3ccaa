//! `kms agent`: unlocks a home once for all commands of a while.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use kms_client::{Home, KeyFile};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::agent::client::Client;
use crate::agent::server::{self, Keys};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::passphrase::{FD_VARIABLE, FILE_VARIABLE, Passphrases};
use crate::text::utc;

/// Longest time that an agent may run, in seconds: a day.
const LIFETIME_MAX_S: u64 = 24 * 3600;
/// What the agent's process writes once it listens.
const READY: u8 = b'+';

/// Unlock a home once: for a while its commands ask for no passphrase
///
/// Asks for the passphrase and keeps the keys of the home in the memory of a process, which gives
/// them to commands of the same user on this machine. They are erased when the time is over, by
/// `kms agent stop`, and when the machine is shut down. Whoever uses your account meanwhile can
/// use your keys.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  kms agent
  kms agent --for 1h
  kms agent status
  kms agent stop")]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    verb: Option<AgentVerb>,
    /// How long: seconds, minutes or hours, as in 90s, 15m, 2h; a day at most
    #[arg(long = "for", value_name = "TIME", default_value = "15m")]
    lifetime: Lifetime,
}

#[derive(Debug, Subcommand)]
enum AgentVerb {
    /// Show whether this home is unlocked, and for how long
    #[command(after_help = "Example:\n  kms agent status --json")]
    Status,
    /// Erase the keys and end the agent
    #[command(after_help = "Example:\n  kms agent stop")]
    Stop,
    /// Be the agent: the keys come from stdin
    #[command(hide = true, after_help = "Example:\n  kms agent serve --for 15m")]
    Serve {
        /// How long
        #[arg(long = "for", value_name = "TIME")]
        lifetime: Lifetime,
    },
}

impl AgentArgs {
    /// True for the agent's own process: it ends in order.
    pub(crate) fn stops_itself(&self) -> bool {
        matches!(self.verb, Some(AgentVerb::Serve { .. }))
    }
}

/// The time that an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime(Duration);

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a time of at most a day, as in 90s, 15m, 2h");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let digits = text.strip_suffix(unit).ok_or_else(wrong)?;
        let seconds_per_unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let seconds = number.checked_mul(seconds_per_unit);
        let seconds = seconds.filter(|seconds| (1..=LIFETIME_MAX_S).contains(seconds));
        seconds
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or_else(wrong)
    }
}

/// Whether a home is unlocked.
#[derive(Serialize)]
struct AgentReport {
    home: PathBuf,
    running: bool,
    seconds_left: u64,
    /// When it ends, in seconds since 1970; null if none runs.
    until: Option<u64>,
}

impl AgentReport {
    fn of(home: &Home, seconds_left: Option<u64>) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            home: home.path().to_path_buf(),
            running: seconds_left.is_some(),
            seconds_left: seconds_left.unwrap_or_default(),
            until: seconds_left.map(|left| now.as_secs().saturating_add(left)),
        }
    }
}

impl fmt::Display for AgentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let home = self.home.display();
        match self.until {
            Some(until) => write!(f, "{home} is unlocked until {}", utc(until)),
            None => write!(f, "{home} is locked"),
        }
    }
}

pub(crate) async fn run(args: AgentArgs, context: &Context) -> Outcome {
    let home = context.home()?;
    let seed = home.config().seed_fingerprint.clone();
    let client = Client::of(home.path(), &seed);
    match args.verb {
        None => start(&home, &client, args.lifetime, context),
        Some(AgentVerb::Status) => {
            let left = client.seconds_left()?;
            context.out.emit(&AgentReport::of(&home, left))
        }
        Some(AgentVerb::Stop) => {
            client.stop()?;
            context.out.emit(&AgentReport::of(&home, None))
        }
        Some(AgentVerb::Serve { lifetime }) => serve(&home, lifetime).await,
    }
}

/// Asks for the passphrase, whether or not an agent runs, so that none lives longer than somebody
/// who knows it wants; an older agent ends.
fn start(home: &Home, client: &Client<'_>, lifetime: Lifetime, context: &Context) -> Outcome {
    let passphrases = Passphrases::of(home.path().to_path_buf()).anew();
    let seed = home.unlock_key(KeyFile::Seed, &passphrases)?;
    let wallet = home.unlock_key(KeyFile::Wallet, &passphrases)?;
    client.stop()?;
    let program = std::env::current_exe().map_err(|error| Failure::io("this program", &error))?;
    let path = std::path::absolute(home.path());
    let path = path.map_err(|error| Failure::io(home.path().display(), &error))?;
    let seconds = format!("{}s", lifetime.0.as_secs());
    let child = Command::new(program)
        .args(["agent", "serve", "--for", &seconds, "--home"])
        .arg(path)
        .env_remove(FD_VARIABLE)
        .env_remove(FILE_VARIABLE)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| Failure::io("the agent", &error))?;
    let mut ready = [0];
    let handed = (|| {
        let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(seed.as_slice())?;
        input.write_all(wallet.as_slice())?;
        drop(input);
        let mut output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        output.read_exact(&mut ready)
    })();
    if handed.is_err() || ready != [READY] {
        let mut told = String::new();
        let _ = child
            .stderr
            .take()
            .map(|mut errors| errors.read_to_string(&mut told));
        let told = told
            .lines()
            .next()
            .unwrap_or("it ended without a word")
            .to_owned();
        let hint = "mend what its message names, or go on without an agent";
        return Err(Failure::new(
            "agent_failed",
            format!("no agent: {told}"),
            hint,
        ));
    }
    context
        .out
        .emit(&AgentReport::of(home, Some(lifetime.0.as_secs())))
}

/// The agent's process: no terminal, no child of a session that ends.
async fn serve(home: &Home, lifetime: Lifetime) -> Outcome {
    // Fails only for the leader of a group, which a program started by hand may be.
    let _ = rustix::process::setsid();
    let mut keys = Keys {
        fingerprint: home.config().seed_fingerprint.clone(),
        seed: Zeroizing::new([0; 32]),
        wallet: Zeroizing::new([0; 32]),
    };
    let failed = |error: io::Error| Failure::io("the keys on stdin", &error);
    // The descriptor itself: a buffer would keep a copy.
    let input = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
    let mut input = File::from(input);
    input.read_exact(keys.seed.as_mut_slice()).map_err(failed)?;
    input
        .read_exact(keys.wallet.as_mut_slice())
        .map_err(failed)?;
    let ready = || {
        let mut out = io::stdout().lock();
        out.write_all(&[READY])?;
        out.flush()
    };
    server::run(
        home.path(),
        keys,
        lifetime.0,
        ready,
        interrupt::asked_to_stop(),
    )
    .await
}

#[cfg(test)]
mod tests;
