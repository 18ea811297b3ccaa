use kms_protocol::messages::Message;
use kms_protocol::{B256, Destination, Error, PolicyId};

use super::*;
use crate::testkit::{MINER, domain};

struct Line {
    domain: Domain,
    worker: EthSecret,
    keys: TransportKeys,
}

impl Line {
    fn new() -> Self {
        Self {
            domain: domain(),
            worker: EthSecret::random().unwrap(),
            keys: TransportKeys::default(),
        }
    }

    fn present(&self, now: u32) -> TransportCertificate {
        let certifier = Certifier {
            domain: &self.domain,
            miner: MINER,
            worker: &self.worker,
        };
        self.keys.present(Period(now), &certifier).unwrap()
    }

    fn destination(&self) -> Destination<'_> {
        Destination {
            domain: &self.domain,
            miner: &MINER,
        }
    }

    /// A recorded message to the key of a certificate.
    fn recorded(&self, certificate: &TransportCertificate) -> Vec<u8> {
        let message = Message::Status(PolicyId(B256([1; 32])));
        message
            .seal(&certificate.key, &self.destination())
            .unwrap()
            .0
    }

    fn opens(&self, sealed: &[u8], now: u32) -> bool {
        let id = TransportKeyId::named_by(sealed).unwrap();
        let secret = self.keys.find(id, Period(now));
        secret.is_some_and(|secret| secret.open(&self.destination(), sealed).is_ok())
    }
}

#[test]
fn a_key_is_certified_for_its_period_and_the_next() {
    let line = Line::new();
    let certificate = line.present(5);
    assert_eq!(line.present(5), certificate, "one key in one period");
    let worker = line.worker.address();
    for (now, holds) in [(5, true), (6, true), (7, false)] {
        let verified = certificate.verify(&line.domain, &MINER, &worker, Period(now));
        assert_eq!(verified.is_ok(), holds, "period {now}");
    }
}

#[test]
fn the_keys_of_the_period_after_next_open_nothing_that_was_recorded() {
    let line = Line::new();
    let recorded = line.recorded(&line.present(5));
    assert!(line.opens(&recorded, 5));
    line.present(6);
    assert!(line.opens(&recorded, 6), "one period more");
    line.present(7);
    // Whoever takes the node over now has every key in its memory.
    let held = line.keys.lock();
    assert_eq!(held.len(), 2);
    for held in held.iter() {
        let opened = held.secret.open(&line.destination(), &recorded);
        assert_eq!(opened.err(), Some(Error::Envelope));
    }
}

#[test]
fn an_old_key_is_refused_before_it_is_wiped_too() {
    let line = Line::new();
    let recorded = line.recorded(&line.present(5));
    assert!(!line.opens(&recorded, 7));
}

#[test]
fn a_jump_over_periods_leaves_no_old_key() {
    let line = Line::new();
    line.present(5);
    line.present(6);
    line.present(40);
    assert_eq!(line.keys.lock().len(), 1);
}

#[test]
fn a_reorg_to_the_period_before_makes_no_third_key() {
    let line = Line::new();
    let first = line.present(5);
    let second = line.present(6);
    assert_eq!(line.present(5), second);
    assert!(line.opens(&line.recorded(&first), 5));
    assert_eq!(line.present(6), second);
    assert_eq!(line.keys.lock().len(), 2);
}

#[test]
fn a_restart_opens_nothing_that_was_recorded() {
    let line = Line::new();
    let recorded = line.recorded(&line.present(5));
    let again = Line::new();
    again.present(5);
    assert!(!again.opens(&recorded, 5));
}

#[test]
fn keys_are_wiped_by_their_age_while_the_chain_stands_still() {
    let line = Line::new();
    let recorded = line.recorded(&line.present(5));
    let life = Duration::from_secs(20);
    let made = Instant::now();
    line.keys.wipe(made, life);
    assert!(line.opens(&recorded, 5), "it is not old yet");
    line.keys.wipe(made + 2 * life, life);
    assert!(line.keys.lock().is_empty());
    assert!(!line.opens(&recorded, 5));
    line.present(5);
    assert!(!line.opens(&recorded, 5), "the next key is another one");
}
