//! The contracts: a call is refused as they refuse it, or stored and told in events.

use kms_chain::{Call, ChainEvent, Collection, Lease, PolicyState, Service};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

use super::policy_id;
use super::state::State;

/// A policy, as the policy manager stores it.
pub struct Policy {
    /// Hash of the terms it was created with.
    pub id: PolicyId,
    /// What is paid for.
    pub terms: Terms,
    /// What its creator put into the event.
    pub memo: Vec<u8>,
    /// What changes of it.
    pub state: PolicyState,
    /// Miners whose arrangement was revoked.
    pub dismissed: Vec<Address>,
    /// Height of the block that created it.
    pub block_number: u64,
}

impl State {
    /// Policies stored under this id: one or none.
    pub fn policy(&mut self, id: PolicyId) -> Option<&mut Policy> {
        self.policies.iter_mut().find(|policy| policy.id == id)
    }

    /// Fees of a policy that its miner can collect: of every completed period of the terms from the
    /// delivery on, that no collection has passed. The first one needs the delivery.
    pub fn collectable(&self, policy: &Collection) -> Amount {
        if self.idle {
            return Amount::ZERO;
        }
        let terms = &policy.terms;
        let id = policy_id(terms);
        let collected = self.records().filter_map(|record| match &record.event {
            ChainEvent::FeesCollected {
                policy_id,
                through_period,
                ..
            } if *policy_id == id => Some(through_period.0),
            _ => None,
        });
        let settled = collected.max().or_else(|| {
            let delivery = policy.delivery.as_ref();
            delivery.map(|delivery| delivery.period.0.saturating_sub(1))
        });
        let Some(settled) = settled else {
            return Amount::ZERO;
        };
        let before = settled.max(terms.first_period.0 - 1);
        let through = self.period().saturating_sub(1).min(terms.last_period);
        let periods = through.0.saturating_sub(before);
        Amount(terms.rate.0 * u128::from(periods))
    }

