//! `kms tx`: what the home's account has sent and what waits; a higher price, or another one in its
//! place. The commands that send go on with what waits by themselves.

use clap::{Args, Subcommand};
use kms_chain::Fees;
use kms_client::{OpenTx, TxAttempt, TxState, transactions};
use kms_protocol::{B256, Wei};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Row;
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::session::Session;

/// Transactions of this home's account that are not settled, or whose result was not told
#[derive(Debug, Subcommand)]
pub(crate) enum TxVerb {
    /// List them by nonce, offline
    #[command(after_help = "Examples:\n  kms tx list\n  kms tx list --json")]
    List,
    /// Show one with all its attempts, offline
    #[command(after_help = "Examples:\n  kms tx show 7\n  kms tx show 0x3f...")]
    Show(TxArgs),
    /// Offer more for one that waits
    #[command(after_help = "Examples:\n  kms tx bump 7 --dry-run\n  kms tx bump 7")]
    Bump(ReplaceArgs),
    /// Put a transfer of nothing in the place of one that waits; whichever is mined first stands
    #[command(after_help = "Examples:\n  kms tx cancel 7 --dry-run\n  kms tx cancel 7")]
    Cancel(ReplaceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TxArgs {
    /// Nonce of the transaction, or the hash of one of its attempts
    transaction: String,
}

#[derive(Debug, Args)]
pub(crate) struct ReplaceArgs {
    #[command(flatten)]
    tx: TxArgs,
    #[command(flatten)]
    dry: DryArgs,
}

impl Row for OpenTx {
    const HEAD: &'static [&'static str] = &["NONCE", "STATE", "CALL", "ATTEMPTS", "HASH"];

    fn cells(&self) -> Vec<String> {
        let newest = self.attempts.last().map(|one| one.hash.to_string());
        vec![
            self.nonce.to_string(),
            state(self).to_owned(),
            self.call.clone(),
            self.attempts.len().to_string(),
            newest.unwrap_or_default(),
        ]
    }
}

/// What a replacement offers.
#[derive(Serialize)]
struct Offer {
    nonce: u64,
    max_fee: Wei,
    tip: Wei,
}

fn state(tx: &OpenTx) -> &'static str {
    match tx.state {
        TxState::Open => "open",
        TxState::Mined => "mined",
    }
}

fn describe(tx: &OpenTx) -> String {
    let mut lines = vec![format!("nonce {}: {} to {}", tx.nonce, tx.call, tx.to)];
    lines.push(match tx.block_number {
        Some(block) => format!("mined in block {block}, result not told yet"),
        None => "open".to_owned(),
    });
    let attempts = tx.attempts.iter();
    lines.extend(attempts.map(|one| {
        format!(
            "{}  {}, at most {} per gas, tip {}",
            one.hash, one.call, one.max_fee, one.tip
        )
    }));
    lines.join("\n")
}

impl TxArgs {
    fn is_of(&self, tx: &OpenTx) -> bool {
        let hash: Option<B256> = self.transaction.parse().ok();
        let nonce: Option<u64> = self.transaction.parse().ok();
        nonce == Some(tx.nonce) || tx.attempts.iter().any(|one| Some(one.hash) == hash)
    }

    fn find(&self, all: Vec<OpenTx>) -> Outcome<OpenTx> {
        let found = all.into_iter().find(|tx| self.is_of(tx));
        found.ok_or_else(|| missing(&self.transaction))
    }
}

fn missing(wanted: &str) -> Failure {
    let message = format!("no transaction {wanted} is in this home's journal");
    let hint = "what is settled and told is not kept: `kms tx list` shows what there is";
    Failure::new("not_found", message, hint)
}

pub(crate) async fn run(verb: TxVerb, context: &Context) -> Outcome {
    match verb {
        TxVerb::List => {
            let all = transactions(&context.home()?)?;
            context.out.list(&all, "no transaction is open")
        }
        TxVerb::Show(args) => {
            let tx = args.find(transactions(&context.home()?)?)?;
            context.out.emit_as(&tx, || describe(&tx))
        }
        TxVerb::Bump(args) => replace(&args, By::Price, context).await,
        TxVerb::Cancel(args) => replace(&args, By::Nothing, context).await,
    }
}

/// What takes the place of a transaction.
#[derive(Clone, Copy)]
enum By {
    /// The same at a higher price.
    Price,
    /// A transfer of nothing.
    Nothing,
}

async fn replace(args: &ReplaceArgs, by: By, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let tx = args.tx.find(transactions(&session.home)?)?;
    if tx.state == TxState::Mined {
        return Err(missing(&args.tx.transaction).hint("it is mined: nothing can take its place"));
    }
    let nonce = tx.nonce;
    let account = session.account(context)?;
    let gone = || missing(&args.tx.transaction);
    if args.dry.dry_run {
        let Fees { max_fee, tip } = account.raised(nonce).await?.ok_or_else(gone)?;
        let offer = Offer {
            nonce,
            max_fee,
            tip,
        };
        return context.out.emit_as(&offer, || {
            format!("nonce {nonce}: at most {max_fee} per gas, tip {tip}")
        });
    }
    let steps = Steps::new(context.out, "");
    let sent: TxAttempt = match by {
        By::Price => account.bump(nonce, &steps).await?,
        By::Nothing => account.cancel(nonce, &steps).await?,
    }
    .ok_or_else(gone)?;
    context.out.emit_as(&sent, || {
        format!("nonce {nonce}: {} sent as {}", sent.call, sent.hash)
    })
}
