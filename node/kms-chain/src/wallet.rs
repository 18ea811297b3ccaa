//! Sends one transaction at a time for a person or a script, and is safe to kill: the signed bytes
//! are on disk before they are sent, and the next use resumes what is not settled. A result is kept
//! until the caller has recorded it: repeated after a kill, a command gets it and pays once.
//!
//! `send::engine` decides, `settle` acts on its decisions, `journal` stores. The node has its own
//! sender over the same engine.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kms_protocol::{Address, B256, EthSecret, Wei};
use tokio::time::Instant;

use crate::chain::Chain;
use crate::contracts::call::Call;
use crate::error::ChainError;
use crate::send::{GasLimit, Rules};
use crate::types::{Fees, TxReceipt};

mod gap;
mod hand;
mod journal;
mod prepare;
mod settle;

pub use journal::{DirJournal, JournalLock, JournaledTx, SettledTx, TxJournal};
use settle::Pending;

/// A wallet's limits on time and fees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletOptions {
    /// Time between two looks at the chain, in milliseconds.
    pub poll_ms: u64,
    /// Time after which a pending transaction is repriced, in milliseconds.
    pub bump_after_ms: u64,
    /// Time for which a nonce must show as used, at every look and without a receipt at any
    /// endpoint, before it counts as used by somebody else, in milliseconds. An endpoint may show a
    /// receipt many seconds after the nonce; whoever takes it for foreign pays twice.
    pub displaced_after_ms: u64,
    /// Time for which nonces before a transaction must be missing before they are filled, in
    /// milliseconds.
    pub gap_after_ms: u64,
    /// Time after which a pending transaction is left for the next use, in milliseconds.
    pub timeout_ms: u64,
    /// Time to wait for another process that holds the journal, in milliseconds.
    pub lock_timeout_ms: u64,
    /// Blocks that must hold the transaction, its own included, before it counts as done.
    pub confirmations: u64,
    /// Most that it ever pays per gas, in wei.
    pub max_fee_cap: Wei,
    /// Time for which a result that nobody acknowledged answers the same call, in seconds; for
    /// ever, if the chain takes the call once only ([`Call::once`]).
    pub keep_s: u64,
}

impl Default for WalletOptions {
    fn default() -> Self {
        Self {
            poll_ms: 500,
            bump_after_ms: 45_000,
            displaced_after_ms: 60_000,
            gap_after_ms: 20_000,
            timeout_ms: 300_000,
            lock_timeout_ms: 120_000,
            confirmations: 1,
            max_fee_cap: Wei(1_000 * Wei::GWEI.0),
            keep_s: 24 * 3_600,
        }
    }
}

/// Number of looks at the chain between two broadcasts of the same bytes.
const OFFER_LOOKS: u64 = 20;

impl WalletOptions {
    /// Makes the engine's rules, with milliseconds as moments.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            max_fee_cap: self.max_fee_cap,
            reprice_after: self.bump_after_ms,
            offer_every: self.poll_ms.saturating_mul(OFFER_LOOKS),
            displaced_after: self.displaced_after_ms,
            confirmations: self.confirmations.saturating_sub(1),
            gives_up: true,
        }
    }
}

/// Progress of a wallet, to be shown while it works. `kind` is `Call::kind`; `hash` that of the
/// transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "names and types say what a field is")]
pub enum SendEvent {
    /// Another process is sending from this wallet.
    WaitingForLock,
    /// A transaction of an earlier use is being settled first.
    Resuming { kind: String, hash: B256 },
    /// The call was simulated and would succeed.
    Simulated { gas_limit: GasLimit, fees: Fees },
    /// The transaction is signed and on disk.
    Journaled { hash: B256 },
    /// At least one endpoint has the transaction.
    Broadcast { hash: B256 },
    /// The transaction is not mined, `waited_s` seconds after this process began to wait.
    Waiting { hash: B256, waited_s: u64 },
    /// A new attempt was sent at a higher price.
    Repriced { hash: B256, fees: Fees },
    /// The endpoints refuse the transaction for now, in these words.
    Refused { hash: B256, words: String },
    /// A nonce that is missing before the transaction was filled with a transfer of nothing.
    Filled { nonce: u64 },
    /// The transaction is mined and confirmed.
    Mined { hash: B256, block_number: u64 },
}

