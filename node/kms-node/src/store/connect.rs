//! Opens a database: SQLite in WAL mode with synchronous=FULL, one writer and a few readers; or
//! PostgreSQL, whose connections are looked at again after a pause and never wait for long.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::any::{Any, AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions as _, Connection as _, SqlSafeStr as _,
};

use super::{Engine, Result, Store, StoreError};

/// Migrations, oldest first, in SQLite's words. One that has been released is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "init", include_str!("../../migrations/0001_init.sql"))];

/// PostgreSQL's words for those of the migrations.
const POSTGRES_WORDS: [(&str, &str); 3] = [
    (
        " integer primary key",
        " bigint generated always as identity primary key",
    ),
    (" integer", " bigint"),
    (" blob", " bytea"),
];

const READERS: u32 = 3;
/// PostgreSQL serves statements side by side; a request of a shared node is one statement.
const POSTGRES_READERS: u32 = 8;
/// How long a statement waits for another program's lock; with the pause of whoever tries again.
pub(super) const BUSY_TIMEOUT: Duration =
    Duration::from_millis(if cfg!(test) { 20 } else { 5_000 });
/// How long a connection to PostgreSQL is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for so long is asked whether it still works, before it is used.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(1);
/// PostgreSQL ends the transaction of a program that stands still for so long.
const STILL_TIMEOUT: Duration = Duration::from_secs(5);
/// Mode of the database's files.
const PRIVATE: u32 = 0o600;

impl Store {
    /// Opens or creates the file and migrates it. A file that cannot be used stays unchanged, but
    /// for its mode.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        sqlx::any::install_default_drivers();
        make_private(path).map_err(|error| StoreError::Database(sqlx::Error::Io(error)))?;
        let url = SqliteConnectOptions::new().filename(path).to_url_lossy();
        let options = AnyConnectOptions::from_url(&url)?;
        #[cfg(test)]
        let page_limit = Arc::new(std::sync::atomic::AtomicU32::new(u32::MAX - 1));
        let mut first = options.connect().await?;
        check_integrity(&mut first).await?;
        // The file keeps this mode.
        sqlx::query("pragma journal_mode = wal")
            .execute(&mut first)
            .await?;
        first.close().await?;
        // What reads the file fails with it, and the pool would try again: `synchronous` is full
        // and `foreign_keys` on unless told otherwise.
        let usual = || {
            let busy = BUSY_TIMEOUT.as_millis();
            format!("pragma busy_timeout = {busy}; pragma secure_delete = on;")
        };
        #[cfg(test)]
        let writing = super::tests::sqlite::limited(usual, page_limit.clone());
        #[cfg(not(test))]
        let writing = usual;
        let writer = each_runs(lasting(1), writing);
        let write = writer.connect_with(options.clone()).await?;
        migrate(&write, Engine::Sqlite).await?;
        let readers = each_runs(lasting(READERS), usual);
        Ok(Self {
            engine: Engine::Sqlite,
            write,
            read: readers.connect_with(options).await?,
            #[cfg(test)]
            page_limit,
            remains: Arc::new(AtomicBool::new(true)),
            holder: "".into(),
            epoch: Arc::default(),
        })
    }

    /// Connects to PostgreSQL and migrates the database. A password that the URL lacks is taken
    /// from PGPASSWORD, or the file that PGPASSFILE names.
    pub(crate) async fn open_postgres(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.parse()?;
        let usual = || {
            let (busy, still) = (BUSY_TIMEOUT.as_millis(), STILL_TIMEOUT.as_millis());
            format!(
                "set lock_timeout = {busy}; set idle_in_transaction_session_timeout = {still}; \
                set synchronous_commit = on;"
            )
        };
        let pool = |size| {
            let patient = lasting(size).acquire_timeout(CONNECT_TIMEOUT);
            each_runs(patient, usual)
                .test_before_acquire(false)
                .before_acquire(|connection, meta| {
                    Box::pin(async move {
                        let doubtful = meta.idle_for >= DOUBTFUL_AFTER;
                        Ok(!doubtful || connection.ping().await.is_ok())
                    })
                })
        };
        let write = pool(1).connect_with(options.clone()).await?;
        migrate(&write, Engine::Postgres).await?;
        Ok(Self {
            engine: Engine::Postgres,
            write,
            read: pool(POSTGRES_READERS).connect_with(options).await?,
            #[cfg(test)]
            page_limit: Arc::default(),
            remains: Arc::new(AtomicBool::new(true)),
            holder: format!("process {}", std::process::id()).into(),
            epoch: Arc::default(),
        })
    }
}

/// Connections that stay open.
fn lasting(size: u32) -> PoolOptions<Any> {
    AnyPoolOptions::new()
        .max_connections(size)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Each connection runs these statements when it is opened.
fn each_runs(
    pool: PoolOptions<Any>,
    statements: impl Fn() -> String + Send + Sync + 'static,
) -> PoolOptions<Any> {
    pool.after_connect(move |connection, _| {
        let statements = AssertSqlSafe(statements());
        Box::pin(async move {
            sqlx::raw_sql(statements).execute(connection).await?;
            Ok(())
        })
    })
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

async fn check_integrity(connection: &mut AnyConnection) -> Result<()> {
    let verdict: String = sqlx::query_scalar("pragma quick_check(1)")
        .fetch_one(connection)
        .await?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::corrupt(verdict))
    }
}

async fn migrate(pool: &AnyPool, engine: Engine) -> Result<()> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| {
            let kind = MigrationType::Simple;
            let sql = AssertSqlSafe(in_words_of(engine, sql)).into_sql_str();
            Migration::new(*version, (*name).into(), kind, sql, false)
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

fn in_words_of(engine: Engine, sql: &str) -> String {
    match engine {
        Engine::Sqlite => sql.to_owned(),
        Engine::Postgres => POSTGRES_WORDS
            .iter()
            .fold(sql.to_owned(), |sql, (of_sqlite, own)| {
                sql.replace(of_sqlite, own)
            }),
    }
}
