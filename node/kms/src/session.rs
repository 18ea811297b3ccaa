//! A home with a connection to its network, for every verb that uses the chain, and the account
//! that pays. Neighbour: `plan` prints transactions or sends them.

use kms_chain::Fees;
use kms_client::{Home, HomeLock, Network, Owner, Payer, Progress, Spend, Staker, TxAttempt};

use crate::context::Context;
use crate::failure::Outcome;

/// An open home and its network; reads the chain, sends nothing.
pub(crate) struct Session {
    pub(crate) home: Home,
    pub(crate) network: Network,
}

impl Session {
    pub(crate) async fn open(context: &Context) -> Outcome<Self> {
        let home = context.home()?;
        let network = Network::connect(home.config()).await?;
        Ok(Self { home, network })
    }

    /// The home's keys in the role of an owner of data.
    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner::new(&self.home, &self.network, self.network.nodes())
    }

    /// The home's account in the role of a miner's owner.
    pub(crate) fn staker(&self) -> Staker<'_> {
        Staker::new(&self.network, self.home.wallet_address())
    }

    /// Locks the home and unlocks the wallet; asks for the passphrase.
    pub(crate) fn account(&self, context: &Context) -> Outcome<Account> {
        let lock = context.lock(&self.home)?;
        // Another command may have changed the passphrase while the lock was waited for.
        let mut home = context.home()?;
        home.refresh(&lock)?;
        let secret = home.unlock_wallet(&context.passphrases)?;
        let payer = Payer::open(&self.home, &lock, &self.network, secret)?;
        Ok(Account { lock, payer })
    }
}

/// The home's write lock and the wallet that signs transactions.
pub(crate) struct Account {
    lock: HomeLock,
    payer: Payer,
}

impl Account {
    pub(crate) fn spend(&self) -> Spend<'_> {
        Spend {
            lock: &self.lock,
            pay: &self.payer,
        }
    }

    /// Fees that a replacement of an open transaction would offer; `None` if none is open.
    pub(crate) async fn raised(&self, nonce: u64) -> Outcome<Option<Fees>> {
        Ok(self.payer.raised(nonce).await?)
    }

    /// Offers more for an open transaction.
    pub(crate) async fn bump(
        &self,
        nonce: u64,
        steps: &dyn Progress,
    ) -> Outcome<Option<TxAttempt>> {
        Ok(self.payer.bump(nonce, steps).await?)
    }

    /// Puts a transfer of nothing in the place of an open transaction.
    pub(crate) async fn cancel(
        &self,
        nonce: u64,
        steps: &dyn Progress,
    ) -> Outcome<Option<TxAttempt>> {
        Ok(self.payer.cancel(nonce, steps).await?)
    }

    /// Forgets the results, which were told: call it last. After a kill or an error they stay, and
    /// answer the same calls of the next run, so that nothing is paid twice.
    pub(crate) fn told(&self) -> Outcome {
        Ok(self.payer.acknowledge()?)
    }
}
