//! Reads the passphrase from a file descriptor, a file, or a prompt, once per command. It is never
//! an argument or the value of an environment variable.

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Mutex;

use kms_client::{Error, Passphrase, PassphraseProvider, Unlock};
use zeroize::Zeroizing;

use crate::interrupt;

/// Environment variable with the number of the descriptor to read the passphrase from.
pub(crate) const FD_VARIABLE: &str = "KMS_PASSPHRASE_FD";
/// Environment variable with the path of the file to read the passphrase from.
pub(crate) const FILE_VARIABLE: &str = "KMS_PASSPHRASE_FILE";
/// Number of tries to type a new passphrase twice alike.
const TRIES: u32 = 3;
/// Longest passphrase that is read, in bytes.
const MAX_BYTES: u64 = 4096;

/// The source of the command's passphrase, which is read or asked for once.
pub(crate) struct Passphrases {
    known: Mutex<Option<Zeroizing<String>>>,
}

impl Passphrases {
    pub(crate) const fn new() -> Self {
        Self {
            known: Mutex::new(None),
        }
    }
}

impl PassphraseProvider for Passphrases {
    fn passphrase(&self, purpose: Unlock) -> Result<Passphrase, Error> {
        let mut known = self
            .known
            .lock()
            .map_err(|_| Error::Bug("a prompt panicked"))?;
        if known.is_none() {
            *known = Some(obtain(purpose)?);
        }
        let text = known
            .as_ref()
            .map(|text| text.as_str().to_owned())
            .unwrap_or_default();
        Ok(Passphrase::new(text))
    }
}

fn obtain(purpose: Unlock) -> Result<Zeroizing<String>, Error> {
    if let Some(fd) = set(FD_VARIABLE) {
        // The path by which the kernel offers a descriptor of this process.
        return first_line(Path::new(&format!("/dev/fd/{fd}")));
    }
    if let Some(path) = set(FILE_VARIABLE) {
        return first_line(Path::new(&path));
    }
    interrupt::prompting(|| prompt(purpose))
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

fn prompt(purpose: Unlock) -> Result<Zeroizing<String>, Error> {
    if purpose != Unlock::NewHome {
        return ask("Passphrase: ");
    }
    for _ in 0..TRIES {
        let first = ask("New passphrase: ")?;
        if *ask("The same again: ")? == *first {
            return Ok(first);
        }
        crate::output::complain("The two differ. Once more:");
    }
    Err(Error::PassphraseMissing)
}

fn ask(question: &str) -> Result<Zeroizing<String>, Error> {
    match rpassword::prompt_password(question) {
        Ok(text) if text.is_empty() => Err(Error::PassphraseMissing),
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::Interrupted),
        // Without a terminal there is no prompt.
        Err(_) => Err(Error::PassphraseMissing),
    }
}
