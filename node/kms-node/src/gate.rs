//! Pure rules over a snapshot that let a request pass or refuse it. A payment counts after N
//! confirmations, a revocation from the head on. Time is the head's timestamp.
//!
//! | rule | refuses with |
//! |---|---|
//! | [`fresh_view`] | stale_chain_view |
//! | [`this_miner`] | not_this_miner |
//! | [`known`] | policy_unknown |
//! | [`not_revoked`] | policy_revoked |
//! | [`confirmed`] | policy_unconfirmed |
//! | [`started`] | policy_not_started |
//! | [`not_ended`] | policy_ended, policy_unconfirmed |
//! | [`leased`] | not_leased |
//! | [`delivered`] | delivery_ahead |
//! | [`recent`] | stale_request |
//! | [`requester`] | bad_signature |

use std::time::Duration;

use kms_protocol::messages::{Problem, ReencryptRequest};
use kms_protocol::{Address, Domain, Period, PolicyId, Refusal};

use crate::view::snapshot::{PolicyView, Snapshot};

/// Retry hint, in seconds, of a refusal that the next block may lift.
const BLOCK_RETRY_S: u32 = 2;
/// Retry hint, in seconds, of a refusal for an old snapshot.
const VIEW_RETRY_S: u32 = 5;

/// The verdict of a rule: a value, or the problem that the client receives.
pub(crate) type Verdict<T = ()> = Result<T, Problem>;

/// The snapshot and its age, over which the rules decide.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The newest snapshot; `None` before the first.
    pub(crate) snapshot: Option<&'a Snapshot>,
    /// Time since a poll last found the snapshot to be the newest; `None` for never.
    pub(crate) age: Option<Duration>,
    /// Age above which no request is decided.
    pub(crate) max_age: Duration,
}

/// Lets requests under this policy pass, or refuses them.
pub(crate) fn serve<'a>(view: View<'a>, id: &PolicyId) -> Verdict<(&'a Snapshot, &'a PolicyView)> {
    let (snapshot, policy) = answer(view, id)?;
    leased(snapshot)?;
    Ok((snapshot, policy))
}

/// Lets the answer to a challenge pass, or refuses it. The lease may have ended since the challenge
/// was opened: the answer is due all the same.
pub(crate) fn answer<'a>(view: View<'a>, id: &PolicyId) -> Verdict<(&'a Snapshot, &'a PolicyView)> {
    let snapshot = fresh_view(view)?;
    let policy = known(snapshot, id)?;
    not_revoked(policy)?;
    confirmed(snapshot, policy)?;
    started(snapshot, policy)?;
    not_ended(snapshot, policy)?;
    Ok((snapshot, policy))
}

/// Lets a kfrag for this policy be uploaded, or refuses it. The policy need not be confirmed, since
/// the owner uploads right after paying; serving waits for the confirmations. Its delivery is dated
/// `delivery`.
pub(crate) fn upload(view: View<'_>, id: &PolicyId, delivery: Period) -> Verdict {
    let snapshot = fresh_view(view)?;
    let policy = known(snapshot, id)?;
    not_revoked(policy)?;
    not_ended_at_head(snapshot, policy)?;
    delivered(snapshot, delivery)
}

/// Refuses a delivery dated in a period to come: the miner would serve until then for nothing. An
/// earlier one pays it from then on.
fn delivered(snapshot: &Snapshot, delivery: Period) -> Verdict {
    let now = snapshot.period;
    if delivery <= now {
        return Ok(());
    }
    let detail = format!("delivered in period {delivery}, the chain is in period {now}");
    Err(Problem::new(Refusal::DeliveryAhead, detail).retry_after(BLOCK_RETRY_S))
}

/// Refuses while the snapshot is old: newer blocks might have a revocation.
fn fresh_view(view: View<'_>) -> Verdict<&Snapshot> {
    let detail = match (view.snapshot, view.age) {
        (Some(snapshot), Some(age)) if age <= view.max_age => return Ok(snapshot),
        (Some(snapshot), Some(age)) => format!(
            "block {} was last confirmed as the head {} s ago, the limit is {} s",
            snapshot.head.number,
            age.as_secs(),
            view.max_age.as_secs()
        ),
        (_, None) | (None, Some(_)) => "the chain has not been read to its head yet".to_owned(),
    };
    Err(Problem::new(Refusal::StaleChainView, detail).retry_after(VIEW_RETRY_S))
}

