//! `kms stream play`: the plaintext of a stream, to a player's input.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use kms_client::Existing;

use crate::context::Context;
use crate::failure::Outcome;
use crate::sink::{Content, Sink};

/// Play a stream to stdout or a file, from any position
///
/// A file that is still written is followed to its end. The keys of the segments ahead are asked
/// for while one is played, so that nothing stalls as long as it is paid.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms stream play film.kms | mpv -
  kms stream play live.kms --newest | ffplay -
  kms stream play film.kms --from 500M -o rest.ts

Exits with 11 at the end of what is paid, 12 when the grant was revoked: what was played until then
is on stdout. A file is whole or not there at all.")]
pub(crate) struct PlayArgs {
    /// The stream, whole or still written
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Where to write; `-` is stdout
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Begin at this byte of the plaintext; may end in K, M or G
    #[arg(long, value_name = "BYTE", value_parser = byte)]
    from: Option<u64>,
    /// Begin with the newest segment
    #[arg(long, conflicts_with = "from")]
    newest: bool,
    /// Seconds to wait for the miners
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn byte(text: &str) -> Result<u64, String> {
    let byte = crate::open::bytes(text);
    byte.ok_or_else(|| format!("{text:?} is no number of bytes, as in 500M or 65536"))
}

pub(super) async fn run(args: &PlayArgs, context: &Context) -> Outcome {
    let viewer = super::viewer(context, args.timeout).await?;
    let playback = super::open(&viewer, &args.input, context).await?;
    let mut cursor = match args.newest {
        true => playback.from_newest().await?,
        false => playback.from(args.from.unwrap_or(0)),
    };
    let mut sink = Sink::open(&args.output, Content::Secret, Existing::Replace)?;
    while let Some(piece) = cursor.next().await? {
        // A player behind a pipe does not wait for the next piece to see this one.
        let written = sink.write_all(&piece).and_then(|()| sink.flush());
        written.map_err(kms_format::Error::Write)?;
    }
    sink.finish()?;
    let waits = playback.waits();
    context
        .out
        .detail(&format!("waited for keys {waits} times"));
    Ok(())
}
