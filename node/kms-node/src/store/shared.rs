//! What nodes that share a database hold in common beside the index: the requests that were
//! answered, and the transport keys, sealed.

use std::time::Duration;

use kms_chain::BlockHeader;
use kms_protocol::{B256, Period, PolicyId};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::chain::header_row;
use super::lease::{NOW, millis};
use super::rows::{get_bytes, get_policy_id, get_u32, int, uint};
use super::{Result, Store};
use crate::kfrag::seal::SealedRow;

/// A request that asks for its nonce.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    pub(crate) policy: PolicyId,
    pub(crate) nonce: B256,
    /// The time that the request names.
    pub(crate) named: u64,
    /// The time from which on it counts.
    pub(crate) time: u64,
}

/// Outcome of [`Store::take_nonce`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The nonce is this request's.
    Fresh,
    /// An earlier request had it.
    Used,
    /// The request is of a time that is forgotten.
    Forgotten,
    /// The policy has as many requests as it may; the oldest is of this time.
    Full { oldest: u64 },
}

/// What some blocks changed in the index.
pub(crate) struct Changed {
    pub(crate) policies: Vec<PolicyId>,
    pub(crate) miner: bool,
    pub(crate) challenges: bool,
}

/// A transport key as it lies in the database: the secret bytes that it is derived from.
pub(crate) struct KeyRow {
    pub(crate) first_period: Period,
    pub(crate) sealed: SealedRow,
}

impl Store {
    /// Takes the nonce of a request, unless its policy has `limit` requests. One statement, but for
    /// the reason of a refusal.
    pub(crate) async fn take_nonce(&self, asking: &Asking, limit: usize) -> Result<Taken> {
        let Asking { policy, nonce, .. } = asking;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let insert = "insert into nonce (policy_id, nonce, time) select $1, $2, $3 \
            where $4 >= (select coalesce(max(floor), 0) from lease) \
            and (select count(*) from nonce where policy_id = $1) < $5 on conflict do nothing";
        let taken = sqlx::query(insert)
            .bind(&policy.0.0[..])
            .bind(&nonce.0[..])
            .bind(int(asking.time)?)
            .bind(int(asking.named)?)
            .bind(limit)
            .execute(&self.read)
            .await?;
        if taken.rows_affected() == 1 {
            return Ok(Taken::Fresh);
        }
        let why = "select coalesce(max(floor), 0) as floor, \
            (select count(*) from nonce where policy_id = $1 and nonce = $2) as used, \
            (select coalesce(min(time), 0) from nonce where policy_id = $1) as oldest from lease";
        let why = sqlx::query(why)
            .bind(&policy.0.0[..])
            .bind(&nonce.0[..])
            .fetch_one(&self.read)
            .await?;
        Ok(match why.try_get::<i64, _>("used")? {
            0 if uint(why.try_get("floor")?)? > asking.named => Taken::Forgotten,
            0 => Taken::Full {
                oldest: uint(why.try_get("oldest")?)?,
            },
            _ => Taken::Used,
        })
    }

    /// Forgets the requests of before `floor`, and lets none of an earlier time be taken again.
    pub(crate) async fn forget_nonces(&self, floor: u64) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        let raise = "update lease set floor = $1 where floor < $1";
        sqlx::query(raise)
            .bind(int(floor)?)
            .execute(&mut *tx)
            .await?;
        let forget = "delete from nonce where time < (select max(floor) from lease)";
        sqlx::query(forget).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Reads the transport keys that are younger than `life`, oldest first.
    pub(crate) async fn transport_keys(&self, life: Duration) -> Result<Vec<KeyRow>> {
        let select = AssertSqlSafe(format!(
            "select first_period, salt, sealed from transport_key \
            where made_ms > {NOW} - $1 order by first_period"
        ));
        let rows = sqlx::query(select)
            .bind(millis(life))
            .fetch_all(&self.read)
            .await?;
        let key = |row: &AnyRow| {
            Ok(KeyRow {
                first_period: Period(get_u32(row, "first_period")?),
                sealed: SealedRow {
                    salt: get_bytes(row, "salt")?,
                    sealed: row.try_get("sealed")?,
                },
            })
        };
        rows.iter().map(key).collect()
    }

    /// Stores a transport key, unless another node stored one of its period, and deletes those that
    /// are over or not younger than `life`.
    pub(crate) async fn put_transport_key(&self, key: &KeyRow, life: Duration) -> Result<()> {
        let first = i64::from(key.first_period.0);
        let mut tx = self.begin().await?;
        let delete = AssertSqlSafe(format!(
            "delete from transport_key where first_period < $1 or made_ms <= {NOW} - $2"
        ));
        sqlx::query(delete)
            .bind(first.saturating_sub(1))
            .bind(millis(life))
            .execute(&mut *tx)
            .await?;
        let insert = AssertSqlSafe(format!(
            "insert into transport_key (first_period, salt, sealed, made_ms) \
            values ($1, $2, $3, {NOW}) on conflict (first_period) do nothing"
        ));
        sqlx::query(insert)
            .bind(first)
            .bind(&key.sealed.salt[..])
            .bind(&key.sealed.sealed)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// The headers from the block `number` on, oldest first.
    pub(crate) async fn headers_from(&self, number: u64) -> Result<Vec<BlockHeader>> {
        let select = "select * from block_header where number >= $1 order by number";
        let rows = sqlx::query(select)
            .bind(int(number)?)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(header_row).collect()
    }

    /// Reads what blocks after `number` changed.
    pub(crate) async fn changed_after(&self, number: u64) -> Result<Changed> {
        let number = int(number)?;
        let select = "select policy_id from policy where created_block > $1 \
            union select policy_id from policy_extension where block_number > $1 \
            union select policy_id from policy_revocation where block_number > $1 \
            union select policy_id from policy_collection where block_number > $1";
        let rows = sqlx::query(select)
            .bind(number)
            .fetch_all(&self.read)
            .await?;
        let select = "select (select count(*) from miner_fact where block_number > $1) as facts, \
            (select count(*) from challenge where block_number > $1) + \
            (select count(*) from challenge_end where block_number > $1) as challenges";
        let counts = sqlx::query(select)
            .bind(number)
            .fetch_one(&self.read)
            .await?;
        Ok(Changed {
            policies: rows.iter().map(get_policy_id).collect::<Result<_>>()?,
            miner: counts.try_get::<i64, _>("facts")? > 0,
            challenges: counts.try_get::<i64, _>("challenges")? > 0,
        })
    }

    /// The number of the newest erasure.
    pub(crate) async fn last_erasure(&self) -> Result<i64> {
        let select = "select coalesce(max(erasure_id), 0) from erasure";
        Ok(sqlx::query_scalar(select).fetch_one(&self.read).await?)
    }

    /// Reads the policies whose kfrags were erased after the erasure `after`, oldest first, with
    /// the number of each erasure.
    pub(crate) async fn erased_after(&self, after: i64) -> Result<Vec<(i64, PolicyId)>> {
        let select = "select erasure_id, policy_id from erasure where erasure_id > $1 \
            order by erasure_id";
        let rows = sqlx::query(select)
            .bind(after)
            .fetch_all(&self.read)
            .await?;
        let erased = |row: &AnyRow| Ok((row.try_get("erasure_id")?, get_policy_id(row)?));
        rows.iter().map(erased).collect()
    }
}
