//! Intents (effects wanted on chain) and attempts (signed transactions). The order of writes that
//! survives a crash: intent row, then nonce + signature + bytes in one transaction, then broadcast.
//! Nothing here uses the chain; `act` drives it.

use kms_chain::{Fees, SignedTx};
use kms_protocol::{Address, B256, Wei};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::rows::{get_bytes, get_hash, get_u32, get_u64, int, uint};
use super::{Result, Store, StoreError};

/// The state of an intent. `Done`, `Reverted` and `Abandoned` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentState {
    /// Recorded; no attempt is signed.
    Planned,
    /// An attempt is signed and durable, and may have been broadcast.
    Signed,
    /// An attempt is in a block, not yet confirmed.
    Mined,
    /// An attempt succeeded and is confirmed.
    Done,
    /// An attempt reverted and is confirmed.
    Reverted,
    /// Dropped before signing, or another transaction took its nonce.
    Abandoned,
}

impl IntentState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Signed => "signed",
            Self::Mined => "mined",
            Self::Done => "done",
            Self::Reverted => "reverted",
            Self::Abandoned => "abandoned",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        [
            Self::Planned,
            Self::Signed,
            Self::Mined,
            Self::Done,
            Self::Reverted,
            Self::Abandoned,
        ]
        .into_iter()
        .find(|state| state.text() == text)
        .ok_or_else(|| StoreError::corrupt(format!("intent state {text:?}")))
    }
}

/// One wanted effect on chain.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) id: i64,
    pub(crate) kind: String,
    /// The duty in JSON.
    pub(crate) payload: String,
    pub(crate) state: IntentState,
    /// The period in which it was recorded.
    pub(crate) period: u32,
}

/// A new intent; `key` is its idempotency key.
pub(crate) struct NewIntent<'a> {
    pub(crate) key: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) period: u32,
}

/// One signed transaction for an intent.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) id: i64,
    pub(crate) intent_id: i64,
    pub(crate) nonce: u64,
    pub(crate) raw: Vec<u8>,
    pub(crate) hash: B256,
    pub(crate) fees: Fees,
    pub(crate) mined: Option<Mined>,
}

impl Attempt {
    /// The fields that kms-chain's engine needs.
    pub(crate) fn for_engine(&self) -> kms_chain::Attempt {
        kms_chain::Attempt {
            hash: self.hash,
            fees: self.fees,
        }
    }
}

/// The block of a mined attempt, and whether it succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mined {
    pub(crate) block_number: u64,
    pub(crate) block_hash: B256,
    pub(crate) succeeded: bool,
}

const OPEN: &str = "state in ('planned', 'signed', 'mined')";

