use kms_chain::{JournaledTx, SettledTx};
use kms_protocol::{Amount, Wei};

use super::*;
use crate::testkit::{address, deployment as deployment_of};

fn deposit(kms: u64) -> Call {
    Call::DepositViaTransfer {
        amount: Amount::from_kms(kms).unwrap(),
        lock_periods: 9,
    }
}

fn journaled(call: &Call, deployment: &Deployment, nonce: u64, hash: u8) -> JournaledTx {
    JournaledTx {
        kind: call.kind().to_owned(),
        adds: call.adds(),
        once: call.once(),
        chain_id: deployment.chain_id,
        sender: address(1),
        nonce,
        to: call.target(deployment),
        data: call.data(deployment),
        value: call.value(),
        gas_limit: 21_000,
        max_fee: Wei(u128::from(hash)),
        tip: Wei(1),
        hash: B256([hash; 32]),
        raw: vec![2],
    }
}

fn keep(journal: &DirJournal, mined: &JournaledTx) {
    let receipt = TxReceipt {
        tx_hash: mined.hash,
        block_number: 11,
        block_hash: B256([9; 32]),
        succeeded: true,
        gas_used: 21_000,
        fee: Wei(1),
    };
    let settled = SettledTx {
        tx: mined.clone(),
        receipt,
        settled_at: 1_700_000_000,
    };
    journal.keep(&settled).unwrap();
}

/// Hash and block of each transaction that is left.
fn told(journal: &DirJournal) -> Vec<(u8, Option<u64>)> {
    let deployment = deployment_of(31_337);
    let left = Leftovers::of(journal, &deployment, address(1)).unwrap();
    let left = left.list().into_iter();
    left.map(|left| (left.tx_hash.0[0], left.block_number))
        .collect()
}

#[test]
fn what_is_mined_is_told_beside_the_same_call_that_is_open() {
    let deployment = deployment_of(31_337);
    let dir = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(dir.path()).unwrap();
    keep(&journal, &journaled(&deposit(1), &deployment, 3, 1));
    let again = journaled(&deposit(1), &deployment, 4, 2);
    journal.record(&again).unwrap();
    assert_eq!(told(&journal), [(1, Some(11)), (2, None)]);
}

#[test]
fn an_attempt_of_what_is_mined_does_not_hide_it() {
    let deployment = deployment_of(31_337);
    let dir = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(dir.path()).unwrap();
    keep(&journal, &journaled(&deposit(1), &deployment, 3, 1));
    for hash in [1, 2] {
        let attempt = journaled(&deposit(1), &deployment, 3, hash);
        journal.record(&attempt).unwrap();
    }
    assert_eq!(told(&journal), [(1, Some(11))]);
}

#[test]
fn tells_what_is_left_and_which_call_it_is() {
    let deployment = deployment_of(31_337);
    let dir = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(dir.path()).unwrap();
    let none = Leftovers::of(&journal, &deployment, address(1)).unwrap();
    assert!(!none.contain(&deposit(1)) && none.list().is_empty());
    keep(&journal, &journaled(&deposit(1), &deployment, 3, 1));
    // Two attempts at one nonce: the dearer one is told.
    for hash in [2, 3] {
        let attempt = journaled(&deposit(2), &deployment, 4, hash);
        journal.record(&attempt).unwrap();
    }
    let left = Leftovers::of(&journal, &deployment, address(1)).unwrap();
    assert!(left.contain(&deposit(1)) && left.contain(&deposit(2)));
    assert!(!left.contain(&deposit(3)));
    let told: Vec<_> = left
        .list()
        .iter()
        .map(|left| (left.call.clone(), left.tx_hash.0[0], left.block_number))
        .collect();
    let kind = "deposit".to_owned();
    assert_eq!(told, [(kind.clone(), 1, Some(11)), (kind, 3, None)]);
    let other = Leftovers::of(&journal, &deployment, address(2)).unwrap();
    assert!(other.list().is_empty());
}
