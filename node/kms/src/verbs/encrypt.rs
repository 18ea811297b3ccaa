//! `kms encrypt`: encrypts a file for a label, offline.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use getrandom::SysRng;
use kms_client::{Existing, Home, Label, LabelKey, PackedFolder};
use kms_format::{Encryptor, LOOK_AHEAD_MAX, Locator, Segments, Suite, Summary};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::many::{Job, encrypted_name, jobs};
use crate::progress::Bar;
use crate::sink::{Content, Sink, Source};

/// Encrypt a file for a label: offline, without an account
///
/// Nobody needs to know yet who will read it. The header has the same few hundred bytes for any
/// number of readers; granting and revoking never touch the file. Memory does not grow with the
/// file. The label's name goes in, sealed for the label's owner.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms encrypt -t films/demo movie.mp4 -o movie.kms
  kms encrypt -t kmslabel1... movie.mp4 -o movie.kms        a producer, without a home
  kms encrypt -t films/demo --segment 16M --sign movie.mp4 -o movie.kms
  kms encrypt -t photos -r photos -o photos.kms             a folder, as one archive
  kms encrypt -t notes *.txt -o FOLDER
  tar -c photos | kms encrypt -t photos > photos.tar.kms")]
pub(crate) struct EncryptArgs {
    /// The label: its name here, or its public key kmslabel1...
    #[arg(long = "to", short, value_name = "LABEL")]
    to: String,
    /// What to encrypt; `-`, or none, is stdin. Of several files each becomes one of its own
    #[arg(value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// Where to write; `-` is stdout. Of several files the folder to put them in; without it they
    /// go beside themselves, as FILE.kms
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Encrypt a folder with all that is in it, as one archive
    #[arg(long, short)]
    recursive: bool,
    /// Refuse to replace an existing file
    #[arg(long)]
    no_clobber: bool,
    /// Leave out which network the readers look on
    #[arg(long)]
    anonymous: bool,
    /// The cipher; chacha20-poly1305 is the faster one on processors that do not know AES
    #[arg(long, value_name = "SUITE", value_parser = suite)]
    #[arg(default_value = Suite::Aes256Gcm.name())]
    suite: Suite,
    /// Cut the file into segments of so many bytes, each with a key of its own
    #[arg(long, value_name = "BYTES", value_parser = segment)]
    segment: Option<u64>,
    /// Tell so many keys of following segments in each, for readers to ask for them in time
    #[arg(
        long,
        value_name = "SEGMENTS",
        default_value_t = 2,
        requires = "segment"
    )]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=i64::from(LOOK_AHEAD_MAX)))]
    look_ahead: u8,
    /// Sign the content with the key of this home's card; only those who may read it see who did
    #[arg(long)]
    sign: bool,
}

fn suite(text: &str) -> Result<Suite, String> {
    let known = Suite::ALL.into_iter().find(|suite| suite.name() == text);
    known.ok_or_else(|| format!("the suites are {}", Suite::ALL.map(Suite::name).join(", ")))
}

pub(crate) fn segment(text: &str) -> Result<u64, String> {
    let bytes = crate::open::bytes(text).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("{text:?} is no number of bytes, as in 16M or 65536"))
}

#[derive(Serialize)]
pub(crate) struct EncryptReport {
    #[serde(serialize_with = "crate::output::path_text")]
    output: PathBuf,
    label_key: String,
    plaintext_bytes: u64,
    file_bytes: u64,
    chunks: u64,
}

impl EncryptReport {
    pub(crate) fn new(output: PathBuf, label_key: &LabelKey, summary: &Summary) -> Self {
        Self {
            output,
            label_key: label_key.to_string(),
            plaintext_bytes: summary.plaintext_bytes,
            file_bytes: summary.file_bytes,
            chunks: summary.chunks,
        }
    }
}

impl fmt::Display for EncryptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            output,
            plaintext_bytes,
            file_bytes,
            ..
        } = self;
        write!(
            f,
            "{}: {plaintext_bytes} bytes encrypted, {file_bytes} written",
            output.display()
        )
    }
}

pub(crate) fn run(args: &EncryptArgs, context: &Context) -> Outcome {
    let (label_key, mut encryptor) = encryptor(&args.to, args.anonymous, context)?;
    encryptor = encryptor.with_suite(args.suite);
    if let Some(bytes) = args.segment {
        let segments = Segments::of_bytes(bytes).looking_ahead(args.look_ahead);
        encryptor = encryptor.with_segments(segments);
    }
    if args.sign {
        let keys = context.home()?.unlock_readers(&context.passphrases)?;
        encryptor = encryptor.signed_by(Arc::new(keys.key(0)?.signer()?));
    }
    let jobs = jobs(&args.inputs, args.output.as_deref(), encrypted_name)?;
    if args.recursive && jobs.len() > 1 {
        return Err(Failure::usage("--recursive is for one folder"));
    }
    for job in jobs {
        let Some(summary) = encrypt(args, &encryptor, &job, context)? else {
            continue;
        };
        let report = EncryptReport::new(job.output, &label_key, &summary);
        context.out.emit(&report)?;
    }
    Ok(())
}

/// Encrypts one file or folder; returns nothing if the data went to stdout, which then must carry
/// nothing else.
fn encrypt(
    args: &EncryptArgs,
    encryptor: &Encryptor,
    job: &Job,
    context: &Context,
) -> Outcome<Option<Summary>> {
    let existing = if args.no_clobber {
        Existing::Refuse
    } else {
        Existing::Replace
    };
    let (mut sink, summary);
    if args.recursive {
        let folder = PackedFolder::look(&job.input)?;
        sink = Sink::open(&job.output, Content::Encrypted, existing)?;
        let bytes = folder.manifest().content_bytes();
        let mut bar = Bar::bytes(context.out, "encrypting", Some(bytes));
        summary = folder.encrypt(encryptor, &mut sink, &mut |done| bar.set(done))?;
    } else {
        let source = Source::open(&job.input)?;
        sink = Sink::open(&job.output, Content::Encrypted, existing)?;
        let mut bar = Bar::bytes(context.out, "encrypting", source.length);
        let mut progress = |done| bar.set(done);
        summary = encryptor.encrypt(&mut SysRng, source, &mut sink, &mut progress)?;
    }
    let to_stdout = sink.is_stdout();
    sink.finish()?;
    Ok((!to_stdout).then_some(summary))
}

/// The key of a label, and what encrypts for it.
pub(crate) fn encryptor(
    to: &str,
    is_anonymous: bool,
    context: &Context,
) -> Outcome<(LabelKey, Encryptor)> {
    let (label_key, home) = label_key(to, context)?;
    let mut encryptor =
        Encryptor::new(&label_key.public_key()).with_sealed_name(label_key.sealed_name().clone());
    if let (Some(home), false) = (&home, is_anonymous) {
        encryptor = encryptor.with_locator(locator(home));
    }
    Ok((label_key, encryptor))
}

/// Finds the label's public key. A label's name needs a home; `kmslabel1...` uses one if present.
fn label_key(to: &str, context: &Context) -> Outcome<(LabelKey, Option<Home>)> {
    if is_key(to) {
        return Ok((to.parse()?, context.home().ok()));
    }
    let home = context.home()?;
    Ok((home.label_key(&Label::new(to)?)?, Some(home)))
}

fn is_key(to: &str) -> bool {
    to.starts_with("kmslabel1")
}

fn locator(home: &Home) -> Locator {
    let deployment = &home.config().deployment;
    let contract = deployment.contracts.policies.address;
    Locator {
        chain_id: deployment.chain_id,
        contract: contract.0,
    }
}
