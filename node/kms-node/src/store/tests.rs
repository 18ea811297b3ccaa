use kms_protocol::{B256, PolicyId};

use super::kfrag::{Inserted, KFRAG_VERSION, KfragRow};
use super::*;

fn path(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("node.sqlite")
}

async fn pragma(store: &Store, name: &'static str) -> i64 {
    sqlx::query_scalar(name)
        .fetch_one(&store.write)
        .await
        .unwrap()
}

#[tokio::test]
async fn commits_are_flushed_and_deleted_content_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    assert_eq!(pragma(&store, "pragma synchronous").await, 2);
    assert_eq!(pragma(&store, "pragma secure_delete").await, 1);
    assert_eq!(pragma(&store, "pragma foreign_keys").await, 1);
    let mode: String = sqlx::query_scalar("pragma journal_mode")
        .fetch_one(&store.write)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn a_value_is_pinned_by_the_first_who_sets_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    assert_eq!(store.pin_meta("chain id", "1").await.unwrap(), None);
    drop(store);
    let store = Store::open(&path(&dir)).await.unwrap();
    assert_eq!(store.pin_meta("chain id", "1").await.unwrap(), None);
    assert_eq!(
        store.pin_meta("chain id", "2").await.unwrap(),
        Some("1".into())
    );
    assert_eq!(store.pin_meta("chain id", "1").await.unwrap(), None);
}

#[tokio::test]
async fn refuses_a_newer_schema_and_leaves_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    let newer = "insert into _sqlx_migrations \
        (version, description, success, checksum, execution_time) values (999, '', 1, x'', 0)";
    sqlx::query(newer).execute(&store.write).await.unwrap();
    store.close().await;
    let before = std::fs::read(path(&dir)).unwrap();
    let error = Store::open(&path(&dir)).await.err().unwrap();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 999 }),
        "{error}"
    );
    assert_eq!(std::fs::read(path(&dir)).unwrap(), before);
}

#[tokio::test]
async fn refuses_a_damaged_file_and_leaves_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    store.close().await;
    let whole = std::fs::read(path(&dir)).unwrap();
    let mut flipped = whole.clone();
    for byte in &mut flipped[4_096..4_196] {
        *byte ^= 0xff;
    }
    let truncated = whole[..whole.len() / 2].to_vec();
    for damaged in [
        truncated,
        b"not a database at all, but long enough".repeat(9),
        flipped,
    ] {
        std::fs::write(path(&dir), &damaged).unwrap();
        let error = Store::open(&path(&dir)).await.err().unwrap();
        assert_eq!(error.code(), "store_corrupt", "{error}");
        assert_eq!(std::fs::read(path(&dir)).unwrap(), damaged);
    }
}

#[tokio::test]
async fn an_unapplied_batch_leaves_nothing() {
    use super::chain::{Batch, Fact, Place};
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    let place = |log_index| Place {
        block_number: 1,
        log_index,
    };
    let facts = vec![
        (
            place(0),
            Fact::Miner {
                kind: "url",
                value: "a".into(),
            },
        ),
        (
            place(1),
            Fact::Sequence {
                contract: "escrow",
                seq: 2,
            },
        ),
    ];
    let error = store
        .apply(&Batch {
            headers: Vec::new(),
            facts,
        })
        .await
        .unwrap_err();
    let expected = StoreError::SequenceGap {
        contract: "escrow",
        expected: 1,
        found: 2,
    };
    assert_eq!(error.to_string(), expected.to_string());
    assert!(store.miner_facts().await.unwrap().is_empty());
}

/// A database as the first release of the schema left it, with one fragment in it.
async fn version_1(path: &std::path::Path, id: PolicyId, sealed: &[u8]) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    migrate(&pool, &MIGRATIONS[..1]).await.unwrap();
    let insert = "insert into kfrag (policy_id, sealed_hash, delegating_key, receiving_key, \
        verifying_key, last_period, sealed) values (?, ?, ?, ?, ?, 9, ?)";
    sqlx::query(insert)
        .bind(&id.0.0[..])
        .bind(&[2_u8; 32][..])
        .bind(&[2_u8; 33][..])
        .bind(&[2_u8; 33][..])
        .bind(&[2_u8; 33][..])
        .bind(sealed)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}

#[tokio::test]
async fn fragments_of_version_1_are_kept_known_as_such_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let id = PolicyId(B256([1; 32]));
    version_1(&path(&dir), id, b"sealed then").await;
    for _ in 0..2 {
        let store = Store::open(&path(&dir)).await.unwrap();
        let row = store.kfrag(id).await.unwrap().unwrap();
        assert!(row.is_outdated());
        assert_eq!((row.version, row.last_period), (1, 9));
        assert_eq!(row.sealed, b"sealed then");
        assert!(row.commitments.is_empty());
        let newer = KfragRow {
            version: KFRAG_VERSION,
            commitments: vec![2; 197],
            ..row
        };
        assert!(!newer.is_outdated());
        let inserted = store.insert_kfrag(&newer).await.unwrap();
        assert_eq!(inserted, Inserted::Different);
        let heads = store.kfrag_heads(None, 10).await.unwrap();
        assert_eq!(heads.len(), 1, "the sweeper sees it and will erase it");
        store.close().await;
    }
}
