//! Follows the chain from a cursor: `next_step` returns the next step, the caller stores it and
//! moves the cursor in one database transaction, then asks again.
//!
//! A reorganisation is found by the headers alone: `removed` flags and subscriptions are not
//! trusted. A header that is shown otherwise than before is undone like one that was replaced.
//! Far behind, events come in ranges; near the head, block by block and by block hash.

use kms_protocol::B256;

use crate::chain::Chain;
use crate::contracts::events::EventRecord;
use crate::error::ChainError;
use crate::types::BlockHeader;

/// Headers a cursor keeps: the deepest reorganisation that is undone rather than replayed.
pub const HEADERS_KEPT: u16 = 256;
/// Blocks below the head that are read one by one; older ones are read in ranges.
const HEAD_ZONE: u64 = 64;
/// Most blocks of one ranged step, and of one step in the head zone.
const RANGE_STEP: u64 = 2_000;
const HEAD_STEP: u64 = 16;

/// The reads of the chain that `next_step` needs. Implemented by `Chain`, and by a fake in tests.
pub trait ChainRead {
    /// First block that can hold events.
    fn start_block(&self) -> u64;
    /// Reads the newest block of the chain.
    fn head(&self) -> impl Future<Output = Result<BlockHeader, ChainError>> + Send;
    /// Reads the canonical block at a height; `None` above the head.
    fn header(
        &self,
        number: u64,
    ) -> impl Future<Output = Result<Option<BlockHeader>, ChainError>> + Send;
    /// Reads the events of the blocks `from..=to`, in order.
    fn events_in_range(
        &self,
        from: u64,
        to: u64,
    ) -> impl Future<Output = Result<Vec<EventRecord>, ChainError>> + Send;
    /// Reads the events of one block, in order.
    fn events_in_block(
        &self,
        hash: B256,
    ) -> impl Future<Output = Result<Vec<EventRecord>, ChainError>> + Send;
    /// Whether it is proved, by a header that was read, that a block holds none of the events.
    fn is_void(&self, hash: B256) -> bool;
}

impl ChainRead for Chain {
    fn start_block(&self) -> u64 {
        self.deployment().block
    }

    async fn head(&self) -> Result<BlockHeader, ChainError> {
        Self::head(self).await
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, ChainError> {
        Self::header(self, number).await
    }

    async fn events_in_range(&self, from: u64, to: u64) -> Result<Vec<EventRecord>, ChainError> {
        Self::events_in_range(self, from, to).await
    }

    async fn events_in_block(&self, hash: B256) -> Result<Vec<EventRecord>, ChainError> {
        Self::events_in_block(self, hash).await
    }

    fn is_void(&self, hash: B256) -> bool {
        Self::is_void(self, hash)
    }
}

/// The place that a follower has reached: the newest headers it applied, ascending, at most 256.
/// After ranged steps there are gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Applied headers, the newest last.
    pub headers: Vec<BlockHeader>,
}

impl Cursor {
    /// The newest header applied; `None` at the start.
    #[must_use]
    pub fn tip(&self) -> Option<&BlockHeader> {
        self.headers.last()
    }

    /// Moves the cursor over a step that was stored.
    pub fn advance(&mut self, step: &Step) {
        match step {
            Step::Reset => self.headers.clear(),
            Step::Revert { to } => self.headers.retain(|header| header.number <= to.number),
            Step::Apply { headers, .. } => self.append(headers),
        }
    }

    /// Moves the cursor over blocks that were stored.
    pub fn append(&mut self, headers: &[BlockHeader]) {
        self.headers.extend_from_slice(headers);
        let surplus = self.headers.len().saturating_sub(HEADERS_KEPT.into());
        self.headers.drain(..surplus);
    }
}

/// One step of `follow`, which the caller stores before it asks for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Undo everything that came from blocks above `to`.
    Revert {
        /// Newest block of the cursor that is still canonical.
        to: BlockHeader,
    },
    /// Store these events, which are all events up to and including the last header.
    Apply {
        /// Headers to append to the cursor, at least one; in a ranged step only the last block's.
        headers: Vec<BlockHeader>,
        /// Events in the order of the chain.
        events: Vec<EventRecord>,
        /// Whether the last header is the head that was read for this step.
        reaches_head: bool,
    },
    /// No stored header is canonical: forget everything and start over.
    Reset,
}

/// Result of `next_step`, which compares the cursor with the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Store this step and move the cursor over it.
    Step(Step),
    /// The cursor's tip is the head.
    UpToDate,
    /// The endpoint's head is below the cursor, or below the first block that can hold events, and
    /// contradicts nothing: the endpoint is behind.
    Behind,
}

/// Compares the cursor with the chain and returns what to do next.
///
/// # Errors
/// `ChainMoved` when the chain changed under way: ask again. Else those of the reader.
pub async fn next_step<R: ChainRead + Sync>(
    chain: &R,
    cursor: &Cursor,
) -> Result<Next, ChainError> {
    let head = chain.head().await?;
    let Some(tip) = cursor.tip() else {
        return apply(chain, None, &head).await;
    };
    if head == *tip {
        return Ok(Next::UpToDate);
    }
    if head.parent == tip.hash && head.timestamp >= tip.timestamp {
        return apply_blocks(chain, Some(*tip), &head).await;
    }
    match standing(chain, cursor, &head).await? {
        Standing::Canonical => apply(chain, Some(*tip), &head).await,
        Standing::Ahead => Ok(Next::Behind),
        Standing::Forked(ancestor) => Ok(Next::Step(Step::Revert { to: ancestor })),
        Standing::Lost => Ok(Next::Step(Step::Reset)),
    }
}

