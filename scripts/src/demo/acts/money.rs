//! Compares rewards, fees and refunds with the formula, to the smallest unit.

use std::ops::RangeInclusive;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use kms_chain::ChainEvent;
use kms_kit::kms::Output;
use kms_protocol::{Address, Amount, Period};

use super::super::figures::MinerFigures;
use super::super::ledger::{Dated, Flows, Replay, flows};
use super::super::show::{Miner, PATIENCE, Show};
use super::network::joined;

/// Number of periods to wait after the nodes have started again.
const PERIODS: u32 = 3;

/// Waits until the periods have passed and every node has claimed and collected.
pub(in super::super) fn pass_periods(show: &mut Show) -> Result<()> {
    let view = &show.network()?.view;
    let target = view
        .period()?
        .checked_add(PERIODS)
        .unwrap_or(Period(u32::MAX));
    let last = show
        .miners
        .last()
        .map_or_else(String::new, |miner| miner.name.clone());
    show.stage.wait("periods to pass", &last, PATIENCE, || {
        Ok((view.period()? >= target).then_some(()))
    })?;
    show.tell(&format!("period {target} has begun"));
    let policy = show.policy()?.id;
    for miner in &show.miners {
        let what = format!("{} to claim and to collect", miner.name);
        show.stage.wait(&what, &miner.name, PATIENCE, || {
            let events = view.events()?;
            let claimed = view.replay(&events)?.earned(&miner.owner).claims > 0;
            let collected = flows(&events, policy)?.fees.contains_key(&miner.owner);
            Ok((claimed && collected).then_some(()))
        })?;
    }
    show.tell("every miner has claimed rewards and collected fees, unasked");
    Ok(())
}

/// Claims, collects and refunds what is left, then compares all sums with the formula.
pub(in super::super) fn settle(show: &mut Show) -> Result<()> {
    let view = &show.network()?.view;
    let policy = show.policy()?;
    let ended = effective_last(&view.events()?, show)?;
    let last = show
        .miners
        .last()
        .map_or_else(String::new, |miner| miner.name.clone());
    show.stage
        .wait("the last paid period to end", &last, PATIENCE, || {
            Ok((view.period()? > ended).then_some(()))
        })?;
    // The nodes send nothing from here on, so the sums below are final.
    for miner in &show.miners {
        show.stage.processes().stop(&miner.name)?;
    }
    take_the_rest(show)?;

    let events = view.events()?;
    let replay = view.replay(&events)?;
    let flows = flows(&events, policy.id)?;
    let miners: Vec<MinerFigures> = show
        .miners
        .iter()
        .map(|miner| compare(show, miner, &replay, &flows, ended))
        .collect::<Result<_>>()?;
    let mut expected = replay.unearned(&policy.terms, ended)?;
    for (miner, through) in &flows.undelivered {
        let returned = fees_within(
            show,
            &replay,
            *miner,
            policy.terms.first_period.0..=through.0,
        )?;
        expected = expected
            .checked_add(returned)
            .context("refunds beyond 128 bits")?;
    }
    ensure!(
        flows.refunds == expected,
        "{} came back, {expected} were not earned",
        flows.refunds
    );
    let paid_out: u128 = miners.iter().map(|miner| miner.fees_collected.0).sum();
    ensure!(
        policy.terms.price()?.0 == paid_out + flows.refunds.0,
        "fees and refund do not add up to the price"
    );
    check_balances(show, &miners)?;
    let period = view.period()?;
    show.tell(&format!(
        "{} claims equal the formula to the last unit; refund {} as due",
        miners.iter().map(|miner| miner.claims).sum::<u32>(),
        flows.refunds
    ));
    let refund = flows.refunds;
    show.figures.miners = miners;
    (show.figures.refund, show.figures.refund_expected) = (refund, expected);
    show.figures.periods = period.0;
    Ok(())
}

