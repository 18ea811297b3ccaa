//! Sends one transaction at a time for a person or a script, and is safe to kill: the signed bytes
//! are on disk before anybody sees them, and the next use resumes what is not settled.
//!
//! `settle` waits, rebroadcasts and reprices; `journal` is the disk. The node has its own sender.

use std::time::Duration;

use kms_protocol::{Address, B256, EthSecret, Wei};
use tokio::time::Instant;

use crate::call::Call;
use crate::chain::{Chain, TxFields, sign_fields};
use crate::error::ChainError;
use crate::journal::{JournalLock, JournaledTx, TxJournal};
use crate::types::{Fees, Tag, TxReceipt};

mod settle;

/// How patient a wallet is, and how much it pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletOptions {
    /// Time between two looks at the chain, in milliseconds.
    pub poll_ms: u64,
    /// Time after which a pending transaction is repriced, in milliseconds.
    pub bump_after_ms: u64,
    /// Time after which a pending transaction is left for the next use, in milliseconds.
    pub timeout_ms: u64,
    /// Time another process may hold the journal before giving up, in milliseconds.
    pub lock_timeout_ms: u64,
    /// Blocks that must hold the transaction, its own included, before it counts as done.
    pub confirmations: u64,
    /// Most it ever pays per gas.
    pub max_fee_cap: Wei,
}

impl Default for WalletOptions {
    fn default() -> Self {
        Self {
            poll_ms: 500,
            bump_after_ms: 45_000,
            timeout_ms: 300_000,
            lock_timeout_ms: 120_000,
            confirmations: 1,
            max_fee_cap: Wei(1_000 * Wei::GWEI.0),
        }
    }
}

/// What a wallet is doing, for a person who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Another process is sending from this wallet.
    WaitingForLock,
    /// A transaction of an earlier use is being settled first.
    Resuming {
        /// `Call::kind` of it.
        kind: String,
        /// Its hash.
        hash: B256,
    },
    /// The call would succeed.
    Simulated {
        /// Gas limit it will have.
        gas_limit: u64,
        /// Fees it will offer.
        fees: Fees,
    },
    /// Signed, and on the disk.
    Journaled {
        /// Its hash.
        hash: B256,
    },
    /// At least one endpoint has it.
    Broadcast {
        /// Its hash.
        hash: B256,
    },
    /// Not mined yet.
    Waiting {
        /// Its hash.
        hash: B256,
        /// Seconds since this process began to wait.
        waited_s: u64,
    },
    /// Offered again at a higher price.
    Repriced {
        /// Hash of the new attempt.
        hash: B256,
        /// Its fees.
        fees: Fees,
    },
    /// Mined and confirmed.
    Mined {
        /// Its hash.
        hash: B256,
        /// Height of its block.
        block_number: u64,
    },
}

/// A transaction of an earlier use, and how it ended.
#[derive(Debug)]
pub struct Resumed {
    /// The transaction, in its last attempt.
    pub tx: JournaledTx,
    /// Its receipt, or why it came to nothing.
    pub outcome: Result<TxReceipt, ChainError>,
}

/// A callback for progress.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// A key, its chain and its journal.
pub struct Wallet<J> {
    chain: Chain,
    secret: EthSecret,
    journal: J,
    options: WalletOptions,
}

impl<J> std::fmt::Debug for Wallet<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet")
            .field("address", &self.secret.address())
            .finish_non_exhaustive()
    }
}

impl<J: TxJournal> Wallet<J> {
    /// A wallet; nothing is asked or sent yet.
    pub fn new(chain: Chain, secret: EthSecret, journal: J, options: WalletOptions) -> Self {
        Self {
            chain,
            secret,
            journal,
            options,
        }
    }

    /// The account that signs.
    #[must_use]
    pub fn address(&self) -> Address {
        self.secret.address()
    }

    /// The chain it sends to.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Settles everything that an earlier use left behind. Call it before deciding what to do next.
    ///
    /// # Errors
    /// `JournalBusy`; `NotMined` when something is pending still; those of the journal.
    pub async fn resume(&self, progress: OnProgress<'_>) -> Result<Vec<Resumed>, ChainError> {
        let _lock = self.lock(progress).await?;
        self.resume_locked(progress).await
    }

    /// Has `call` mined exactly once: resumes what an earlier use left behind, and if that was this
    /// very call, takes its result for the answer; else simulates, signs, journals, broadcasts and
    /// waits.
    ///
    /// # Errors
    /// `Reverted` with the decoded error (before sending, or after a failure on chain), `Rejected`,
    /// `FeeCap`, `NotMined` (journaled: the next use resumes it), `ForeignNonce`, `JournalBusy`,
    /// and those of the journal and of `Rpc::request`.
    pub async fn send(
        &self,
        call: &Call,
        progress: OnProgress<'_>,
    ) -> Result<TxReceipt, ChainError> {
        let _lock = self.lock(progress).await?;
        for resumed in self.resume_locked(progress).await? {
            if self.is_same(&resumed.tx, call) {
                return resumed.outcome;
            }
        }
        let tx = self.prepare(call, progress).await?;
        self.journal.record(&tx)?;
        progress(Progress::Journaled { hash: tx.hash });
        self.settle((tx, Vec::new()), progress).await.1
    }

