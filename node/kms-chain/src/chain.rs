//! Reads a deployment on its chain, over `rpc`: blocks here, event logs in `logs`, contract state
//! in `views` and `judges`, fees in `fees`. Every answer is checked before it becomes a value, and
//! the next endpoint is asked if it does not hold; `blooms` checks logs by their block's header.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use ethers::abi::AbiDecode;
use ethers::contract::EthCall;
use kms_protocol::{Address, B256, Wei};
use serde_json::json;

use crate::contracts::revert::decode_error;
use crate::deployment::Deployment;
use crate::error::ChainError;
use crate::rpc::{Judgement, Rpc, RpcConfig};
use crate::types::bloom::Bloom;
use crate::types::header::WireHeader;
use crate::types::wire::{BigQuantity, HexBytes, Quantity};
use crate::types::{BlockHeader, Tag};

mod blooms;
mod fees;
mod judges;
mod logs;
mod settled;
mod views;
mod witness;

use blooms::Blooms;
pub(crate) use fees::estimate_fees;

pub(crate) const BLOCK: &str = "eth_getBlockByNumber";

/// A client of one deployment on its chain. Cheap to clone.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    rpc: Rpc,
    deployment: Deployment,
    /// How far a block's time may be ahead of this machine's clock.
    max_ahead_s: Option<u64>,
    /// Blocks per `eth_getLogs`, as the endpoints' answers so far suggest.
    range_blocks: AtomicU64,
    /// Proven filters of the blocks read last.
    blooms: Blooms,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain")
            .field("chain_id", &self.inner.deployment.chain_id)
            .field("rpc", &self.inner.rpc)
            .finish()
    }
}

impl Chain {
    /// Connects, and proves that an endpoint serves the deployment: chain id, genesis hash and the
    /// code of all contracts. Those that serve another chain are left out; those that are down are
    /// checked before their first use.
    ///
    /// # Errors
    /// `NoEndpoint`, `BadUrl`, `WrongChain`, `Unreachable` when none answers.
    pub async fn connect(config: &RpcConfig, deployment: Deployment) -> Result<Self, ChainError> {
        let chain = Self::offline(config, deployment)?;
        chain.inner.rpc.verify_all().await?;
        Ok(chain)
    }

    /// Makes a client without asking any endpoint, for a process that starts while they are down.
    /// Each endpoint is proved before its first use, as by `connect`.
    ///
    /// # Errors
    /// `NoEndpoint`, `BadUrl`.
    pub fn offline(config: &RpcConfig, deployment: Deployment) -> Result<Self, ChainError> {
        let rpc = Rpc::with_identity(config, deployment.identity())?;
        let range_blocks = AtomicU64::new(logs::FIRST_RANGE);
        Ok(Self {
            inner: Arc::new(Inner {
                rpc,
                deployment,
                max_ahead_s: config.max_ahead_s,
                range_blocks,
                blooms: Blooms::default(),
            }),
        })
    }

