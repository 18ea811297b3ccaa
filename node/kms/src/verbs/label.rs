//! `kms label`: creates and lists labels.

use std::fmt;

use clap::{Args, Subcommand};
use kms_client::{Label, LabelKey};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;

/// Things to share: each label has a key of its own, derived from the seed
///
/// Whoever has a label's public key (`kmslabel1...`) can encrypt for it, offline and without an
/// account. A grant opens one label to one reader and tells nothing about the others.
#[derive(Debug, Subcommand)]
pub(crate) enum LabelVerb {
    /// Make a label; the same name gives the same key again
    #[command(after_help = "Examples:\n  kms label new films/demo\n  \
                            kms label new films/demo --json")]
    New(NameArgs),
    /// List the labels
    #[command(after_help = "Examples:\n  kms label list")]
    List,
    /// Print the public key of a label, to be given to producers; needs no passphrase
    #[command(after_help = "Examples:\n  kms label pubkey films/demo > producer.key")]
    Pubkey(NameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name of the label: up to 128 bytes of characters that can be seen, kept in Unicode form NFC
    label: String,
}

#[derive(Serialize)]
struct LabelRow {
    label: Label,
    key: String,
    fingerprint: String,
}

impl LabelRow {
    fn new(label: Label, key: &LabelKey) -> Self {
        let (key, fingerprint) = (key.to_string(), key.fingerprint());
        Self {
            label,
            key,
            fingerprint,
        }
    }
}

impl fmt::Display for LabelRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl Row for LabelRow {
    const HEAD: &'static [&'static str] = &["LABEL", "KEY", "FINGERPRINT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.label.to_string(),
            self.key.clone(),
            self.fingerprint.clone(),
        ]
    }
}

pub(crate) fn run(verb: LabelVerb, context: &Context) -> Outcome {
    let home = context.home()?;
    match verb {
        LabelVerb::New(NameArgs { label }) => {
            let label = Label::new(&label)?;
            let lock = home.lock()?;
            let keys = home.unlock_owner(&context.passphrases)?;
            let key = home.add_label(&lock, &keys, &label)?;
            context.out.emit(&LabelRow::new(label, &key))
        }
        LabelVerb::List => {
            let labels = home.labels()?;
            let row = |(name, key): (&Label, _)| LabelRow::new(name.clone(), &LabelKey::from(key));
            let rows: Vec<LabelRow> = labels.iter().map(row).collect();
            context
                .out
                .list(&rows, "no labels; make one with `kms label new NAME`")
        }
        LabelVerb::Pubkey(NameArgs { label }) => {
            let label = Label::new(&label)?;
            let key = home.label_key(&label)?;
            context.out.emit(&LabelRow::new(label, &key))
        }
    }
}
