//! The database: SQLite in WAL mode with synchronous=FULL, one writer and a few readers. All SQL of
//! the crate is here and in `store/`; every public method is one transaction. Opening migrates to
//! the newest schema, and refuses one newer than this program.

pub(crate) mod chain;
mod error;
pub(crate) mod intent;
pub(crate) mod kfrag;
mod rows;

use std::path::Path;
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

/// The open database. Clones use the same connections.
#[derive(Clone)]
pub(crate) struct Store {
    write: SqlitePool,
    read: SqlitePool,
}

impl Store {
    /// Opens or creates the file and migrates it. A file that cannot be used stays unchanged.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
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
        Ok(Self { write, read })
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

    /// Reads one row, to check that the database answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        sqlx::query("select name from meta limit 1")
            .fetch_optional(&self.read)
            .await?;
        Ok(())
    }
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