    /// The deployment that every endpoint must serve.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.inner.deployment
    }

    /// The transport, for health figures and for the control methods of test chains.
    #[must_use]
    pub fn rpc(&self) -> &Rpc {
        &self.inner.rpc
    }

    /// Reads the newest block.
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` for a header that cannot be true.
    pub async fn head(&self) -> Result<BlockHeader, ChainError> {
        self.header_at(Tag::Latest).await
    }

    /// Reads the newest block's time, in seconds since the Unix epoch: the only clock that
    /// decisions use.
    ///
    /// # Errors
    /// As `head`.
    pub async fn block_time(&self) -> Result<u64, ChainError> {
        Ok(self.head().await?.timestamp)
    }

    /// Reads the block that a tag stands for.
    ///
    /// # Errors
    /// As `head`; `BadReply` also where the endpoint has no such block (yet).
    pub async fn header_at(&self, tag: Tag) -> Result<BlockHeader, ChainError> {
        self.block(tag.as_str()).await?.ok_or(ChainError::BadReply {
            method: BLOCK,
            reason: "no block for the tag",
        })
    }

    /// Reads the canonical block at a height; `None` above the head.
    ///
    /// # Errors
    /// As `head`.
    pub async fn header(&self, number: u64) -> Result<Option<BlockHeader>, ChainError> {
        let header = self.block(&format!("{number:#x}")).await?;
        match header {
            Some(header) if header.number != number => Err(ChainError::BadReply {
                method: BLOCK,
                reason: "another block than asked for",
            }),
            header => Ok(header),
        }
    }

    async fn block(&self, which: &str) -> Result<Option<BlockHeader>, ChainError> {
        let judge = |wire: Option<WireHeader>| match wire.map(|wire| self.believed(&wire)) {
            None => Judgement::Doubtful(None, "no such block"),
            Some(Err(reason)) => Judgement::Refused(reason),
            Some(Ok((header, None))) => {
                let reason = "unknown fields, and a hash that is not of the others";
                Judgement::Doubtful(Some(header), reason)
            }
            Some(Ok((header, Some(bloom)))) => {
                self.inner.blooms.note(header.hash, bloom);
                Judgement::Sound(Some(header))
            }
        };
        let rpc = &self.inner.rpc;
        let judged = rpc.request_judged(BLOCK, &(which, false), judge).await?;
        if let (Some(header), Some((reason, _))) = (judged.value, judged.doubt) {
            let number = header.number;
            tracing::debug!(number, reason, "a block that cannot be proven is taken");
        }
        Ok(judged.value)
    }

    /// Parses a header, or tells why it cannot be true.
    fn believed(&self, wire: &WireHeader) -> Result<(BlockHeader, Option<Bloom>), &'static str> {
        let (header, bloom) = wire.parse()?;
        let latest = self.clock().map(|(now, ahead)| now.saturating_add(ahead));
        match latest.is_some_and(|latest| header.timestamp > latest) {
            true => Err("a block from the future: compare this machine's clock"),
            false => Ok((header, bloom)),
        }
    }

    /// This machine's time, and how far a block's may be ahead of it, in seconds; `None` where any
    /// block time is allowed.
    fn clock(&self) -> Option<(u64, u64)> {
        let ahead = self.inner.max_ahead_s?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Some((now.as_secs(), ahead))
    }

    /// Reads the balance of an account in wei, at the newest block.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn eth_balance(&self, account: Address) -> Result<Wei, ChainError> {
        let params = (account, Tag::Latest.as_str());
        let balance: BigQuantity = self.inner.rpc.request("eth_getBalance", &params).await?;
        Ok(Wei(balance.0))
    }

    /// Reads the next nonce of an account at `tag`: the number of transactions it has sent. Where
    /// no endpoint tells of its pool, the nonce after the newest block stands for the pending one.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn nonce(&self, account: Address, tag: Tag) -> Result<u64, ChainError> {
        match self.nonce_at(account, tag).await {
            Err(error) if tag == Tag::Pending && error.is_unsupported() => {
                self.nonce_at(account, Tag::Latest).await
            }
            answer => answer,
        }
    }

    async fn nonce_at(&self, account: Address, tag: Tag) -> Result<u64, ChainError> {
        let (rpc, params) = (&self.inner.rpc, (account, tag.as_str()));
        let nonce: Quantity = rpc.request("eth_getTransactionCount", &params).await?;
        Ok(nonce.0)
    }

    /// Passes over the endpoint that is read now, for a while: what it shows does not fit together.
    pub fn pass_over(&self) {
        self.inner.rpc.pass_over();
    }

    /// Runs a view and decodes its result; an endpoint whose result has another type is passed
    /// over.
    async fn view<C: EthCall, R: AbiDecode + Send>(
        &self,
        to: Address,
        call: C,
    ) -> Result<R, ChainError> {
        let call = json!({ "to": to, "data": HexBytes(call.encode()) });
        let read = |bytes: HexBytes| {
            R::decode(&bytes.0).map_err(|_| "the result does not have the function's type")
        };
        let params = (call, Tag::Latest.as_str());
        let answer = self.inner.rpc.request_read("eth_call", &params, read).await;
        answer.map_err(decode_error)
    }
}

/// The zero hash, which no block or transaction has.
pub(crate) const ZERO_HASH: B256 = B256::ZERO;
