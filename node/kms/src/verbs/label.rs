//! `kms label`: creates and lists labels.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use kms_client::{Home, Label, LabelKey, Unlabelled, labels_in_files};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;
use crate::progress::Bar;
use crate::session::Session;

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
    ///
    /// With --rebuild, first puts into the list every label of yours whose name is sealed in one of
    /// the files, or, without files, in the memo of one of your policies on chain: what a home that
    /// was restored from its seed needs to grant and encrypt again. Opening files needs no list.
    /// Files of other people, and files without a name, are told.
    #[command(
        after_help = "Examples:\n  kms label list\n  kms label list --rebuild\n  \
                            kms label list --rebuild /srv/videos movie.kms"
    )]
    List(ListArgs),
    /// Print the public key of a label, to be given to producers; needs no passphrase
    #[command(after_help = "Examples:\n  kms label pubkey films/demo > producer.key")]
    Pubkey(NameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name of the label: up to 128 bytes of characters that can be seen, kept in Unicode form NFC
    label: String,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Fill the list from encrypted files, or from the chain; needs the passphrase
    #[arg(long)]
    rebuild: bool,
    /// With --rebuild: encrypted files, and folders of them at any depth; the chain is not asked
    #[arg(value_name = "FILE", requires = "rebuild")]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct LabelRow {
    label: Label,
    key: String,
    fingerprint: String,
}

impl LabelRow {
    fn new(label: &Label, key: &LabelKey) -> Self {
        let (key, fingerprint) = (key.to_string(), key.fingerprint());
        Self {
            label: label.clone(),
            key,
            fingerprint,
        }
    }
}

/// A file that told no label of this home's owner.
#[derive(Serialize)]
struct UnlabelledRow {
    file: PathBuf,
    code: &'static str,
    message: String,
    hint: &'static str,
}

impl From<&Unlabelled> for UnlabelledRow {
    fn from(Unlabelled { path, error }: &Unlabelled) -> Self {
        Self {
            file: path.clone(),
            code: error.code(),
            message: error.to_string(),
            hint: error.remedy(),
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

pub(crate) async fn run(verb: LabelVerb, context: &Context) -> Outcome {
    let home = context.home()?;
    match verb {
        LabelVerb::New(NameArgs { label }) => {
            let label = Label::new(&label)?;
            let lock = context.lock(&home)?;
            let home = context.home()?;
            let keys = home.unlock_owner(&context.passphrases)?;
            let key = home.add_label(&lock, &keys, &label)?;
            context.out.emit(&LabelRow::new(&label, &key))
        }
        LabelVerb::List(args) => {
            if args.rebuild && args.files.is_empty() {
                rebuild_from_chain(context).await?;
            } else if args.rebuild {
                rebuild(&args.files, &home, context)?;
            }
            let labels = home.labels()?;
            let rows: Vec<LabelRow> = labels
                .iter()
                .map(|(label, key)| LabelRow::new(label, key))
                .collect();
            context
                .out
                .list(&rows, "no labels; make one with `kms label new NAME`")
        }
        LabelVerb::Pubkey(NameArgs { label }) => {
            let label = Label::new(&label)?;
            let key = home.label_key(&label)?;
            context.out.emit(&LabelRow::new(&label, &key))
        }
    }
}

/// Puts the labels named in the memos of the account's policies into the home's list.
async fn rebuild_from_chain(context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let keys = session.home.unlock_owner(&context.passphrases)?;
    let lock = context.lock(&session.home)?;
    let rebuilt = session.owner().rebuild_labels(&keys, &lock).await?;
    let (labels, unknown) = (rebuilt.labels, rebuilt.unknown);
    context.out.note(&format!(
        "brought back from the chain: {labels} labels; {unknown} policies of this account were \
         not made with this seed"
    ));
    Ok(())
}

/// Puts the labels named in files into the home's list, and tells of the files that name none.
fn rebuild(files: &[PathBuf], home: &Home, context: &Context) -> Outcome {
    let lock = context.lock(home)?;
    let home = context.home()?;
    let keys = home.unlock_owner(&context.passphrases)?;
    let mut bar = Bar::files(context.out, "reading");
    let found = labels_in_files(&keys, files, &mut |done| bar.set(done))?;
    drop(bar);
    let added = home.restore_labels(&lock, &keys, &found.labels)?;
    let unlabelled: Vec<UnlabelledRow> = found.unlabelled.iter().map(Into::into).collect();
    context.out.objects(&unlabelled)?;
    for row in &unlabelled {
        let UnlabelledRow {
            file,
            code,
            message,
            ..
        } = row;
        context
            .out
            .note(&format!("{}: {message} [{code}]", file.display()));
    }
    context.out.note(&format!(
        "{} files name {} labels, {} of them new here; {} name none, {} are of another kind",
        found.files,
        found.labels.len(),
        added.len(),
        unlabelled.len(),
        found.others
    ));
    Ok(())
}
