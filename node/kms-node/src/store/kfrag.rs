//! Kfrags and their tombstones. A kfrag is inserted once; an erased one never comes back.

use std::sync::atomic::Ordering;

use kms_protocol::messages::{Delivery, Problem};
use kms_protocol::{B256, PolicyId, Refusal};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::connect::BUSY_TIMEOUT;
use super::rows::{get_bytes, get_hash, get_policy_id, get_u32, get_u64, int};
use super::{Engine, Result, Store, StoreError, delivery};
use crate::kfrag::seal::SealedRow;

/// Longest wait for readers before the write-ahead log is truncated; nothing is written meanwhile.
const LOG_CUT_WAIT_MS: u32 = 100;

/// The row of a kfrag; `row` is ciphertext, the other fields are public.
pub(crate) struct KfragRow {
    pub(crate) policy_id: PolicyId,
    pub(crate) kfrag_hash: B256,
    pub(crate) delegating_key: [u8; 33],
    pub(crate) receiving_key: [u8; 33],
    pub(crate) blinding: B256,
    pub(crate) verifying_key: [u8; 33],
    /// Last period of the terms; it decides for a kfrag whose policy a reorg removed.
    pub(crate) last_period: u32,
    pub(crate) commitments: Vec<u8>,
    pub(crate) row: SealedRow,
}

/// Outcome of [`Store::insert_kfrag`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// The kfrag is now durable.
    New,
    /// The same kfrag was stored before.
    Same,
    /// Another kfrag of the policy was stored before.
    Different,
    /// A kfrag of the policy was stored and erased.
    Erased(ErasureReason),
}

/// Why a kfrag was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErasureReason {
    Revoked,
    Ended,
}

impl ErasureReason {
    fn text(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Ended => "ended",
        }
    }
}

/// Makes the refusal that the client receives; the reason outlives a reorg.
impl From<ErasureReason> for Problem {
    fn from(reason: ErasureReason) -> Self {
        let code = match reason {
            ErasureReason::Revoked => Refusal::PolicyRevoked,
            ErasureReason::Ended => Refusal::PolicyEnded,
        };
        Self::new(code, "this node has erased its kfrag")
    }
}

/// The tombstone of an erased kfrag.
#[derive(Clone)]
pub(crate) struct ErasureRow {
    pub(crate) policy_id: PolicyId,
    pub(crate) kfrag_hash: B256,
    pub(crate) reason: ErasureReason,
    pub(crate) block_number: u64,
    pub(crate) block_hash: B256,
    pub(crate) signature: [u8; 65],
}

/// The part of a kfrag's row that the sweeper needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KfragHead {
    pub(crate) policy_id: PolicyId,
    pub(crate) kfrag_hash: B256,
    pub(crate) last_period: u32,
}

impl Store {
    /// Stores a kfrag durably, and with it the word by which it is paid, unless the policy has or
    /// had one.
    pub(crate) async fn insert_kfrag(&self, row: &KfragRow, word: &Delivery) -> Result<Inserted> {
        let mut tx = self.begin().await?;
        let id = row.policy_id.0.0;
        let gone = sqlx::query("select reason from erasure where policy_id = $1")
            .bind(&id[..])
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(gone) = gone {
            return Ok(Inserted::Erased(reason(&gone)?));
        }
        let insert = "insert into kfrag (policy_id, kfrag_hash, delegating_key, receiving_key, \
            blinding, verifying_key, last_period, commitments, salt, sealed) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
            on conflict (policy_id) do nothing";
        let done = sqlx::query(insert)
            .bind(&id[..])
            .bind(&row.kfrag_hash.0[..])
            .bind(&row.delegating_key[..])
            .bind(&row.receiving_key[..])
            .bind(&row.blinding.0[..])
            .bind(&row.verifying_key[..])
            .bind(i64::from(row.last_period))
            .bind(&row.commitments)
            .bind(&row.row.salt[..])
            .bind(&row.row.sealed)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 1 {
            delivery::insert(&mut tx, row.policy_id, word).await?;
            tx.commit().await?;
            return Ok(Inserted::New);
        }
        let there = sqlx::query("select kfrag_hash, commitments from kfrag where policy_id = $1")
            .bind(&id[..])
            .fetch_one(&mut *tx)
            .await?;
        let commitments: &[u8] = there.try_get("commitments")?;
        let same =
            get_hash(&there, "kfrag_hash")? == row.kfrag_hash && commitments == row.commitments;
        Ok(if same {
            Inserted::Same
        } else {
            Inserted::Different
        })
    }

