use std::os::unix::fs::PermissionsExt;

use kms_protocol::{Address, Wei};
use proptest::prelude::*;

use super::{DirJournal, JournaledTx, SettledTx, TxJournal};
use crate::error::ChainError;
use crate::test_support::{address, hash};
use crate::types::TxReceipt;

fn tx(sender: Address, nonce: u64, max_fee: u128) -> JournaledTx {
    JournaledTx {
        kind: "claim".to_owned(),
        once: false,
        adds: false,
        chain_id: 31_337,
        sender,
        nonce,
        to: address(9),
        data: vec![1, 2],
        value: Wei(3),
        gas_limit: 21_000,
        max_fee: Wei(max_fee),
        tip: Wei(1),
        hash: kms_protocol::keccak256(format!("{nonce} {max_fee}").as_bytes()),
        raw: vec![2, 3, 4],
    }
}

#[test]
fn gives_back_what_another_process_recorded_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("tx/journal");
    let journal = DirJournal::open(&folder).unwrap();
    let txs = [
        tx(address(1), 2, 5),
        tx(address(1), 2, 9),
        tx(address(1), 10, 1),
    ];
    for tx in txs.iter().rev() {
        journal.record(tx).unwrap();
    }
    journal.record(&tx(address(2), 0, 1)).unwrap();
    let reopened = DirJournal::open(&folder).unwrap();
    assert_eq!(reopened.load(31_337, address(1)).unwrap(), txs);
    assert_eq!(reopened.load(1, address(1)).unwrap(), []);
    reopened.clear(&txs[0]).unwrap();
    reopened.clear(&txs[0]).unwrap();
    assert_eq!(journal.load(31_337, address(1)).unwrap(), txs[1..]);
}

fn settled(sender: Address, nonce: u64) -> SettledTx {
    let tx = tx(sender, nonce, 5);
    let receipt = TxReceipt {
        tx_hash: tx.hash,
        block_number: 11,
        block_hash: hash(1),
        succeeded: true,
        gas_used: 21_000,
        fee: Wei(105_000),
    };
    SettledTx {
        tx,
        receipt,
        settled_at: 1_700_000_000,
    }
}

#[test]
fn keeps_results_apart_from_what_is_not_settled() {
    let directory = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(directory.path()).unwrap();
    let (one, other) = (settled(address(1), 3), settled(address(1), 20));
    journal.record(&one.tx).unwrap();
    for settled in [&other, &one, &settled(address(2), 4)] {
        journal.keep(settled).unwrap();
    }
    let kept = || journal.kept(31_337, address(1)).unwrap();
    assert_eq!(kept(), [one.clone(), other.clone()]);
    assert_eq!(journal.kept(1, address(1)).unwrap(), []);
    assert_eq!(
        journal.load(31_337, address(1)).unwrap(),
        std::slice::from_ref(&one.tx)
    );
    journal.clear(&one.tx).unwrap();
    assert_eq!(kept().len(), 2);
    journal.forget(&one).unwrap();
    journal.forget(&one).unwrap();
    assert_eq!(kept(), [other]);
}

#[test]
fn is_private() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("tx");
    let journal = DirJournal::open(&folder).unwrap();
    journal.record(&tx(address(1), 2, 5)).unwrap();
    journal.keep(&settled(address(1), 2)).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn recording_again_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(directory.path()).unwrap();
    journal.record(&tx(address(1), 2, 5)).unwrap();
    journal.record(&tx(address(1), 2, 5)).unwrap();
    assert_eq!(journal.load(31_337, address(1)).unwrap().len(), 1);
}

#[test]
fn says_which_entry_is_broken_rather_than_losing_it() {
    let directory = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(directory.path()).unwrap();
    let name = format!("31337-{}-2-{}.json", address(1), hash(1));
    std::fs::write(directory.path().join(&name), "{}").unwrap();
    let error = journal.load(31_337, address(1)).unwrap_err();
    assert!(matches!(error, ChainError::Json { .. }));
    assert!(error.to_string().contains(&name), "{error}");
}

#[test]
fn passes_over_files_that_are_not_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(directory.path()).unwrap();
    for name in ["lock", "notes.txt", ".tmpAbC", "31337-half"] {
        std::fs::write(directory.path().join(name), "x").unwrap();
    }
    assert_eq!(journal.load(31_337, address(1)).unwrap(), []);
}

#[test]
fn lets_one_sender_in_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = DirJournal::open(directory.path()).unwrap();
    let second = DirJournal::open(directory.path()).unwrap();
    let lock = first.try_lock().unwrap().unwrap();
    assert!(second.try_lock().unwrap().is_none());
    drop(lock);
    assert!(second.try_lock().unwrap().is_some());
}

#[test]
fn names_a_directory_it_cannot_make() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let result = DirJournal::open(&file.path().join("tx"));
    assert!(matches!(result, Err(ChainError::File { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn round_trips(
        nonce in any::<u64>(),
        fees in any::<(u128, u128)>(),
        data in any::<Vec<u8>>(),
        raw in any::<Vec<u8>>(),
        kind in "[a-z_]{1,20}",
    ) {
        let directory = tempfile::tempdir().unwrap();
        let journal = DirJournal::open(directory.path()).unwrap();
        let mut tx = tx(address(1), nonce, fees.0);
        tx.tip = Wei(fees.1);
        (tx.data, tx.raw, tx.kind) = (data, raw, kind);
        journal.record(&tx).unwrap();
        prop_assert_eq!(journal.load(31_337, address(1)).unwrap(), vec![tx]);
    }
}