impl Store {
    /// Records an intent and returns its id. An existing intent of the same key stays unchanged.
    pub(crate) async fn plan_intent(&self, new: &NewIntent<'_>) -> Result<i64> {
        let mut tx = self.begin_as_holder().await?;
        let insert = "insert into intent (idempotency_key, kind, payload, period, state) \
            values ($1, $2, $3, $4, 'planned') on conflict (idempotency_key) do nothing";
        sqlx::query(insert)
            .bind(new.key)
            .bind(new.kind)
            .bind(new.payload)
            .bind(i64::from(new.period))
            .execute(&mut *tx)
            .await?;
        let id = sqlx::query_scalar("select intent_id from intent where idempotency_key = $1")
            .bind(new.key)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Reads the intents that are not final, oldest first.
    pub(crate) async fn open_intents(&self) -> Result<Vec<Intent>> {
        let select = sqlx::AssertSqlSafe(format!(
            "select * from intent where {OPEN} order by intent_id"
        ));
        let rows = sqlx::query(select).fetch_all(&self.read).await?;
        rows.iter().map(intent_row).collect()
    }

    /// Period of the newest intent of a kind that is `Done`; 0 if there is none.
    pub(crate) async fn last_done_period(&self, kind: &str) -> Result<u32> {
        let select = "select coalesce(max(period), 0) as period from intent \
            where kind = $1 and state = 'done'";
        let row = sqlx::query(select).bind(kind).fetch_one(&self.read).await?;
        get_u32(&row, "period")
    }

    /// Number of intents of a kind ever recorded.
    pub(crate) async fn intent_count(&self, kind: &str) -> Result<u64> {
        let select = "select count(*) from intent where kind = $1";
        let count: i64 = sqlx::query_scalar(select)
            .bind(kind)
            .fetch_one(&self.read)
            .await?;
        uint(count)
    }

    /// Whether an intent of the kind is under way: not mined yet, or mined in a block above `head`,
    /// whose events the index has not seen.
    pub(crate) async fn kind_busy(&self, kind: &str, head: u64) -> Result<bool> {
        let select = "select count(*) from intent left join attempt using (intent_id) \
            where kind = $1 and (state in ('planned', 'signed') \
                or (state = 'mined' and mined_block > $2))";
        let count: i64 = sqlx::query_scalar(select)
            .bind(kind)
            .bind(int(head)?)
            .fetch_one(&self.read)
            .await?;
        Ok(count > 0)
    }

    /// As [`Store::kind_busy`], for intents of that kind with that payload only.
    pub(crate) async fn payload_busy(&self, kind: &str, payload: &str, head: u64) -> Result<bool> {
        let select = "select count(*) from intent left join attempt using (intent_id) \
            where kind = $1 and payload = $2 and (state in ('planned', 'signed') \
                or (state = 'mined' and mined_block > $3))";
        let count: i64 = sqlx::query_scalar(select)
            .bind(kind)
            .bind(payload)
            .bind(int(head)?)
            .fetch_one(&self.read)
            .await?;
        Ok(count > 0)
    }

    /// Highest nonce ever signed for `sender`.
    pub(crate) async fn last_nonce(&self, sender: Address) -> Result<Option<u64>> {
        let select = "select max(nonce) from attempt where sender = $1";
        let nonce: Option<i64> = sqlx::query_scalar(select)
            .bind(sender.0.to_vec())
            .fetch_one(&self.read)
            .await?;
        nonce.map(uint).transpose()
    }

    /// Opens final intents whose nonce the chain no longer has, after a deep reorg. A nonce that an
    /// endpoint shows lower is not enough: the index must have lost the block of the transaction.
    pub(crate) async fn reopen_from(&self, sender: Address, mined_nonce: u64) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        let update = "update intent set state = 'signed', detail = 'reopened by a reorg' \
            where state in ('done', 'reverted') and intent_id in \
            (select intent_id from attempt where sender = $1 and nonce >= $2 \
                and (mined_block > (select max(number) from block_header) \
                    or exists (select 1 from block_header \
                        where number = mined_block and hash <> mined_hash)))";
        sqlx::query(update)
            .bind(sender.0.to_vec())
            .bind(int(mined_nonce)?)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// Takes the next nonce of `sender`, signs with it and stores the bytes in one transaction. No
    /// other code allocates nonces. `chain_nonce` is the sender's next nonce on chain; attempts not
    /// mined yet have that nonce or a higher one. Broadcast only after this has returned.
    pub(crate) async fn sign_attempt(
        &self,
        intent_id: i64,
        sender: Address,
        chain_nonce: u64,
        sign: impl FnOnce(u64) -> std::result::Result<SignedTx, kms_chain::ChainError> + Send,
    ) -> Result<Attempt> {
        let mut tx = self.begin_as_holder().await?;
        let highest: Option<i64> = sqlx::query_scalar(
            "select max(attempt.nonce) from attempt join intent using (intent_id) \
                where sender = $1 and state in ('signed', 'mined', 'done', 'reverted')",
        )
        .bind(&sender.0[..])
        .fetch_one(&mut *tx)
        .await?;
        let after_ours = highest.map(uint).transpose()?.map_or(0, |nonce| nonce + 1);
        let nonce = chain_nonce.max(after_ours);
        let signed = sign(nonce).map_err(StoreError::Signing)?;
        let attempt = insert_attempt(&mut tx, intent_id, sender, signed).await?;
        sqlx::query("update intent set state = 'signed' where intent_id = $1")
            .bind(intent_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(attempt)
    }

    /// Stores an attempt at higher fees and the nonce of the intent's earlier ones, which stay.
    /// Broadcast only after this has returned.
    pub(crate) async fn add_attempt(
        &self,
        intent_id: i64,
        sender: Address,
        signed: SignedTx,
    ) -> Result<Attempt> {
        let mut tx = self.begin_as_holder().await?;
        let attempt = insert_attempt(&mut tx, intent_id, sender, signed).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    /// Reads the attempts of intents that are not final, by ascending nonce; those of one intent
    /// in the order in which they were signed.
    pub(crate) async fn open_attempts(&self) -> Result<Vec<Attempt>> {
        let select = sqlx::AssertSqlSafe(format!(
            "select attempt.* from attempt join intent using (intent_id) \
                where {OPEN} order by nonce, intent_id, attempt_id"
        ));
        let rows = sqlx::query(select).fetch_all(&self.read).await?;
        rows.iter().map(attempt_row).collect()
    }

    /// Sets or clears the block of an attempt, and its intent's state to match.
    pub(crate) async fn set_mined(&self, attempt: &Attempt, mined: Option<Mined>) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        let update = "update attempt set mined_block = $1, mined_hash = $2, succeeded = $3 \
            where attempt_id = $4";
        sqlx::query(update)
            .bind(mined.map(|mined| int(mined.block_number)).transpose()?)
            .bind(mined.map(|mined| mined.block_hash.0.to_vec()))
            .bind(mined.map(|mined| i64::from(mined.succeeded)))
            .bind(attempt.id)
            .execute(&mut *tx)
            .await?;
        let state = "update intent set state = case when exists (select 1 from attempt \
            where intent_id = $1 and mined_block is not null) then 'mined' else 'signed' end \
            where intent_id = $1";
        sqlx::query(state)
            .bind(attempt.intent_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Moves an intent to a state and stores the reason.
    pub(crate) async fn close_intent(
        &self,
        intent_id: i64,
        state: IntentState,
        detail: &str,
    ) -> Result<()> {
        let mut tx = self.begin_as_holder().await?;
        sqlx::query("update intent set state = $1, detail = $2 where intent_id = $3")
            .bind(state.text())
            .bind(detail)
            .bind(intent_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }
}

async fn insert_attempt(
    connection: &mut AnyConnection,
    intent_id: i64,
    sender: Address,
    signed: SignedTx,
) -> Result<Attempt> {
    let SignedTx {
        raw,
        hash,
        nonce,
        fees,
    } = signed;
    let insert = "insert into attempt (intent_id, sender, nonce, raw, hash, max_fee, tip) \
        values ($1, $2, $3, $4, $5, $6, $7) returning attempt_id";
    let id: i64 = sqlx::query_scalar(insert)
        .bind(intent_id)
        .bind(&sender.0[..])
        .bind(int(nonce)?)
        .bind(&raw[..])
        .bind(&hash.0[..])
        .bind(fees.max_fee.0.to_string())
        .bind(fees.tip.0.to_string())
        .fetch_one(connection)
        .await?;
    Ok(Attempt {
        id,
        intent_id,
        nonce,
        raw,
        hash,
        fees,
        mined: None,
    })
}

fn get_wei(row: &AnyRow, column: &str) -> Result<Wei> {
    let text: String = row.try_get(column)?;
    let wei = text.parse().map(Wei);
    wei.map_err(|_| StoreError::corrupt(format!("{column} {text:?}")))
}

pub(super) fn intent_row(row: &AnyRow) -> Result<Intent> {
    Ok(Intent {
        id: row.try_get("intent_id")?,
        kind: row.try_get("kind")?,
        payload: row.try_get("payload")?,
        state: IntentState::parse(row.try_get("state")?)?,
        period: get_u32(row, "period")?,
    })
}

pub(super) fn attempt_row(row: &AnyRow) -> Result<Attempt> {
    let mined_block: Option<i64> = row.try_get("mined_block")?;
    let mined = match mined_block {
        Some(block) => Some(Mined {
            block_number: uint(block)?,
            block_hash: get_hash(row, "mined_hash")?,
            succeeded: row.try_get::<i64, _>("succeeded")? != 0,
        }),
        None => None,
    };
    Ok(Attempt {
        id: row.try_get("attempt_id")?,
        intent_id: row.try_get("intent_id")?,
        nonce: get_u64(row, "nonce")?,
        raw: row.try_get("raw")?,
        hash: B256(get_bytes(row, "hash")?),
        fees: Fees {
            max_fee: get_wei(row, "max_fee")?,
            tip: get_wei(row, "tip")?,
        },
        mined,
    })
}
