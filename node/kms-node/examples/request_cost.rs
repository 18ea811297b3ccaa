//! Prints the CPU time that a reader's request costs a node, in microseconds: parsing, the reader's
//! signature, the capsules, re-encryption and receipts, first bare, then under the envelope, where
//! opening the message, signing the answer and sealing it come on top. The median of many batches
//! of requests in one thread, without database and network.
//!
//! `cargo run --release -p kms-node --example request_cost`

use std::error::Error;
use std::io::Write as _;

use kms_kit::grant::{Grant, Offer};
use kms_protocol::messages::{Answer, CommitmentsBytes, Message, ReencryptReply, ReencryptRequest};
use kms_protocol::{
    Address, Amount, B256, Destination, Domain, EthSecret, FixedBytes, Period, TransportSecret,
};
use umbral::Capsule;

type Outcome<T> = Result<T, Box<dyn Error>>;

const DOMAIN: Domain = Domain::node(31_337, Address([0xa4; 20]));
const MINER: Address = Address([0xaa; 20]);
const BATCHES: usize = 25;
/// Capsules re-encrypted in one batch, at least: long enough for the clock's resolution.
const CAPSULES_PER_BATCH: usize = 128;

/// What a node holds for one policy.
struct Node {
    grant: Grant,
    commitments: CommitmentsBytes,
    worker: EthSecret,
    transport: TransportSecret,
}

impl Node {
    fn new() -> Outcome<Self> {
        let offer = Offer {
            author: Address([1; 20]),
            rate: Amount(1),
            first: Period(1),
            last: Period(2),
            threshold: 1,
            miners: vec![MINER],
        };
        let grant = Grant::new(DOMAIN, offer);
        Ok(Self {
            commitments: CommitmentsBytes::try_from(&grant.granted.commitments)?,
            worker: EthSecret::random()?,
            transport: TransportSecret::random()?,
            grant,
        })
    }

    /// Verifies, re-encrypts and signs, as `serve/reencrypt.rs` does.
    fn reply(&self, request: &ReencryptRequest) -> Outcome<ReencryptReply> {
        let reader = self.grant.reader().address();
        let kfrag = self.grant.granted.kfrags.first().ok_or("no kfrag")?;
        request.verify(&DOMAIN, &reader)?;
        let mut reply = ReencryptReply {
            policy_id: request.policy_id,
            miner: MINER,
            verifying_key: self.grant.signer.verifying_key(),
            commitments: self.commitments.clone(),
            block_time: request.block_time,
            block_hash: B256::ZERO,
            entries: Vec::with_capacity(request.capsules.len()),
        };
        for bytes in &request.capsules {
            let capsule = Capsule::from_bytes(bytes.as_bytes())?;
            let cfrag = umbral::reencrypt(&mut getrandom::SysRng, &capsule, kfrag)?;
            let cfrag = FixedBytes(cfrag.to_bytes());
            reply.push_signed(bytes, cfrag, reader, &DOMAIN, &self.worker);
        }
        Ok(reply)
    }

    fn bare(&self, body: &[u8]) -> Outcome<Vec<u8>> {
        let request: ReencryptRequest = serde_json::from_slice(body)?;
        Ok(serde_json::to_vec(&self.reply(&request)?)?)
    }

    fn sealed(&self, body: &[u8]) -> Outcome<Vec<u8>> {
        let (plain, exchange) = self.transport.open(&HERE, body)?;
        let Message::Reencrypt(request) = Message::parse(&plain)? else {
            return Err("not a reader's request".into());
        };
        let answer = Answer::Fragments(self.reply(&request)?);
        Ok(answer.seal(&HERE, &exchange, &self.worker)?)
    }
}

const HERE: Destination<'static> = Destination {
    domain: &DOMAIN,
    miner: &MINER,
};

/// CPU time of this thread, nanoseconds (proc(5), schedstat).
fn cpu_time() -> Outcome<u64> {
    // The kernel brings the figure up to date when the thread gives up its core.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no figure")?.parse()?)
}

/// Median CPU time of one call, microseconds.
fn median(requests: usize, call: impl Fn() -> Outcome<Vec<u8>>) -> Outcome<f64> {
    let mut batches = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let before = cpu_time()?;
        for _ in 0..requests {
            std::hint::black_box(call()?);
        }
        batches.push(cpu_time()?.saturating_sub(before));
    }
    batches.sort_unstable();
    let middle = batches.get(BATCHES / 2).ok_or("no batch")?;
    let nanoseconds = u32::try_from(*middle)?;
    Ok(f64::from(nanoseconds) / f64::from(u32::try_from(requests)?) / 1_000.0)
}

fn main() -> Outcome<()> {
    let node = Node::new()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "CPU microseconds per request, median of {BATCHES} batches"
    )?;
    writeln!(
        out,
        "{:>8}{:>10}{:>10}{:>10}",
        "capsules", "bare", "sealed", "added"
    )?;
    for capsules in [1, 8, 64] {
        let mut request = node.grant.unsigned(MINER, 1);
        request.capsules = vec![node.grant.capsule_bytes(); capsules];
        let request = request.signed(&DOMAIN, &node.grant.reader());
        let body = serde_json::to_vec(&request)?;
        let (message, _) = Message::Reencrypt(request).seal(&node.transport.key(), &HERE)?;
        let requests = CAPSULES_PER_BATCH.div_ceil(capsules).max(8);
        let bare = median(requests, || node.bare(&body))?;
        let sealed = median(requests, || node.sealed(&message))?;
        let added = sealed - bare;
        writeln!(out, "{capsules:>8}{bare:>10.0}{sealed:>10.0}{added:>10.0}")?;
    }
    Ok(())
}
