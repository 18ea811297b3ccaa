//! `kms policies`: lists and shows the policies of the home's account.

use std::fmt;

use clap::{Args, Subcommand};
use kms_client::{GrantState, Label, MinerHealth, NodeFailure, PolicyDetail, PolicyReport};
use kms_protocol::messages::{ErasureReceipt, KfragState};
use kms_protocol::{Address, Amount, B256, Period, PolicyId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;
use crate::session::Session;
use crate::target::Target;
use crate::text::utc;

/// What you have granted: from the chain, with names from this home
#[derive(Debug, Subcommand)]
pub(crate) enum PoliciesVerb {
    /// List the policies of this home's account, newest first
    ///
    /// The list comes from the chain, the names from this home. In a home that was restored from
    /// its seed, --rebuild brings back labels, readers' names and what is still to be delivered
    /// from the memos that the grants left on chain, which the seed alone opens.
    #[command(
        after_help = "Examples:\n  kms policies list\n  kms policies list --json\n  \
                            kms policies list --rebuild"
    )]
    List(ListArgs),
    /// Show one policy, with what each of its miners says
    #[command(after_help = "Examples:\n  kms policies show films/demo --to bob\n  \
                            kms policies show 0x3f...")]
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// First bring back what this home has lost; asks for the passphrase
    #[arg(long)]
    rebuild: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    target: Target,
}

#[derive(Serialize)]
struct PolicyRow {
    policy: PolicyId,
    label: Option<Label>,
    reader: Option<String>,
    standing: &'static str,
    threshold: u8,
    miners: Vec<Address>,
    /// Miners whose arrangement was revoked alone.
    revoked_miners: Vec<Address>,
    rate: Amount,
    price: Amount,
    first_period: Period,
    effective_last: Period,
    starts_at: u64,
    expires_at: u64,
    tx_hash: B256,
    delivery: Option<GrantState>,
}

impl From<&PolicyReport> for PolicyRow {
    fn from(report: &PolicyReport) -> Self {
        let terms = &report.terms;
        Self {
            policy: report.policy,
            label: report.label.clone(),
            reader: report.reader.clone(),
            standing: report.standing.name(),
            threshold: terms.threshold,
            miners: terms.miners.clone(),
            revoked_miners: report.revoked_miners.clone(),
            rate: terms.rate,
            price: report.price,
            first_period: terms.first_period,
            effective_last: report.effective_last,
            starts_at: report.starts_at,
            expires_at: report.expires_at,
            tx_hash: report.tx_hash,
            delivery: report.grant,
        }
    }
}

impl PolicyRow {
    fn standing_text(&self) -> String {
        let mut text = self.standing.to_owned();
        if let Some(GrantState::Prepared | GrantState::Paid) = self.delivery {
            text.push_str(", undelivered");
        }
        if !self.revoked_miners.is_empty() {
            let (revoked, n) = (self.revoked_miners.len(), self.miners.len());
            text.push_str(&format!(", {revoked} of {n} miners revoked"));
        }
        text
    }

    fn names(&self) -> (&str, &str) {
        (
            self.label.as_ref().map_or("?", Label::as_str),
            self.reader.as_deref().unwrap_or("?"),
        )
    }
}

impl Row for PolicyRow {
    const HEAD: &'static [&'static str] = &[
        "LABEL", "READER", "STANDING", "M/N", "PRICE", "EXPIRES", "POLICY",
    ];

    fn cells(&self) -> Vec<String> {
        let (label, reader) = self.names();
        vec![
            label.to_owned(),
            reader.to_owned(),
            self.standing_text(),
            format!("{}/{}", self.threshold, self.miners.len()),
            self.price.to_string(),
            utc(self.expires_at),
            self.policy.to_string(),
        ]
    }
}

#[derive(Serialize)]
struct DetailReport {
    #[serde(flatten)]
    policy: PolicyRow,
    healthy: usize,
    refundable: Amount,
    nodes: Vec<MinerRow>,
}

#[derive(Serialize)]
struct MinerRow {
    miner: Address,
    url: String,
    revoked: bool,
    healthy: bool,
    kfrag: Option<KfragState>,
    collectable: Amount,
    unproven: Amount,
    provable_through: Period,
    failure: Option<NodeFailure>,
    erasure: Option<ErasureReceipt>,
}

