//! The database: SQLite in WAL mode with synchronous=FULL, one writer and a few readers. All SQL of
//! the crate is here and in `store/`; every public method is one transaction. Opening migrates to
//! the newest schema, and refuses one newer than this program.

pub(crate) mod chain;
mod error;
pub(crate) mod intent;
pub(crate) mod kfrag;
mod rows;

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

pub(crate) use error::FULL_RETRY_S;
pub use error::StoreError;

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Migrations, oldest first. One that has been released is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "init", include_str!("../migrations/0001_init.sql"))];

const READERS: u32 = 3;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Mode of the database's files.
const PRIVATE: u32 = 0o600;

/// The open database. Clones use the same connections.
#[derive(Clone)]
pub(crate) struct Store {
    write: SqlitePool,
    read: SqlitePool,
    /// Whether the write-ahead log may hold what was erased. At the start it may: the process may
    /// have ended between an erasure and the truncation.
    remains: Arc<AtomicBool>,
}

impl Store {
    /// Opens or creates the file and migrates it. A file that cannot be used stays unchanged, but
    /// for its mode.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        make_private(path).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("secure_delete", "on");
        let pool = SqlitePoolOptions::new()
            .idle_timeout(None)
            .max_lifetime(None);
        let write = pool
            .clone()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        check_integrity(&write).await?;
        migrate(&write).await?;
        let read = pool.max_connections(READERS).connect_with(options).await?;
        let remains = Arc::new(AtomicBool::new(true));
        Ok(Self {
            write,
            read,
            remains,
        })
    }

    /// Closes every connection, after the statements under way.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Stores `value` under `name`; returns the value stored before if it differs.
    pub(crate) async fn pin_meta(&self, name: &str, value: &str) -> Result<Option<String>> {
        let mut tx = self.write.begin().await?;
        sqlx::query("insert into meta (name, value) values (?, ?) on conflict (name) do nothing")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await?;
        let stored: String = sqlx::query_scalar("select value from meta where name = ?")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok((stored != value).then_some(stored))
    }

    /// Limits the growth of the file to a number of pages, to simulate a full disk.
    #[cfg(test)]
    pub(crate) async fn limit_growth(&self, pages: u32) {
        let size: u32 = sqlx::query_scalar("pragma page_count")
            .fetch_one(&self.write)
            .await
            .unwrap();
        let limit = sqlx::AssertSqlSafe(format!("pragma max_page_count = {}", size + pages));
        sqlx::query(limit).fetch_one(&self.write).await.unwrap();
    }

    /// Begins to read, and keeps the pages it sees until it is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_reader(&self) -> sqlx::Transaction<'static, sqlx::Sqlite> {
        let mut reader = self.read.begin().await.unwrap();
        sqlx::query("select name from meta")
            .fetch_all(&mut *reader)
            .await
            .unwrap();
        reader
    }

    /// Writes terms that cannot be read over those of a policy.
    #[cfg(test)]
    pub(crate) async fn spoil_terms(&self, id: kms_protocol::PolicyId) {
        sqlx::query("update policy set terms = '{' where policy_id = ?")
            .bind(id.0.0.to_vec())
            .execute(&self.write)
            .await
            .unwrap();
    }

    /// Reads one row, to check that the database answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        sqlx::query("select name from meta limit 1")
            .fetch_optional(&self.read)
            .await?;
        Ok(())
    }
}

/// Creates the file, if it is missing, with mode 0600, and takes others' rights from one that is
/// there. SQLite gives its mode to the files beside it, whatever the umask.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(PRIVATE);
    options
        .open(path)?
        .set_permissions(Permissions::from_mode(PRIVATE))?;
    for end in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        match std::fs::set_permissions(&beside, Permissions::from_mode(PRIVATE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

async fn check_integrity(pool: &SqlitePool) -> Result<()> {
    let verdict: String = sqlx::query_scalar("pragma quick_check(1)")
        .fetch_one(pool)
        .await?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::corrupt(verdict))
    }
}

async fn migrate(pool: &SqlitePool) -> Result<()> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| {
            let kind = MigrationType::Simple;
            Migration::new(*version, (*name).into(), kind, sql.into_sql_str(), false)
        })
        .collect();
    match Migrator::with_migrations(migrations).run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(StoreError::NewerSchema { found }),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(error.into())
        }
        Err(error) => Err(StoreError::corrupt(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
