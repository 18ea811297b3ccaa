//! A home on its network, with the right to write and an account: what every verb that touches the
//! chain opens first. A dry run has an account too, one that only simulates.

use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use kms_chain::{Call, TxReceipt};
use kms_client::{Home, HomeLock, Network, Owner, PayPort, Payer, Progress, Settled, Spend};
use kms_protocol::{Address, B256, Wei, keccak256};
use serde::Serialize;

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

    /// The account that pays. Only a real run asks for the passphrase.
    pub(crate) fn account(&self, context: &Context, run: Run) -> Outcome<Account<'_>> {
        let lock = self.home.lock()?;
        let pay = match run {
            Run::Dry => Pay::Dry(DryRun::new(&self.network, self.home.wallet_address())),
            Run::Real => {
                let secret = self.home.unlock_wallet(&context.passphrases)?;
                Pay::Real(Box::new(Payer::open(
                    &self.home,
                    &lock,
                    &self.network,
                    secret,
                )?))
            }
        };
        Ok(Account { lock, pay })
    }
}

/// Whether anything is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Transactions are sent.
    Real,
    /// Transactions are simulated.
    Dry,
}

impl From<bool> for Run {
    /// From the flag `--dry-run`.
    fn from(dry: bool) -> Self {
        if dry { Self::Dry } else { Self::Real }
    }
}

/// The right to write to the home, and what pays.
pub(crate) struct Account<'a> {
    lock: HomeLock,
    pay: Pay<'a>,
}

enum Pay<'a> {
    Real(Box<Payer>),
    Dry(DryRun<'a>),
}

impl Account<'_> {
    pub(crate) fn pay(&self) -> &dyn PayPort {
        match &self.pay {
            Pay::Real(payer) => &**payer,
            Pay::Dry(dry) => dry,
        }
    }

    pub(crate) fn spend(&self) -> Spend<'_> {
        Spend {
            lock: &self.lock,
            pay: self.pay(),
        }
    }

    /// What a dry run found; `None` if this was a real one.
    pub(crate) fn simulated(&self) -> Option<DryReport> {
        match &self.pay {
            Pay::Real(_) => None,
            Pay::Dry(dry) => Some(dry.report()),
        }
    }
}

/// An account that simulates the first transaction and names those that would follow it, which
/// cannot be simulated before it is mined.
struct DryRun<'a> {
    network: &'a Network,
    address: Address,
    steps: Mutex<Vec<DryStep>>,
}

impl<'a> DryRun<'a> {
    fn new(network: &'a Network, address: Address) -> Self {
        Self {
            network,
            address,
            steps: Mutex::new(Vec::new()),
        }
    }

    fn report(&self) -> DryReport {
        let transactions = self
            .steps
            .lock()
            .map(|steps| steps.clone())
            .unwrap_or_default();
        DryReport {
            dry_run: true,
            from: self.address,
            transactions,
        }
    }
}

#[async_trait]
impl PayPort for DryRun<'_> {
    fn address(&self) -> Address {
        self.address
    }

    fn fingerprint(&self, call: &Call) -> B256 {
        keccak256(&call.data(self.network.chain().deployment()))
    }

    async fn send(&self, call: &Call, _: &dyn Progress) -> kms_client::Result<TxReceipt> {
        let is_first = self.steps.lock().is_ok_and(|steps| steps.is_empty());
        let mut step = DryStep {
            call: call.kind(),
            gas: None,
            fee_max: None,
        };
        if is_first {
            let chain = self.network.chain();
            let gas = chain.simulate(self.address, call).await?;
            let fees = chain.fees().await?;
            step.gas = Some(gas.get());
            step.fee_max = Some(gas.cost_at_most(fees));
        }
        if let Ok(mut steps) = self.steps.lock() {
            steps.push(step);
        }
        Ok(TxReceipt {
            tx_hash: B256::ZERO,
            block_number: 0,
            block_hash: B256::ZERO,
            succeeded: true,
            gas_used: 0,
            fee: Wei::ZERO,
        })
    }

    async fn resume(&self, _: &dyn Progress) -> kms_client::Result<Vec<Settled>> {
        Ok(Vec::new())
    }
}

/// What would have been sent.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DryReport {
    dry_run: bool,
    from: Address,
    transactions: Vec<DryStep>,
}

#[derive(Debug, Clone, Serialize)]
struct DryStep {
    call: &'static str,
    /// `None` for one that builds on the one before.
    gas: Option<u64>,
    /// At the present fees; the price may be lower.
    fee_max: Option<Wei>,
}

impl fmt::Display for DryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was sent; {} would send:", self.from)?;
        for step in &self.transactions {
            match (step.gas, step.fee_max) {
                (Some(gas), Some(fee)) => {
                    write!(f, "\n  {}: {gas} gas, at most {fee}", step.call)?;
                }
                _ => write!(f, "\n  {}", step.call)?,
            }
        }
        Ok(())
    }
}
