//! `kms read`: opens a file granted to this home's reader key, with cfrags of m miners.

use std::path::Path;

use clap::Args;
use kms_client::{EvidenceBook, Home, ReadLimits, Reader, ReaderKey};
use kms_format::Locator;
use kms_protocol::Address;
use kms_protocol::messages::CAPSULES_MAX;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::many::Job;
use crate::miner_keys::MinerKeys;
use crate::open::{Keys, OpenArgs, Opened};
use crate::progress::Steps;
use crate::session::Session;

/// Open a file that was granted to you
///
/// Finds the policy on the chain, asks its miners all at once, and opens the file with the first m
/// right answers. One answer of each miner opens the whole file, whatever its size. If the file is
/// cut into segments, the miners are asked for each of them, several at a time. A false answer is
/// kept as evidence, see `kms accuse`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms read movie.kms -o movie.mp4
  curl -s https://example.org/movie.kms | kms read | mpv -
  kms read --range 500M-501M movie.kms | sha256sum
  kms read photos.kms -o photos                       an archive, into a new folder
  kms read photos.kms --path 2026/sea.jpg -o sea.jpg
  kms read *.kms -o FOLDER

Exits with 10 without a grant, 11 when it has expired, 12 when it was revoked, 13 when too few
miners answered, with the reason of each, 14 when the owner's shares do not fit together.")]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    open: OpenArgs,
    /// Seconds to wait for the miners
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// Refuses a file that says itself that its grants are on another network.
fn require_network(named: Option<&Locator>, home: &Home) -> Outcome {
    let deployment = &home.config().deployment;
    let own = Locator {
        chain_id: deployment.chain_id,
        contract: deployment.contracts.policies.address.0,
    };
    match named {
        Some(named) if *named != own => Err(Failure::new(
            "other_network",
            format!(
                "the file is shared on {}, and this home is on {}",
                network(named),
                network(&own)
            ),
            "use a home on that network: --home DIR, or `kms init --network`",
        )),
        Some(_) | None => Ok(()),
    }
}

/// The same for a file of which nothing else is read.
pub(crate) fn require_network_of(path: &Path, context: &Context) -> Outcome {
    let opened = Opened::new(path)?;
    require_network(opened.header.locator(), &context.home()?)
}

fn network(of: &Locator) -> String {
    format!("chain {} (contract {})", of.chain_id, Address(of.contract))
}

/// What a reader of this home asks the miners with.
pub(crate) struct Asking {
    pub(crate) session: Session,
    pub(crate) keys: Vec<ReaderKey>,
    pub(crate) book: EvidenceBook,
    limits: ReadLimits,
}

impl Asking {
    pub(crate) async fn begin(context: &Context, seconds: u64) -> Outcome<Self> {
        let session = Session::open(context).await?;
        let keys = session.home.unlock_readers(&context.passphrases)?;
        let keys = (0..session.home.config().reader_keys)
            .map(|number| keys.key(number))
            .collect::<Result<Vec<ReaderKey>, _>>()?;
        let limits = ReadLimits {
            total_ms: seconds.saturating_mul(1000),
            ..Default::default()
        };
        Ok(Self {
            book: session.home.evidence(),
            session,
            keys,
            limits,
        })
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        let network = &self.session.network;
        Reader::new(&self.keys, network, network.nodes())
            .with_limits(self.limits)
            .with_evidence(&self.book)
    }
}

/// Refuses a file of another network, before anybody is asked.
pub(crate) fn open(job: &Job, context: &Context) -> Outcome<Opened> {
    let opened = Opened::new(&job.input)?;
    require_network(opened.header.locator(), &context.home()?)?;
    Ok(opened)
}

/// Files of one label, as many as the miners are asked for at once, each with its job.
type Batch = Vec<(Job, Opened)>;

/// Asks for the keys of a batch and writes its files.
async fn write(batch: Batch, args: &OpenArgs, asking: &Asking, context: &Context) -> Outcome {
    let reader = asking.reader();
    let steps = Steps::new(context.out.quieter(), "answered");
    let headers: Vec<_> = batch.iter().map(|(_, opened)| &opened.header).collect();
    let keys = match headers.as_slice() {
        [header] => vec![reader.data_key(header, &steps).await?],
        headers => reader.data_keys(headers, &steps).await?,
    };
    for ((job, opened), key) in batch.into_iter().zip(keys) {
        let records = opened.records(&key)?;
        let label_key = *opened.header.label_key();
        let mut keys = MinerKeys::new(&reader, label_key, records, &steps);
        let asked = Keys {
            data: &key,
            segments: &mut keys,
        };
        let written = opened.write(args, &job.output, asked, context);
        keys.explain(written)?;
    }
    Ok(())
}

pub(crate) async fn run(args: &ReadArgs, context: &Context) -> Outcome {
    let mut asking = None;
    let mut batch = Batch::new();
    let mut jobs = args.open.jobs()?.into_iter().peekable();
    while let Some(job) = jobs.next() {
        let opened = open(&job, context)?;
        let asking = match &asking {
            Some(asking) => asking,
            None => asking.insert(Asking::begin(context, args.timeout).await?),
        };
        let last = batch.last().map(|(_, last)| *last.header.label_key());
        let goes_along = last.is_none_or(|last| last == *opened.header.label_key());
        if !goes_along || batch.len() == CAPSULES_MAX {
            write(std::mem::take(&mut batch), &args.open, asking, context).await?;
        }
        batch.push((job, opened));
        if jobs.peek().is_none() {
            write(std::mem::take(&mut batch), &args.open, asking, context).await?;
        }
    }
    Ok(())
}
