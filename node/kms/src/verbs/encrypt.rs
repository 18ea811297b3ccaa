//! `kms encrypt`: encrypts a file for a label, offline.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use getrandom::SysRng;
use kms_client::{Existing, Home, Label, LabelKey};
use kms_format::{Encryptor, Locator, Summary};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
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
  tar -c photos | kms encrypt -t photos > photos.tar.kms")]
pub(crate) struct EncryptArgs {
    /// The label: its name here, or its public key kmslabel1...
    #[arg(long = "to", short, value_name = "LABEL")]
    to: String,
    /// What to encrypt; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Where to write; `-` is stdout
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Refuse to replace an existing file
    #[arg(long)]
    no_clobber: bool,
    /// Leave out which network the readers look on
    #[arg(long)]
    anonymous: bool,
}

#[derive(Serialize)]
struct EncryptReport {
    #[serde(serialize_with = "crate::output::path_text")]
    output: PathBuf,
    label_key: String,
    plaintext_bytes: u64,
    file_bytes: u64,
    chunks: u64,
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
    let (label_key, home) = label_key(&args.to, context)?;
    let mut encryptor =
        Encryptor::new(&label_key.public_key()).with_sealed_name(label_key.sealed_name().clone());
    if let (Some(home), false) = (&home, args.anonymous) {
        encryptor = encryptor.with_locator(locator(home));
    }
    let source = Source::open(&args.input)?;
    let existing = if args.no_clobber {
        Existing::Refuse
    } else {
        Existing::Replace
    };
    let mut sink = Sink::open(&args.output, Content::Encrypted, existing)?;
    let mut bar = Bar::bytes(context.out, "encrypting", source.length);
    let Summary {
        plaintext_bytes,
        file_bytes,
        chunks,
        ..
    } = encryptor.encrypt(&mut SysRng, source, &mut sink, &mut |done| bar.set(done))?;
    drop(bar);
    let to_stdout = sink.is_stdout();
    sink.finish()?;
    if to_stdout {
        return Ok(());
    }
    let (output, label_key) = (args.output.clone(), label_key.to_string());
    context.out.emit(&EncryptReport {
        output,
        label_key,
        plaintext_bytes,
        file_bytes,
        chunks,
    })
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
