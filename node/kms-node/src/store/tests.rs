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

/// The mode of each file of the database.
fn modes(dir: &tempfile::TempDir) -> Vec<(String, u32)> {
    let files = std::fs::read_dir(dir.path()).unwrap();
    let mut modes: Vec<_> = files
        .map(|file| {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            (file.file_name().into_string().unwrap(), mode)
        })
        .collect();
    modes.sort();
    modes
}

#[tokio::test]
async fn its_files_are_the_owners_alone_and_become_so_again() {
    let dir = tempfile::tempdir().unwrap();
    let expected =
        ["node.sqlite", "node.sqlite-shm", "node.sqlite-wal"].map(|name| (name.to_owned(), 0o600));
    let store = Store::open(&path(&dir)).await.unwrap();
    assert_eq!(modes(&dir), expected);
    for (name, _) in &expected {
        let open = Permissions::from_mode(0o666);
        std::fs::set_permissions(dir.path().join(name), open).unwrap();
    }
    let again = Store::open(&path(&dir)).await.unwrap();
    assert_eq!(modes(&dir), expected);
    store.close().await;
    again.close().await;
    Store::open(&path(&dir)).await.unwrap();
    assert!(modes(&dir).iter().all(|(_, mode)| *mode == 0o600));
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
