//! `kms relay`: sends what somebody else has signed.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use kms_client::{ChainPort as _, RevocationOrders};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::plan::DryArgs;
use crate::session::Session;
use crate::sink::Source;

/// Longest file of orders that is read, in bytes.
const BYTES_MAX: u64 = 1024 * 1024;

/// Send a revocation that its author has signed into a file
///
/// The author needs no ether, and this home no right: the signature is all. `kms revoke --relay-to`
/// writes the file. Refunds go to the policy's sponsor, whoever sends it; each order counts once,
/// until its deadline.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms relay bob.revoke --dry-run
  kms relay bob.revoke

Exits with 31 and the contract's reason if an order was sent before, is too late or not signed.")]
pub(crate) struct RelayArgs {
    /// The file, or - for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    dry: DryArgs,
}

pub(crate) async fn run(args: RelayArgs, context: &Context) -> Outcome {
    let mut bytes = Vec::new();
    let read = Source::open(&args.file)?
        .take(BYTES_MAX)
        .read_to_end(&mut bytes);
    read.map_err(|error| Failure::io(args.file.display(), &error))?;
    let orders = RevocationOrders::parse(&bytes).ok_or_else(|| {
        Failure::new(
            "order_invalid",
            format!("{} holds no signed revocation", args.file.display()),
            "ask the author for the file again: `kms revoke --relay-to` writes it",
        )
    })?;
    let session = Session::open(context).await?;
    let account = session.home.wallet_address();
    let plan = orders.plan(account, &session.network.domain())?;
    session.run(plan, "revoked", args.dry, context).await
}