    /// Reads the kfrag of a policy.
    pub(crate) async fn kfrag(&self, id: PolicyId) -> Result<Option<KfragRow>> {
        let row = sqlx::query("select * from kfrag where policy_id = $1")
            .bind(id.0.0.to_vec())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| kfrag_row(&row)).transpose()
    }

    /// Reads the tombstone of a policy's kfrag.
    pub(crate) async fn erasure(&self, id: PolicyId) -> Result<Option<ErasureRow>> {
        let row = sqlx::query("select * from erasure where policy_id = $1")
            .bind(id.0.0.to_vec())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| erasure_row(&row)).transpose()
    }

    /// Reads at most `limit` kfrags after the policy `after`, by ascending policy id.
    pub(crate) async fn kfrag_heads(
        &self,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<KfragHead>> {
        let after = after.map_or_else(Vec::new, |id| id.0.0.to_vec());
        let select = "select policy_id, kfrag_hash, last_period from kfrag \
            where policy_id > $1 order by policy_id limit $2";
        let rows = sqlx::query(select)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(KfragHead {
                    policy_id: get_policy_id(row)?,
                    kfrag_hash: get_hash(row, "kfrag_hash")?,
                    last_period: get_u32(row, "last_period")?,
                })
            })
            .collect()
    }

    /// Overwrites and deletes kfrags and inserts their tombstones, in one transaction. SQLite's log
    /// holds the old pages until [`Self::cut_log`] returns true. PostgreSQL overwrites nothing: an
    /// update would only leave a second dead row.
    pub(crate) async fn erase_kfrags(&self, tombstones: &[ErasureRow]) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        for tombstone in tombstones {
            let id = tombstone.policy_id.0.0;
            let insert = "insert into erasure (policy_id, kfrag_hash, reason, block_number, \
                block_hash, signature) values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
            sqlx::query(insert)
                .bind(&id[..])
                .bind(&tombstone.kfrag_hash.0[..])
                .bind(tombstone.reason.text())
                .bind(int(tombstone.block_number)?)
                .bind(&tombstone.block_hash.0[..])
                .bind(&tombstone.signature[..])
                .execute(&mut *tx)
                .await?;
            if self.engine == Engine::Sqlite {
                let wipe = "update kfrag set sealed = zeroblob(length(sealed)), \
                    salt = zeroblob(length(salt)) where policy_id = $1";
                sqlx::query(wipe).bind(&id[..]).execute(&mut *tx).await?;
            }
            let delete = "delete from kfrag where policy_id = $1";
            sqlx::query(delete).bind(&id[..]).execute(&mut *tx).await?;
        }
        self.remains.store(true, Ordering::Release);
        tx.commit().await?;
        Ok(())
    }

    /// Whether the database may hold what was erased.
    pub(crate) fn has_remains(&self) -> bool {
        self.remains.load(Ordering::Acquire)
    }

    /// Truncates the write-ahead log, which holds old pages until then. Returns false if somebody
    /// was reading them. Of PostgreSQL, frees the dead rows, so that new ones overwrite them.
    pub(crate) async fn cut_log(&self) -> Result<bool> {
        if self.engine == Engine::Postgres {
            self.remains.store(false, Ordering::Release);
            let freed = sqlx::query("vacuum kfrag").execute(&self.write).await;
            self.remains.fetch_or(freed.is_err(), Ordering::AcqRel);
            return Ok(freed.map(|_| true)?);
        }
        let mut write = self.write.acquire().await?;
        let wait = |ms| sqlx::AssertSqlSafe(format!("pragma busy_timeout = {ms}"));
        sqlx::query(wait(LOG_CUT_WAIT_MS))
            .execute(&mut *write)
            .await?;
        let cut = sqlx::query("pragma wal_checkpoint(truncate)")
            .fetch_one(&mut *write)
            .await;
        let usual = u32::try_from(BUSY_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
        sqlx::query(wait(usual)).execute(&mut *write).await?;
        let cut = cut?.try_get::<i64, _>("busy")? == 0;
        self.remains.fetch_and(!cut, Ordering::AcqRel);
        Ok(cut)
    }

    /// Overwrites stored commitments, to simulate a damaged disk.
    #[cfg(test)]
    pub(crate) async fn overwrite_commitments(&self, id: PolicyId, commitments: &[u8]) {
        sqlx::query("update kfrag set commitments = $1 where policy_id = $2")
            .bind(commitments)
            .bind(&id.0.0[..])
            .execute(&self.write)
            .await
            .unwrap();
    }

    /// Overwrites a stored blinding, to simulate a damaged disk.
    #[cfg(test)]
    pub(crate) async fn overwrite_blinding(&self, id: PolicyId, blinding: B256) {
        sqlx::query("update kfrag set blinding = $1 where policy_id = $2")
            .bind(&blinding.0[..])
            .bind(&id.0.0[..])
            .execute(&self.write)
            .await
            .unwrap();
    }

    pub(crate) async fn kfrag_count(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("select count(*) from kfrag")
            .fetch_one(&self.read)
            .await?;
        super::rows::uint(count)
    }
}

fn kfrag_row(row: &AnyRow) -> Result<KfragRow> {
    Ok(KfragRow {
        policy_id: get_policy_id(row)?,
        kfrag_hash: get_hash(row, "kfrag_hash")?,
        delegating_key: get_bytes(row, "delegating_key")?,
        receiving_key: get_bytes(row, "receiving_key")?,
        blinding: get_hash(row, "blinding")?,
        verifying_key: get_bytes(row, "verifying_key")?,
        last_period: get_u32(row, "last_period")?,
        commitments: row.try_get("commitments")?,
        row: SealedRow {
            salt: get_bytes(row, "salt")?,
            sealed: row.try_get("sealed")?,
        },
    })
}

fn reason(row: &AnyRow) -> Result<ErasureReason> {
    match row.try_get("reason")? {
        "revoked" => Ok(ErasureReason::Revoked),
        "ended" => Ok(ErasureReason::Ended),
        other => Err(StoreError::corrupt(format!("erasure reason {other:?}"))),
    }
}

fn erasure_row(row: &AnyRow) -> Result<ErasureRow> {
    Ok(ErasureRow {
        policy_id: get_policy_id(row)?,
        kfrag_hash: get_hash(row, "kfrag_hash")?,
        reason: reason(row)?,
        block_number: get_u64(row, "block_number")?,
        block_hash: get_hash(row, "block_hash")?,
        signature: get_bytes(row, "signature")?,
    })
}
