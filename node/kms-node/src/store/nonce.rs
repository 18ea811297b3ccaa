//! Nonces of answered requests, written in batches of one commit each.

use kms_protocol::B256;

use super::rows::{get_hash, get_u64, int};
use super::{Result, Store};

impl Store {
    /// Stores nonces durably; those stored before stay unchanged.
    pub(crate) async fn remember_nonces(&self, nonces: &[(B256, u64)]) -> Result<()> {
        let list: Vec<(String, u64)> = nonces
            .iter()
            .map(|(nonce, block)| (hex::encode(nonce.0), *block))
            .collect();
        let json = serde_json::to_string(&list)
            .map_err(|error| super::StoreError::corrupt(error.to_string()))?;
        let insert = "insert or ignore into request_nonce (nonce, block_number) \
            select unhex(json_extract(value, '$[0]')), json_extract(value, '$[1]') \
            from json_each(?)";
        sqlx::query(insert).bind(json).execute(&self.write).await?;
        Ok(())
    }

    /// Reads the nonces with block number `from` or above, by ascending block number.
    pub(crate) async fn nonces_from(&self, from: u64) -> Result<Vec<(B256, u64)>> {
        let select = "select nonce, block_number from request_nonce where block_number >= ? \
            order by block_number";
        let rows = sqlx::query(select)
            .bind(int(from)?)
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| Ok((get_hash(row, "nonce")?, get_u64(row, "block_number")?)))
            .collect()
    }

    /// Deletes the nonces with block numbers below `below`, which the request window refuses.
    pub(crate) async fn forget_nonces(&self, below: u64) -> Result<()> {
        sqlx::query("delete from request_nonce where block_number < ?")
            .bind(int(below)?)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
