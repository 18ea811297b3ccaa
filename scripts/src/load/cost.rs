//! CPU time of the node's process by /proc, memory, and the floor: the CPU time that the same work
//! takes bare, in this process and run.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kms_kit::grant::Grant;
use kms_protocol::messages::{Answer, CommitmentsBytes, Message, ReencryptReply};
use kms_protocol::{Address, B256, Destination, EthSecret, FixedBytes, TransportSecret};
use umbral::Capsule;

/// Capsules re-encrypted in a batch of the floor, at least, and batches.
const CAPSULES_PER_BATCH: usize = 64;
const BATCHES: usize = 9;

/// The CPU time of a process up to now, thread by thread, nanoseconds.
pub(super) struct Process {
    id: u32,
    threads: HashMap<String, u64>,
}

impl Process {
    pub(super) fn of(id: u32) -> Result<Self> {
        let threads = threads(id)?;
        Ok(Self { id, threads })
    }

    /// CPU time spent since, microseconds. A thread that has ended meanwhile is not counted: those
    /// of a node under load do not end.
    pub(super) fn spent_us(&self) -> Result<f64> {
        let now = threads(self.id)?.into_iter();
        let spent = now.map(|(thread, ns)| {
            let before = self.threads.get(&thread).copied().unwrap_or_default();
            ns.saturating_sub(before)
        });
        Ok(microseconds(spent.sum()))
    }
}

fn threads(id: u32) -> Result<HashMap<String, u64>> {
    let mut threads = HashMap::new();
    let folder = fs::read_dir(format!("/proc/{id}/task"));
    for entry in folder.context("the node does not run")? {
        let thread = entry?;
        // A thread may end while it is looked at.
        if let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) {
            let name = thread.file_name().to_string_lossy().into_owned();
            threads.insert(name, first_number(&text)?);
        }
    }
    Ok(threads)
}

fn first_number(text: &str) -> Result<u64> {
    let first = text.split_whitespace().next().context("no figure")?;
    Ok(first.parse()?)
}

/// Exact up to 4,000 seconds, which no run takes.
fn microseconds(ns: u64) -> f64 {
    let us = u32::try_from(ns / 1_000).unwrap_or(u32::MAX);
    f64::from(us)
}

/// Memory that a process holds, MiB.
pub(super) fn rss_mib(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = first_number(line.context("no VmRSS")?)?;
    Ok(f64::from(u32::try_from(kib)?) / 1024.0)
}

/// CPU time of this thread, nanoseconds.
fn own() -> Result<u64> {
    // The kernel brings the figure up to date when the thread gives up its core.
    std::thread::yield_now();
    first_number(&fs::read_to_string("/proc/thread-self/schedstat")?)
}

/// Median CPU time of what no node can spare, microseconds: opening and parsing a request, its
/// signature, its capsules, re-encryption, receipts, the signed and sealed answer.
pub(super) fn floor(grant: &Grant, capsules: usize) -> Result<f64> {
    let bare = Bare::new(grant)?;
    let miner = bare.miner;
    let mut request = grant.unsigned(miner, 1);
    request.capsules = vec![grant.capsule_bytes(); capsules];
    let request = request.signed(&grant.domain, &grant.reader());
    let here = bare.here();
    let (sealed, _) = Message::Reencrypt(request).seal(&bare.transport.key(), &here)?;
    let times = CAPSULES_PER_BATCH.div_ceil(capsules).max(4);
    let mut batches = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let before = own()?;
        for _ in 0..times {
            std::hint::black_box(bare.answer(&sealed)?);
        }
        let spent = microseconds(own()?.saturating_sub(before));
        batches.push(spent / f64::from(u32::try_from(times)?));
    }
    Ok(median(batches))
}

/// What a node holds for one policy, without the node.
struct Bare<'a> {
    grant: &'a Grant,
    miner: Address,
    commitments: CommitmentsBytes,
    worker: EthSecret,
    transport: TransportSecret,
}

impl<'a> Bare<'a> {
    fn new(grant: &'a Grant) -> Result<Self> {
        Ok(Self {
            miner: *grant.terms.miners.first().context("no miner")?,
            commitments: CommitmentsBytes::try_from(&grant.granted.commitments)?,
            worker: EthSecret::random()?,
            transport: TransportSecret::random()?,
            grant,
        })
    }

    fn here(&self) -> Destination<'_> {
        Destination {
            domain: &self.grant.domain,
            miner: &self.miner,
        }
    }

    fn answer(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let (plain, exchange) = self.transport.open(&self.here(), sealed)?;
        let Message::Reencrypt(request) = Message::parse(&plain)? else {
            anyhow::bail!("not a reader's request");
        };
        let (grant, reader) = (self.grant, self.grant.reader().address());
        request.verify(&grant.domain, &reader)?;
        let mut reply = ReencryptReply {
            policy_id: request.policy_id,
            miner: self.miner,
            verifying_key: grant.signer.verifying_key(),
            commitments: self.commitments.clone(),
            block_time: request.block_time,
            block_hash: B256::ZERO,
            entries: Vec::with_capacity(request.capsules.len()),
        };
        let kfrag = grant.granted.kfrags.first().context("no kfrag")?;
        for bytes in &request.capsules {
            let capsule = Capsule::from_bytes(bytes.as_bytes())?;
            let cfrag = umbral::reencrypt(&mut getrandom::SysRng, &capsule, kfrag)?;
            let cfrag = FixedBytes(cfrag.to_bytes());
            reply.push_signed(bytes, cfrag, reader, &grant.domain, &self.worker);
        }
        let answer = Answer::Fragments(reply);
        Ok(answer.seal(&self.here(), &exchange, &self.worker)?)
    }
}

/// The middle one of some figures; 0 of none.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// The time that 99 of 100 stay below, milliseconds; 0 of none.
pub(super) fn p99_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(times.len() / 100 + 1);
    times.get(last).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// A count that was reckoned, at least 1.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits"
)]
pub(super) fn whole(count: f64) -> usize {
    count.clamp(1.0, 1e6) as usize
}
