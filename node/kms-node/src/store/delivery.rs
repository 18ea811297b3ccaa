//! The authors' words by which this miner is paid. One is stored with its kfrag and outlives it: a
//! policy is collected from after it has ended.

use kms_protocol::messages::Delivery;
use kms_protocol::{EthSignature, Period, PolicyId};
use sqlx::AnyConnection;

use super::rows::{get_bytes, get_u32};
use super::{Result, Store};

/// Stores the word for a policy, within the transaction that stores its kfrag. A word that is
/// there stays: a later one would be dated later.
pub(super) async fn insert(
    tx: &mut AnyConnection,
    id: PolicyId,
    delivery: &Delivery,
) -> Result<()> {
    let insert = "insert into delivery (policy_id, period, signature) values ($1, $2, $3) \
        on conflict (policy_id) do nothing";
    sqlx::query(insert)
        .bind(&id.0.0[..])
        .bind(i64::from(delivery.period.0))
        .bind(&delivery.signature.0[..])
        .execute(tx)
        .await?;
    Ok(())
}

impl Store {
    /// Reads the word for a policy, unless a collection has supplied it by now.
    pub(crate) async fn unproved_delivery(&self, id: PolicyId) -> Result<Option<Delivery>> {
        let select = "select period, signature from delivery where policy_id = $1 and not exists \
            (select 1 from policy_collection where policy_id = delivery.policy_id)";
        let row = sqlx::query(select)
            .bind(id.0.0.to_vec())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| {
            Ok(Delivery {
                period: Period(get_u32(&row, "period")?),
                signature: EthSignature(get_bytes(&row, "signature")?),
            })
        })
        .transpose()
    }

    /// Stores a word without a kfrag.
    #[cfg(test)]
    pub(crate) async fn put_delivery(&self, id: PolicyId, delivery: &Delivery) {
        let mut tx = self.write.begin().await.unwrap();
        insert(&mut tx, id, delivery).await.unwrap();
        tx.commit().await.unwrap();
    }
}
