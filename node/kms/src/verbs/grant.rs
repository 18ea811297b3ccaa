//! `kms grant`: grants a label to a reader, for some periods, through n miners.

mod report;

use clap::Args;
use kms_client::{Funds, GrantReport, GrantSpec, Label, OwnerKeys, Quote, Repeat, Start};
use kms_protocol::PolicyId;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Steps;
use crate::session::Session;
use crate::terms::TermsArgs;
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
    /// The reader's card: its name here, or kmscard1...; several are paid by one transaction
    #[arg(long, value_name = "CARD", required_unless_present = "resume")]
    to: Vec<String>,
    #[command(flatten)]
    terms: TermsArgs,
    /// Begin with the period that holds this time, written as for --until [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<Moment>,
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
    quotes.iter().for_each(|quote| announce(quote, context));
    let steps = Steps::new(context.out, "has stored its kfrag");
    let owner = session.owner();
    let reports = owner.grant_all(quotes, &keys, account.spend(), &steps);
    let mut failed = Vec::new();
    for report in reports.await? {
        match report {
            Ok(report) => done(&report, context)?,
            Err(error) => failed.push(Failure::from(error).for_owner()),
        }
    }
    account.told()?;
    Failure::of_several(failed)
}

/// Prints what each grant would cost; fails as the grants would, if one of them could not be made.
pub(super) async fn rehearse(
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
    let span = args.terms.span()?;
    let start = args
        .start
        .map_or(Start::Now, |Moment(time)| Start::At(time));
    let repeat = match args.again {
        true => Repeat::Allow,
        false => Repeat::Refuse,
    };
    let spec = |name: &String| {
        let card = session.home.card(name)?;
        let spec = args.terms.spec(label.clone(), card, span, repeat)?;
        Ok(GrantSpec { start, ..spec })
    };
    args.to.iter().map(spec).collect()
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