impl From<&MinerHealth> for MinerRow {
    fn from(health: &MinerHealth) -> Self {
        Self {
            miner: health.miner,
            url: health.url.clone(),
            revoked: health.revoked,
            healthy: health.healthy,
            kfrag: health.kfrag,
            collectable: health.fees.collectable,
            unproven: health.fees.unproven,
            provable_through: health.fees.provable_through,
            failure: health.failure.clone(),
            erasure: health.erasure,
        }
    }
}

impl From<&PolicyDetail> for DetailReport {
    fn from(detail: &PolicyDetail) -> Self {
        Self {
            policy: PolicyRow::from(&detail.report),
            healthy: detail.healthy(),
            refundable: detail.refundable,
            nodes: detail.miners.iter().map(MinerRow::from).collect(),
        }
    }
}

impl fmt::Display for DetailReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.policy;
        let (label, reader) = row.names();
        writeln!(
            f,
            "policy    {}\nlabel     {label}\nreader    {reader}",
            row.policy
        )?;
        writeln!(f, "standing  {}", row.standing_text())?;
        writeln!(
            f,
            "periods   {} to {}",
            row.first_period, row.effective_last
        )?;
        writeln!(
            f,
            "times     {} to {}",
            utc(row.starts_at),
            utc(row.expires_at)
        )?;
        writeln!(
            f,
            "paid      {}, {} per miner and period",
            row.price, row.rate
        )?;
        writeln!(f, "refund    {} due", self.refundable)?;
        let n = row.miners.len();
        write!(
            f,
            "miners    {} of {n} serve, {} are needed",
            self.healthy, row.threshold
        )?;
        for node in &self.nodes {
            match &node.failure {
                Some(reason) => write!(f, "\n  {reason}")?,
                None => write!(f, "\n  {} {}: serves", node.miner, node.url)?,
            }
            if !node.unproven.is_zero() {
                write!(
                    f,
                    "\n    {} wait for its proof of delivery, through period {}",
                    node.unproven, node.provable_through
                )?;
            }
            if let Some(receipt) = &node.erasure {
                let (kfrag, block) = (receipt.kfrag_hash, receipt.block_number);
                write!(
                    f,
                    "\n    signed that kfrag {kfrag} is erased, at block {block}"
                )?;
            }
        }
        Ok(())
    }
}

pub(crate) async fn run(verb: PoliciesVerb, context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    match verb {
        PoliciesVerb::List(args) => {
            if args.rebuild {
                rebuild(&session, context).await?;
            }
            let mut reports = session.owner().policies().await?;
            name(&mut reports, &session, context)?;
            let rows: Vec<PolicyRow> = reports.iter().map(PolicyRow::from).collect();
            context.out.list(&rows, "nothing granted yet")
        }
        PoliciesVerb::Show(args) => {
            let policy = args.target.find(&session, context).await?;
            let mut detail = session.owner().policy(policy).await?;
            name(std::slice::from_mut(&mut detail.report), &session, context)?;
            context.out.emit(&DetailReport::from(&detail))
        }
    }
}

/// Names what the journal does not know. That takes the seed, which is unlocked only if there is
/// a policy of the home's account to be named.
fn name(reports: &mut [PolicyReport], session: &Session, context: &Context) -> Outcome {
    let account = session.home.wallet_address();
    let nameless = |report: &PolicyReport| report.label.is_none();
    if !reports
        .iter()
        .any(|of| nameless(of) && of.terms.author == account)
    {
        return Ok(());
    }
    let keys = session.home.unlock_owner(&context.passphrases)?;
    Ok(session.owner().name(reports, &keys)?)
}

async fn rebuild(session: &Session, context: &Context) -> Outcome {
    let keys = session.home.unlock_owner(&context.passphrases)?;
    let lock = context.lock(&session.home)?;
    let rebuilt = session.owner().rebuild(&keys, &lock).await?;
    let (grants, labels) = (rebuilt.grants, rebuilt.labels);
    context
        .out
        .note(&format!("brought back: {grants} grants, {labels} labels"));
    if rebuilt.unknown > 0 {
        context.out.note(&format!(
            "{} policies of this account were not made with this seed",
            rebuilt.unknown
        ));
    }
    Ok(())
}
