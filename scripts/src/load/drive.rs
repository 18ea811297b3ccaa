//! Clients of the node: messages are made before the clock runs, answers are opened after it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kms_kit::wire::Wire;
use kms_protocol::Exchange;
use kms_protocol::messages::{Answer, Message};
use tokio::task::JoinSet;

use super::stage::Stage;

/// Interval at which `/readyz` is asked for in a flood.
const READY_PAUSE: Duration = Duration::from_millis(50);

/// A load that the node carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) capsules: usize,
    pub(super) requests: usize,
}

/// A load that it does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flood {
    pub(super) connections: usize,
    pub(super) addresses: usize,
    /// Requests per second over all connections.
    pub(super) rate: f64,
    pub(super) time: Duration,
}

/// What the clients of a flood saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Times of the requests that were answered.
    pub(super) accepted: Vec<Duration>,
    /// Number of requests that were refused for being too many.
    pub(super) shed: usize,
    /// Times of `/readyz`, asked from another address.
    pub(super) ready: Vec<Duration>,
    /// From the first request to the last answer.
    pub(super) time: Duration,
}

/// A sealed request, and what opens its answer.
pub(super) struct Sealed {
    bytes: Vec<u8>,
    exchange: Exchange,
}

/// Makes requests under all policies in turn.
pub(super) async fn messages(stage: &Stage, count: usize, capsules: usize) -> Result<Vec<Sealed>> {
    let info = stage
        .wire()
        .info()
        .await
        .map_err(|no| anyhow::anyhow!("{no:?}"))?;
    let time = stage.time().await;
    let mut made = Vec::with_capacity(count);
    for number in 0..count {
        let grant = stage.grant_of(number)?;
        let mut request = grant.unsigned(info.miner, time);
        request.capsules = vec![grant.capsule_bytes(); capsules];
        let request = request.signed(&grant.domain, &grant.reader());
        let message = Message::Reencrypt(request);
        let (bytes, exchange) = message.seal(&info.transport.key, &stage.here())?;
        made.push(Sealed { bytes, exchange });
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(made)
}

/// Sends every message, each connection one after the other, and checks that each was answered.
/// Returns the time from the first to the last.
pub(super) async fn answered(
    stage: &Stage,
    connections: usize,
    messages: Vec<Sealed>,
) -> Result<Duration> {
    let messages = Arc::new(messages);
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    let wire = stage.wire();
    let began = Instant::now();
    for _ in 0..connections {
        let (wire, messages, next) = (wire.clone(), messages.clone(), next.clone());
        clients.spawn(async move {
            let mut replies = Vec::new();
            while let number = next.fetch_add(1, Ordering::Relaxed)
                && let Some(message) = messages.get(number)
            {
                replies.push((number, wire.post(message.bytes.clone()).await));
            }
            replies
        });
    }
    let replies = clients.join_all().await;
    let spent = began.elapsed();
    for (number, reply) in replies.into_iter().flatten() {
        let reply = reply.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        let message = messages.get(number).context("no such message")?;
        let answer = Answer::open(&stage.here(), &message.exchange, &stage.worker(), &reply)?;
        ensure!(
            matches!(answer, Answer::Fragments(_)),
            "refused: {answer:?}"
        );
    }
    Ok(spent)
}

/// Sends messages at a rate, whether they are answered or not, until the time is over.
pub(super) async fn flooded(stage: &Stage, flood: &Flood, messages: Vec<Sealed>) -> Result<Seen> {
    let messages = Arc::new(messages);
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    let began = Instant::now();
    let Flood { rate, time, .. } = *flood;
    for connection in 0..flood.connections {
        let (messages, next) = (messages.clone(), next.clone());
        let wire = stage.wire_from(address(1 + connection % flood.addresses));
        clients.spawn(async move {
            let mut outcomes = Vec::new();
            while let number = next.fetch_add(1, Ordering::Relaxed)
                && let Some(message) = messages.get(number)
                && began.elapsed() < time
            {
                // Each message has its moment, however slow the answers before it were.
                let due = Duration::from_secs_f64(number_of(number) / rate);
                tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
                let sent = Instant::now();
                let reply = wire.post(message.bytes.clone()).await;
                outcomes.push((number, sent.elapsed(), reply));
            }
            outcomes
        });
    }
    let watching = tokio::spawn(watch(stage.wire_from(address(200)), began, time));
    let mut seen = Seen::default();
    let outcomes = clients.join_all().await;
    seen.time = began.elapsed();
    for (number, spent, reply) in outcomes.into_iter().flatten() {
        let Ok(reply) = reply else {
            seen.shed += 1;
            continue;
        };
        let message = messages.get(number).context("no such message")?;
        match Answer::open(&stage.here(), &message.exchange, &stage.worker(), &reply)? {
            Answer::Fragments(_) => seen.accepted.push(spent),
            _ => seen.shed += 1,
        }
    }
    seen.ready = watching.await?;
    Ok(seen)
}

async fn watch(wire: Wire, began: Instant, time: Duration) -> Vec<Duration> {
    let mut times = Vec::new();
    while began.elapsed() < time {
        let asked = Instant::now();
        wire.page("/readyz").await;
        times.push(asked.elapsed());
        tokio::time::sleep(READY_PAUSE).await;
    }
    times
}

fn number_of(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// An address of this machine.
fn address(number: usize) -> IpAddr {
    let last = u8::try_from(number % 250).unwrap_or(0);
    Ipv4Addr::new(127, 0, 1, 1 + last).into()
}
