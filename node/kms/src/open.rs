//! Opens an encrypted file, for `decrypt` and `read`, once its data key is known.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use kms_client::Existing;
use kms_format::{DataKey, Decryptor, Header, RangeReader};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Bar;
use crate::sink::{Content, Sink, Source};

/// Arguments for input and output of an encrypted file's plaintext.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// The encrypted file; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Where to write; `-` is stdout. A file is whole or not there at all
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Refuse to replace an existing file
    #[arg(long)]
    no_clobber: bool,
    /// Only these bytes of the plaintext: first and end, the end not included. Needs a file
    #[arg(long, value_name = "FIRST-END")]
    range: Option<ByteRange>,
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

fn bytes(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'K') => (text.get(..at)?, 1 << 10),
        (at, 'M') => (text.get(..at)?, 1 << 20),
        (at, 'G') => (text.get(..at)?, 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// An encrypted file whose header has been parsed.
pub(crate) struct Opened<'a> {
    args: &'a OpenArgs,
    source: Source,
    /// The header, which is authenticated only when the file is decrypted.
    pub(crate) header: Header,
}

#[derive(Serialize)]
struct OpenReport<'a> {
    #[serde(serialize_with = "crate::output::path_text")]
    output: &'a Path,
    plaintext_bytes: u64,
}

impl fmt::Display for OpenReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} bytes",
            self.output.display(),
            self.plaintext_bytes
        )
    }
}

impl<'a> Opened<'a> {
    pub(crate) fn new(args: &'a OpenArgs) -> Outcome<Self> {
        let mut source = Source::open(&args.input)?;
        let header = Header::read(&mut source)?;
        Ok(Self {
            args,
            source,
            header,
        })
    }

    /// Decrypts the file, or the requested range, to the output.
    pub(crate) fn write(self, key: &DataKey, context: &Context) -> Outcome {
        let args = self.args;
        let existing = if args.no_clobber {
            Existing::Refuse
        } else {
            Existing::Replace
        };
        let mut sink = Sink::open(&args.output, Content::Secret, existing)?;
        let plaintext_bytes = match &args.range {
            Some(ByteRange(range)) => self.write_range(key, range, &mut sink)?,
            None => {
                let mut bar = Bar::bytes(context.out, "decrypting", self.source.length);
                let decryptor = Decryptor::new(&self.header, key, self.source)?;
                decryptor
                    .decrypt(&mut sink, &mut |done| bar.set(done))?
                    .plaintext_bytes
            }
        };
        let to_stdout = sink.is_stdout();
        sink.finish()?;
        if to_stdout {
            return Ok(());
        }
        context.out.emit(&OpenReport {
            output: &args.output,
            plaintext_bytes,
        })
    }

    fn write_range(&self, key: &DataKey, range: &Range<u64>, sink: &mut Sink) -> Outcome<u64> {
        let path = &self.args.input;
        if self.source.length.is_none() {
            return Err(Failure::usage("--range needs a file that can be sought in"));
        }
        let file = File::open(path).map_err(|error| Failure::io(path.display(), &error))?;
        let mut reader = RangeReader::open(&self.header, key, file)?;
        reader.read_range(range.clone(), sink)?;
        Ok(range.end.saturating_sub(range.start))
    }
}

#[cfg(test)]
mod tests;
