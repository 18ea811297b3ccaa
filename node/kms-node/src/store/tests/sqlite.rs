//! What SQLite alone does: its files, what it flushes and overwrites, a full disk, damage.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

async fn pragma(store: &Store, name: &'static str) -> i64 {
    sqlx::query_scalar(name)
        .fetch_one(&store.write)
        .await
        .unwrap()
}

/// Adds a limit of pages to what every connection runs when it is opened.
pub(in crate::store) fn limited(
    usual: impl Fn() -> String + Send + Sync + 'static,
    limit: Arc<AtomicU32>,
) -> impl Fn() -> String + Send + Sync + 'static {
    move || {
        let pages = limit.load(Ordering::Relaxed);
        format!("{} pragma max_page_count = {pages};", usual())
    }
}

fn page_limit(pages: u32) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("pragma max_page_count = {pages}"))
}

impl Store {
    /// Limits the growth of the file to a number of pages, to simulate a full disk.
    pub(crate) async fn limit_growth(&self, pages: u32) {
        let size: i64 = sqlx::query_scalar("pragma page_count")
            .fetch_one(&self.write)
            .await
            .unwrap();
        let pages = u32::try_from(size).unwrap() + pages;
        self.page_limit.store(pages, Ordering::Relaxed);
        let limit = page_limit(pages);
        sqlx::query(limit).execute(&self.write).await.unwrap();
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