    /// Price of a call; the error with which the contracts refuse it.
    pub(super) fn price(&mut self, call: &Call, period: Period) -> Result<Amount, &'static str> {
        let tokens = self.tokens;
        let price = match call {
            Call::CreatePolicyViaTransfer { terms, .. } => match self.policy(policy_id(terms)) {
                Some(_) => return Err("PolicyExists"),
                None => terms.price().unwrap().0,
            },
            Call::CreatePolicies { terms, .. } => {
                let exists = |terms: &Terms| self.policy(policy_id(terms)).is_some();
                let mut terms = terms.iter();
                if terms.clone().any(exists) {
                    return Err("PolicyExists");
                }
                terms
                    .try_fold(0_u128, |sum, terms| {
                        sum.checked_add(terms.price().unwrap().0)
                    })
                    .unwrap()
            }
            Call::RevokePolicy { terms } => self.running(terms, period).map(|_| 0)?,
            Call::RevokeArrangement { terms, miner } => {
                let twice = self.running(terms, period)?.dismissed.contains(miner);
                return (!twice)
                    .then_some(Amount::ZERO)
                    .ok_or("PolicyArrangementRevoked");
            }
            Call::ExtendPolicyViaTransfer {
                terms,
                last_period,
                without,
                price,
            } => {
                let policy = self.running(terms, period)?;
                let more = last_period.0.saturating_sub(policy.state.effective_last.0);
                let gone =
                    |miner: &&Address| policy.dismissed.contains(miner) || without.contains(miner);
                let serving: Vec<_> = terms.miners.iter().filter(|m| !gone(m)).copied().collect();
                let due = terms.rate.0 * u128::try_from(serving.len()).unwrap() * u128::from(more);
                for miner in serving {
                    if self.service(miner, terms.rate, *last_period) != Service::Able {
                        return Err("EscrowMinerCannotServe");
                    }
                }
                if due != price.0 {
                    return Err("PolicyPaymentMismatch");
                }
                due
            }
            _ => 0,
        };
        let paid = (price <= tokens.0).then_some(Amount(price));
        paid.ok_or("ERC20InsufficientBalance")
    }

    /// Whether a miner could serve, as the escrow says; one without a node record always could.
    pub fn service(&self, miner: Address, rate: Amount, last: Period) -> Service {
        let now = self.period();
        let Some(info) = self.miners.iter().find(|info| info.miner == miner) else {
            return Service::Able;
        };
        let position = &info.position;
        let outlasts = match position.unlock_period {
            Some(unlock) => unlock > last,
            None => now.0 + position.lock_periods >= last.0,
        };
        if position.locked < self.params.min_locked {
            Service::StakeTooSmall
        } else if !outlasts {
            Service::LockTooShort
        } else if info.min_rate > rate {
            Service::RateTooLow
        } else if info.suspended {
            Service::Suspended
        } else {
            Service::Able
        }
    }

    /// The policy, while it is neither revoked nor ended.
    fn running(&mut self, terms: &Terms, period: Period) -> Result<&mut Policy, &'static str> {
        let policy = self.policy(policy_id(terms)).ok_or("PolicyUnknown")?;
        match policy.state {
            state if state.revoked => Err("PolicyAlreadyRevoked"),
            state if state.effective_last < period => Err("PolicyEnded"),
            _ => Ok(policy),
        }
    }

    /// Carries out a call that is not refused.
    pub(super) fn effect(&mut self, call: &Call, period: Period) -> Vec<ChainEvent> {
        let miner = self.miner;
        let event = match call {
            Call::ConfirmActivity { through } => self.confirm(*through, period),
            Call::ConfirmAndClaim { through, miner } => {
                let (through, miner) = (*through, *miner);
                let parts = [Call::ConfirmActivity { through }, Call::Claim { miner }];
                return parts
                    .iter()
                    .flat_map(|call| self.effect(call, period))
                    .collect();
            }
            Call::RegisterNode { url } => ChainEvent::NodeRegistered {
                seq: 0,
                miner,
                url: url.clone(),
            },
            Call::SetMinRate { rate } => ChainEvent::MinRatePosted {
                seq: 0,
                miner,
                min_rate: *rate,
            },
            Call::Claim { .. } => ChainEvent::RewardClaimed {
                miner,
                recipient: miner,
                amount: std::mem::replace(&mut self.claimable, Amount::ZERO),
            },
            Call::Collect { policies, .. } => {
                let due = |policy: &&Collection| !self.collectable(policy).is_zero();
                let collected = policies.iter().filter(due).map(|Collection { terms, .. }| {
                    ChainEvent::FeesCollected {
                        policy_id: policy_id(terms),
                        miner,
                        through_period: terms.last_period.min(period.saturating_sub(1)),
                        amount: terms.rate,
                    }
                });
                return collected.collect();
            }
            Call::AnswerChallenge { terms, answer, .. } => ChainEvent::ChallengeAnswered {
                policy_id: policy_id(terms),
                miner,
                requester: Address::ZERO,
                capsule_hash: B256::ZERO,
                commitments_hash: answer.commitments_hash,
                block_time: answer.block_time,
                block_hash: answer.block_hash,
                cfrag: answer.cfrag.as_ref().to_vec(),
                signature: answer.signature.0.to_vec(),
            },
            Call::CreatePolicies { terms, memos } => {
                let created = terms.iter().zip(memos).map(|(terms, memo)| {
                    self.store(terms, memo.clone());
                    created(terms, memo)
                });
                return created.collect();
            }
            other => return self.policy_effect(other, period).into_iter().collect(),
        };
        vec![event]
    }

    /// Leases the periods up to `through` to the node's miner.
    fn confirm(&mut self, through: Period, period: Period) -> ChainEvent {
        let (miner, weight) = (self.miner, Amount(1));
        let lease = Lease {
            through: Some(through),
            weight,
        };
        self.leases.insert(miner, lease);
        ChainEvent::ActivityConfirmed {
            miner,
            from_period: Period(period.0 + 1),
            through_period: through,
            weight,
            locked: Amount(1),
        }
    }

    fn policy_effect(&mut self, call: &Call, period: Period) -> Option<ChainEvent> {
        let (Call::CreatePolicyViaTransfer { terms, .. }
        | Call::RevokePolicy { terms }
        | Call::RevokeArrangement { terms, .. }
        | Call::ExtendPolicyViaTransfer { terms, .. }) = call
        else {
            return None;
        };
        let (seq, policy_id) = (0, policy_id(terms));
        let begun = terms.first_period <= period;
        let effective_last = if begun { period } else { Period::NEVER };
        let Some(policy) = self.policy(policy_id) else {
            let memo = match call {
                Call::CreatePolicyViaTransfer { memo, .. } => memo.clone(),
                _ => Vec::new(),
            };
            let event = created(terms, &memo);
            self.store(terms, memo);
            return Some(event);
        };
        match call {
            Call::RevokeArrangement { miner, .. } => {
                policy.dismissed.push(*miner);
                Some(ChainEvent::ArrangementRevoked {
                    seq,
                    policy_id,
                    miner: *miner,
                    effective_last,
                    refund: Amount(2),
                })
            }
            Call::ExtendPolicyViaTransfer {
                last_period,
                without,
                ..
            } => {
                policy.dismissed.extend(without);
                policy.state.effective_last = *last_period;
                Some(ChainEvent::PolicyExtended {
                    seq,
                    policy_id,
                    last_period: *last_period,
                    payer: terms.sponsor,
                })
            }
            _ => {
                policy.state.revoked = true;
                policy.state.effective_last = effective_last;
                Some(ChainEvent::PolicyRevoked {
                    seq,
                    policy_id,
                    effective_last,
                    refund: Amount(5),
                })
            }
        }
    }

    fn store(&mut self, terms: &Terms, memo: Vec<u8>) {
        let block_number = self.head().number + 1;
        self.policies.push(Policy {
            id: policy_id(terms),
            terms: terms.clone(),
            memo,
            state: PolicyState {
                revoked: false,
                effective_last: terms.last_period,
                refunded_through: None,
            },
            dismissed: Vec::new(),
            block_number,
        });
    }
}

pub(super) fn created(terms: &Terms, memo: &[u8]) -> ChainEvent {
    ChainEvent::PolicyCreated {
        seq: 0,
        policy_id: policy_id(terms),
        keys_hash: terms.keys_hash,
        author: terms.author,
        terms: terms.clone(),
        memo: memo.to_vec(),
    }
}
