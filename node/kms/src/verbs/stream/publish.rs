//! `kms stream publish`: encrypts a film, or live input while it is made.

use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use getrandom::SysRng;
use kms_client::{Error, Existing, LiveInput, publish_live};
use kms_format::{Encryptor, LOOK_AHEAD_MAX, Segments, Summary};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::progress::Bar;
use crate::sink::{Content, Sink, Source};
use crate::verbs::encrypt::{self, EncryptReport};

/// Publish a film, or live input while it is made: offline, without an account
///
/// Each segment has a key of its own, and tells those that follow. Of live input a segment ends by
/// time and is written at once: FILE grows in its place, and those who play it follow. It ends with
/// the input, or with Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms stream publish -t films/demo film.mp4 -o film.mp4.kms
  ffmpeg -i /dev/video0 -f mpegts - | kms stream publish -t films/demo --live -o live.ts.kms")]
pub(crate) struct PublishArgs {
    /// The label: its name here, or its public key kmslabel1...
    #[arg(long = "to", short, value_name = "LABEL")]
    to: String,
    /// What to publish; `-` is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Where to write; `-` is stdout
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The input comes while it is made. FILE must be new
    #[arg(long)]
    live: bool,
    /// Seconds of a segment of live input
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "live")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Bytes of a segment of a film; 4M are 10 seconds of 3.4 Mbit/s
    #[arg(
        long,
        value_name = "BYTES",
        default_value = "4M",
        conflicts_with = "live"
    )]
    #[arg(value_parser = encrypt::segment)]
    segment: u64,
    /// Tell so many keys of following segments in each
    #[arg(long, value_name = "SEGMENTS", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=i64::from(LOOK_AHEAD_MAX)))]
    look_ahead: u8,
    /// Leave out which network the readers look on
    #[arg(long)]
    anonymous: bool,
}

impl PublishArgs {
    pub(super) fn stops_itself(&self) -> bool {
        self.live
    }
}

pub(super) async fn run(args: PublishArgs, context: &Context) -> Outcome {
    let (label_key, mut encryptor) = encrypt::encryptor(&args.to, args.anonymous, context)?;
    let segments = match args.live {
        true => Segments::BY_HAND,
        false => Segments::of_bytes(args.segment),
    };
    encryptor = encryptor.with_segments(segments.looking_ahead(args.look_ahead));
    let summary = match args.live {
        true => Some(live(&args, encryptor, context).await?),
        false => stored(&args, &encryptor, context)?,
    };
    match summary {
        Some(summary) => context
            .out
            .emit(&EncryptReport::new(args.output, &label_key, &summary)),
        None => Ok(()),
    }
}

/// Returns nothing if the data went to stdout, which then must carry nothing else.
fn stored(
    args: &PublishArgs,
    encryptor: &Encryptor,
    context: &Context,
) -> Outcome<Option<Summary>> {
    let source = Source::open(&args.input)?;
    let mut sink = Sink::open(&args.output, Content::Encrypted, Existing::Replace)?;
    let mut bar = Bar::bytes(context.out, "publishing", source.length);
    let mut progress = |done| bar.set(done);
    let summary = encryptor.encrypt(&mut SysRng, source, &mut sink, &mut progress)?;
    let to_stdout = sink.is_stdout();
    sink.finish()?;
    Ok((!to_stdout).then_some(summary))
}

async fn live(args: &PublishArgs, encryptor: Encryptor, context: &Context) -> Outcome<Summary> {
    let path = args.output.clone();
    let fail = |error: &io::Error| Failure::io(path.display(), error);
    let (input, stop) = match args.input.as_os_str() == "-" {
        true => LiveInput::of(io::stdin()),
        false => {
            let file = std::fs::File::open(&args.input);
            LiveInput::of(file.map_err(|error| Failure::io(args.input.display(), &error))?)
        }
    };
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let file = match file {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::OutputExists { path }.into());
        }
        file => file.map_err(|error| fail(&error))?,
    };
    context.out.note(&format!("live in {}", path.display()));
    let every = Duration::from_secs(args.every);
    let durable = file.try_clone().map_err(|error| fail(&error))?;
    let published =
        tokio::task::spawn_blocking(move || publish_live(&encryptor, &input, file, every));
    tokio::spawn(async move {
        // Without signals it ends with its input.
        if interrupt::asked_to_stop().await.is_ok() {
            stop.stop();
        }
    });
    let summary = published.await.map_err(Failure::bug)??;
    durable.sync_all().map_err(|error| fail(&error))?;
    Ok(summary)
}
