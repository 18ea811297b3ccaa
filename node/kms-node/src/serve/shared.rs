//! What nodes that share a database hold in common while they serve: the nonces of requests, and
//! the transport keys, which lie in the database sealed under the storage root.

use std::time::Duration;

use kms_protocol::messages::ReencryptRequest;
use kms_protocol::{B256, Period, PolicyId, Refusal, TransportSecret};
use zeroize::Zeroizing;

use crate::gate::Verdict;
use crate::node::Node;
use crate::serve::replay::{Limits, forgotten, full, used};
use crate::serve::transport::{Certifier, Held};
use crate::store::shared::{Asking, KeyRow, Taken};
use crate::store::{Result, StoreError};
use crate::view::snapshot::Head;

/// Takes the nonce of a request whose signature and time were checked, among all nodes that may
/// answer it.
pub(crate) async fn take_nonce(node: &Node, request: &ReencryptRequest, head: Head) -> Verdict {
    if node.config.database.is_none() {
        return node.replay.take(request, head);
    }
    let Limits {
        window_s,
        per_policy,
    } = node.replay.limits;
    let asking = Asking {
        policy: request.policy_id,
        nonce: request.nonce,
        named: request.block_time,
        time: request.block_time.max(head.timestamp),
    };
    match node.store.take_nonce(&asking, per_policy).await? {
        Taken::Fresh => Ok(()),
        Taken::Used => Err(used()),
        Taken::Forgotten => Err(forgotten(request.block_time)),
        Taken::Full { oldest } => Err(full(per_policy, oldest, head, window_s)),
    }
}

/// Takes over the keys of the database; makes the one of the present period, if no node has.
pub(crate) async fn take_over_keys(node: &Node) -> Result<()> {
    let Some(snapshot) = node.snapshot() else {
        return Ok(());
    };
    let now = snapshot.period;
    let life = 2 * Duration::from_secs(u64::from(snapshot.period_seconds));
    let mut rows = node.store.transport_keys(life).await?;
    if rows.iter().all(|row| row.first_period < now) {
        let seed = sealed_seed(node, now).map_err(|_| StoreError::Corrupt {
            what: "no transport key could be made".to_owned(),
        })?;
        node.store.put_transport_key(&seed, life).await?;
        rows = node.store.transport_keys(life).await?;
    }
    let certifier = node.certifier();
    let opened = |row: &KeyRow| opened(node, row, &certifier);
    node.transport.take_over(&rows, opened);
    Ok(())
}

/// Draws the seed of a key and seals it, for the place of its period.
fn sealed_seed(node: &Node, first_period: Period) -> std::result::Result<KeyRow, Refusal> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| Refusal::Internal)?;
    let (id, use_) = place(first_period);
    let sealed = node.keys.storage.seal(id, use_, seed.as_ref());
    Ok(KeyRow {
        first_period,
        sealed: sealed.map_err(|_| Refusal::Internal)?,
    })
}

fn opened(node: &Node, row: &KeyRow, certifier: &Certifier<'_>) -> Option<Held> {
    let (id, use_) = place(row.first_period);
    let seed = node.keys.storage.open(id, use_, &row.sealed).ok()?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).ok()?);
    let secret = TransportSecret::derive(&seed);
    Some(Held::new(secret, row.first_period, certifier))
}

/// What the seal of a key is bound to, in the place of a policy and a kfrag's hash: no policy has
/// so small an id.
fn place(first_period: Period) -> (PolicyId, B256) {
    let mut id = B256::default();
    if let Some(end) = id.0.last_chunk_mut() {
        *end = first_period.0.to_be_bytes();
    }
    (PolicyId(id), B256::default())
}
