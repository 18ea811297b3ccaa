//! `kms read`: opens a file granted to this home's reader key, with cfrags of m miners.

use clap::Args;
use kms_client::{Home, ReadLimits, Reader, ReaderKey};
use kms_format::Locator;
use kms_protocol::Address;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::open::{OpenArgs, Opened};
use crate::progress::Steps;
use crate::session::Session;

/// Open a file that was granted to you
///
/// Finds the policy on the chain, asks its miners all at once, and opens the file with the first m
/// right answers. One answer of each miner opens the whole file, whatever its size.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms read movie.kms -o movie.mp4
  curl -s https://example.org/movie.kms | kms read | mpv -
  kms read --range 500M-501M movie.kms | sha256sum

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

fn network(of: &Locator) -> String {
    format!("chain {} (contract {})", of.chain_id, Address(of.contract))
}

pub(crate) async fn run(args: &ReadArgs, context: &Context) -> Outcome {
    let opened = Opened::new(&args.open)?;
    require_network(opened.header.locator(), &context.home()?)?;
    let session = Session::open(context).await?;
    let keys = session.home.unlock_readers(&context.passphrases)?;
    let keys = (0..session.home.config().reader_keys)
        .map(|number| keys.key(number))
        .collect::<Result<Vec<ReaderKey>, _>>()?;
    let limits = ReadLimits {
        total_ms: args.timeout.saturating_mul(1000),
        ..Default::default()
    };
    let reader = Reader::new(&keys, &session.network, session.network.nodes()).with_limits(limits);
    let steps = Steps::new(context.out.quieter(), "answered");
    let key = reader.data_key(&opened.header, &steps).await?;
    opened.write(&key, context)
}
