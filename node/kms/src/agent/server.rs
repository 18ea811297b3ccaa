//! The agent's process: answers requests of the same user until its time is over.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
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
struct Deadline {
    running: Instant,
    wall: SystemTime,
}

impl Deadline {
    fn after(lifetime: Duration) -> Self {
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
enum Next {
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

/// Listens in a folder that is this user's alone.
fn listen(home: &Path) -> Outcome<UnixListener> {
    let (folder, socket) = (folder(home), socket(home));
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    let private = || std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
    made.and_then(|()| private())
        .map_err(|error| Failure::io(folder.display(), &error))?;
    // That of an agent that was killed: one that lives was ended before.
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

async fn answer(
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
    if seed != keys.fingerprint || deadline.left().is_zero() {
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
