//! Reads the passphrase from a file descriptor, a file, or a prompt, once per command. It is never
//! an argument or the value of an environment variable.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use kms_client::{Error, KeyFile, Passphrase, PassphraseProvider, Unlock};
use zeroize::Zeroizing;

use crate::agent::Secret;
use crate::agent::client::Client;
use crate::prompt;

/// Environment variable with the number of the descriptor to read the passphrase from.
pub(crate) const FD_VARIABLE: &str = "KMS_PASSPHRASE_FD";
/// Environment variable with the path of the file to read the passphrase from.
pub(crate) const FILE_VARIABLE: &str = "KMS_PASSPHRASE_FILE";
/// Number of tries to type a new passphrase twice alike.
const TRIES: u32 = 3;
/// Longest passphrase that is read, in bytes.
const MAX_BYTES: u64 = 4096;

/// Environment variable with the path of the file that has the passphrase to be set.
const NEW_FILE_VARIABLE: &str = "KMS_NEW_PASSPHRASE_FILE";

/// The source of the command's passphrase, which is read or asked for once, unless an agent has
/// the keys.
pub(crate) struct Passphrases {
    home: PathBuf,
    known: Mutex<Option<Zeroizing<String>>>,
    asks_agent: bool,
}

impl Passphrases {
    /// The passphrases of the home at this path.
    pub(crate) const fn of(home: PathBuf) -> Self {
        Self {
            home,
            known: Mutex::new(None),
            asks_agent: true,
        }
    }

    /// The same for a command that wants the passphrase itself, agent or not.
    pub(crate) fn anew(self) -> Self {
        Self {
            asks_agent: false,
            ..self
        }
    }

    /// The passphrase that is to replace the home's.
    pub(crate) fn replacement(&self) -> Result<Passphrase, Error> {
        let given = set(NEW_FILE_VARIABLE).map(|path| first_line(Path::new(&path)));
        let what = format!("the home at {}", self.home.display());
        let text = given.unwrap_or_else(|| ask_new(&what))?;
        Ok(Passphrase::new(text.as_str().to_owned()))
    }

    /// The passphrase of the node in this directory.
    pub(crate) fn of_node(dir: &Path) -> Result<Zeroizing<String>, Error> {
        obtain(&format!("Passphrase of the node at {}: ", dir.display()))
    }

    /// The passphrase of a node that is being made in this directory.
    pub(crate) fn of_new_node(dir: &Path) -> Result<Zeroizing<String>, Error> {
        obtain_new(&format!("the node at {}", dir.display()))
    }
}

impl PassphraseProvider for Passphrases {
    fn passphrase(&self, purpose: Unlock) -> Result<Passphrase, Error> {
        let mut known = self
            .known
            .lock()
            .map_err(|_| Error::Bug("a prompt panicked"))?;
        if known.is_none() {
            let home = self.home.display();
            *known = Some(match purpose {
                Unlock::NewHome => obtain_new(&format!("the home at {home}"))?,
                Unlock::Wallet => obtain(&format!("Passphrase of the account in {home}: "))?,
                _ => obtain(&format!("Passphrase of the keys in {home}: "))?,
            });
        }
        let text = known
            .as_ref()
            .map(|text| text.as_str().to_owned())
            .unwrap_or_default();
        Ok(Passphrase::new(text))
    }

    fn opened(&self, key: KeyFile, seed: &str) -> Result<Option<Secret>, Error> {
        match self.asks_agent {
            true => Client::of(&self.home, seed).key(key),
            false => Ok(None),
        }
    }
}

fn obtain(question: &str) -> Result<Zeroizing<String>, Error> {
    given().unwrap_or_else(|| prompt::ask(question))
}

/// The same for a passphrase that is made now.
fn obtain_new(what: &str) -> Result<Zeroizing<String>, Error> {
    given().unwrap_or_else(|| ask_new(what))
}

/// Asks for a passphrase twice.
fn ask_new(what: &str) -> Result<Zeroizing<String>, Error> {
    for _ in 0..TRIES {
        let first = prompt::ask(&format!("New passphrase for {what}: "))?;
        if *prompt::ask("The same again: ")? == *first {
            return Ok(first);
        }
        crate::output::complain("The two differ. Once more:");
    }
    Err(Error::PassphraseMissing)
}

/// The passphrase from the descriptor or the file that the environment names.
fn given() -> Option<Result<Zeroizing<String>, Error>> {
    if let Some(fd) = set(FD_VARIABLE) {
        // The path by which the kernel offers a descriptor of this process.
        return Some(first_line(Path::new(&format!("/dev/fd/{fd}"))));
    }
    set(FILE_VARIABLE).map(|path| first_line(Path::new(&path)))
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

fn first_line(path: &Path) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(|source| Error::io(path, source))?;
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|source| Error::io(path, source))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Error::PassphraseMissing);
    }
    Ok(Zeroizing::new(line.to_owned()))
}
