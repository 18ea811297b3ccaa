//! `kms doctor`: looks at home, agent, chain, account and miners, and says what to mend.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use kms_client::{ChainPort as _, Home, Network, NetworkStatus, network_status};
use kms_protocol::Wei;
use serde::Serialize;

use crate::agent::client::Client;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Row;

/// Difference between the clock here and the newest block, in seconds, that is worth a word.
const CLOCK_OFF_S: u64 = 60;
/// Ether that pays for a few transactions.
const ETH_FEW: Wei = Wei(Wei::ETH.0 / 1000);
/// Miners that a usual grant needs.
const MINERS_FEW: usize = 3;

/// Check the home, its endpoints, its account and the miners, and say what to mend
///
/// Spends nothing and asks for no passphrase. Ends with an error if a check fails; a warning is
/// none.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kms doctor\n  kms doctor --json")]
pub(crate) struct DoctorArgs {}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failed,
}

#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    state: State,
    detail: String,
    /// What to do; empty if nothing.
    hint: String,
}

impl Row for Check {
    const HEAD: &'static [&'static str] = &["CHECK", "STATE", "FOUND", "DO"];

    fn cells(&self) -> Vec<String> {
        let state = match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "FAILED",
        };
        vec![
            self.check.to_owned(),
            state.to_owned(),
            self.detail.clone(),
            self.hint.clone(),
        ]
    }
}

impl Check {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            detail: detail.into(),
            hint: String::new(),
        }
    }

    fn warning(check: &'static str, detail: impl Into<String>, hint: &str) -> Self {
        Self {
            state: State::Warning,
            hint: hint.to_owned(),
            ..Self::ok(check, detail)
        }
    }

    fn failed(check: &'static str, failure: &Failure) -> Self {
        Self {
            state: State::Failed,
            hint: failure.next_step().to_owned(),
            ..Self::ok(check, failure.what_happened())
        }
    }
}

pub(crate) async fn run(_args: DoctorArgs, context: &Context) -> Outcome {
    let checks = match context.home() {
        Ok(home) => of_home(&home).await,
        Err(failure) => vec![Check::failed("home", &failure)],
    };
    context.out.list(&checks, "nothing to check")?;
    let failed = checks.iter().filter(|check| check.state == State::Failed);
    match failed.count() {
        0 => Ok(()),
        count => Err(Failure::new(
            "checks_failed",
            format!("{count} of {} checks failed", checks.len()),
            "do what stands beside them, then check again",
        )),
    }
}

async fn of_home(home: &Home) -> Vec<Check> {
    let mut checks = vec![
        Check::ok("home", home.path().display().to_string()),
        agent(home),
        grants(home),
    ];
    match Network::connect(home.config()).await {
        Ok(network) => checks.extend(of_network(home, &network).await),
        Err(error) => checks.push(Check::failed("endpoint", &error.into())),
    }
    checks
}

fn agent(home: &Home) -> Check {
    match Client::of(home.path(), &home.config().seed_fingerprint).seconds_left() {
        Ok(Some(left)) => Check::ok("agent", format!("unlocked for {left} s more")),
        Ok(None) => Check::ok("agent", "locked: commands ask for the passphrase"),
        Err(error) => Check::failed("agent", &error.into()),
    }
}

fn grants(home: &Home) -> Check {
    match home.journal().unfinished() {
        Ok(unfinished) if unfinished.is_empty() => Check::ok("grants", "none unfinished"),
        Ok(unfinished) => {
            let found = format!("{} unfinished", unfinished.len());
            Check::warning("grants", found, "finish them: kms grant --resume")
        }
        Err(error) => Check::failed("grants", &error.into()),
    }
}

async fn of_network(home: &Home, network: &Network) -> Vec<Check> {
    let chain_id = home.config().deployment.chain_id;
    let mut checks = vec![Check::ok(
        "endpoint",
        format!("chain {chain_id}, the contracts are those of the deployment"),
    )];
    match network_status(network).await {
        Ok(status) => checks.extend([clock(&status), miners(&status)]),
        Err(error) => checks.push(Check::failed("network", &error.into())),
    }
    checks.push(account(home, network).await);
    checks
}

fn clock(status: &NetworkStatus) -> Check {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let off = now.abs_diff(status.head.timestamp);
    let found = format!("block {} is {off} s from the time here", status.head.number);
    match off <= CLOCK_OFF_S {
        true => Check::ok("clock", found),
        false => Check::warning("clock", found, "set the clock, or use another endpoint"),
    }
}

fn miners(status: &NetworkStatus) -> Check {
    let found = format!("{} active in period {}", status.active, status.period);
    match status.active >= MINERS_FEW {
        true => Check::ok("miners", found),
        false => Check::warning("miners", found, "a grant needs as many miners as its n"),
    }
}

async fn account(home: &Home, network: &Network) -> Check {
    let account = home.wallet_address();
    let balances = async {
        let kms = network.token_balance(account).await?;
        Ok::<_, kms_client::Error>((kms, network.eth_balance(account).await?))
    };
    match balances.await {
        Ok((kms, eth)) => {
            let found = format!("{account} has {kms} and {eth}");
            match eth.0 >= ETH_FEW.0 {
                true => Check::ok("account", found),
                false => Check::warning("account", found, "send it ether before it pays"),
            }
        }
        Err(error) => Check::failed("account", &error.into()),
    }
}
