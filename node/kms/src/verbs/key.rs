//! `kms key`: the public keys of a home, and the backup of its seed.

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use kms_client::{Existing, Home, Label, LabelKey, ReaderKey, fingerprint};
use kms_protocol::Address;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Row;
use crate::passphrase::Passphrases;
use crate::sink::{Content, Sink};

/// Public keys of this home, and the backup of its seed
#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// List the seed's fingerprint, the account and the label keys; with a passphrase, the reader
    /// keys too
    #[command(after_help = "Examples:\n  kms key list\n  kms key list --readers --json")]
    List(ListArgs),
    /// Show one public key, `wallet`, `reader` or the name of a label; or `seed`, its fingerprint
    #[command(
        after_help = "Examples:\n  kms key show wallet\n  kms key show reader\n  \
                            kms key show films/demo\n  kms key show seed"
    )]
    Show(ShowArgs),
    /// Write all public keys of this home, one JSON object per line, to a file
    #[command(after_help = "Examples:\n  kms key export -o public.jsonl")]
    Export(ExportArgs),
    /// Write the seed, 24 words in the clear: the backup that restores everything
    ///
    /// Whoever has it can open every file of every label and spend from the account. The words are
    /// those of BIP-39 in English, with a checksum; write them down in their order.
    /// Restore with `kms init --import-seed FILE`, and compare the fingerprints.
    #[command(after_help = "Examples:\n  kms key backup -o /media/usb/kms-seed.txt")]
    Backup(BackupArgs),
    /// Change the passphrase of this home's keys
    ///
    /// Asks for the old and the new one; killed at any moment, one of them opens every key. A
    /// script gives the new one in the file that KMS_NEW_PASSPHRASE_FILE names. Copies of the home
    /// keep the old one.
    #[command(after_help = "Examples:\n  kms key passphrase\n  \
                            KMS_NEW_PASSPHRASE_FILE=new.txt kms key passphrase")]
    Passphrase,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Reader keys too; needs the passphrase
    #[arg(long)]
    readers: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// `wallet`, `reader`, `seed`, or the name of a label
    key: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file; `-` is stdout
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file, made for you alone and not replacing another; `-` is stdout
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

/// Tells where the words of a seed went, and by which fingerprint to know them again.
#[derive(Serialize)]
struct BackupReport {
    #[serde(serialize_with = "crate::output::path_text")]
    output: PathBuf,
    /// Fingerprint of the seed.
    seed: String,
}

impl fmt::Display for BackupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (output, seed) = (self.output.display(), &self.seed);
        write!(f, "backup   {output}\nseed     {seed}")
    }
}

#[derive(Debug, Clone, Serialize)]
struct KeyRow {
    kind: &'static str,
    name: String,
    /// None for the seed, which has no public half of its own.
    public: Option<String>,
    fingerprint: Option<String>,
}

impl KeyRow {
    fn seed(home: &Home) -> Self {
        Self {
            kind: "seed",
            name: "0".to_owned(),
            public: None,
            fingerprint: Some(home.config().seed_fingerprint.clone()),
        }
    }

    fn wallet(address: Address) -> Self {
        Self {
            kind: "wallet",
            name: "0".to_owned(),
            public: Some(address.to_string()),
            fingerprint: None,
        }
    }

    fn label(label: &Label, key: &LabelKey) -> Self {
        Self {
            kind: "label",
            name: label.to_string(),
            public: Some(key.to_string()),
            fingerprint: Some(key.fingerprint()),
        }
    }

    fn reader(number: u32, key: &ReaderKey) -> Self {
        let key = key.receiving_key();
        Self {
            kind: "reader",
            name: number.to_string(),
            public: Some(hex::encode(key.to_bytes())),
            fingerprint: Some(fingerprint(&key)),
        }
    }
}

impl Row for KeyRow {
    const HEAD: &'static [&'static str] = &["KIND", "NAME", "PUBLIC KEY", "FINGERPRINT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.to_owned(),
            self.name.clone(),
            self.public.clone().unwrap_or_default(),
            self.fingerprint.clone().unwrap_or_default(),
        ]
    }
}

impl fmt::Display for KeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.public.as_ref().or(self.fingerprint.as_ref());
        f.write_str(shown.map_or("", String::as_str))
    }
}

