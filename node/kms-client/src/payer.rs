//! The account that pays, over the one-shot wallet of `kms-chain`: simulated, signed, journaled,
//! broadcast, settled. Neighbours: `ports` (trait), `home` (key and journal directory).

use std::path::Path;

use async_trait::async_trait;
use kms_chain::{
    Call, Deployment, DirJournal, Fees, SendEvent, TxJournal as _, TxReceipt, Wallet, WalletOptions,
};
use kms_protocol::{Address, B256, EthSecret, keccak256};
use serde::Serialize;

use crate::error::Result;
use crate::home::{Home, HomeLock};
use crate::network::Network;
use crate::ports::{PayPort, Settled};
use crate::progress::{Event, Progress};
use crate::transactions::{TxAttempt, attempt};

/// A wallet whose signed transactions are journaled until they are settled.
#[derive(Debug)]
pub struct Payer {
    wallet: Wallet<DirJournal>,
}

impl Payer {
    /// The account of a home, with its transactions journaled there.
    ///
    /// # Errors
    /// [`Error::Chain`](crate::Error::Chain) if the journal cannot be opened.
    pub fn open(
        home: &Home,
        lock: &HomeLock,
        network: &Network,
        secret: EthSecret,
    ) -> Result<Self> {
        home.check(lock)?;
        Self::with_journal(&home.tx_dir(), network, secret, WalletOptions::default())
    }

    /// An account with a journal directory of its own, other limits on patience and gas price.
    ///
    /// # Errors
    /// As [`Payer::open`].
    pub fn with_journal(
        dir: &Path,
        network: &Network,
        secret: EthSecret,
        options: WalletOptions,
    ) -> Result<Self> {
        let journal = DirJournal::open(dir)?;
        let wallet = Wallet::new(network.chain().clone(), secret, journal, options);
        Ok(Self { wallet })
    }

    /// Forgets the results that were returned: call it once they are told. Until then they answer
    /// the same calls of the next run, so that nothing is paid twice after a kill.
    ///
    /// # Errors
    /// [`Error::Chain`](crate::Error::Chain) if the journal cannot be written.
    pub fn acknowledge(&self) -> Result<()> {
        Ok(self.wallet.acknowledge()?)
    }

    /// Fees that [`Payer::bump`] and [`Payer::cancel`] would offer; `None` if no transaction of
    /// this nonce is open.
    ///
    /// # Errors
    /// [`Error::Chain`](crate::Error::Chain) if the cap forbids more, or nobody answers.
    pub async fn raised(&self, nonce: u64) -> Result<Option<Fees>> {
        Ok(self.wallet.raised(nonce).await?)
    }

    /// Offers more for the open transaction of this nonce; `None` if none is open.
    ///
    /// # Errors
    /// As [`Payer::raised`]; also if every endpoint refuses it.
    pub async fn bump(&self, nonce: u64, progress: &dyn Progress) -> Result<Option<TxAttempt>> {
        let mut report = |step| tell(step, "bump", progress);
        let sent = self.wallet.bump(nonce, &mut report).await?;
        Ok(sent.as_ref().map(attempt))
    }

    /// Puts a transfer of nothing in the place of the open transaction of this nonce; `None` if
    /// none is open.
    ///
    /// # Errors
    /// As [`Payer::bump`].
    pub async fn cancel(&self, nonce: u64, progress: &dyn Progress) -> Result<Option<TxAttempt>> {
        let mut report = |step| tell(step, "cancel", progress);
        let sent = self.wallet.cancel(nonce, &mut report).await?;
        Ok(sent.as_ref().map(attempt))
    }
}

#[async_trait]
impl PayPort for Payer {
    fn address(&self) -> Address {
        self.wallet.address()
    }

    fn fingerprint(&self, call: &Call) -> B256 {
        fingerprint_of(call, self.wallet.chain().deployment())
    }

    async fn send(&self, call: &Call, progress: &dyn Progress) -> Result<TxReceipt> {
        let kind = call.kind();
        let mut report = |step| tell(step, kind, progress);
        Ok(self.wallet.send(call, &mut report).await?)
    }

    fn recorded(&self, receipt: &TxReceipt) -> Result<()> {
        Ok(self.wallet.forget(receipt.tx_hash)?)
    }