/// A transaction of an earlier use, and how it ended.
#[derive(Debug)]
pub struct Resumed {
    /// The transaction, in its last attempt.
    pub tx: JournaledTx,
    /// Receipt, or why it was not mined or failed.
    pub outcome: Result<TxReceipt, ChainError>,
    /// Whether no endpoint can have taken it from this process.
    pub untaken: bool,
}

/// Callback that receives the wallet's progress.
pub type OnSendEvent<'a> = &'a mut (dyn FnMut(SendEvent) + Send);

/// A key, its chain and its journal.
pub struct Wallet<J> {
    chain: Chain,
    secret: EthSecret,
    journal: J,
    options: WalletOptions,
    /// Results that this process has handed to its caller.
    handed: Mutex<Vec<SettledTx>>,
}

impl<J> std::fmt::Debug for Wallet<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet")
            .field("address", &self.secret.address())
            .finish_non_exhaustive()
    }
}

impl<J: TxJournal> Wallet<J> {
    /// Makes a wallet, without asking or sending anything.
    pub fn new(chain: Chain, secret: EthSecret, journal: J, options: WalletOptions) -> Self {
        Self {
            chain,
            secret,
            journal,
            options,
            handed: Mutex::default(),
        }
    }

    /// Address of the key that signs.
    #[must_use]
    pub fn address(&self) -> Address {
        self.secret.address()
    }

    /// The chain that transactions go to.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Settles the transactions that an earlier use left; returns them, and those whose result
    /// nobody has acknowledged yet. Call it before planning new ones.
    ///
    /// # Errors
    /// `JournalBusy`; `NotMined` when something is pending still; those of the journal.
    pub async fn resume(&self, events: OnSendEvent<'_>) -> Result<Vec<Resumed>, ChainError> {
        let _lock = self.lock(events).await?;
        self.resume_locked(events).await
    }

