//! Follows the chain of each writer: every message names the one before it, and every sheet says
//! how far the writer had come.

use std::collections::{BTreeMap, BTreeSet};

use kms_protocol::B256;
use umbral::PublicKey;

use super::finding::Finding;
use super::{Chain, Entry, Epochs, Sorted};

/// What is known of one writer beside its messages.
struct Known<'a> {
    name: &'a str,
    /// The first number that the reader must find.
    low: u64,
    /// Hashes by number, from the sheets.
    heads: BTreeMap<u64, B256>,
    closed: Option<&'a BTreeSet<u64>>,
}

/// Gaps and forks of every writer.
pub(super) fn faults(epochs: &Epochs, sorted: &Sorted) -> Vec<Finding> {
    let empty = Chain::new();
    let mut findings = Vec::new();
    for (writer, known) in writers(epochs, sorted) {
        let chain = sorted.chains.get(&writer).unwrap_or(&empty);
        findings.extend(forks(chain, &known));
        findings.extend(gaps(chain, &known));
    }
    findings
}

/// Messages that come after one that is not here, though the reader should have it.
pub(super) fn unseen(epochs: &Epochs, sorted: &Sorted) -> Vec<Finding> {
    let Some((_, first)) = epochs.first_key_value() else {
        return Vec::new();
    };
    let entries = || sorted.chains.values().flat_map(BTreeMap::values);
    let mut known: BTreeMap<B256, Option<u64>> = BTreeMap::new();
    for epoch in epochs.values() {
        known.extend(epoch.sheet.heads.iter().map(|head| (head.hash, None)));
    }
    known.extend(entries().map(|entry| (entry.hash, Some(entry.message.order))));
    // A message of a closed epoch may have been seen by its writer.
    let sees_all = sorted.closed.values().all(BTreeSet::is_empty);
    let wrong = |entry: &&Entry| {
        let message = &entry.message;
        match known.get(&message.after) {
            Some(order) => order.is_some_and(|order| order >= message.order),
            None => {
                let within = message.order.saturating_sub(1) > first.sheet.order;
                message.after != B256::ZERO && sees_all && within
            }
        }
    };
    entries()
        .filter(wrong)
        .map(|entry| Finding::unseen(&entry.name, entry.message.number))
        .collect()
}

/// Every device that an open sheet names.
fn writers<'a>(epochs: &'a Epochs, sorted: &'a Sorted) -> BTreeMap<[u8; 33], Known<'a>> {
    let mut writers: BTreeMap<[u8; 33], Known<'a>> = BTreeMap::new();
    for epoch in epochs.values() {
        let sheet = &epoch.sheet;
        for member in &sheet.members {
            let known = writers.entry(member.key.to_bytes());
            known.or_insert_with(|| Known {
                name: &member.name,
                low: low_of(epochs, &member.key),
                heads: heads_of(epochs, &member.key),
                closed: sorted.closed.get(&sheet.mailbox(&member.key)),
            });
        }
    }
    writers
}

/// The first number after what the sheet of the first open epoch says; later holes between the
/// open epochs are bridged by the numbers that lie in closed ones.
fn low_of(epochs: &Epochs, writer: &PublicKey) -> u64 {
    let first = epochs.values().next();
    let head = first.and_then(|epoch| epoch.sheet.head(writer));
    head.map_or(0, |head| head.number.saturating_add(1))
}

fn heads_of(epochs: &Epochs, writer: &PublicKey) -> BTreeMap<u64, B256> {
    let heads = epochs.values().filter_map(|epoch| epoch.sheet.head(writer));
    heads.map(|head| (head.number, head.hash)).collect()
}

fn forks(chain: &Chain, known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, entry) in chain {
        let below = number.checked_sub(1);
        let before = match below {
            None => Some(B256::ZERO),
            Some(below) => {
                let message = chain.get(&below).map(|entry| entry.hash);
                message.or_else(|| known.heads.get(&below).copied())
            }
        };
        let follows = before.is_none_or(|before| before == entry.message.previous);
        let later = below.and_then(|below| chain.get(&below));
        let rises = later.is_none_or(|before| before.message.order < entry.message.order);
        let head = known.heads.get(number);
        if !follows || !rises || head.is_some_and(|head| *head != entry.hash) {
            findings.push(Finding::forked(known.name, *number));
        }
    }
    findings
}

fn gaps(chain: &Chain, known: &Known<'_>) -> Vec<Finding> {
    let last_of_chain = chain.keys().next_back();
    let Some(last) = last_of_chain.max(known.heads.keys().next_back()).copied() else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut next = known.low;
    // Only what is there is walked: a number can be chosen as high as one likes.
    let present = chain.keys().copied();
    let closed = known.closed.into_iter().flatten().copied();
    let here: BTreeSet<u64> = present
        .chain(closed)
        .filter(|number| *number >= next)
        .collect();
    for number in here.into_iter().chain([last.saturating_add(1)]) {
        if number > next && next <= last {
            findings.push(Finding::missing(known.name, next, (number - 1).min(last)));
        }
        next = next.max(number.saturating_add(1));
    }
    findings
}
