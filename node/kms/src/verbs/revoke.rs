//! `kms revoke`: ends a policy, or the arrangement of one miner.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use kms_client::{
    Ending, Erasure, Existing, NodeFailure, Plan, RevocationReport, Scope, WaitLimits,
};
use kms_protocol::{Address, Amount, B256, Period, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::plan::DryArgs;
use crate::progress::Steps;
use crate::session::Session;
use crate::sink::{Content, Sink};
use crate::target::Target;

/// Take a grant back
///
/// One transaction ends the policy and returns the fees of its coming periods. Then every miner is
/// asked for its signed receipt for the erased kfrag, which is compared with the kfrag that it was
/// given, and kept. What does not come in time is named: the same command asks again, and where
/// the chain takes minutes to be final, `--wait 1200` waits for it. Label and reader stand for
/// every policy of theirs until the last period of its terms; name one by its id then. With
/// --miner only that miner's part ends: the others go on, as long as enough are left.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms revoke films/demo --to bob
  kms revoke films/demo --to bob --miner 0x5151...
  kms revoke 0x3f... --dry-run
  kms revoke films/demo --to bob --relay-to bob.revoke        signs, costs nothing
  kms revoke films/demo --to bob --json")]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    target: Target,
    /// End the arrangement with this miner only; `kms policies show` lists them
    #[arg(long, value_name = "ADDRESS")]
    miner: Option<Address>,
    /// Seconds to wait for the miners' receipts; the chain has the last word anyway
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    /// Only sign the revocation, into this file, for somebody else to send with `kms relay`
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    relay_to: Option<PathBuf>,
    /// Seconds of chain time for which what --relay-to signs can be sent [default: 30 days]
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 2_592_000,
        hide_default_value = true
    )]
    #[arg(requires = "relay_to")]
    valid: u64,
    #[command(flatten)]
    dry: DryArgs,
}

#[derive(Serialize)]
struct RevokedReport {
    policy: PolicyId,
    /// `None` when the whole policy was revoked.
    miner: Option<Address>,
    left: usize,
    need: usize,
    tx_hash: Option<B256>,
    refund: Option<Amount>,
    effective_last: Option<Period>,
    asked: usize,
    refusing: Vec<Address>,
    erased: Vec<Erasure>,
    pending: Vec<NodeFailure>,
}

impl From<RevocationReport> for RevokedReport {
    fn from(report: RevocationReport) -> Self {
        Self {
            policy: report.policy,
            miner: match report.scope {
                Scope::Policy => None,
                Scope::Arrangement(miner) => Some(miner),
            },
            left: report.left,
            need: report.need,
            tx_hash: report.tx_hash,
            refund: report.refund,
            effective_last: report.effective_last,
            asked: report.asked,
            refusing: report.refusing,
            erased: report.erased,
            pending: report.pending,
        }
    }
}

impl fmt::Display for RevokedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.miner {
            Some(miner) => format!("{miner} of {}", self.policy),
            None => self.policy.to_string(),
        };
        match (self.tx_hash, self.refund) {
            (Some(_), Some(refund)) => writeln!(f, "revoked {what}, {refund} returned")?,
            (Some(_), None) => writeln!(f, "revoked {what}")?,
            (None, _) => writeln!(f, "{what} had been revoked before")?,
        }
        let (refusing, erased, asked) = (self.refusing.len(), self.erased.len(), self.asked);
        write!(
            f,
            "{refusing} of {asked} miners refuse the reader, \
             {erased} have signed that their kfrag is erased"
        )?;
        self.erased
            .iter()
            .try_for_each(|erasure| write!(f, "\n  {}", receipt_text(erasure)))?;
        if self.miner.is_some() {
            let (left, need) = (self.left, self.need);
            let verdict = match left < need {
                true => "nobody can read any more",
                false => "the reader goes on reading",
            };
            write!(f, "\n{left} miners left, {need} are needed: {verdict}")?;
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "\nno receipt of these, though the chain has the revocation:"
        )?;
        self.pending
            .iter()
            .try_for_each(|reason| write!(f, "\n  {reason}"))?;
        write!(f, "\n`kms revoke {}` asks them again", self.policy)
    }
}

fn receipt_text(erasure: &Erasure) -> String {
    let receipt = &erasure.receipt;
    let compared = match erasure.compared {
        true => "",
        false => ", which this home cannot compare",
    };
    format!(
        "{} kfrag {}{compared}, at block {}",
        receipt.miner, receipt.kfrag_hash, receipt.block_number
    )
}

/// Writes the signed revocations to a file, which tells the rest.
async fn sign(
    session: &Session,
    plan: &Plan<Vec<Ending>>,
    file: &Path,
    seconds: u64,
    context: &Context,
) -> Outcome {
    let author = session.home.unlock_wallet(&context.passphrases)?;
    let orders = session
        .owner()
        .sign_revocations(plan, &author, seconds)
        .await?;
    let text = serde_json::to_string(&orders).map_err(Failure::bug)?;
    let mut sink = Sink::open(file, Content::Encrypted, Existing::Refuse)?;
    let written = writeln!(sink, "{text}");
    written.map_err(|error| Failure::io(file.display(), &error))?;
    context
        .out
        .note("signed, not sent: whoever has the file sends it with `kms relay FILE`");
    sink.finish()
}

pub(crate) async fn run(args: RevokeArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let policies = match args.miner {
        Some(_) => vec![args.target.find(&session, context).await?],
        None => args.target.find_to_end(&session, context).await?,
    };
    let owner = session.owner().with_limits(WaitLimits {
        revoke_ms: args.wait.saturating_mul(1000),
        ..Default::default()
    });
    let scope = args.miner.map_or(Scope::Policy, Scope::Arrangement);
    let plan = owner.plan_revocation(&policies, scope).await?;
    if args.dry.dry_run {
        return session.rehearse(plan, context).await;
    }
    if let Some(file) = &args.relay_to {
        return sign(&session, &plan, file, args.valid, context).await;
    }
    let account = session.account(context)?;
    let steps = Steps::new(context.out, "has erased its kfrag");
    let reports = owner.revoke(&plan, account.spend(), &steps).await?;
    reports
        .into_iter()
        .try_for_each(|report| context.out.emit(&RevokedReport::from(report)))?;
    account.told()
}
