//! Following the chain, as a pure function of a cursor: `next_step` says what to do next, the
//! caller stores it and moves the cursor in one database transaction, then asks again.
//!
//! A reorganisation is found by hashes alone: `removed` flags and subscriptions are not trusted.
//! Far behind, events come in ranges; near the head, block by block and by block hash.

use kms_protocol::B256;

use crate::chain::Chain;
use crate::contracts::events::EventRecord;
use crate::error::ChainError;
use crate::types::BlockHeader;

/// Headers a cursor keeps: the deepest reorganisation that is undone rather than replayed.
pub const HEADERS_KEPT: u16 = 256;
/// Blocks below the head that are taken for settled enough to be read in ranges.
const HEAD_ZONE: u64 = 64;
/// Most blocks of one ranged step, and of one step in the head zone.
const RANGE_STEP: u64 = 2_000;
const HEAD_STEP: u64 = 16;

/// What following reads. `Chain` is one; tests have a fake.
pub trait ChainRead {
    /// First block that can hold events.
    fn start_block(&self) -> u64;
    /// The newest block.
    fn head(&self) -> impl Future<Output = Result<BlockHeader, ChainError>> + Send;
    /// The canonical block at a height; `None` above the head.
    fn header(
        &self,
        number: u64,
    ) -> impl Future<Output = Result<Option<BlockHeader>, ChainError>> + Send;
    /// Events of the blocks `from..=to`, in order.
    fn events_in_range(
        &self,
        from: u64,
        to: u64,
    ) -> impl Future<Output = Result<Vec<EventRecord>, ChainError>> + Send;
    /// Events of one block, in order.
    fn events_in_block(
        &self,
        hash: B256,
    ) -> impl Future<Output = Result<Vec<EventRecord>, ChainError>> + Send;
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
}

/// How far a follower has come: the newest headers it applied, ascending, at most 256. After ranged
/// steps there are gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Applied headers, the newest last.
    pub headers: Vec<BlockHeader>,
}

impl Cursor {
    /// The newest applied header.
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

/// One step of following: what the caller stores before it asks for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Undo everything from blocks above `to`, which is still canonical.
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
    },
    /// No stored header is canonical: forget everything and start over.
    Reset,
}

/// What following finds.
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
    if head.hash == tip.hash {
        return Ok(Next::UpToDate);
    }
    if head.parent == tip.hash {
        return apply_blocks(chain, Some(*tip), &head).await;
    }
    match standing(chain, cursor, &head).await? {
        Standing::Canonical => apply(chain, Some(*tip), &head).await,
        Standing::Ahead => Ok(Next::Behind),
        Standing::Forked(ancestor) => Ok(Next::Step(Step::Revert { to: ancestor })),
        Standing::Lost => Ok(Next::Step(Step::Reset)),
    }
}

/// How a cursor stands to the chain.
enum Standing {
    /// Its tip is canonical.
    Canonical,
    /// Its tip is above the head, nothing contradicts it.
    Ahead,
    /// Something above this header, its newest canonical one, is not canonical.
    Forked(BlockHeader),
    /// Nothing it holds is canonical.
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
        if canonical.hash == stored.hash {
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
        return apply_range(chain, from, to).await.map(Next::Step);
    }
    apply_blocks(chain, tip, head).await
}

fn next_block<R: ChainRead>(chain: &R, tip: Option<&BlockHeader>) -> u64 {
    tip.map_or_else(|| chain.start_block(), |tip| tip.number.saturating_add(1))
}

/// All events of a range; its last header is read before and after, so that both come from one
/// chain.
async fn apply_range<R: ChainRead + Sync>(
    chain: &R,
    from: u64,
    to: u64,
) -> Result<Step, ChainError> {
    let last = chain.header(to).await?.ok_or(ChainError::ChainMoved)?;
    let events = chain.events_in_range(from, to).await?;
    let stray = |event: &&EventRecord| event.block_number == to && event.block_hash != last.hash;
    if events.iter().find(stray).is_some() || chain.header(to).await? != Some(last) {
        return Err(ChainError::ChainMoved);
    }
    Ok(Step::Apply {
        headers: vec![last],
        events,
    })
}

/// Up to sixteen blocks, each the child of the one before, with their events by hash.
async fn apply_blocks<R: ChainRead + Sync>(
    chain: &R,
    tip: Option<BlockHeader>,
    head: &BlockHeader,
) -> Result<Next, ChainError> {
    let from = next_block(chain, tip.as_ref());
    let to = head.number.min(from.saturating_add(HEAD_STEP - 1));
    let mut headers = Vec::new();
    let mut events = Vec::new();
    let mut parent = tip.map(|tip| tip.hash);
    for number in from..=to {
        let header = if number == head.number {
            *head
        } else {
            chain.header(number).await?.ok_or(ChainError::ChainMoved)?
        };
        if parent.is_some_and(|hash| hash != header.parent) {
            return Err(ChainError::ChainMoved);
        }
        let some = chain.events_in_block(header.hash).await?;
        if some.iter().any(|event| event.block_number != number) {
            return Err(ChainError::ChainMoved);
        }
        parent = Some(header.hash);
        headers.push(header);
        events.extend(some);
    }
    let Some(last) = headers.last() else {
        return Ok(Next::Behind);
    };
    // A node that dropped a block may answer "no logs" for its hash: all of them must be canonical
    // still, and the last one stands for its ancestors.
    if chain.header(last.number).await? != Some(*last) {
        return Err(ChainError::ChainMoved);
    }
    Ok(Next::Step(Step::Apply { headers, events }))
}

#[cfg(test)]
mod tests;
