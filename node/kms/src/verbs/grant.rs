//! `kms grant`: grants a label to a reader, for some periods, through n miners.

mod report;

use std::str::FromStr;

use clap::Args;
use kms_client::{
    FeeLimit, Funds, GrantReport, GrantSpec, Label, OwnerKeys, Quote, Rate, Repeat, Selection,
    Start,
};
use kms_protocol::{Address, Amount, PolicyId};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Steps;
use crate::session::Session;
use crate::span::SpanArgs;
use crate::time::Moment;

use report::{GrantedReport, QuoteReport, summary};

/// Let a reader in: pay miners to re-encrypt one label for one reader, for some periods
///
/// Miners are drawn at random in proportion to their locked stake, or named. Everything is written
/// to a journal before anything is paid, so a grant that was interrupted is finished with
/// `--resume` and costs nothing twice.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms grant films/demo --to bob --threshold 2/3 --periods 30 --dry-run
  kms grant films/demo --to bob --threshold 2/3 --periods 30 --max-fee \"10 KMS\"
  kms grant films/demo --to bob --to carol --threshold 3/5 --for 30d --rate \"0.1 KMS\"
  kms grant films/demo --to bob --start 2026-12-01 --until 2026-12-24
  kms grant films/demo --to bob --threshold 1/2 --periods 7 --miner 0xAa... --miner 0xBb...
  kms grant --resume                                        finish what was interrupted")]
pub(crate) struct GrantArgs {
    /// Label to grant
    #[arg(
        required_unless_present = "resume",
        conflicts_with = "resume",
        requires = "SpanArgs"
    )]
    label: Option<String>,
    /// The reader's card: its name here, or kmscard1...; several make one grant each
    #[arg(long, value_name = "CARD", required_unless_present = "resume")]
    to: Vec<String>,
    /// m of n: miners a reader needs, and miners that hold a kfrag
    #[arg(long, value_name = "M/N", default_value = "2/3")]
    threshold: QuorumArg,
    #[command(flatten)]
    span: SpanArgs,
    /// Begin with the period that holds this time, written as for --until [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<Moment>,
    /// Offered to each miner per period [default: what at least half of the miners accept]
    #[arg(long, value_name = "AMOUNT")]
    rate: Option<Amount>,
    /// Refuse to pay more than this in all
    #[arg(long, value_name = "AMOUNT")]
    max_fee: Option<Amount>,
    /// A miner to use, by its owner address; name all n of them
    #[arg(long, value_name = "ADDRESS", conflicts_with = "seed")]
    miner: Vec<Address>,
    /// 64 hexadecimal digits that decide the draw, to repeat one
    #[arg(long, value_name = "HEX")]
    seed: Option<SeedArg>,
    /// Pay for a second grant, though the reader has one of the label in force
    #[arg(long)]
    again: bool,
    /// Only say what it would cost, and who would serve
    #[arg(long)]
    dry_run: bool,
    /// Finish interrupted grants: this one, or all
    #[arg(long, value_name = "POLICY", num_args = 0..=1)]
    #[arg(conflicts_with_all = ["dry_run", "to", "again"])]
    resume: Option<Option<PolicyId>>,
}

/// A threshold such as `2/3`: m cfrags needed of n miners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct QuorumArg {
    threshold: u8,
    shares: u8,
}

impl FromStr for QuorumArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('/')
            .and_then(|(m, n)| Some((m.parse().ok()?, n.parse().ok()?)));
        let (threshold, shares) =
            parsed.ok_or_else(|| format!("{text:?} is not M/N, as in 2/3"))?;
        if threshold == 0 || threshold > shares {
            return Err(format!("{text:?}: M is 1 to N"));
        }
        Ok(Self { threshold, shares })
    }
}

/// Seed of the draw of miners, 64 hexadecimal digits. Not secret: no key is derived from it.
#[derive(Debug, Clone, Copy)]
struct SeedArg([u8; 32]);

impl FromStr for SeedArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut seed = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut seed)
            .map_err(|_| "a seed has 64 hexadecimal digits".to_owned())?;
        Ok(Self(seed))
    }
}

