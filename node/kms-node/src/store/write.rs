//! A transaction that writes.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection};

use super::{Engine, Result, Store};

/// Whoever writes to PostgreSQL holds this lock meanwhile, as with SQLite that of the file: of all
/// nodes on the database one writes at a time, and nothing changes between its statements.
const WRITER: &str = "select pg_advisory_xact_lock(7234861, hashtext(current_schema()))";

/// A transaction that writes, on the one connection that does. SQLite ends some failed transactions
/// by itself and leaves others open, so a connection serves again only after a commit that
/// succeeded: whatever else becomes of the transaction (an error, a future that is dropped), the
/// connection is closed, which undoes what was written.
#[derive(Debug)]
pub(super) struct Writing {
    connection: PoolConnection<Any>,
    /// Whether the transaction has ended well.
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
        match self.engine {
            Engine::Sqlite => {
                sqlx::query("begin immediate")
                    .execute(&mut *writing)
                    .await?;
            }
            Engine::Postgres => {
                sqlx::query("begin").execute(&mut *writing).await?;
                sqlx::query(WRITER).execute(&mut *writing).await?;
            }
        }
        Ok(writing)
    }
}

impl Store {
    /// Begins to write what the holder of the lease alone writes. As whoever takes the lease writes
    /// too, it is held until the end of this transaction.
    ///
    /// # Errors
    /// `Fenced` if another node holds it, or nobody.
    pub(super) async fn begin_as_holder(&self) -> Result<Writing> {
        let mut writing = self.begin().await?;
        if self.engine == Engine::Postgres
            && let Err(error) = self.fence(&mut writing).await
        {
            sqlx::query("rollback").execute(&mut *writing).await?;
            writing.committed = true;
            return Err(error);
        }
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
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}