    /// Has `call` mined exactly once: resumes what an earlier use left, and if that was the same
    /// call, returns its result; else simulates, signs, journals, broadcasts and waits. The result
    /// answers the same call of a later process until [`Self::acknowledge`], if it moves tokens
    /// each time ([`Call::adds`]).
    ///
    /// # Errors
    /// `Reverted` with the decoded error (before sending, or after a failure on chain), `Rejected`,
    /// `FeeCap`, `NotMined` (journaled: the next use resumes it), `ForeignNonce`, `JournalBusy`,
    /// and those of the journal and of `Rpc::request`.
    pub async fn send(
        &self,
        call: &Call,
        events: OnSendEvent<'_>,
    ) -> Result<TxReceipt, ChainError> {
        let _lock = self.lock(events).await?;
        for resumed in self.resume_locked(events).await? {
            if self.is_same(&resumed.tx, call) && !self.is_handed(resumed.tx.hash) {
                self.hand(resumed.tx.hash)?;
                return resumed.outcome;
            }
        }
        let mut used = None;
        loop {
            let tx = self.prepare(call, used, events).await?;
            self.journal.record(&tx)?;
            events(SendEvent::Journaled { hash: tx.hash });
            let settled = self.settle(Pending::new(vec![tx])?, events).await?;
            match settled.outcome {
                // Its nonce was read too low: nobody ever took it, so it is mined nowhere.
                Err(ChainError::ForeignNonce { nonce, .. })
                    if settled.untaken && used.is_none() =>
                {
                    used = Some(nonce);
                }
                Ok(receipt) => {
                    self.hand(settled.tx.hash)?;
                    return Ok(receipt);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Forgets the results that [`Self::send`] has returned. Call it when they are recorded or
    /// told.
    ///
    /// # Errors
    /// `File`.
    pub fn acknowledge(&self) -> Result<(), ChainError> {
        for settled in self.handed().drain(..) {
            self.journal.forget(&settled)?;
        }
        Ok(())
    }

    /// Forgets the result of one transaction, which its caller has recorded.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn forget(&self, hash: B256) -> Result<(), ChainError> {
        self.handed().retain(|settled| settled.tx.hash != hash);
        let kept = self.kept()?.into_iter();
        kept.filter(|settled| settled.tx.hash == hash)
            .try_for_each(|settled| self.journal.forget(&settled))
    }

    /// Computes gas limit and fees that `send` would use; sends nothing.
    ///
    /// # Errors
    /// As `send`, before anything is sent.
    pub async fn dry_run(&self, call: &Call) -> Result<(GasLimit, Fees), ChainError> {
        let gas_limit = self.chain.simulate(self.address(), call).await?;
        Ok((gas_limit, self.fees().await?))
    }

    async fn resume_locked(&self, events: OnSendEvent<'_>) -> Result<Vec<Resumed>, ChainError> {
        let left = self
            .journal
            .load(self.chain.deployment().chain_id, self.address())?;
        let kept = self.kept()?.into_iter().map(|settled| Resumed {
            tx: settled.tx,
            outcome: Ok(settled.receipt),
            untaken: false,
        });
        let mut resumed: Vec<Resumed> = kept.collect();
        for attempts in left.chunk_by(|a, b| a.nonce == b.nonce) {
            let pending = Pending::new(attempts.to_vec())?;
            events(SendEvent::Resuming {
                kind: pending.newest().kind.clone(),
                hash: pending.newest().hash,
            });
            resumed.push(self.settle(pending, events).await?);
        }
        Ok(resumed)
    }

    /// Stores a success until its result is acknowledged, if repeating the call would move tokens
    /// once more. Repeating any other is harmless, and its result may be out of date.
    fn keep(&self, tx: &JournaledTx, receipt: TxReceipt) -> Result<(), ChainError> {
        if !tx.adds {
            return Ok(());
        }
        self.journal.keep(&SettledTx {
            tx: tx.clone(),
            receipt,
            settled_at: now_s(),
        })
    }

    /// Results that nobody acknowledged in time are forgotten here, the others returned.
    fn kept(&self) -> Result<Vec<SettledTx>, ChainError> {
        let chain_id = self.chain.deployment().chain_id;
        let (now, mut kept) = (now_s(), Vec::new());
        for settled in self.journal.kept(chain_id, self.address())? {
            let is_fresh = now.abs_diff(settled.settled_at) < self.options.keep_s;
            match settled.tx.once || is_fresh {
                true => kept.push(settled),
                false => self.journal.forget(&settled)?,
            }
        }
        Ok(kept)
    }

    fn hand(&self, hash: B256) -> Result<(), ChainError> {
        let kept = self.kept()?;
        let settled = kept.into_iter().find(|settled| settled.tx.hash == hash);
        self.handed().extend(settled);
        Ok(())
    }

    fn is_handed(&self, hash: B256) -> bool {
        self.handed().iter().any(|settled| settled.tx.hash == hash)
    }

    fn handed(&self) -> MutexGuard<'_, Vec<SettledTx>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_same(&self, tx: &JournaledTx, call: &Call) -> bool {
        let deployment = self.chain.deployment();
        tx.to == call.target(deployment)
            && tx.value == call.value()
            && tx.data == call.data(deployment)
    }

    async fn lock(&self, events: OnSendEvent<'_>) -> Result<JournalLock, ChainError> {
        let deadline = Instant::now() + Duration::from_millis(self.options.lock_timeout_ms);
        if let Some(lock) = self.journal.try_lock()? {
            return Ok(lock);
        }
        events(SendEvent::WaitingForLock);
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

/// Seconds since the Unix epoch.
fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

#[cfg(test)]
mod tests;
