//! The index of the chain: headers (the follower's cursor), policies of this miner, facts about it.
//! A batch is applied with its cursor in one transaction; a revert deletes the rows of blocks above
//! the common ancestor, which leaves what a replay up to that block would.

mod challenge;

use std::collections::HashMap;

use kms_chain::{BlockHeader, HEADERS_KEPT};
use kms_protocol::{Period, PolicyId, Terms, Wei};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::rows::{get_hash, get_policy_id, get_u32, get_u64, int, uint};
use super::write::Writing;
use super::{Result, Store, StoreError};
use crate::view::snapshot::{ChallengeView, PolicyView};

/// A place in the chain, in chain order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) block_number: u64,
    pub(crate) log_index: u64,
}

/// The part of an event that the index keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A policy with this miner was created.
    Created { id: PolicyId, terms: Box<Terms> },
    /// A policy was extended; `last_period` is the new last period.
    Extended { id: PolicyId, last_period: u32 },
    /// A policy was revoked; `last_period` is the last one still paid.
    Revoked { id: PolicyId, last_period: u32 },
    /// This miner collected its fees up to a period.
    Collected { id: PolicyId, through_period: u32 },
    /// A challenge of this miner was opened.
    Challenged(Box<ChallengeView>),
    /// The open challenge of a policy was answered or closed.
    ChallengeEnded { id: PolicyId },
    /// The standing of this miner changed.
    Miner { kind: &'static str, value: String },
    /// A contract emitted an event with a sequence number, about this miner or not.
    Sequence { contract: &'static str, seq: u64 },
}

/// Blocks and the facts of their events, in chain order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) headers: Vec<BlockHeader>,
    pub(crate) facts: Vec<(Place, Fact)>,
}

