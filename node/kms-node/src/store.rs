//! The database: SQLite in WAL mode with synchronous=FULL, one writer and a few readers. All SQL of
//! the crate is here and in `store/`; every public method is one transaction. Opening migrates to
//! the newest schema, and refuses one newer than this program.

pub(crate) mod chain;
mod delivery;
mod error;
pub(crate) mod history;
pub(crate) mod intent;
pub(crate) mod kfrag;
mod rows;
mod write;

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
/// How long a statement waits for another program's lock; with the pause of whoever tries again.
const BUSY_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 5_000 });
/// Mode of the database's files.
const PRIVATE: u32 = 0o600;

/// The open database. Clones use the same connections.
#[derive(Clone)]
pub(crate) struct Store {
    write: SqlitePool,
    read: SqlitePool,
    /// Pages that the file may have, to simulate a full disk.
    #[cfg(test)]
    page_limit: Arc<std::sync::atomic::AtomicU32>,
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
        #[cfg(test)]
        let page_limit = Arc::new(std::sync::atomic::AtomicU32::new(u32::MAX - 1));
        let writer = pool.clone().max_connections(1);
        #[cfg(test)]
        let writer = tests::limited(writer, page_limit.clone());
        let write = writer.connect_with(options.clone()).await?;
        check_integrity(&write).await?;
        migrate(&write).await?;
        let read = pool.max_connections(READERS).connect_with(options).await?;
        let remains = Arc::new(AtomicBool::new(true));
        Ok(Self {
            write,
            read,
            #[cfg(test)]
            page_limit,
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
        let mut tx = self.begin().await?;
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
