//! Revocations that their author signs and anybody sends: for an author without ether, or one that
//! is to be on no network. The chain takes each once, until its deadline.
//! Neighbour: `revoke` finds what is to end.

use kms_chain::{Call, RevocationOrder};
use kms_protocol::eip712::{ArrangementRevocation, Revocation};
use kms_protocol::{Address, Domain, EthSecret, EthSignature, Terms, TypedData as _};
use serde::{Deserialize, Serialize};

use super::Owner;
use super::revoke::{Ending, require_author};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::ports::Scope;

/// Signed orders to end policies, or arrangements of them, as a file holds them. Public: whoever
/// has it can do what its author wants done, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationOrders {
    version: u32,
    chain_id: u64,
    contract: Address,
    orders: Vec<Order>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    terms: Terms,
    /// `None` for the whole policy.
    miner: Option<Address>,
    deadline: u64,
    signature: EthSignature,
}

impl RevocationOrders {
    const VERSION: u32 = 1;

    /// Reads a file of orders; `None` if it is none, or of another version.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let orders: Option<Self> = serde_json::from_slice(bytes).ok();
        orders.filter(|orders| orders.version == Self::VERSION && !orders.orders.is_empty())
    }

    /// Plans to send every order from an account, whoever it is.
    ///
    /// # Errors
    /// [`Error::SpecInvalid`] for orders of another network.
    pub fn plan(&self, from: Address, domain: &Domain) -> Result<Plan> {
        if (self.chain_id, self.contract) != (domain.chain_id, domain.contract) {
            return Err(Error::SpecInvalid {
                field: "orders",
                given: self.chain_id,
                why: "they are for another network than this home's",
            });
        }
        let plan = Plan::new(from, ());
        let orders = self.orders.iter().cloned();
        Ok(orders.fold(plan, |plan, order| {
            let call = Call::RevokeSigned {
                terms: order.terms,
                order: RevocationOrder {
                    miner: order.miner,
                    deadline: order.deadline,
                    signature: order.signature,
                },
            };
            plan.step(call, None)
        }))
    }
}

impl Owner<'_> {
    /// Signs what a plan of revocations would send, by the author's account, valid for so many
    /// seconds of chain time. Sends nothing.
    ///
    /// # Errors
    /// [`Error::NotAuthor`], [`Error::PolicyRevoked`] if all of it was revoked before,
    /// [`Error::Chain`].
    pub async fn sign_revocations(
        &self,
        plan: &Plan<Vec<Ending>>,
        author: &EthSecret,
        seconds: u64,
    ) -> Result<RevocationOrders> {
        let now = self.chain.head().await?.timestamp;
        let deadline = now.saturating_add(seconds);
        let Domain {
            chain_id, contract, ..
        } = self.chain.domain();
        let domain = Domain::policy_manager(chain_id, contract);
        let mut orders = Vec::new();
        for ending in plan.aim().iter().filter(|ending| ending.sends) {
            let (policy_id, terms) = (ending.created.id, ending.created.terms.clone());
            require_author(&ending.created, author.address())?;
            let (miner, signature) = match ending.scope {
                Scope::Policy => {
                    let order = Revocation {
                        policy_id,
                        deadline,
                    };
                    (None, order.sign(&domain, author))
                }
                Scope::Arrangement(miner) => {
                    let order = ArrangementRevocation {
                        policy_id,
                        miner,
                        deadline,
                    };
                    (Some(miner), order.sign(&domain, author))
                }
            };
            orders.push(Order {
                terms,
                miner,
                deadline,
                signature,
            });
        }
        match (orders.is_empty(), plan.aim().first()) {
            (true, Some(ending)) => Err(Error::PolicyRevoked {
                policy: ending.created.id,
            }),
            _ => Ok(RevocationOrders {
                version: RevocationOrders::VERSION,
                chain_id,
                contract,
                orders,
            }),
        }
    }
}