impl Store {
    /// Applies a batch atomically: facts, check of the sequence numbers, cursor.
    pub(crate) async fn apply(&self, batch: &Batch) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        for (place, fact) in &batch.facts {
            apply_fact(&mut tx, *place, fact).await?;
        }
        let insert = "insert into block_header (number, hash, parent, timestamp, base_fee) \
            values ($1, $2, $3, $4, $5)";
        for header in &batch.headers {
            sqlx::query(insert)
                .bind(int(header.number)?)
                .bind(&header.hash.0[..])
                .bind(&header.parent.0[..])
                .bind(int(header.timestamp)?)
                .bind(header.base_fee.0.to_string())
                .execute(&mut *tx)
                .await?;
        }
        let prune = "delete from block_header where number not in \
            (select number from block_header order by number desc limit $1)";
        sqlx::query(prune)
            .bind(i64::from(HEADERS_KEPT))
            .execute(&mut *tx)
            .await?;
        prune_sequences(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes the rows of blocks above `number`.
    pub(crate) async fn revert(&self, number: u64) -> Result<()> {
        self.delete_above(int(number)?).await
    }

    /// Deletes the index of the chain, to be built again. Kfrags, intents and attempts stay.
    pub(crate) async fn reset_index(&self) -> Result<()> {
        self.delete_above(-1).await
    }

    async fn delete_above(&self, number: i64) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        for statement in [
            "delete from block_header where number > $1",
            "delete from policy where created_block > $1",
            "delete from policy_extension where block_number > $1",
            "delete from policy_revocation where block_number > $1",
            "delete from policy_collection where block_number > $1",
            "delete from challenge where block_number > $1",
            "delete from challenge_end where block_number > $1",
            "delete from miner_fact where block_number > $1",
            "delete from event_seq where block_number > $1",
            "update lease set undone = undone + 1, \
                view_ms = case when $1 < 0 then 0 else view_ms end",
        ] {
            sqlx::query(statement)
                .bind(number)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The headers of the cursor, newest last.
    pub(crate) async fn headers(&self) -> Result<Vec<BlockHeader>> {
        let select = "select * from block_header order by number";
        let rows = sqlx::query(select).fetch_all(&self.read).await?;
        rows.iter().map(header_row).collect()
    }

    /// Reads every policy of the index.
    pub(crate) async fn policies(&self) -> Result<HashMap<PolicyId, PolicyView>> {
        let mut tx = self.read.begin().await?;
        let rows = sqlx::query("select * from policy")
            .fetch_all(&mut *tx)
            .await?;
        let mut views = HashMap::with_capacity(rows.len());
        for row in &rows {
            let (id, view) = policy_row(row)?;
            views.insert(id, view);
        }
        let every = "select policy_id, block_number, last_period from policy_extension \
            order by block_number, log_index";
        for row in sqlx::query(every).fetch_all(&mut *tx).await? {
            if let Some(view) = views.get_mut(&get_policy_id(&row)?) {
                view.extensions.push(block_and_period(&row)?);
            }
        }
        // An arrangement may be revoked before its whole policy: the earlier revocation counts.
        let every = "select policy_id, block_number, last_period from policy_revocation \
            order by block_number, log_index";
        for row in sqlx::query(every).fetch_all(&mut *tx).await? {
            if let Some(view) = views.get_mut(&get_policy_id(&row)?) {
                view.revocation.get_or_insert(block_and_period(&row)?);
            }
        }
        let every = "select policy_id, max(through_period) as through from policy_collection \
            group by policy_id";
        for row in sqlx::query(every).fetch_all(&mut *tx).await? {
            if let Some(view) = views.get_mut(&get_policy_id(&row)?) {
                view.collected_through = Period(get_u32(&row, "through")?);
            }
        }
        Ok(views)
    }

    /// Reads one policy of the index, as [`Store::policies`] does.
    pub(crate) async fn policy(&self, id: PolicyId) -> Result<Option<PolicyView>> {
        let mut tx = self.read.begin().await?;
        let key = id.0.0.to_vec();
        let row = sqlx::query("select * from policy where policy_id = $1")
            .bind(&key)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (_, mut view) = policy_row(&row)?;
        let select = "select block_number, last_period from policy_extension \
            where policy_id = $1 order by block_number, log_index";
        for row in sqlx::query(select).bind(&key).fetch_all(&mut *tx).await? {
            view.extensions.push(block_and_period(&row)?);
        }
        let select = "select block_number, last_period from policy_revocation \
            where policy_id = $1 order by block_number, log_index limit 1";
        if let Some(row) = sqlx::query(select)
            .bind(&key)
            .fetch_optional(&mut *tx)
            .await?
        {
            view.revocation = Some(block_and_period(&row)?);
        }
        let select = "select coalesce(max(through_period), 0) as through from policy_collection \
            where policy_id = $1";
        let row = sqlx::query(select).bind(&key).fetch_one(&mut *tx).await?;
        view.collected_through = Period(get_u32(&row, "through")?);
        Ok(Some(view))
    }

    /// Reads the terms of a policy of the index.
    pub(crate) async fn terms(&self, id: PolicyId) -> Result<Option<Terms>> {
        let row = sqlx::query("select terms from policy where policy_id = $1")
            .bind(id.0.0.to_vec())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| terms_of(&row)).transpose()
    }

    /// Number of the newest sequenced event of a contract; 0 for none.
    pub(crate) async fn last_seq(&self, contract: &str) -> Result<u64> {
        let select = "select coalesce(max(seq), 0) from event_seq where contract = $1";
        let seq: i64 = sqlx::query_scalar(select)
            .bind(contract)
            .fetch_one(&self.read)
            .await?;
        uint(seq)
    }

    /// The facts about this miner, kind and value, oldest first.
    pub(crate) async fn miner_facts(&self) -> Result<Vec<(String, String)>> {
        let select = "select kind, value from miner_fact order by block_number, log_index";
        let rows = sqlx::query(select).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("kind")?, row.try_get("value")?)))
            .collect()
    }
}

