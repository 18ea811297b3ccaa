//! A home on its network, which every verb that touches the chain opens first, and the account that
//! pays. Neighbour: `plan` prints what would be sent, or sends it.

use kms_client::{Home, HomeLock, Network, Owner, Payer, Spend, Staker};

use crate::context::Context;
use crate::failure::Outcome;

/// A home and its network, for reading.
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

    /// The home's owner.
    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner::new(&self.home, &self.network, self.network.nodes())
    }

    /// The home's account as the owner of a miner.
    pub(crate) fn staker(&self) -> Staker<'_> {
        Staker::new(&self.network, self.home.wallet_address())
    }

    /// The account that pays; asks for the passphrase.
    pub(crate) fn account(&self, context: &Context) -> Outcome<Account> {
        let lock = self.home.lock()?;
        let secret = self.home.unlock_wallet(&context.passphrases)?;
        let payer = Payer::open(&self.home, &lock, &self.network, secret)?;
        Ok(Account { lock, payer })
    }
}

/// The right to write to the home, and what pays.
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
}
