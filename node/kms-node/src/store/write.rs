//! A transaction that writes.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

use super::{Result, Store};

/// A transaction that writes, on the one connection that does. SQLite ends some failed transactions
/// by itself and leaves others open, so a connection serves again only after a commit that
/// succeeded: whatever else becomes of the transaction (an error, a future that is dropped), the
/// connection is closed, which undoes what was written.
#[derive(Debug)]
pub(super) struct Writing {
    connection: PoolConnection<Sqlite>,
    committed: bool,
}

impl Store {
    /// Begins to write, with the lock of the database from the start.
    ///
    /// # Errors
    /// `Busy` if another program holds the lock, or the writer before this one does not end.
    pub(super) async fn begin(&self) -> Result<Writing> {
        let mut writing = Writing {
            connection: self.write.acquire().await?,
            committed: false,
        };
        sqlx::query("begin immediate")
            .execute(&mut *writing)
            .await?;
        Ok(writing)
    }
}

impl Writing {
    /// Makes durable what was written.
    pub(super) async fn commit(mut self) -> Result<()> {
        sqlx::query("commit").execute(&mut *self).await?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.committed {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Writing {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