/// The relation of a cursor to the chain.
enum Standing {
    /// The cursor's newest header is canonical.
    Canonical,
    /// The cursor's newest header is above the head, and nothing contradicts it.
    Ahead,
    /// This header is the cursor's newest canonical one; those above it are not canonical.
    Forked(BlockHeader),
    /// No header of the cursor is canonical.
    Lost,
}

async fn standing<R: ChainRead + Sync>(
    chain: &R,
    cursor: &Cursor,
    head: &BlockHeader,
) -> Result<Standing, ChainError> {
    let ahead = cursor.tip().is_some_and(|tip| tip.number > head.number);
    let mut contradicted = false;
    for stored in cursor
        .headers
        .iter()
        .rev()
        .filter(|header| header.number <= head.number)
    {
        let canonical = if stored.number == head.number {
            *head
        } else {
            chain
                .header(stored.number)
                .await?
                .ok_or(ChainError::ChainMoved)?
        };
        // Every field, not the hash alone: a time that was shown wrong is undone.
        if canonical == *stored {
            return Ok(match (contradicted, ahead) {
                (true, _) => Standing::Forked(*stored),
                (false, true) => Standing::Ahead,
                (false, false) => Standing::Canonical,
            });
        }
        contradicted = true;
    }
    // Everything below the head was contradicted, or the head is below all that is stored.
    Ok(if contradicted {
        Standing::Lost
    } else {
        Standing::Ahead
    })
}

async fn apply<R: ChainRead + Sync>(
    chain: &R,
    tip: Option<BlockHeader>,
    head: &BlockHeader,
) -> Result<Next, ChainError> {
    let from = next_block(chain, tip.as_ref());
    let settled = head.number.saturating_sub(HEAD_ZONE);
    if from <= settled {
        let to = settled.min(from.saturating_add(RANGE_STEP - 1));
        let step = apply_range(chain, tip.as_ref(), from, to).await;
        return step.map(Next::Step);
    }
    apply_blocks(chain, tip, head).await
}

fn next_block<R: ChainRead>(chain: &R, tip: Option<&BlockHeader>) -> u64 {
    tip.map_or_else(|| chain.start_block(), |tip| tip.number.saturating_add(1))
}

/// Refuses a block that is older than one before it: no chain makes such.
fn check_time(before: Option<&BlockHeader>, header: &BlockHeader) -> Result<(), ChainError> {
    if before.is_some_and(|before| header.timestamp < before.timestamp) {
        return Err(ChainError::BadReply {
            method: "eth_getBlockByNumber",
            reason: "a block older than one before it",
        });
    }
    Ok(())
}

/// Reads all events of a range, and its last header before and after: both are of one chain.
async fn apply_range<R: ChainRead + Sync>(
    chain: &R,
    tip: Option<&BlockHeader>,
    from: u64,
    to: u64,
) -> Result<Step, ChainError> {
    let last = chain.header(to).await?.ok_or(ChainError::ChainMoved)?;
    check_time(tip, &last)?;
    let events = chain.events_in_range(from, to).await?;
    let stray = |event: &&EventRecord| event.block_number == to && event.block_hash != last.hash;
    if events.iter().find(stray).is_some() || chain.header(to).await? != Some(last) {
        return Err(ChainError::ChainMoved);
    }
    Ok(Step::Apply {
        headers: vec![last],
        events,
        reaches_head: false,
    })
}

/// Reads up to sixteen blocks, each the child of the one before, and their events by hash.
async fn apply_blocks<R: ChainRead + Sync>(
    chain: &R,
    tip: Option<BlockHeader>,
    head: &BlockHeader,
) -> Result<Next, ChainError> {
    let from = next_block(chain, tip.as_ref());
    let to = head.number.min(from.saturating_add(HEAD_STEP - 1));
    let mut headers = Vec::new();
    let mut events = Vec::new();
    let mut parent = tip;
    for number in from..=to {
        let header = if number == head.number {
            *head
        } else {
            chain.header(number).await?.ok_or(ChainError::ChainMoved)?
        };
        if parent.is_some_and(|parent| parent.hash != header.parent) {
            return Err(ChainError::ChainMoved);
        }
        check_time(parent.as_ref(), &header)?;
        let some = chain.events_in_block(header.hash).await?;
        if some.iter().any(|event| event.block_number != number) {
            return Err(ChainError::ChainMoved);
        }
        parent = Some(header);
        headers.push(header);
        events.extend(some);
    }
    let Some(last) = headers.last() else {
        return Ok(Next::Behind);
    };
    // An endpoint that dropped a block may answer "no logs" for its hash, so a block that is not
    // proved to be without must be canonical still. If the last one is, its ancestors are.
    if !headers.iter().all(|header| chain.is_void(header.hash))
        && chain.header(last.number).await? != Some(*last)
    {
        return Err(ChainError::ChainMoved);
    }
    let reaches_head = last.number == head.number;
    Ok(Next::Step(Step::Apply {
        headers,
        events,
        reaches_head,
    }))
}

#[cfg(test)]
mod tests;