    /// What `send` would do, without doing it: gas limit and fees.
    ///
    /// # Errors
    /// As `send`, before anything is sent.
    pub async fn dry_run(&self, call: &Call) -> Result<(u64, Fees), ChainError> {
        let gas_limit = self.chain.simulate(self.address(), call).await?;
        Ok((gas_limit, self.fees().await?))
    }

    async fn prepare(
        &self,
        call: &Call,
        progress: OnProgress<'_>,
    ) -> Result<JournaledTx, ChainError> {
        let (gas_limit, fees) = self.dry_run(call).await?;
        progress(Progress::Simulated { gas_limit, fees });
        let deployment = self.chain.deployment();
        let unsigned = JournaledTx {
            kind: call.kind().to_owned(),
            chain_id: deployment.chain_id,
            sender: self.address(),
            nonce: self.chain.nonce(self.address(), Tag::Pending).await?,
            to: call.target(deployment),
            data: call.data(deployment),
            value: call.value(),
            gas_limit,
            max_fee: fees.max_fee,
            tip: fees.tip,
            hash: B256::ZERO,
            raw: Vec::new(),
        };
        Ok(self.signed(unsigned, fees))
    }

    /// The same transaction, signed at these fees.
    fn signed(&self, tx: JournaledTx, fees: Fees) -> JournaledTx {
        let signed = sign_fields(
            &self.secret,
            &TxFields {
                chain_id: tx.chain_id,
                nonce: tx.nonce,
                to: Some(tx.to),
                data: tx.data.clone(),
                value: tx.value.0,
                gas_limit: tx.gas_limit,
                fees,
            },
        );
        JournaledTx {
            max_fee: fees.max_fee,
            tip: fees.tip,
            hash: signed.hash,
            raw: signed.raw,
            ..tx
        }
    }

    /// Market fees under the cap; an error if the cap does not pay for the next block.
    async fn fees(&self) -> Result<Fees, ChainError> {
        let market = self.chain.fees().await?;
        let cap = self.options.max_fee_cap;
        // The market's cap is twice the base fee plus the tip.
        let base = market.max_fee.saturating_sub(market.tip).0 / 2;
        let needed = base.saturating_add(market.tip.0);
        if needed > cap.0 {
            return Err(ChainError::FeeCap {
                needed_wei: needed,
                cap_wei: cap.0,
            });
        }
        Ok(Fees {
            max_fee: market.max_fee.min(cap),
            tip: market.tip,
        })
    }

    async fn resume_locked(&self, progress: OnProgress<'_>) -> Result<Vec<Resumed>, ChainError> {
        let left = self
            .journal
            .load(self.chain.deployment().chain_id, self.address())?;
        let mut resumed = Vec::new();
        for attempts in left.chunk_by(|a, b| a.nonce == b.nonce) {
            let Some((last, earlier)) = attempts.split_last() else {
                continue;
            };
            progress(Progress::Resuming {
                kind: last.kind.clone(),
                hash: last.hash,
            });
            match self
                .settle((last.clone(), earlier.to_vec()), progress)
                .await
            {
                (_, Err(error)) if !is_final(&error) => return Err(error),
                (tx, outcome) => resumed.push(Resumed { tx, outcome }),
            }
        }
        Ok(resumed)
    }

    fn is_same(&self, tx: &JournaledTx, call: &Call) -> bool {
        let deployment = self.chain.deployment();
        tx.to == call.target(deployment)
            && tx.value == call.value()
            && tx.data == call.data(deployment)
    }

    async fn lock(&self, progress: OnProgress<'_>) -> Result<JournalLock, ChainError> {
        let deadline = Instant::now() + Duration::from_millis(self.options.lock_timeout_ms);
        if let Some(lock) = self.journal.try_lock()? {
            return Ok(lock);
        }
        progress(Progress::WaitingForLock);
        while Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(self.options.poll_ms)).await;
            if let Some(lock) = self.journal.try_lock()? {
                return Ok(lock);
            }
        }
        Err(ChainError::JournalBusy {
            path: self.journal.location(),
        })
    }
}

/// Errors after which a transaction is over and cleared from the journal.
fn is_final(error: &ChainError) -> bool {
    matches!(
        error,
        ChainError::Reverted { .. }
            | ChainError::RevertedOnChain { .. }
            | ChainError::Rejected { .. }
            | ChainError::ForeignNonce { .. }
    )
}

#[cfg(test)]
mod tests;
