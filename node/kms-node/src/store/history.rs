//! What the operator's pages read beside the snapshot: what was earned through each period, the
//! deliveries, and intents with their attempts, the newest first.

use std::collections::HashMap;

use kms_protocol::{Amount, Period, PolicyId};
use sqlx::Row as _;

use super::intent::{Attempt, Intent, attempt_row, intent_row};
use super::rows::{get_policy_id, get_u32};
use super::{Result, Store, StoreError};

/// An intent, why it is in its state, and its attempts in the order in which they were signed.
#[derive(Debug, Clone)]
pub(crate) struct PastIntent {
    pub(crate) intent: Intent,
    pub(crate) detail: String,
    pub(crate) attempts: Vec<Attempt>,
}

impl Store {
    /// Stores the reward earned through a period, claimed or not; a later word replaces an earlier.
    pub(crate) async fn note_earned(&self, through: Period, total: Amount) -> Result<()> {
        let upsert = "insert into earned (period, total) values ($1, $2) \
            on conflict (period) do update set total = excluded.total";
        sqlx::query(upsert)
            .bind(i64::from(through.0))
            .bind(total.0.to_string())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The newest `limit` periods up to `last` with the reward earned through each, ascending.
    pub(crate) async fn earned(&self, last: Period, limit: u32) -> Result<Vec<(Period, Amount)>> {
        let select = "select period, total from earned where period <= $1 \
            order by period desc limit $2";
        let rows = sqlx::query(select)
            .bind(i64::from(last.0))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .rev()
            .map(|row| {
                let total: &str = row.try_get("total")?;
                let total = total.parse().map(Amount);
                let total = total.map_err(|_| StoreError::corrupt("earned"))?;
                Ok((Period(get_u32(row, "period")?), total))
            })
            .collect()
    }

    /// The period of each delivery.
    pub(crate) async fn deliveries(&self) -> Result<HashMap<PolicyId, Period>> {
        let select = "select policy_id, period from delivery";
        let rows = sqlx::query(select).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| Ok((get_policy_id(row)?, Period(get_u32(row, "period")?))))
            .collect()
    }

    /// At most `limit` intents with ids below `before`, the newest first.
    pub(crate) async fn intents_before(&self, before: i64, limit: u32) -> Result<Vec<PastIntent>> {
        let mut tx = self.read.begin().await?;
        let select = "select * from intent where intent_id < $1 order by intent_id desc limit $2";
        let rows = sqlx::query(select)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await?;
        let mut past = Vec::with_capacity(rows.len());
        for row in &rows {
            let intent = intent_row(row)?;
            let select = "select * from attempt where intent_id = $1 order by attempt_id";
            let attempts = sqlx::query(select).bind(intent.id);
            let attempts = attempts.fetch_all(&mut *tx).await?;
            past.push(PastIntent {
                intent,
                detail: row.try_get("detail")?,
                attempts: attempts.iter().map(attempt_row).collect::<Result<_>>()?,
            });
        }
        Ok(past)
    }
}

#[cfg(test)]
mod tests;
