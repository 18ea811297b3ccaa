//! Kills nodes and starts them again.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::figures::short;
use super::super::show::Show;
use super::network::{start, wait_ready};
use super::share::{check_read, try_read};

/// Number of the five nodes that are killed in all.
const KILLED: usize = 3;
/// Exit code of a read with fewer than m answers.
const THRESHOLD_NOT_MET: i32 = 13;

/// Kills two nodes; the read succeeds with the three that are left.
pub(in super::super) fn two_down(show: &mut Show) -> Result<()> {
    kill(show, 0..KILLED - 1)?;
    let answer = try_read(show)?;
    check_read(show, &answer)?;
    show.figures.read_with_two_down = true;
    show.tell("the read succeeded with three of five");
    Ok(())
}

/// Kills a third node; the read fails, and its error has each miner's reason.
pub(in super::super) fn three_down(show: &mut Show) -> Result<()> {
    kill(show, KILLED - 1..KILLED)?;
    let answer = try_read(show)?;
    show.figures.read_with_three_down_exit = answer.code;
    ensure!(
        answer.code == THRESHOLD_NOT_MET,
        "exit {} instead of 13",
        answer.code
    );
    ensure!(
        !show.stage.path("out.bin").exists(),
        "a failed read left a file"
    );
    let error = answer
        .error()
        .context("the failed read printed no error object")?;
    let nodes = error
        .get("nodes")
        .and_then(Value::as_array)
        .context("the error names no node")?;
    let mut reasons = Vec::new();
    for miner in show.miners.iter().take(KILLED) {
        let owner = miner.owner.to_string();
        let reason = nodes
            .iter()
            .find(|node| node.get("addr").and_then(Value::as_str) == Some(&owner))
            .and_then(|node| node.get("code")?.as_str())
            .with_context(|| format!("no reason is given for {}", miner.name))?;
        reasons.push(format!("{} {reason}", short(&miner.owner)));
    }
    show.tell(&format!("exit 13: {}", reasons.join(", ")));
    show.figures.read_with_three_down_reasons = reasons;
    Ok(())
}

/// Starts the killed nodes again on their data; they serve at once.
pub(in super::super) fn restart(show: &mut Show) -> Result<()> {
    for miner in show.miners.iter().take(KILLED) {
        start(show, miner)?;
    }
    for miner in show.miners.iter().take(KILLED) {
        wait_ready(show, miner)?;
    }
    let answer = try_read(show)?;
    check_read(show, &answer)?;
    show.tell("ready, and the file reads again");
    Ok(())
}

fn kill(show: &Show, which: std::ops::Range<usize>) -> Result<()> {
    for miner in show.miners.iter().skip(which.start).take(which.len()) {
        show.stage.processes().kill(&miner.name)?;
        show.tell(&format!("killed {}", miner.name));
    }
    Ok(())
}