pub(crate) async fn run(args: GrantArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    if let Some(which) = args.resume {
        return resume(which, &session, context).await;
    }
    let specs = specs(&args, &session)?;
    let mut quotes = Vec::with_capacity(specs.len());
    for spec in &specs {
        quotes.push(session.owner().quote(spec).await?);
    }
    let keys = session.home.unlock_owner(&context.passphrases)?;
    if args.dry_run {
        return rehearse(&quotes, &keys, &session, context).await;
    }
    let account = session.account(context)?;
    for quote in quotes {
        announce(&quote, context);
        let steps = Steps::new(context.out, "has stored its kfrag");
        let report = session
            .owner()
            .grant(quote, &keys, account.spend(), &steps)
            .await?;
        done(&report, context)?;
        account.told()?;
    }
    Ok(())
}

/// Prints what each grant would cost; fails as the grants would, if one of them could not be made.
async fn rehearse(
    quotes: &[Quote],
    keys: &OwnerKeys,
    session: &Session,
    context: &Context,
) -> Outcome {
    let owner = session.owner();
    let funds = owner.funds().await?;
    let mut need = Funds::default();
    for quote in quotes {
        owner.check_grant(quote, keys).await?;
        let plan = owner.plan_payment(quote).await?;
        let plan = match plan.clone().estimate(&session.network).await {
            // Without the tokens there is no estimate, and the quote is printed all the same.
            Err(kms_client::Error::InsufficientFunds { .. }) => plan,
            estimated => estimated?,
        };
        need.add(quote.price, plan.fee_max())?;
        context
            .out
            .emit(&QuoteReport::new(quote, plan.steps, funds))?;
    }
    Ok(owner.require_funds(need, funds)?)
}

fn specs(args: &GrantArgs, session: &Session) -> Outcome<Vec<GrantSpec>> {
    let missing = |what: &str| Failure::usage(format!("{what} is needed"));
    let label = args.label.as_deref().ok_or_else(|| missing("a label"))?;
    let label = Label::new(label)?;
    let span = args.span.span()?;
    let start = args
        .start
        .map_or(Start::Now, |Moment(time)| Start::At(time));
    let spec = |name: &String| {
        Ok(GrantSpec {
            label: label.clone(),
            card: session.home.card(name)?,
            threshold: args.threshold.threshold,
            shares: args.threshold.shares,
            start,
            span,
            rate: args.rate.map_or(Rate::Market, Rate::Offer),
            max_fee: args.max_fee.map_or(FeeLimit::AsQuoted, FeeLimit::AtMost),
            selection: selection(args)?,
            repeat: match args.again {
                true => Repeat::Allow,
                false => Repeat::Refuse,
            },
        })
    };
    args.to.iter().map(spec).collect()
}

fn selection(args: &GrantArgs) -> Outcome<Selection> {
    if !args.miner.is_empty() {
        let (given, n) = (args.miner.len(), usize::from(args.threshold.shares));
        if given != n {
            let text = format!("--threshold asks for {n} miners, --miner names {given}");
            return Err(Failure::usage(text));
        }
        return Ok(Selection::Miners(args.miner.clone()));
    }
    match args.seed {
        Some(SeedArg(seed)) => Ok(Selection::Stake { seed }),
        None => Ok(Selection::random()?),
    }
}

fn announce(quote: &Quote, context: &Context) {
    context.out.note(&summary(quote));
}

fn done(report: &GrantReport, context: &Context) -> Outcome {
    context.out.emit(&GrantedReport::from(report))?;
    if !report.pending.is_empty() {
        let (held, n) = (report.delivered.len(), report.terms.miners.len());
        context.out.note(&format!(
            "{held} of {n} miners hold their kfrag, which is enough; \
             `kms grant --resume {}` asks the others again",
            report.policy
        ));
    }
    Ok(())
}

async fn resume(which: Option<PolicyId>, session: &Session, context: &Context) -> Outcome {
    let policies = match which {
        Some(policy) => vec![policy],
        None => {
            let unfinished = session.home.journal().unfinished()?;
            unfinished.iter().map(|grant| grant.policy).collect()
        }
    };
    if policies.is_empty() {
        context.out.note("nothing to resume");
        return Ok(());
    }
    let keys = session.home.unlock_owner(&context.passphrases)?;
    let account = session.account(context)?;
    let owner = session.owner();
    let mut failed = Vec::new();
    for policy in policies {
        let steps = Steps::new(context.out, "has stored its kfrag");
        match owner.resume(policy, &keys, account.spend(), &steps).await {
            Ok(report) => done(&report, context)?,
            Err(error) => failed.push(Failure::from(error).for_owner().about(policy)),
        }
        account.told()?;
    }
    Failure::of_several(failed)
}

#[cfg(test)]
mod tests;
