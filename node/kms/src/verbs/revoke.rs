//! `kms revoke`: take a grant back.

use std::fmt;

use clap::Args;
use kms_chain::Call;
use kms_client::RevocationReport;
use kms_protocol::{Address, Amount, B256, Period, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{NodeReason, Outcome};
use crate::progress::Steps;
use crate::session::{Account, Run, Session};
use crate::target::Target;

/// Take a grant back
///
/// One transaction ends the policy and returns the fees of its coming periods. Then every miner is
/// asked until it refuses the reader, with its signed word that it has erased its share.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms revoke films/demo --to bob
  kms revoke films/demo --to bob --all
  kms revoke 0x3f... --dry-run
  kms revoke films/demo --to bob --json")]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    target: Target,
    /// If several policies fit, revoke them all
    #[arg(long)]
    all: bool,
    /// Only simulate the transaction
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct RevokedReport {
    policy: PolicyId,
    tx_hash: Option<B256>,
    refund: Amount,
    effective_last: Option<Period>,
    refusing: Vec<Address>,
    erased: Vec<Address>,
    pending: Vec<NodeReason>,
}

impl From<RevocationReport> for RevokedReport {
    fn from(report: RevocationReport) -> Self {
        Self {
            policy: report.policy,
            tx_hash: report.tx_hash,
            refund: report.refund,
            effective_last: report.effective_last,
            refusing: report.refusing,
            erased: report.erased.iter().map(|receipt| receipt.miner).collect(),
            pending: report.pending.iter().map(NodeReason::from).collect(),
        }
    }
}

impl fmt::Display for RevokedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.refusing.len().saturating_add(self.pending.len());
        match self.tx_hash {
            Some(_) => writeln!(f, "revoked {}, {} returned", self.policy, self.refund)?,
            None => writeln!(f, "{} had been revoked before", self.policy)?,
        }
        let (refusing, erased) = (self.refusing.len(), self.erased.len());
        write!(
            f,
            "{refusing} of {all} miners refuse the reader, {erased} have erased their share"
        )?;
        self.pending
            .iter()
            .try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

pub(crate) async fn run(args: RevokeArgs, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let policies = match args.all {
        true => args.target.find_all(&session).await?,
        false => vec![args.target.find(&session).await?],
    };
    for policy in policies {
        let account = session.account(context, Run::from(args.dry_run))?;
        revoke(policy, &session, &account, context).await?;
    }
    Ok(())
}

async fn revoke(
    policy: PolicyId,
    session: &Session,
    account: &Account<'_>,
    context: &Context,
) -> Outcome {
    let steps = Steps::new(context.out, "refuses the reader");
    if account.is_dry() {
        let terms = session.owner().policy(policy).await?.report.terms;
        account
            .pay()
            .send(&Call::RevokePolicy { terms }, &steps)
            .await?;
    }
    if let Some(simulated) = account.simulated() {
        return context.out.emit(&simulated);
    }
    let report = session
        .owner()
        .revoke(policy, account.spend(), &steps)
        .await?;
    context.out.emit(&RevokedReport::from(report))
}
