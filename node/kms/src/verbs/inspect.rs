//! `kms inspect`: shows the header of an encrypted file, unauthenticated.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use kms_client::{Label, LabelKey, fingerprint};
use kms_format::Header;
use kms_protocol::Address;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::sink::Source;

/// Show what an encrypted file says about itself; needs no key and no network
///
/// Nothing of it is proven before the file is opened.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kms inspect movie.kms\n  kms inspect --json - < movie.kms")]
pub(crate) struct InspectArgs {
    /// The encrypted file; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
}

#[derive(Serialize)]
struct InspectReport {
    version: u8,
    suite: &'static str,
    header_bytes: usize,
    signed: bool,
    /// Number of segments whose keys are told ahead; `None` if the file has no segments.
    look_ahead: Option<u8>,
    /// Its public key with the sealed name, for producers; `None` if the file has no name in it.
    label_key: Option<String>,
    label_fingerprint: String,
    /// The label's name; `None` if this home does not list it.
    label: Option<Label>,
    capsule: String,
    chain_id: Option<u64>,
    policy_manager: Option<Address>,
    has_sealed_name: bool,
    /// This and the next three are `None` if the input cannot be sought in.
    file_bytes: Option<u64>,
    plaintext_bytes: Option<u64>,
    chunks: Option<u64>,
    segments: Option<u32>,
}

pub(crate) fn run(args: &InspectArgs, context: &Context) -> Outcome {
    let mut source = Source::open(&args.input)?;
    let header = Header::read(&mut source)?;
    let layout = match source.length {
        Some(_) => {
            let fail = |error| Failure::io(args.input.display(), &error);
            let mut file = File::open(&args.input).map_err(fail)?;
            Some(header.layout(&mut file)?)
        }
        None => None,
    };
    let parameters = header.parameters();
    let label_key = header
        .sealed_name()
        .map(|name| LabelKey::new(*header.label_key(), name.clone()));
    let labels = context.home().and_then(|home| Ok(home.labels()?)).ok();
    let label = labels.and_then(|labels| labels.name_of(header.label_key()).cloned());
    let locator = header.locator();
    context.out.emit(&InspectReport {
        version: kms_format::VERSION,
        suite: parameters.suite.name(),
        header_bytes: header.as_bytes().len(),
        signed: parameters.signed,
        look_ahead: parameters.look_ahead,
        label_key: label_key.as_ref().map(LabelKey::to_string),
        label_fingerprint: fingerprint(header.label_key()),
        label,
        capsule: hex::encode(header.capsule().to_bytes()),
        chain_id: locator.map(|locator| locator.chain_id),
        policy_manager: locator.map(|locator| Address(locator.contract)),
        has_sealed_name: label_key.is_some(),
        file_bytes: layout.map(|layout| layout.file_bytes),
        plaintext_bytes: layout.map(|layout| layout.plaintext_bytes),
        chunks: layout.map(|layout| layout.chunks),
        segments: layout.map(|layout| layout.segments),
    })
}

impl fmt::Display for InspectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            suite,
            header_bytes,
            label_fingerprint,
            ..
        } = self;
        writeln!(
            f,
            "format     KMS v{version}, {suite}, header of {header_bytes} bytes"
        )?;
        let name = self.label.as_ref();
        let name = name.map_or("not one of this home", Label::as_str);
        writeln!(f, "label      {name}, {label_fingerprint}")?;
        match &self.label_key {
            Some(line) => writeln!(
                f,
                "           its name is sealed for its owner\n           {line}"
            )?,
            None => writeln!(
                f,
                "           no name is sealed in it: its owner must know it"
            )?,
        }
        match (self.chain_id, self.policy_manager) {
            (Some(chain_id), Some(contract)) => {
                writeln!(f, "network    chain {chain_id}, policies at {contract}")?;
            }
            _ => writeln!(f, "network    not named")?,
        }
        if let (Some(plain), Some(chunks)) = (self.plaintext_bytes, self.chunks) {
            let word = if chunks == 1 { "chunk" } else { "chunks" };
            writeln!(f, "content    {plain} bytes in {chunks} {word}")?;
        }
        if let Some(ahead) = self.look_ahead {
            let of = self.segments.map_or(String::new(), |of| format!("{of}, "));
            writeln!(f, "segments   {of}{ahead} told ahead")?;
        }
        if self.signed {
            writeln!(
                f,
                "signature  sealed: who may read the file sees whose it is"
            )?;
        }
        write!(f, "capsule    {}", self.capsule)
    }
}
