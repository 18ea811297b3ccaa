//! Opens encrypted files, for `decrypt` and `read`, once their data keys are known.

mod archive;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use kms_client::{Existing, fingerprint};
use kms_format::{DataKey, Decryptor, Header, RangeReader, SegmentKeys, SegmentRecord};
use serde::Serialize;
use umbral::PublicKey;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::many::{Job, jobs, opened_name};
use crate::progress::Bar;
use crate::sink::{Content, Sink, Source};

pub(crate) use archive::list;

/// Arguments for input and output of an encrypted file's plaintext.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// The encrypted files; `-`, or none, is stdin
    #[arg(value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// Where to write; `-` is stdout. Of an archive the folder to make, of several files the folder
    /// to put them in. Everything is whole or not there at all
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Refuse to replace an existing file
    #[arg(long)]
    no_clobber: bool,
    /// Only these bytes of the plaintext: first and end, the end not included. Needs a file
    #[arg(long, value_name = "FIRST-END", conflicts_with = "path")]
    range: Option<ByteRange>,
    /// Only this file or folder of an archive
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
}

impl OpenArgs {
    fn existing(&self) -> Existing {
        if self.no_clobber {
            Existing::Refuse
        } else {
            Existing::Replace
        }
    }

    /// The inputs, each with its output.
    pub(crate) fn jobs(&self) -> Outcome<Vec<Job>> {
        let jobs = jobs(&self.inputs, self.output.as_deref(), opened_name)?;
        if jobs.len() > 1 && (self.range.is_some() || self.path.is_some()) {
            return Err(Failure::usage("--range and --path are for one file"));
        }
        Ok(jobs)
    }
}

/// A range of bytes such as `500-1000`; each number may end in K, M or G (powers of 1024).
#[derive(Debug, Clone)]
struct ByteRange(Range<u64>);

impl FromStr for ByteRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not FIRST-END, as in 0-1000 or 500M-501M");
        let (first, end) = text.split_once('-').ok_or_else(wrong)?;
        let range = bytes(first).ok_or_else(wrong)?..bytes(end).ok_or_else(wrong)?;
        if range.start > range.end {
            Err(wrong())
        } else {
            Ok(Self(range))
        }
    }
}

/// A number of bytes that may end in K, M or G (powers of 1024).
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'K') => (text.get(..at)?, 1 << 10),
        (at, 'M') => (text.get(..at)?, 1 << 20),
        (at, 'G') => (text.get(..at)?, 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The keys of a file, and what is asked for those of its segments.
pub(crate) struct Keys<'a> {
    pub(crate) data: &'a DataKey,
    pub(crate) segments: &'a mut dyn SegmentKeys,
}

/// An encrypted file whose header has been parsed.
pub(crate) struct Opened {
    path: PathBuf,
    source: Source,
    /// The header, which is authenticated only when the file is decrypted.
    pub(crate) header: Header,
}

#[derive(Serialize)]
struct OpenReport<'a> {
    #[serde(serialize_with = "crate::output::path_text")]
    output: &'a Path,
    plaintext_bytes: u64,
    /// Number of entries of an archive that were unpacked.
    entries: Option<u64>,
    signed_by: Option<String>,
}

impl fmt::Display for OpenReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.plaintext_bytes;
        write!(f, "{}: {bytes} bytes", self.output.display())?;
        if let Some(entries) = self.entries {
            let word = if entries == 1 { "entry" } else { "entries" };
            write!(f, ", {entries} {word}")?;
        }
        match &self.signed_by {
            Some(signer) => write!(f, ", signed by {signer}"),
            None => Ok(()),
        }
    }
}

impl Opened {
    pub(crate) fn new(input: &Path) -> Outcome<Self> {
        let mut source = Source::open(input)?;
        let header = Header::read(&mut source)?;
        Ok(Self {
            path: input.to_path_buf(),
            source,
            header,
        })
    }

    /// The records of the file's segments, if it can be sought in.
    pub(crate) fn records(&self, key: &DataKey) -> Outcome<Vec<SegmentRecord>> {
        let has_segments = self.header.parameters().look_ahead.is_some();
        match (has_segments, self.source.length) {
            (true, Some(_)) => Ok(self.ranges(key)?.records().to_vec()),
            _ => Ok(Vec::new()),
        }
    }

    /// Decrypts the file, or the requested part, to the output.
    pub(crate) fn write(
        self,
        args: &OpenArgs,
        output: &Path,
        keys: Keys<'_>,
        context: &Context,
    ) -> Outcome {
        if self.header.parameters().archive && args.range.is_none() {
            return self.unpack(args, output, keys, context);
        }
        if args.path.is_some() {
            return Err(Failure::usage(format!(
                "{} is no archive",
                self.path.display()
            )));
        }
        let mut sink = Sink::open(output, Content::Secret, args.existing())?;
        let (plaintext_bytes, signer) = match &args.range {
            Some(ByteRange(range)) => {
                let mut reader = self.ranges(keys.data)?;
                reader.read_range_with(keys.segments, range.clone(), &mut sink)?;
                (range.end.saturating_sub(range.start), None)
            }
            None => {
                let mut bar = Bar::bytes(context.out, "decrypting", self.source.length);
                let decryptor = Decryptor::new(&self.header, keys.data, self.source)?;
                let decryptor = decryptor.with_keys(keys.segments);
                let summary = decryptor.decrypt(&mut sink, &mut |done| bar.set(done))?;
                (summary.plaintext_bytes, summary.signer)
            }
        };
        let to_stdout = sink.is_stdout();
        sink.finish()?;
        let signed_by = signer.and_then(|signer| name_of(&signer, context));
        if to_stdout {
            if let Some(signer) = signed_by {
                context.out.note(&format!("signed by {signer}"));
            }
            return Ok(());
        }
        context.out.emit(&OpenReport {
            output,
            plaintext_bytes,
            entries: None,
            signed_by,
        })
    }

    fn ranges(&self, key: &DataKey) -> Outcome<RangeReader<File>> {
        let path = &self.path;
        if self.source.length.is_none() {
            return Err(Failure::usage("a part needs a file that can be sought in"));
        }
        let file = File::open(path).map_err(|error| Failure::io(path.display(), &error))?;
        Ok(RangeReader::open(&self.header, key, file)?)
    }
}

/// Names who signed a file: by the card of that key, or else by the key's fingerprint.
fn name_of(signer: &[u8; 33], context: &Context) -> Option<String> {
    let key = PublicKey::from_bytes(signer).ok()?;
    let cards = context.home().and_then(|home| Ok(home.cards()?));
    let cards = cards.unwrap_or_default();
    let card = cards.iter().find(|card| card.receiving_key() == key);
    Some(match card {
        Some(card) => format!("{} ({})", card.name(), fingerprint(&key)),
        None => format!("{}, of whom there is no card here", fingerprint(&key)),
    })
}