/// Refuses a request that is addressed to another miner.
pub(crate) fn this_miner(asked: &Address, this: &Address) -> Verdict {
    if asked == this {
        return Ok(());
    }
    let detail = format!("the request is for miner {asked}, this node works for {this}");
    Err(Problem::new(Refusal::NotThisMiner, detail))
}

/// Refuses an unknown policy; the snapshot has only policies that name this miner.
fn known<'a>(snapshot: &'a Snapshot, id: &PolicyId) -> Verdict<&'a PolicyView> {
    snapshot.policy(id).ok_or_else(|| {
        let head = snapshot.head.number;
        let detail = format!("no policy {id} with this miner as of block {head}");
        Problem::new(Refusal::PolicyUnknown, detail)
    })
}

/// Refuses from the first block that shows a revocation, without waiting for confirmations.
fn not_revoked(policy: &PolicyView) -> Verdict {
    match policy.revocation {
        None => Ok(()),
        Some((block, _)) => {
            let detail = format!("revoked in block {block}");
            Err(Problem::new(Refusal::PolicyRevoked, detail))
        }
    }
}

/// Refuses until the payment has N blocks on top: head >= created + N.
fn confirmed(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    if snapshot.is_confirmed(policy.created_block) {
        return Ok(());
    }
    let detail = format!(
        "created in block {}, the head is {}, {} confirmations are needed",
        policy.created_block, snapshot.head.number, snapshot.confirmations
    );
    Err(Problem::new(Refusal::PolicyUnconfirmed, detail).retry_after(BLOCK_RETRY_S))
}

/// Refuses before the policy's first period.
fn started(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    let (first, now) = (policy.first_period, snapshot.period);
    if now >= first {
        return Ok(());
    }
    let detail = format!("starts with period {first}, the chain is in period {now}");
    Err(Problem::new(Refusal::PolicyNotStarted, detail).retry_after(BLOCK_RETRY_S))
}

/// Refuses after the last paid period. An extension is a payment: it counts once its block has its
/// confirmations.
fn not_ended(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    if snapshot.period <= policy.last_as_of(snapshot.confirmed_block()) {
        return Ok(());
    }
    not_ended_at_head(snapshot, policy)?;
    let detail = "the extension that pays for this period is not confirmed yet";
    Err(Problem::new(Refusal::PolicyUnconfirmed, detail).retry_after(BLOCK_RETRY_S))
}

/// As [`not_ended`], with unconfirmed extensions counted.
fn not_ended_at_head(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    let (last, now) = (policy.last_as_of(u64::MAX), snapshot.period);
    if now <= last {
        return Ok(());
    }
    let detail = format!("ended with period {last}, the chain is in period {now}");
    Err(Problem::new(Refusal::PolicyEnded, detail))
}

/// Refuses in a period that the miner has not leased, for which nobody pays it.
fn leased(snapshot: &Snapshot) -> Verdict {
    let (miner, now) = (&snapshot.miner, snapshot.period);
    if miner.is_leased(now) {
        return Ok(());
    }
    let suspended = miner.suspended_through;
    let detail = match !suspended.is_never() && now <= suspended {
        true => format!("suspended through period {suspended}, the chain is in period {now}"),
        false => format!("no lease for period {now}"),
    };
    Err(Problem::new(Refusal::NotLeased, detail).retry_after(snapshot.period_seconds))
}

/// Refuses a request whose time is outside the window around the head's, which bounds the nonces to
/// keep.
pub(crate) fn recent(snapshot: &Snapshot, block_time: u64, window_s: u64) -> Verdict {
    let head = snapshot.head.timestamp;
    if head.abs_diff(block_time) <= window_s {
        return Ok(());
    }
    let detail = format!("the time {block_time} is more than {window_s} s from the head's, {head}");
    Err(Problem::new(Refusal::StaleRequest, detail))
}

/// Refuses a request that the policy's receiving key has not signed.
pub(crate) fn requester(request: &ReencryptRequest, domain: &Domain, reader: &Address) -> Verdict {
    request
        .verify(domain, reader)
        .map_err(|error| Problem::from(&error))
}

#[cfg(test)]
mod tests;
