//! Asks the agent of a home. No agent, or one that has just ended, is no error; a socket that
//! others could have put there is.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use kms_client::{Error, KeyFile};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::{ANSWER_TIMEOUT, GRANTED, REFUSED, Secret, Verb, folder, socket};

/// The agent of a home, if there is one.
pub(crate) struct Client<'a> {
    home: &'a Path,
    seed: &'a str,
}

impl<'a> Client<'a> {
    /// The agent of the home at this path, whose seed has this fingerprint.
    pub(crate) const fn of(home: &'a Path, seed: &'a str) -> Self {
        Self { home, seed }
    }

    /// A key of the home; `None` if no agent runs.
    ///
    /// # Errors
    /// [`Error::PermissionsTooOpen`], and [`Error::HomeCorrupt`] for a socket or an agent that is
    /// not this home's.
    pub(crate) fn key(&self, key: KeyFile) -> Result<Option<Secret>, Error> {
        self.ask(Verb::Key(key))
    }

    /// Seconds until the agent ends; `None` if no agent runs.
    ///
    /// # Errors
    /// As [`Client::key`].
    pub(crate) fn seconds_left(&self) -> Result<Option<u64>, Error> {
        let answer = self.ask::<8>(Verb::Status)?;
        Ok(answer.map(|bytes| u64::from_be_bytes(*bytes)))
    }

    /// Ends the agent; false if none runs.
    ///
    /// # Errors
    /// As [`Client::key`].
    pub(crate) fn stop(&self) -> Result<bool, Error> {
        Ok(self.ask::<0>(Verb::Stop)?.is_some())
    }

    fn ask<const N: usize>(&self, verb: Verb) -> Result<Option<Zeroizing<[u8; N]>>, Error> {
        let Some(mut stream) = connect(self.home)? else {
            return Ok(None);
        };
        let mut answer = Zeroizing::new([0; N]);
        let verdict = converse(&mut stream, verb, self.seed, answer.as_mut_slice());
        match verdict {
            Ok(GRANTED) => Ok(Some(answer)),
            Ok(REFUSED) => Err(refused(
                self.home,
                "the agent there holds another home's keys",
            )),
            Err(_) if verb == Verb::Stop && connect(self.home)?.is_some() => {
                Err(refused(self.home, "the agent did not answer"))
            }
            // It ended in this moment, or is no agent: the key file is there.
            Ok(_) | Err(_) => Ok(None),
        }
    }
}

fn converse(stream: &mut UnixStream, verb: Verb, seed: &str, answer: &mut [u8]) -> io::Result<u8> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    stream.write_all(format!("{} {seed}\n", verb.name()).as_bytes())?;
    let mut verdict = [0];
    stream.read_exact(&mut verdict)?;
    let [verdict] = verdict;
    if verdict == GRANTED {
        stream.read_exact(answer)?;
    }
    Ok(verdict)
}

/// Connects to the socket, if there is one and only this user can have made it.
fn connect(home: &Path) -> Result<Option<UnixStream>, Error> {
    if !is_own(&folder(home))? || !is_own(&socket(home))? {
        return Ok(None);
    }
    // Nobody listens: the agent was killed, or the path is too long for one.
    Ok(UnixStream::connect(socket(home)).ok())
}

/// Whether there is a folder or socket at the path. Fails if it is another's, or others have
/// rights to it.
fn is_own(path: &PathBuf) -> Result<bool, Error> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(Error::io(path, source)),
    };
    let kind = metadata.file_type();
    if !kind.is_dir() && !kind.is_socket() {
        return Err(corrupt(path, "neither a folder nor a socket"));
    }
    if metadata.uid() != geteuid().as_raw() {
        return Err(corrupt(path, "it belongs to another user"));
    }
    let mode = metadata.mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(true),
        _ => Err(Error::PermissionsTooOpen {
            path: path.clone(),
            mode,
        }),
    }
}

fn refused(home: &Path, reason: &str) -> Error {
    corrupt(&socket(home), reason)
}

fn corrupt(path: &Path, reason: &str) -> Error {
    Error::HomeCorrupt {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}
