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

#[test]
fn tells_what_is_left_and_which_call_it_is() {
    let deployment = deployment_of(31_337);
    let dir = tempfile::tempdir().unwrap();
    let journal = DirJournal::open(dir.path()).unwrap();
    let none = Leftovers::of(&journal, &deployment, address(1)).unwrap();
    assert!(!none.contain(&deposit(1)) && none.list().is_empty());
    let mined = journaled(&deposit(1), &deployment, 3, 1);
    let receipt = TxReceipt {
        tx_hash: mined.hash,
        block_number: 11,
        block_hash: B256([9; 32]),
        succeeded: true,
        gas_used: 21_000,
        fee: Wei(1),
    };
    let settled_at = 1_700_000_000;
    journal
        .keep(&SettledTx {
            tx: mined,
            receipt,
            settled_at,
        })
        .unwrap();
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
