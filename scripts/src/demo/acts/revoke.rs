//! Revokes the policy and measures how soon the nodes refuse.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::show::{Miner, PATIENCE, Show};
use super::share::try_read;

/// Longest time until a node refuses, beyond one block.
const WITHIN: Duration = Duration::from_secs(2);
const BLOCK: Duration = Duration::from_secs(1);
/// The code of a revoked policy, at nodes and in the reader's error.
const REVOKED: &str = "policy_revoked";
/// Exit code of a read under a revoked policy.
const EXIT_REVOKED: i32 = 12;

/// Revokes the policy, and meanwhile polls chain and nodes.
pub(in super::super) fn revoke(show: &mut Show) -> Result<()> {
    let shared: &Show = show;
    let (revoked, after) = thread::scope(|scope| {
        let order = scope.spawn(|| {
            let policy = shared.policy()?.id.to_string();
            shared.alice.kms.ok(&["revoke", &policy])
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
    let code = answer
        .error
        .as_ref()
        .and_then(|error| error.get("code"))
        .and_then(Value::as_str);
    ensure!(
        (answer.code, code) == (EXIT_REVOKED, Some(REVOKED)),
        "the read ended with {} {code:?} instead of 12 {REVOKED}",
        answer.code
    );
    show.tell(&format!(
        "all nodes refused within {:.1} s of the mined revocation; {} came back at once",
        show.figures.revoked_after_s,
        revoked.amount("refund")?
    ));
    for miner in show.policy_miners()? {
        let what = format!("{} to erase its share", miner.name);
        show.stage.wait(&what, &miner.name, PATIENCE, || {
            let kfrag = status(show, miner)?.get("kfrag").and_then(Value::as_str) == Some("erased");
            Ok(kfrag.then_some(()))
        })?;
    }
    show.tell("every node has erased its share of the key");
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
    let status = status(show, miner)?;
    let code = status.pointer("/refusal/code").and_then(Value::as_str);
    Ok((code == Some(REVOKED)).then_some(()))
}

/// What a node says of the policy.
fn status(show: &Show, miner: &Miner) -> Result<Value> {
    let url = format!("{}/v1/policies/{}", miner.url(), show.policy()?.id);
    let reply = show
        .runtime
        .block_on(async { show.http.get(&url).send().await?.bytes().await });
    Ok(serde_json::from_slice(&reply.context("asking the node")?)?)
}
