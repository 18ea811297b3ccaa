use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Sqlite;
use sqlx::pool::PoolOptions;

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

/// Applies a limit of pages to every connection that is opened.
pub(super) fn limited(options: PoolOptions<Sqlite>, limit: Arc<AtomicU32>) -> PoolOptions<Sqlite> {
    options.after_connect(move |connection, _| {
        let limit = limit.load(Ordering::Relaxed);
        Box::pin(async move {
            sqlx::query(page_limit(limit)).execute(connection).await?;
            Ok(())
        })
    })
}

fn page_limit(pages: u32) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("pragma max_page_count = {pages}"))
}

impl Store {
    /// Limits the growth of the file to a number of pages, to simulate a full disk.
    pub(crate) async fn limit_growth(&self, pages: u32) {
        let size: u32 = sqlx::query_scalar("pragma page_count")
            .fetch_one(&self.write)
            .await
            .unwrap();
        self.page_limit.store(size + pages, Ordering::Relaxed);
        let limit = page_limit(size + pages);
        sqlx::query(limit).execute(&self.write).await.unwrap();
    }

    /// Takes the lock of the database, as another program would.
    pub(crate) async fn hold_lock(&self) -> sqlx::Transaction<'static, Sqlite> {
        self.write.begin_with("begin immediate").await.unwrap()
    }

    /// Writes other terms over those of a policy; returns the old ones.
    pub(crate) async fn replace_terms(&self, id: kms_protocol::PolicyId, terms: &str) -> String {
        let id = id.0.0.to_vec();
        let old = sqlx::query_scalar("select terms from policy where policy_id = ?")
            .bind(&id)
            .fetch_one(&self.write)
            .await
            .unwrap();
        sqlx::query("update policy set terms = ? where policy_id = ?")
            .bind(terms)
            .bind(&id)
            .execute(&self.write)
            .await
            .unwrap();
        old
    }
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

/// Another program on the same file.
struct Neighbour(SqlitePool);

impl Neighbour {
    async fn of(dir: &tempfile::TempDir) -> Self {
        let options = SqliteConnectOptions::new().filename(path(dir));
        let pool = SqlitePoolOptions::new().max_connections(1);
        Self(pool.connect_with(options).await.unwrap())
    }

    async fn sees(&self, name: &str) -> bool {
        let found = sqlx::query("select 1 from meta where name = ?").bind(name);
        found.fetch_optional(&self.0).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn what_follows_a_failed_commit_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    let tables = "create table whole (id integer primary key); create table part \
        (id integer references whole (id) deferrable initially deferred)";
    sqlx::raw_sql(tables).execute(&store.write).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;

    let mut writing = store.begin().await.unwrap();
    sqlx::query("insert into part values (1)")
        .execute(&mut *writing)
        .await
        .unwrap();
    // SQLite checks the reference now, and leaves the transaction open.
    writing.commit().await.unwrap_err();

    store.pin_meta("after", "1").await.unwrap();
    assert!(neighbour.sees("after").await);
}

#[tokio::test]
async fn a_transaction_that_is_given_up_leaves_nothing_and_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;
    let mut writing = store.begin().await.unwrap();
    sqlx::query("insert into meta values ('given up', '1')")
        .execute(&mut *writing)
        .await
        .unwrap();
    drop(writing);
    store.pin_meta("after", "1").await.unwrap();
    assert!(neighbour.sees("after").await);
    assert!(!neighbour.sees("given up").await);
}

#[tokio::test]
async fn a_full_disk_takes_nothing_and_the_next_write_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;
    store.limit_growth(0).await;
    let large = "x".repeat(100_000);
    for _ in 0..2 {
        let full = store.pin_meta("large", &large).await.unwrap_err();
        assert!(matches!(full, StoreError::Full), "{full}");
        assert!(full.is_passing());
    }
    assert!(!neighbour.sees("large").await);
    store.limit_growth(1_000).await;
    store.pin_meta("large", &large).await.unwrap();
    assert!(neighbour.sees("large").await);
}

#[tokio::test]
async fn a_foreign_lock_is_waited_for_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&path(&dir)).await.unwrap();
    let neighbour = Neighbour::of(&dir).await;
    let lock = neighbour.0.begin_with("begin immediate").await.unwrap();
    for _ in 0..2 {
        let busy = store.pin_meta("mine", "1").await.unwrap_err();
        assert_eq!(busy.code(), "store_busy");
        assert!(busy.is_passing());
    }
    lock.commit().await.unwrap();
    store.pin_meta("mine", "1").await.unwrap();
    assert!(neighbour.sees("mine").await);
}
