//! The account that pays, over the one-shot wallet of `kms-chain`: simulated, signed, journaled,
//! broadcast, settled. Neighbours: `ports` (trait), `home` (key and journal directory).

use std::path::Path;

use async_trait::async_trait;
use kms_chain::{Call, DirJournal, SendEvent, TxReceipt, Wallet, WalletOptions};
use kms_protocol::{Address, B256, EthSecret, keccak256};

use crate::error::Result;
use crate::home::{Home, HomeLock};
use crate::network::Network;
use crate::ports::{PayPort, Settled};
use crate::progress::{Event, Progress};

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
}

#[async_trait]
impl PayPort for Payer {
    fn address(&self) -> Address {
        self.wallet.address()
    }

    fn fingerprint(&self, call: &Call) -> B256 {
        let deployment = self.wallet.chain().deployment();
        fingerprint(
            call.target(deployment),
            call.value().0,
            &call.data(deployment),
        )
    }

    async fn send(&self, call: &Call, progress: &dyn Progress) -> Result<TxReceipt> {
        let kind = call.kind();
        let mut report = |step| tell(step, kind, progress);
        Ok(self.wallet.send(call, &mut report).await?)
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
        SendEvent::WaitingForLock
        | SendEvent::Resuming { .. }
        | SendEvent::Simulated { .. }
        | SendEvent::Journaled { .. }
        | SendEvent::Waiting { .. }
        | SendEvent::Repriced { .. } => {}
    }
}
