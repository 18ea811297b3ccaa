//! Keeps the books: asks the chain what the miner earned, once per period and after each claim.

use std::sync::Arc;

use kms_protocol::reward::{ActiveMiner, RewardLedger};
use kms_protocol::{Address, Amount, Period};

use super::{Result, Sender};
use crate::chain::{Emission, Income, NodeChain};
use crate::duties::books::{Books, Purse};
use crate::duties::decide::{Duty, next_confirmation};
use crate::view::snapshot::Snapshot;

impl<C: NodeChain> Sender<C> {
    /// Reads what else the pages show, and keeps all of it.
    pub(super) async fn keep_books(
        &self,
        snapshot: &Snapshot,
        income: Option<Income>,
        purse: Purse,
    ) -> Result<()> {
        let node = &self.node;
        if node.config.admin_listen.is_none() {
            return Ok(());
        }
        let mut running = None;
        if let Some(income) = income {
            self.note_earned(snapshot, &income).await?;
            let active = snapshot.miner.is_leased(income.period);
            let emission = self.chain.emission(income.period).await?;
            running = reward_of(&emission, income.weight)
                .filter(|_| active)
                .map(|reward| (income.period, reward));
        }
        node.set_books(Arc::new(Books {
            block: snapshot.head.number,
            claimable: self.ledger.claimable,
            weight: income.map_or(Amount::ZERO, |income| income.weight),
            running,
            purse,
            next_confirmation: next_confirmation(snapshot, &self.ledger),
        }));
        Ok(())
    }

    /// Stores what was earned before the period of `income`, unless a claim is in flight, which the
    /// one sum may have and the other not.
    async fn note_earned(&self, snapshot: &Snapshot, income: &Income) -> Result<()> {
        let store = &self.node.store;
        for kind in [Duty::CLAIM, Duty::CONFIRM_AND_CLAIM] {
            if store.kind_busy(kind, snapshot.head.number).await? {
                return Ok(());
            }
        }
        let total = snapshot.miner.claimed.checked_add(income.claimable);
        let total = total.unwrap_or(income.claimable);
        let through = income.period.saturating_sub(1);
        Ok(store.note_earned(through, total).await?)
    }
}

/// The reward that the formula gives a weight for a period; `None` if the sums do not have it.
fn reward_of(emission: &Emission, weight: Amount) -> Option<Amount> {
    let (miner, others) = (Address([1; 20]), Address([2; 20]));
    let rest = ActiveMiner {
        miner: others,
        weight: emission.weights.checked_sub(weight)?,
        locked: emission.locked.checked_sub(weight)?,
    };
    let own = ActiveMiner {
        miner,
        weight,
        locked: weight,
    };
    let mut ledger = RewardLedger::new(emission.reserve, emission.decay, emission.warm_up);
    ledger.step(Period(1), &[own, rest]).ok()?;
    ledger.reward_of(&miner).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_gets_its_part_of_the_emission_and_none_that_the_sums_lack() {
        let kms = |count: u128| Amount(count * Amount::KMS.0);
        let emission = Emission {
            weights: kms(4),
            locked: kms(8),
            reserve: kms(1_600),
            decay: 1 << 60,
            warm_up: Amount::ZERO,
        };
        // A sixteenth of the reserve, times 1 / 8 of what is locked.
        assert_eq!(
            reward_of(&emission, kms(1)),
            Some(Amount(125 * Amount::KMS.0 / 10))
        );
        let scarce = Emission {
            warm_up: kms(16),
            ..emission
        };
        assert_eq!(
            reward_of(&scarce, kms(1)),
            Some(Amount(625 * Amount::KMS.0 / 100))
        );
        assert_eq!(reward_of(&emission, kms(5)), None);
        assert_eq!(reward_of(&emission, Amount::ZERO), Some(Amount::ZERO));
    }
}