pub(crate) fn run(verb: KeyVerb, context: &Context) -> Outcome {
    match verb {
        KeyVerb::List(args) => {
            let home = context.home()?;
            let mut rows = vec![KeyRow::seed(&home)];
            rows.extend(open_keys(&home)?);
            if args.readers {
                rows.extend(reader_keys(context)?);
            }
            context.out.list(&rows, "no keys")
        }
        KeyVerb::Show(args) => show(&args, context),
        KeyVerb::Export(args) => export(&args, context),
        KeyVerb::Backup(args) => backup(&args, context),
        KeyVerb::Passphrase => change_passphrase(context),
    }
}

/// Lists the public keys that need no passphrase: the account's and the labels'.
fn open_keys(home: &Home) -> Outcome<Vec<KeyRow>> {
    let labels = home.labels()?;
    let labels = labels.iter().map(|(label, key)| KeyRow::label(label, key));
    Ok(std::iter::once(KeyRow::wallet(home.wallet_address()))
        .chain(labels)
        .collect())
}

fn reader_keys(context: &Context) -> Outcome<Vec<KeyRow>> {
    let home = context.home()?;
    let keys = home.unlock_readers(&context.passphrases)?;
    (0..home.config().reader_keys)
        .map(|number| Ok(KeyRow::reader(number, &keys.key(number)?)))
        .collect()
}

fn show(args: &ShowArgs, context: &Context) -> Outcome {
    let rows = match args.key.as_str() {
        "reader" => reader_keys(context)?,
        "seed" => vec![KeyRow::seed(&context.home()?)],
        _ => open_keys(&context.home()?)?,
    };
    let row = match args.key.as_str() {
        kind @ ("wallet" | "reader" | "seed") => rows.iter().find(|row| row.kind == kind),
        name => {
            let label = Label::new(name)?;
            let fits = |row: &&KeyRow| row.kind == "label" && row.name == label.as_str();
            rows.iter().find(fits)
        }
    };
    let row = row.ok_or_else(|| {
        let message = format!("no key {:?} here", args.key);
        Failure::new("key_unknown", message, "see `kms key list`")
    })?;
    context.out.emit(row)
}

fn export(args: &ExportArgs, context: &Context) -> Outcome {
    let mut rows = open_keys(&context.home()?)?;
    rows.extend(reader_keys(context)?);
    let mut sink = Sink::open(&args.output, Content::Secret, Existing::Replace)?;
    for row in rows {
        let line = serde_json::to_string(&row).map_err(Failure::bug)?;
        writeln!(sink, "{line}").map_err(|error| Failure::io(args.output.display(), &error))?;
    }
    sink.finish()
}

/// Tells whose passphrase was changed.
#[derive(Serialize)]
struct ChangeReport {
    home: PathBuf,
}

impl fmt::Display for ChangeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the keys of {} have the new passphrase",
            self.home.display()
        )
    }
}

fn change_passphrase(context: &Context) -> Outcome {
    let lock = context.lock(&context.home()?)?;
    let mut home = context.home()?;
    home.refresh(&lock)?;
    let path = home.path().to_path_buf();
    let passphrases = Passphrases::of(path.clone()).anew();
    // The old one first: who does not know it is told before thinking of a new one.
    home.unlock_readers(&passphrases)?;
    let new = passphrases.replacement()?;
    home.change_passphrase(&lock, &passphrases, &new)?;
    context.out.emit(&ChangeReport { home: path })
}

fn backup(args: &BackupArgs, context: &Context) -> Outcome {
    let seed = context.home()?.unlock_seed(&context.passphrases)?;
    let words = seed.expose_words()?;
    let mut sink = Sink::open(&args.output, Content::Secret, Existing::Refuse)?;
    let alone = sink.is_stdout();
    for part in [words.as_str(), "\n"] {
        let written = sink.write_all(part.as_bytes());
        written.map_err(|error| Failure::io(args.output.display(), &error))?;
    }
    sink.finish()?;
    let report = BackupReport {
        output: args.output.clone(),
        seed: seed.fingerprint(),
    };
    match alone {
        true => context.out.note(&report.to_string()),
        false => context.out.emit(&report)?,
    }
    context
        .out
        .note("whoever has these words can open every file of yours: keep them off this machine");
    Ok(())
}
