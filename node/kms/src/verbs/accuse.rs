//! `kms accuse`: shows the evidence against miners, and brings it before the judge.

use std::path::{Path, PathBuf};

use clap::Args;
use kms_client::{Accuser, Conduct, Conviction, Evidence, Expected, Probed};
use kms_protocol::{Address, Amount, B256, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::many::Job;
use crate::output::Row;
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::text::utc;
use crate::verbs::read::{Asking, open};

/// Have a miner punished that answered you falsely, or after your grant was revoked
///
/// What a miner signs convicts it. `kms read` keeps every false answer that it meets as evidence
/// in the home; --ask FILE asks every miner that may open FILE, or may not any more, and keeps
/// what it finds. Without arguments the evidence is listed. An accusation is one transaction of
/// this home's account: it takes a part of the miner's stake, suspends it, and pays a reward to
/// the account or to --reward-to. The keys of the policy become public with it, no secret does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms accuse                                   what is kept
  kms accuse --ask movie.kms                   ask the miners, keep what convicts them
  kms accuse 0x3f... --dry-run                 what it costs, and what to expect
  kms accuse --all --reward-to 0x5151...

Exits with 31 and the contract's reason if an accusation does not convict; nothing is paid then.")]
pub(crate) struct AccuseArgs {
    /// Evidence by its id, as the list shows it
    #[arg(value_name = "EVIDENCE")]
    evidence: Vec<B256>,
    /// Accuse by everything that is kept
    #[arg(long, conflicts_with = "evidence")]
    all: bool,
    /// First ask every miner of the grants for this file, and keep what convicts them
    #[arg(long, value_name = "FILE")]
    ask: Option<PathBuf>,
    /// Who receives the reward [default: this home's account]
    #[arg(long, value_name = "ADDRESS")]
    reward_to: Option<Address>,
    /// Seconds to wait for the miners that are asked
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Serialize)]
struct EvidenceRow {
    evidence: B256,
    miner: Address,
    policy: PolicyId,
    offence: &'static str,
    block_time: u64,
}

impl From<&Evidence> for EvidenceRow {
    fn from(evidence: &Evidence) -> Self {
        Self {
            evidence: evidence.id(),
            miner: evidence.miner,
            policy: evidence.policy,
            offence: evidence.offence.name(),
            block_time: evidence.block_time(),
        }
    }
}

impl Row for EvidenceRow {
    const HEAD: &'static [&'static str] = &["EVIDENCE", "MINER", "WHAT IT DID", "ANSWERED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.evidence.to_string(),
            self.miner.to_string(),
            self.offence.to_owned(),
            utc(self.block_time),
        ]
    }
}

fn probed_text(probed: &Probed) -> String {
    let (miner, policy) = (probed.miner, probed.policy);
    let told = match &probed.conduct {
        Conduct::Sound => "answers well".to_owned(),
        Conduct::Refuses(failure) => format!("gives nothing, as it must ({})", failure.code),
        Conduct::Silent(failure) => format!("gives nothing: {} ({})", failure.detail, failure.code),
        Conduct::Kept(offence) => format!("is convicted by its answer: {}; kept", offence.name()),
        Conduct::Known(offence) => format!("is convicted, as is kept already: {}", offence.name()),
    };
    format!("{miner} {told}; policy {policy}")
}

fn expected_text(expected: &Expected) -> String {
    let Expected {
        evidence,
        miner,
        penalty,
        reward_max,
        reward_to,
        ..
    } = expected;
    let offence = expected.offence.name();
    let outcome = match expected.convicted {
        true => "it was convicted over this already: what is held for you is paid".to_owned(),
        false => format!("it would lose {penalty}, of which at most {reward_max} are paid out"),
    };
    format!("{evidence}: {miner}, {offence}\n{outcome}; the reward goes to {reward_to}")
}

fn conviction_text(verdict: &Conviction) -> String {
    let Conviction {
        miner,
        penalty,
        reward,
        locked,
        ..
    } = verdict;
    let offence = verdict.offence.name();
    let suspended = verdict.suspended_through;
    let suspended = suspended.map_or_else(String::new, |through| {
        format!(", suspended through period {through}")
    });
    match *penalty == Amount::ZERO {
        true => format!("{miner} was convicted before; the {reward} held for you were paid"),
        false => format!(
            "{miner} is convicted ({offence}): it lost {penalty}, {locked} are left{suspended}\n\
             reward {reward} in {}",
            verdict.tx_hash
        ),
    }
}

/// Asks the miners of a file's grants and tells what each did.
async fn ask(file: &Path, asking: &Asking, context: &Context) -> Outcome {
    let job = Job {
        input: file.to_owned(),
        output: PathBuf::from("-"),
    };
    let header = open(&job, context)?.header;
    let (key, capsule) = (header.label_key(), header.capsule());
    let probed = asking.reader().probe(key, capsule, &asking.book).await?;
    probed
        .iter()
        .try_for_each(|probed| context.out.emit_as(probed, || probed_text(probed)))
}

async fn accuse(
    accuser: &Accuser<'_>,
    evidence: &[Evidence],
    args: &AccuseArgs,
    asking: &Asking,
    context: &Context,
) -> Outcome {
    let session = &asking.session;
    let to = args.reward_to.unwrap_or(accuser.account);
    let account = match args.dry.dry_run {
        true => None,
        false => Some(session.account(context)?),
    };
    let steps = Steps::new(context.out, "");
    let mut failures = Vec::new();
    for evidence in evidence {
        let done = async {
            let plan = accuser.plan(evidence, to).await?;
            let Some(account) = &account else {
                let expected = plan.aim();
                context.out.emit_as(expected, || expected_text(expected))?;
                return session.rehearse(plan, context).await;
            };
            let verdict = accuser.accuse(&plan, account.spend().pay, &steps).await?;
            context.out.emit_as(&verdict, || conviction_text(&verdict))
        };
        let about = evidence.policy;
        failures.extend(
            done.await
                .err()
                .map(|failure: Failure| failure.about(about)),
        );
    }
    Failure::of_several(failures)?;
    account.map_or(Ok(()), |account| account.told())
}

pub(crate) async fn run(args: &AccuseArgs, context: &Context) -> Outcome {
    let book = context.home()?.evidence();
    if args.ask.is_none() && args.evidence.is_empty() && !args.all {
        let rows: Vec<_> = book.list()?.iter().map(EvidenceRow::from).collect();
        return context.out.list(&rows, "no evidence is kept");
    }
    let asking = Asking::begin(context, args.timeout).await?;
    if let Some(file) = &args.ask {
        ask(file, &asking, context).await?;
    }
    let evidence = match args.all {
        true => book.list()?,
        false => {
            let named = args.evidence.iter().map(|id| book.get(*id));
            named.collect::<Result<Vec<_>, _>>()?
        }
    };
    let accuser = Accuser {
        network: &asking.session.network,
        keys: &asking.keys,
        book: &asking.book,
        account: asking.session.home.wallet_address(),
    };
    match evidence.is_empty() {
        true => Ok(()),
        false => accuse(&accuser, &evidence, args, &asking, context).await,
    }
}
