//! The agent's process: answers requests of the same user until its time is over.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use kms_client::KeyFile;
use rustix::process::geteuid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::Instant;

use super::{ANSWER_TIMEOUT, GRANTED, REFUSED, REQUEST_BYTES, Secret, Verb, folder, socket};
use crate::failure::{Failure, Outcome};

/// Longest time between two looks at the clock, which goes on while the machine sleeps.
const CLOCK_LOOK: Duration = Duration::from_secs(10);
/// Pause between two tries to take the place of an agent that ends.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// The keys of a home, open. Erased when dropped.
pub(crate) struct Keys {
    /// Fingerprint of the seed, by which requests name the home.
    pub(crate) fingerprint: String,
    pub(crate) seed: Secret,
    pub(crate) wallet: Secret,
}

/// The end of the agent's time: both clocks, so that neither a sleep of the machine nor a change
/// of its time makes it longer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    running: Instant,
    wall: SystemTime,
}

impl Deadline {
    pub(super) fn after(lifetime: Duration) -> Self {
        Self {
            running: Instant::now() + lifetime,
            wall: SystemTime::now() + lifetime,
        }
    }

    fn left(self) -> Duration {
        let wall = self
            .wall
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        wall.min(self.running.saturating_duration_since(Instant::now()))
    }
}

/// What becomes of the agent after a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Listen,
    End,
}

/// Answers until the lifetime is over, a request or `stop` ends it. `ready` is called once the
/// socket listens.
pub(crate) async fn run(
    home: &Path,
    keys: Keys,
    lifetime: Duration,
    ready: impl FnOnce() -> io::Result<()>,
    stop: impl Future<Output = io::Result<()>>,
) -> Outcome {
    let deadline = Deadline::after(lifetime);
    // Held past the last removal of the socket, so that no successor's is removed.
    let _alone = alone(home, ANSWER_TIMEOUT).await?;
    let listener = listen(home)?;
    let served = async {
        ready()?;
        while !deadline.left().is_zero() {
            let look = tokio::time::sleep(deadline.left().min(CLOCK_LOOK));
            let stream = tokio::select! {
                accepted = listener.accept() => accepted?.0,
                () = look => continue,
            };
            // A request that fails is its sender's trouble.
            let answered = answer(stream, home, &keys, deadline);
            if let Ok(Ok(Next::End)) = tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
                break;
            }
        }
        Ok(())
    };
    let outcome = tokio::select! {
        served = served => served,
        stopped = stop => stopped,
    };
    let _ = std::fs::remove_file(socket(home));
    outcome.map_err(|error: io::Error| Failure::io(socket(home).display(), &error))
}

/// Becomes the one agent of the home, for as long as the file is open; an older one may be ending.
pub(super) async fn alone(home: &Path, patience: Duration) -> Outcome<File> {
    make_folder(home)?;
    let path = folder(home).join("agent.lock");
    let failed = |error: io::Error| Failure::io(path.display(), &error);
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(&path).map_err(failed)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                tokio::time::sleep(LOCK_POLL).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(
                    "agent_failed",
                    "another agent of this home runs; end it: `kms agent stop`, or its process",
                    "end it, then start this one again",
                ));
            }
        }
    }
}

/// Makes the folder, this user's alone.
fn make_folder(home: &Path) -> Outcome {
    let folder = folder(home);
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    let private = || std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
    made.and_then(|()| private())
        .map_err(|error| Failure::io(folder.display(), &error))
}

/// Listens in the folder; only the one agent may.
fn listen(home: &Path) -> Outcome<UnixListener> {
    let socket = socket(home);
    // That of an agent that was killed: one that lives has the lock.
    let _ = std::fs::remove_file(&socket);
    let failed = |error: io::Error| {
        let failure = Failure::io(socket.display(), &error);
        match error.kind() {
            io::ErrorKind::InvalidInput => {
                failure.hint("a socket's path has at most 107 bytes: use a home with a shorter one")
            }
            _ => failure,
        }
    };
    let listener = UnixListener::bind(&socket).map_err(failed)?;
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&socket, mode).map_err(failed)?;
    Ok(listener)
}

pub(super) async fn answer(
    mut stream: UnixStream,
    home: &Path,
    keys: &Keys,
    deadline: Deadline,
) -> io::Result<Next> {
    if !is_served(stream.peer_cred()?.uid(), geteuid().as_raw()) {
        return Ok(Next::Listen);
    }
    let line = request(&mut stream).await?;
    let Some((verb, seed)) = parse(&line) else {
        return Ok(Next::Listen);
    };
    if deadline.left().is_zero() {
        // Whoever asks finds the socket gone.
        let _ = std::fs::remove_file(socket(home));
        return Ok(Next::End);
    }
    if seed != keys.fingerprint {
        stream.write_all(&[REFUSED]).await?;
        return Ok(Next::Listen);
    }
    if verb == Verb::Stop {
        // Whoever has the answer finds the socket gone.
        let _ = std::fs::remove_file(socket(home));
    }
    stream.write_all(&[GRANTED]).await?;
    match verb {
        Verb::Key(KeyFile::Seed) => stream.write_all(keys.seed.as_slice()).await?,
        Verb::Key(KeyFile::Wallet) => stream.write_all(keys.wallet.as_slice()).await?,
        Verb::Status => {
            let seconds = deadline.left().as_secs();
            stream.write_all(&seconds.to_be_bytes()).await?;
        }
        Verb::Stop => return Ok(Next::End),
    }
    Ok(Next::Listen)
}

/// Whether a process of this user is answered.
pub(super) const fn is_served(peer: u32, own: u32) -> bool {
    peer == own
}

/// Reads up to the end of a line, or as much as a request has at most.
async fn request(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.len() < REQUEST_BYTES {
        match stream.read_u8().await? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Ok(line)
}

/// Takes a request apart: what it asks for, and for which seed.
pub(super) fn parse(line: &[u8]) -> Option<(Verb, &str)> {
    let (name, seed) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let verb = Verb::ALL.into_iter().find(|verb| verb.name() == name)?;
    Some((verb, seed))
}