    async fn resume(&self, progress: &dyn Progress) -> Result<Vec<Settled>> {
        let mut report = |step| tell(step, "resumed", progress);
        let resumed = self.wallet.resume(&mut report).await?;
        let succeeded = resumed.into_iter().filter_map(|resumed| {
            let (tx, receipt) = (resumed.tx, resumed.outcome.ok()?);
            let call = fingerprint(tx.to, tx.value.0, &tx.data);
            Some(Settled { call, receipt })
        });
        Ok(succeeded.collect())
    }
}

/// A transaction that an earlier run has left: not settled, or with a result that it did not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// `Call::kind` of the transaction.
    pub call: String,
    /// Its hash, of the last attempt.
    pub tx_hash: B256,
    /// The block it is in; `None` while it is not settled.
    pub block_number: Option<u64>,
    #[serde(skip)]
    fingerprint: B256,
    #[serde(skip)]
    nonce: u64,
}

/// What earlier runs left in the account of a home. Reads the journal and sends nothing.
#[derive(Debug)]
pub struct Leftovers<'a> {
    deployment: &'a Deployment,
    left: Vec<Leftover>,
}

impl<'a> Leftovers<'a> {
    /// Reads the journal of the home's account.
    ///
    /// # Errors
    /// [`Error::Chain`](crate::Error::Chain) if the journal cannot be read.
    pub fn read(home: &Home, network: &'a Network) -> Result<Self> {
        let journal = DirJournal::open(&home.tx_dir())?;
        let deployment = network.chain().deployment();
        Self::of(&journal, deployment, home.wallet_address())
    }

    fn of(journal: &DirJournal, deployment: &'a Deployment, account: Address) -> Result<Self> {
        let mut left: Vec<Leftover> = Vec::new();
        let chain_id = deployment.chain_id;
        let settled = journal.kept(chain_id, account)?;
        let settled = settled.into_iter().map(|settled| {
            let block = settled.receipt.block_number;
            (settled.tx, Some(block))
        });
        let open = journal.load(chain_id, account)?;
        let open = open.into_iter().map(|tx| (tx, None));
        for (tx, block_number) in settled.chain(open) {
            let leftover = Leftover {
                fingerprint: fingerprint(tx.to, tx.value.0, &tx.data),
                call: tx.kind,
                tx_hash: tx.hash,
                block_number,
                nonce: tx.nonce,
            };
            match left.iter_mut().find(|other| other.nonce == tx.nonce) {
                // An attempt of what is settled: the run was killed before it cleared it.
                Some(other) if other.block_number.is_some() => {}
                // Of several attempts the last one stands for all.
                Some(other) => *other = leftover,
                None => left.push(leftover),
            }
        }
        Ok(Self { deployment, left })
    }

    /// Whether one of them is this very call.
    pub fn contain(&self, call: &Call) -> bool {
        let id = fingerprint_of(call, self.deployment);
        self.left.iter().any(|left| left.fingerprint == id)
    }

    /// All of them, those that are mined first.
    pub fn list(self) -> Vec<Leftover> {
        self.left
    }
}

fn fingerprint_of(call: &Call, deployment: &Deployment) -> B256 {
    fingerprint(
        call.target(deployment),
        call.value().0,
        &call.data(deployment),
    )
}

/// keccak256(to 20 B, value 16 B big-endian, data).
fn fingerprint(to: Address, value: u128, data: &[u8]) -> B256 {
    let parts: [&[u8]; 3] = [to.as_ref(), &value.to_be_bytes(), data];
    keccak256(&parts.concat())
}

fn tell(step: SendEvent, kind: &'static str, progress: &dyn Progress) {
    match step {
        SendEvent::Broadcast { .. } => progress.event(Event::TxSent { kind }),
        SendEvent::Mined { block_number, .. } => {
            progress.event(Event::TxMined { kind, block_number });
        }
        SendEvent::Refused { words, .. } => progress.event(Event::TxRefused { kind, words }),
        SendEvent::Filled { nonce } => progress.event(Event::NonceFilled { nonce }),
        SendEvent::WaitingForLock
        | SendEvent::Resuming { .. }
        | SendEvent::Simulated { .. }
        | SendEvent::Journaled { .. }
        | SendEvent::Waiting { .. }
        | SendEvent::Repriced { .. } => {}
    }
}

#[cfg(test)]
mod tests;