async fn apply_fact(tx: &mut Writing, place: Place, fact: &Fact) -> Result<()> {
    let (block, log) = (int(place.block_number)?, int(place.log_index)?);
    match fact {
        Fact::Created { id, terms } => {
            let text = serde_json::to_string(terms)
                .map_err(|error| StoreError::corrupt(error.to_string()))?;
            sqlx::query("insert into policy (policy_id, terms, created_block) values ($1, $2, $3)")
                .bind(id.0.0.to_vec())
                .bind(text)
                .bind(block)
                .execute(&mut **tx)
                .await?;
        }
        Fact::Extended { id, last_period } => {
            let insert = "insert into policy_extension \
                (policy_id, block_number, log_index, last_period) \
                select policy_id, $1, $2, $3 from policy where policy_id = $4";
            of_policy(tx, insert, place, *last_period, *id).await?;
        }
        Fact::Revoked { id, last_period } => {
            let insert = "insert into policy_revocation \
                (policy_id, block_number, log_index, last_period) \
                select policy_id, $1, $2, $3 from policy where policy_id = $4";
            of_policy(tx, insert, place, *last_period, *id).await?;
        }
        Fact::Collected { id, through_period } => {
            let insert = "insert into policy_collection \
                (policy_id, block_number, log_index, through_period) \
                select policy_id, $1, $2, $3 from policy where policy_id = $4";
            of_policy(tx, insert, place, *through_period, *id).await?;
        }
        Fact::Miner { kind, value } => {
            let insert = "insert into miner_fact (kind, block_number, log_index, value) \
                values ($1, $2, $3, $4)";
            sqlx::query(insert)
                .bind(*kind)
                .bind(block)
                .bind(log)
                .bind(value)
                .execute(&mut **tx)
                .await?;
        }
        Fact::Challenged(opened) => challenge::opened(tx, place, opened).await?,
        Fact::ChallengeEnded { id } => challenge::ended(tx, place, *id).await?,
        Fact::Sequence { contract, seq } => next_sequence(tx, place, contract, *seq).await?,
    }
    Ok(())
}

/// Inserts a row about a policy, if the index has the policy.
async fn of_policy(
    tx: &mut AnyConnection,
    insert: &'static str,
    place: Place,
    period: u32,
    id: PolicyId,
) -> Result<()> {
    sqlx::query(insert)
        .bind(int(place.block_number)?)
        .bind(int(place.log_index)?)
        .bind(i64::from(period))
        .bind(id.0.0.to_vec())
        .execute(tx)
        .await?;
    Ok(())
}

async fn next_sequence(
    tx: &mut AnyConnection,
    place: Place,
    contract: &'static str,
    seq: u64,
) -> Result<()> {
    let select = "select coalesce(max(seq), 0) from event_seq where contract = $1";
    let last: i64 = sqlx::query_scalar(select)
        .bind(contract)
        .fetch_one(&mut *tx)
        .await?;
    let expected = uint(last)? + 1;
    if seq != expected {
        return Err(StoreError::SequenceGap {
            contract,
            expected,
            found: seq,
        });
    }
    let insert =
        "insert into event_seq (contract, block_number, log_index, seq) values ($1, $2, $3, $4)";
    sqlx::query(insert)
        .bind(contract)
        .bind(int(place.block_number)?)
        .bind(int(place.log_index)?)
        .bind(int(seq)?)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Deletes sequence numbers of blocks below the oldest header, but the newest of each contract.
async fn prune_sequences(tx: &mut AnyConnection) -> Result<()> {
    let prune = "delete from event_seq \
        where block_number < (select coalesce(min(number), 0) from block_header) \
        and (contract, seq) not in (select contract, max(seq) from event_seq \
            where block_number < (select coalesce(min(number), 0) from block_header) \
            group by contract)";
    sqlx::query(prune).execute(tx).await?;
    Ok(())
}

pub(super) fn header_row(row: &AnyRow) -> Result<BlockHeader> {
    let fee: &str = row.try_get("base_fee")?;
    Ok(BlockHeader {
        number: get_u64(row, "number")?,
        hash: get_hash(row, "hash")?,
        parent: get_hash(row, "parent")?,
        timestamp: get_u64(row, "timestamp")?,
        base_fee: fee
            .parse()
            .map(Wei)
            .map_err(|_| StoreError::corrupt("base_fee"))?,
    })
}

fn policy_row(row: &AnyRow) -> Result<(PolicyId, PolicyView)> {
    let terms = terms_of(row)?;
    let view = PolicyView {
        created_block: get_u64(row, "created_block")?,
        rate: terms.rate,
        first_period: terms.first_period,
        last_period: terms.last_period,
        extensions: Vec::new(),
        revocation: None,
        collected_through: Period::NEVER,
    };
    Ok((get_policy_id(row)?, view))
}

fn terms_of(row: &AnyRow) -> Result<Terms> {
    let text: &str = row.try_get("terms")?;
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(format!("terms: {error}")))
}

fn block_and_period(row: &AnyRow) -> Result<(u64, Period)> {
    Ok((
        get_u64(row, "block_number")?,
        Period(get_u32(row, "last_period")?),
    ))
}
