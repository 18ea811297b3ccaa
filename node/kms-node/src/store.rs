//! The database: a file of SQLite, or PostgreSQL, which several nodes of one miner may share. All
//! SQL of the crate is here and in `store/`, most of it one text for both; every public method is
//! one transaction. Opening migrates to the newest schema, and refuses one newer than this program.

pub(crate) mod chain;
mod connect;
mod delivery;
mod error;
pub(crate) mod history;
pub(crate) mod intent;
pub(crate) mod kfrag;
mod lease;
mod rows;
pub(crate) mod shared;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};

use sqlx::AnyPool;

use crate::config::PostgresUrl;
pub(crate) use error::FULL_RETRY_S;
pub use error::StoreError;

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The program that keeps the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// The open database. Clones use the same connections.
#[derive(Clone)]
pub(crate) struct Store {
    engine: Engine,
    write: AnyPool,
    read: AnyPool,
    /// Pages that the file may have, to simulate a full disk.
    #[cfg(test)]
    page_limit: Arc<std::sync::atomic::AtomicU32>,
    /// Whether SQLite's write-ahead log, or PostgreSQL's table, may hold what was erased. At the
    /// start it may: the process may have ended between an erasure and the truncation.
    remains: Arc<AtomicBool>,
    /// A name of this run among the nodes that share the database.
    holder: Arc<str>,
    /// The epoch of the lease that this node took; 0 for none.
    epoch: Arc<AtomicI64>,
}

impl Store {
    /// Opens the database of a node: PostgreSQL at `url`, or else the file of SQLite, which is
    /// created if it is missing.
    pub(crate) async fn open_configured(file: &Path, url: Option<&PostgresUrl>) -> Result<Self> {
        match url {
            Some(url) => Self::open_postgres(url.expose()).await,
            None => Self::open(file).await,
        }
    }

    /// Closes every connection, after the statements under way.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Stores `value` under `name`; returns the value stored before if it differs.
    pub(crate) async fn pin_meta(&self, name: &str, value: &str) -> Result<Option<String>> {
        let mut tx = self.begin().await?;
        sqlx::query("insert into meta (name, value) values ($1, $2) on conflict (name) do nothing")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await?;
        let stored: String = sqlx::query_scalar("select value from meta where name = $1")
            .bind(name)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok((stored != value).then_some(stored))
    }

    /// Reads the value stored under `name`.
    pub(crate) async fn meta(&self, name: &str) -> Result<Option<String>> {
        let select = sqlx::query_scalar("select value from meta where name = $1").bind(name);
        Ok(select.fetch_optional(&self.read).await?)
    }

    /// Begins to read, and keeps the pages it sees until it is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_reader(&self) -> sqlx::Transaction<'static, sqlx::Any> {
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

#[cfg(test)]
mod tests;
