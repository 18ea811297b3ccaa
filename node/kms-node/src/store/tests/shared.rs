//! What several nodes on one PostgreSQL have in common: the lease, the requests, the keys.

use std::time::Duration;

use kms_kit::postgres::Postgres;
use kms_kit::wait::until;
use kms_protocol::{B256, Period, PolicyId};

use super::super::chain::{Batch, Fact, Place};
use super::super::shared::{Asking, KeyRow, Taken};
use super::*;
use crate::kfrag::seal::SealedRow;

const LONG: Duration = Duration::from_secs(3_600);

fn batch(block_number: u64) -> Batch {
    let place = Place {
        block_number,
        log_index: 0,
    };
    let fact = Fact::Miner {
        kind: "url",
        value: block_number.to_string(),
    };
    Batch {
        headers: Vec::new(),
        facts: vec![(place, fact)],
    }
}

fn is_fenced<T>(outcome: Result<T>) -> bool {
    matches!(outcome, Err(StoreError::Fenced))
}

#[tokio::test]
async fn a_holder_whose_time_is_over_writes_nothing_and_may_not_send() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(folder.path()).unwrap();
    let url = server.url("postgres");
    let first = Store::open_postgres(&url).await.unwrap();
    let second = Store::open_postgres(&url).await.unwrap();
    assert!(is_fenced(first.apply(&batch(1)).await), "nobody holds it");
    assert!(first.take_lease(Duration::ZERO).await.unwrap());
    // The first stands still, beyond the end of its lease.
    until("the end of the lease", async || {
        second.take_lease(LONG).await.unwrap().then_some(())
    })
    .await;
    assert!(!first.take_lease(LONG).await.unwrap(), "held by the second");
    second.apply(&batch(2)).await.unwrap();
    for outcome in [
        first.apply(&batch(3)).await,
        first.revert(0).await,
        first.reset_index().await,
        first.erase_kfrags(&[]).await,
        first.forget_nonces(1).await,
        first.may_send().await,
    ] {
        assert!(is_fenced(outcome));
    }
    let kept = first.keep_lease(LONG, B256::default(), None).await.unwrap();
    assert!(!kept);
    second.may_send().await.unwrap();
    let facts = first.miner_facts().await.unwrap();
    assert_eq!(facts, [("url".to_owned(), "2".to_owned())]);

    second.leave_lease().await.unwrap();
    assert!(
        is_fenced(second.apply(&batch(4)).await),
        "it was given back"
    );
    assert!(first.take_lease(LONG).await.unwrap());
    first.apply(&batch(5)).await.unwrap();
}

#[tokio::test]
async fn a_view_is_shown_until_its_index_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(folder.path()).unwrap();
    let holder = Store::open_postgres(&server.url("postgres")).await.unwrap();
    assert_eq!(holder.shown().await.unwrap(), None);
    assert!(holder.take_lease(LONG).await.unwrap());
    let age = Some(Duration::from_secs(7));
    let unknown = B256([9; 32]);
    assert!(holder.keep_lease(LONG, unknown, age).await.unwrap());
    let shown = holder.shown().await.unwrap().unwrap();
    assert_eq!(shown.age, None, "the index lacks that block");
    let header = kms_chain::BlockHeader {
        number: 1,
        hash: B256([1; 32]),
        parent: B256([0; 32]),
        timestamp: 5,
        base_fee: kms_protocol::Wei(1),
    };
    let headers = vec![header];
    let facts = Vec::new();
    holder.apply(&Batch { headers, facts }).await.unwrap();
    assert!(holder.keep_lease(LONG, header.hash, age).await.unwrap());
    let shown = holder.shown().await.unwrap().unwrap();
    assert!(shown.age >= age && shown.held, "{shown:?}");
    assert_eq!(holder.headers_from(1).await.unwrap(), [header]);
    holder.reset_index().await.unwrap();
    assert!(holder.keep_lease(LONG, header.hash, age).await.unwrap());
    let after = holder.shown().await.unwrap().unwrap();
    assert_eq!((after.age, after.undone), (None, shown.undone + 1));
}

#[tokio::test]
async fn nonces_quotas_and_keys_hold_over_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(folder.path()).unwrap();
    let url = server.url("postgres");
    let (one, two) = (
        Store::open_postgres(&url).await.unwrap(),
        Store::open_postgres(&url).await.unwrap(),
    );
    let asking = |nonce: u8, named: u64| Asking {
        policy: PolicyId(B256([7; 32])),
        nonce: B256([nonce; 32]),
        named,
        time: named,
    };
    assert!(one.take_lease(LONG).await.unwrap());
    let first = one.take_nonce(&asking(1, 100), 2).await.unwrap();
    let again = two.take_nonce(&asking(1, 100), 2).await.unwrap();
    assert_eq!((first, again), (Taken::Fresh, Taken::Used));
    let second = two.take_nonce(&asking(2, 200), 2).await.unwrap();
    let third = one.take_nonce(&asking(3, 200), 2).await.unwrap();
    assert_eq!((second, third), (Taken::Fresh, Taken::Full { oldest: 100 }));
    one.forget_nonces(150).await.unwrap();
    // What was forgotten is not taken a second time.
    let old = two.take_nonce(&asking(1, 100), 2).await.unwrap();
    let new = two.take_nonce(&asking(3, 200), 2).await.unwrap();
    assert_eq!((old, new), (Taken::Forgotten, Taken::Fresh));

    let key = |byte: u8, first: u32| KeyRow {
        first_period: Period(first),
        sealed: SealedRow {
            salt: [byte; 32],
            sealed: vec![byte],
        },
    };
    one.put_transport_key(&key(1, 5), LONG).await.unwrap();
    two.put_transport_key(&key(2, 5), LONG).await.unwrap();
    let keys = two.transport_keys(LONG).await.unwrap();
    assert_eq!(keys.len(), 1, "one key of a period");
    assert_eq!(keys[0].sealed.sealed, [1], "the first one's");
    two.put_transport_key(&key(3, 7), LONG).await.unwrap();
    let keys = one.transport_keys(LONG).await.unwrap();
    assert_eq!(keys.len(), 1, "what is over is deleted");
    assert!(one.transport_keys(Duration::ZERO).await.unwrap().is_empty());
}
