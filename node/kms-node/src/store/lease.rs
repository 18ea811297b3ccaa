//! The lease of a database that several machines share: whoever holds it follows the chain, sends
//! and erases; the others answer. Time is the database's. Each take begins a new epoch, and what a
//! holder writes is refused once its epoch or its time is over, however long it stood still.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kms_protocol::B256;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::rows::uint;
use super::{Engine, Result, Store, StoreError};

/// The database's time, in milliseconds.
pub(super) const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

/// What the holder of the lease says of the index, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Time since the index was found up to date; `None` while nothing may be decided on it.
    pub(crate) age: Option<Duration>,
    /// Number of times that the index lost blocks, or was deleted.
    pub(crate) undone: i64,
    /// Whether somebody holds the lease.
    pub(crate) held: bool,
}

impl Store {
    /// Takes the lease for `life`, if nobody holds it. Returns whether it did.
    pub(crate) async fn take_lease(&self, life: Duration) -> Result<bool> {
        let take = AssertSqlSafe(format!(
            "insert into lease (name, holder, epoch, expires_ms, view_ms, undone, floor) \
            values ('chain', $1, 1, {NOW} + $2, 0, 0, 0) \
            on conflict (name) do update set holder = excluded.holder, \
            epoch = lease.epoch + 1, expires_ms = excluded.expires_ms \
            where lease.expires_ms < {NOW} returning epoch"
        ));
        let mut tx = self.begin().await?;
        let row = sqlx::query(take)
            .bind(&*self.holder)
            .bind(millis(life))
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        let epoch: Option<i64> = row.map(|row| row.try_get("epoch")).transpose()?;
        self.epoch.store(epoch.unwrap_or(0), Ordering::Release);
        Ok(epoch.is_some())
    }

    /// Keeps the lease for another `life`, and shows the age of the view that ends with the block
    /// `head`, as long as the index has that block. Returns false if the lease is lost.
    pub(crate) async fn keep_lease(
        &self,
        life: Duration,
        head: B256,
        age: Option<Duration>,
    ) -> Result<bool> {
        let keep = AssertSqlSafe(format!(
            "update lease set expires_ms = {NOW} + $1, view_ms = case when $2 < 0 then 0 \
            when exists (select 1 from block_header where hash = $3) then {NOW} - $2 \
            else view_ms end where name = 'chain' and epoch = $4 and expires_ms > {NOW}"
        ));
        let kept = sqlx::query(keep)
            .bind(millis(life))
            .bind(age.map_or(-1, millis))
            .bind(&head.0[..])
            .bind(self.epoch.load(Ordering::Acquire))
            .execute(&self.read)
            .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Gives the lease back, so that another node need not wait for its end.
    pub(crate) async fn leave_lease(&self) -> Result<()> {
        let leave = "update lease set expires_ms = 0 where name = 'chain' and epoch = $1";
        let epoch = self.epoch.swap(0, Ordering::AcqRel);
        sqlx::query(leave).bind(epoch).execute(&self.read).await?;
        Ok(())
    }

    /// Fails unless this node may send now: of a file it always may, as nobody else has its lock.
    pub(crate) async fn may_send(&self) -> Result<()> {
        match self.engine {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => self.fence(&mut *self.read.acquire().await?).await,
        }
    }

    /// Fails unless this node holds the lease.
    pub(super) async fn fence(&self, connection: &mut AnyConnection) -> Result<()> {
        let held = AssertSqlSafe(format!(
            "select 1 from lease where name = 'chain' and epoch = $1 and expires_ms > {NOW}"
        ));
        let epoch = self.epoch.load(Ordering::Acquire);
        let held = sqlx::query(held).bind(epoch).fetch_optional(connection);
        held.await?.map(|_| ()).ok_or(StoreError::Fenced)
    }

    /// Reads what the holder shows; `None` before there was one.
    pub(crate) async fn shown(&self) -> Result<Option<Shown>> {
        let select = AssertSqlSafe(format!(
            "select view_ms, {NOW} as now_ms, undone, expires_ms from lease where name = 'chain'"
        ));
        let row = sqlx::query(select).fetch_optional(&self.read).await?;
        row.map(|row| {
            let (view, now): (i64, i64) = (row.try_get("view_ms")?, row.try_get("now_ms")?);
            let age = uint(now.saturating_sub(view).max(0))?;
            Ok(Shown {
                age: (view > 0).then(|| Duration::from_millis(age)),
                undone: row.try_get("undone")?,
                held: row.try_get::<i64, _>("expires_ms")? > now,
            })
        })
        .transpose()
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
