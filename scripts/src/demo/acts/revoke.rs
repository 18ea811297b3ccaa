//! Revokes the policy and measures how soon the nodes refuse.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kms_kit::kms::Output;
use kms_protocol::Refusal;
use kms_protocol::messages::PolicyStatus;
use serde_json::Value;

use super::super::show::{Miner, PATIENCE, Show};
use super::share::try_read;

/// Longest time until a node refuses, beyond one block.
const WITHIN: Duration = Duration::from_secs(2);
const BLOCK: Duration = Duration::from_secs(1);
/// The code of a revoked policy in the reader's error.
const REVOKED: &str = "policy_revoked";
/// Exit code of a read under a revoked policy.
const EXIT_REVOKED: i32 = 12;

/// Revokes the policy, and meanwhile polls chain and nodes.
pub(in super::super) fn revoke(show: &mut Show) -> Result<()> {
    let shared: &Show = show;
    let (revoked, after) = thread::scope(|scope| {
        let order = scope.spawn(|| {
            let policy = shared.policy()?.id.to_string();
            shared.alice.kms.json(&["revoke", &policy]).success()
        });
        let after = watch(shared);
        let order = order
            .join()
            .map_err(|_| anyhow::anyhow!("BUG: a thread panicked"))?;
        Ok::<_, anyhow::Error>((order?, after?))
    })?;
    show.figures.revoked_after_s = after.as_secs_f64();
    ensure!(
        after <= BLOCK + WITHIN,
        "the last node refused after {after:?}"
    );
    let answer = try_read(show)?;
    let error = answer.error().unwrap_or_default();
    let code = error.get("code").and_then(Value::as_str);
    ensure!(
        (answer.code, code) == (EXIT_REVOKED, Some(REVOKED)),
        "the read ended with {} {code:?} instead of 12 {REVOKED}",
        answer.code
    );
    show.tell(&format!(
        "all nodes refused within {:.1} s of the mined revocation; {} came back at once",
        show.figures.revoked_after_s,
        revoked.amount("refund")
    ));
    receipts(show, &revoked)
}

/// Shows each miner's receipt for its erased kfrag, which the owner compared with what it gave.
fn receipts(show: &Show, revoked: &Output) -> Result<()> {
    let erased = revoked.field("erased");
    for miner in show.policy_miners()? {
        let address = miner.owner.to_string();
        let mut receipts = erased.as_array().into_iter().flatten();
        let receipt = receipts.find(|receipt| receipt["miner"] == address.as_str());
        let receipt = receipt.with_context(|| format!("no receipt of {}", miner.name))?;
        ensure!(
            receipt["compared"] == true,
            "the receipt of {} was not compared with its kfrag",
            miner.name
        );
        show.tell(&format!(
            "{} has signed that kfrag {} is erased",
            miner.name,
            receipt["kfrag_hash"].as_str().unwrap_or_default()
        ));
    }
    Ok(())
}

/// Measures the time from the block of the revocation to the last node's refusal.
fn watch(show: &Show) -> Result<Duration> {
    let network = show.network()?;
    let policy = show.policy()?.id;
    let chain = super::network::CHAIN;
    show.stage
        .wait("the revocation to be mined", chain, PATIENCE, || {
            Ok(network.view.is_revoked(policy)?.then_some(()))
        })?;
    let mined = Instant::now();
    for miner in show.policy_miners()? {
        let what = format!("{} to refuse", miner.name);
        show.stage
            .wait(&what, &miner.name, PATIENCE, || refuses(show, miner))?;
    }
    Ok(mined.elapsed())
}

/// Whether a node would refuse a request because the policy is revoked.
fn refuses(show: &Show, miner: &Miner) -> Result<Option<()>> {
    let refusal = status(show, miner)?.refusal;
    let revoked = refusal.is_some_and(|problem| problem.code == Refusal::PolicyRevoked);
    Ok(revoked.then_some(()))
}

/// Asks a node for the status of the policy.
fn status(show: &Show, miner: &Miner) -> Result<PolicyStatus> {
    let policy = show.policy()?.id;
    Ok(show.runtime.block_on(miner.node.status(policy)))
}