/// In parallel, every owner claims and collects what its node has not, and the sponsor takes its
/// refund.
fn take_the_rest(show: &Show) -> Result<()> {
    let policy = show.policy()?.id.to_string();
    thread::scope(|scope| {
        let miners = show.miners.iter().map(|miner| {
            scope.spawn(|| {
                unless_nothing(&miner.kms.json(&["rewards", "claim"]))?;
                unless_nothing(&miner.kms.json(&["fees", "collect"]))
            })
        });
        let mut people: Vec<_> = miners.collect();
        let refund = || unless_nothing(&show.alice.kms.json(&["refund", &policy]));
        people.push(scope.spawn(refund));
        people
            .into_iter()
            .try_for_each(|person| joined(person.join()))
    })
}

/// Accepts the contract's error that nothing is due: the node may have claimed before, or every
/// miner may have been active throughout.
fn unless_nothing(answer: &Output) -> Result<()> {
    let error = answer.error().unwrap_or_default().to_string();
    ensure!(
        answer.code == 0 || error.contains("Nothing"),
        "{}: {error}",
        answer.code
    );
    Ok(())
}

/// Compares a miner's claims and fees with the formula and its activity.
fn compare(
    show: &Show,
    miner: &Miner,
    replay: &Replay,
    flows: &Flows,
    ended: Period,
) -> Result<MinerFigures> {
    let earned = replay.earned(&miner.owner);
    ensure!(earned.claims > 0, "{} claimed nothing", miner.name);
    ensure!(
        earned.expected == earned.claimed,
        "{} claimed {} units, the formula says {}",
        miner.name,
        earned.claimed.units(),
        earned.expected.units()
    );
    let fees = flows.fees.get(&miner.owner).copied().unwrap_or_default();
    let terms = &show.policy()?.terms;
    let delivered = flows.undelivered.get(&miner.owner);
    let from = delivered.map_or(terms.first_period, |last| Period(last.0 + 1));
    let due = fees_within(show, replay, miner.owner, from.0..=ended.0)?;
    ensure!(
        fees == due,
        "{} collected {fees}, {due} were due",
        miner.name
    );
    Ok(MinerFigures {
        miner: miner.owner,
        locked: miner.stake,
        expected_reward: earned.expected,
        claimed_reward: earned.claimed,
        claims: earned.claims,
        fees_collected: fees,
        in_policy: terms.includes(&miner.owner),
    })
}

/// The last period that is paid after the revocation.
fn effective_last(events: &[Dated], show: &Show) -> Result<Period> {
    let policy = show.policy()?.id;
    events
        .iter()
        .find_map(|dated| match dated.record.event {
            ChainEvent::PolicyRevoked {
                policy_id,
                effective_last,
                ..
            } if policy_id == policy => Some(effective_last),
            _ => None,
        })
        .ok_or_else(|| anyhow::anyhow!("the chain shows no revocation"))
}

/// The fees of those periods of the policy, first to last, in which a miner was active.
fn fees_within(
    show: &Show,
    replay: &Replay,
    miner: Address,
    periods: RangeInclusive<u32>,
) -> Result<Amount> {
    let terms = &show.policy()?.terms;
    if !terms.includes(&miner) {
        return Ok(Amount::ZERO);
    }
    let worked = periods
        .filter(|period| replay.is_active(&miner, Period(*period)))
        .count();
    let due = terms.rate.checked_mul(u128::try_from(worked)?);
    due.ok_or_else(|| anyhow::anyhow!("fees beyond 128 bits"))
}

/// Compares the token balances with the claimed rewards and collected fees.
fn check_balances(show: &Show, miners: &[MinerFigures]) -> Result<()> {
    let view = &show.network()?.view;
    for (figures, miner) in miners.iter().zip(&show.miners) {
        let balance = view.balance(miner.owner)?;
        let earned = figures.claimed_reward.checked_add(figures.fees_collected);
        let due = earned.and_then(|earned| earned.checked_add(miner.left));
        ensure!(
            Some(balance) == due,
            "{} holds {balance}, not its earnings",
            miner.name
        );
    }
    Ok(())
}
