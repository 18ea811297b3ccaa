//! The rows of challenges of this miner: openings and ends.

use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, PolicyId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::super::rows::{get_bytes, get_policy_id, get_u64, int};
use super::super::{Result, Store};
use super::Place;
use crate::view::snapshot::ChallengeView;

impl Store {
    /// Reads the open challenges, by ascending deadline.
    pub(crate) async fn challenges(&self) -> Result<Vec<ChallengeView>> {
        let select = "select * from challenge where not exists \
            (select 1 from challenge_end as ended where ended.policy_id = challenge.policy_id \
            and (ended.block_number, ended.log_index) \
                > (challenge.block_number, challenge.log_index)) \
            order by deadline, seq";
        let rows = sqlx::query(select).fetch_all(&self.read).await?;
        rows.iter().map(view).collect()
    }
}

/// Inserts the opening of a challenge.
pub(super) async fn opened(
    tx: &mut AnyConnection,
    place: Place,
    challenge: &ChallengeView,
) -> Result<()> {
    let insert = "insert into challenge \
        (seq, policy_id, block_number, log_index, requester, deadline, capsule) \
        values ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(insert)
        .bind(int(challenge.seq)?)
        .bind(challenge.policy.0.0.to_vec())
        .bind(int(place.block_number)?)
        .bind(int(place.log_index)?)
        .bind(challenge.requester.0.to_vec())
        .bind(int(challenge.deadline)?)
        .bind(challenge.capsule.as_ref().to_vec())
        .execute(tx)
        .await?;
    Ok(())
}

/// Inserts the end of a challenge: an answer, or a closing without one.
pub(super) async fn ended(tx: &mut AnyConnection, place: Place, policy: PolicyId) -> Result<()> {
    let insert =
        "insert into challenge_end (policy_id, block_number, log_index) values ($1, $2, $3)";
    sqlx::query(insert)
        .bind(policy.0.0.to_vec())
        .bind(int(place.block_number)?)
        .bind(int(place.log_index)?)
        .execute(tx)
        .await?;
    Ok(())
}

fn view(row: &AnyRow) -> Result<ChallengeView> {
    Ok(ChallengeView {
        seq: get_u64(row, "seq")?,
        policy: get_policy_id(row)?,
        opened_block: get_u64(row, "block_number")?,
        requester: Address(get_bytes(row, "requester")?),
        deadline: get_u64(row, "deadline")?,
        capsule: CapsuleBytes::from(get_bytes::<98>(row, "capsule")?),
    })
}
