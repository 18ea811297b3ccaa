//! The tests of this crate that open a database, run once more over PostgreSQL: this program starts
//! itself again, with a server to use in its environment. Each directory has a schema there.

use std::process::Command;

use kms_kit::postgres::Postgres;
use sqlx::AnyPool;

use super::*;

/// Where the server is that the tests are to use.
const SERVER: &str = "KMS_NODE_TEST_POSTGRES";

/// What needs no database, and what SQLite alone does: simulated full disks, its log.
const LEFT_OUT: [&str; 12] = [
    "over_postgres",
    "store::tests::sqlite",
    "store::tests::shared",
    "roles::",
    "config::",
    "host::",
    "gate::",
    "view::pace",
    "a_full_disk_refuses_new_kfrags_serves_old_ones_and_recovers_alone",
    "what_a_reader_keeps_in_the_log_is_told_and_goes_when_it_has_read",
    "the_log_of_a_run_that_ended_too_soon_is_truncated",
    "no_byte_of_an_erased_kfrag_is_left_on_disk",
];

static MIGRATING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Store {
    /// Opens the database of a test: the file, or the directory's schema on the server.
    pub(crate) async fn of_test(path: &Path) -> Result<Self> {
        let Ok(server) = std::env::var(SERVER) else {
            return Self::open(path).await;
        };
        let directory = path.parent().and_then(Path::file_name).unwrap();
        let schema = hex::encode(directory.as_encoded_bytes());
        let url = format!("{server}&options[search_path]=t{schema}");
        // Whoever migrates waits for whoever else does, which here nobody may do for long.
        let _alone = MIGRATING.lock().await;
        sqlx::any::install_default_drivers();
        let pool = AnyPool::connect(&url).await?;
        let create = sqlx::AssertSqlSafe(format!("create schema if not exists t{schema}"));
        sqlx::query(create).execute(&pool).await?;
        pool.close().await;
        let store = Self::open_postgres(&url).await?;
        // Every run of the test's node holds the lease: the file has one lock as well.
        let hold = "insert into lease values ('chain', 'a test', 1, 1000000000000000, 0, 0, 0) \
            on conflict do nothing";
        sqlx::query(hold).execute(&store.write).await?;
        store.epoch.store(1, std::sync::atomic::Ordering::Release);
        Ok(store)
    }
}

#[test]
fn everything_that_opens_a_database_does_so_over_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(folder.path()).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.env(SERVER, server.url("postgres"));
    again.args(["--test-threads", "2"]);
    for name in LEFT_OUT {
        again.args(["--skip", name]);
    }
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains(" 0 passed"), "{said}");
}
