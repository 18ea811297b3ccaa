//! A worker's consent to sign for a miner, without which StakingEscrow bonds no key. The node signs
//! it; whoever holds the stake sends it.

use core::fmt;
use core::str::FromStr;

use crate::eip712::{Domain, StructHasher, TypedData};
use crate::error::{Error, Result};
use crate::eth::{EthSecret, EthSignature};
use crate::primitives::Address;

/// First field of the line.
const MARK: &str = "kmsworker1";

/// The worker's statement that it may be bonded to a miner; domain
/// [`Domain::staking_escrow`]. Signed by the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerConsent {
    /// The key that signs, and that is bonded.
    pub worker: Address,
    /// The miner, and no other, that may bond it.
    pub miner: Address,
    /// Last block timestamp at which it may be bonded, in seconds.
    pub deadline: u64,
}

impl TypedData for WorkerConsent {
    const TYPE: &'static str = "WorkerConsent(address worker,address miner,uint256 deadline)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.worker)
            .address(&self.miner)
            .uint(self.deadline)
    }
}

/// A consent with its signature. As text it is one line, public, of no use to anybody but the
/// miner: `kmsworker1:MINER:WORKER:DEADLINE:SIGNATURE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedConsent {
    /// What is agreed to.
    pub consent: WorkerConsent,
    /// By the worker.
    pub signature: EthSignature,
}

impl SignedConsent {
    /// Signs a worker's consent in the domain of an escrow.
    #[must_use]
    pub fn sign(worker: &EthSecret, miner: Address, deadline: u64, escrow: &Domain) -> Self {
        let consent = WorkerConsent {
            worker: worker.address(),
            miner,
            deadline,
        };
        Self {
            consent,
            signature: consent.sign(escrow, worker),
        }
    }

    /// Checks that the worker signed it, for this escrow.
    ///
    /// # Errors
    /// Those of [`EthSignature::verify`].
    pub fn check(&self, escrow: &Domain) -> Result<()> {
        self.consent
            .check(escrow, &self.signature, &self.consent.worker)
    }
}

impl fmt::Display for SignedConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorkerConsent {
            worker,
            miner,
            deadline,
        } = &self.consent;
        let signature = &self.signature;
        write!(f, "{MARK}:{miner}:{worker}:{deadline}:{signature}")
    }
}

impl FromStr for SignedConsent {
    type Err = Error;

    /// Reads the line exactly as it is written.
    fn from_str(line: &str) -> Result<Self> {
        let mut fields = line.split(':');
        let mut next = || fields.next().ok_or(Error::ConsentSyntax);
        if next()? != MARK {
            return Err(Error::ConsentSyntax);
        }
        let (miner, worker, deadline) = (next()?.parse()?, next()?.parse()?, next()?);
        let signature = next()?.parse()?;
        let read = Self {
            consent: WorkerConsent {
                worker,
                miner,
                deadline: deadline.parse().map_err(|_| Error::ConsentSyntax)?,
            },
            signature,
        };
        // One line for one consent: no sign, no leading zero, nothing after it.
        match read.consent.deadline.to_string() == deadline && fields.next().is_none() {
            true => Ok(read),
            false => Err(Error::ConsentSyntax),
        }
    }
}

#[cfg(test)]
mod tests;
