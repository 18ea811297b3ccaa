//! Brings back what a lost home knew of its grants, from the seed and the chain alone: each
//! policy's memo names label, reader and number. Whatever an endpoint or a stranger may have put
//! there harms nothing: a grant is taken back only if its terms hash to its id, its memo opens, and
//! the terms carry the tag of the pair that the memo names.
//! Neighbours: `policies` lists, `deliver` goes on with what no node holds, `memo` is the codec.

use kms_protocol::PairKey;
use kms_protocol::messages::KfragState;

use super::Owner;
use super::kfrags::Kfrags;
use crate::error::Result;
use crate::home::HomeLock;
use crate::journal::Grant;
use crate::ports::{CreatedPolicy, PolicyFilter};
use crate::standing::{Standing, standing};
use kms_core::keys::OwnerKeys;
use kms_core::memo::Memo;

/// What the memos of an account's policies brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Labels that the home did not know.
    pub labels: usize,
    /// Grants that the home did not know.
    pub grants: usize,
    /// Policies of the account that were not made with this seed.
    pub unknown: usize,
}

impl Owner<'_> {
    /// Writes the label of every grant of the account to the home's labels.
    ///
    /// # Errors
    /// [`Error::Chain`](crate::Error::Chain), [`Error::HomeCorrupt`](crate::Error::HomeCorrupt).
    pub async fn rebuild_labels(&self, keys: &OwnerKeys, lock: &HomeLock) -> Result<Rebuilt> {
        let mut rebuilt = Rebuilt::default();
        for created in self.own_policies().await? {
            match self.memo_of(&created, keys)? {
                Some(memo) => rebuilt.labels += self.restore_label(&memo, keys, lock)?,
                None => rebuilt.unknown += 1,
            }
        }
        Ok(rebuilt)
    }

    /// Writes every grant of the account to the home's journal, and its label to the home's labels.
    /// What the home knows stays as it is. Asks the miners of the policies that are in force
    /// whether they hold their kfrag.
    ///
    /// # Errors
    /// As [`Owner::rebuild_labels`].
    pub async fn rebuild(&self, keys: &OwnerKeys, lock: &HomeLock) -> Result<Rebuilt> {
        self.home.check(lock)?;
        let mut rebuilt = Rebuilt::default();
        for created in self.own_policies().await? {
            let Some(memo) = self.memo_of(&created, keys)? else {
                rebuilt.unknown += 1;
                continue;
            };
            rebuilt.labels += self.restore_label(&memo, keys, lock)?;
            if self.journal().get(created.id)?.is_none()
                && let Some(grant) = self.lost_grant(created, memo, keys).await?
            {
                self.journal().put(&grant)?;
                rebuilt.grants += 1;
            }
        }
        Ok(rebuilt)
    }

    async fn own_policies(&self) -> Result<Vec<CreatedPolicy>> {
        let author = self.home.wallet_address();
        self.chain.policies(PolicyFilter::Author(author)).await
    }

    /// Adds the label that a memo names; counts 1 if the home did not know it.
    fn restore_label(&self, memo: &Memo, keys: &OwnerKeys, lock: &HomeLock) -> Result<usize> {
        let known = self.home.labels()?.get(&memo.label).is_some();
        self.home.add_label(lock, keys, &memo.label)?;
        Ok(usize::from(!known))
    }

    /// Reads what the owner noted beside a policy; `None` unless all of it is the owner's.
    fn memo_of(&self, created: &CreatedPolicy, keys: &OwnerKeys) -> Result<Option<Memo>> {
        let (domain, terms) = (self.chain.domain(), &created.terms);
        if terms.id(domain.chain_id, &domain.contract) != created.id || !self.made(terms) {
            return Ok(None);
        }
        let Some(memo) = keys.memos().open(&created.memo, terms) else {
            return Ok(None);
        };
        // A stranger can repeat author, keys hash and memo in a policy that it pays for; the
        // reader can tag it as well.
        let pair = PairKey::of_owner(&keys.delegating(&memo.label)?, &memo.receiving_key)?;
        let ours = pair.keys_hash(memo.number) == terms.keys_hash
            && pair.recognises(terms, domain.chain_id, &domain.contract);
        Ok(ours.then_some(memo))
    }

    /// Makes the journal's entry; `None` for an event without state, which was reverted between
    /// the two questions.
    async fn lost_grant(
        &self,
        created: CreatedPolicy,
        memo: Memo,
        keys: &OwnerKeys,
    ) -> Result<Option<Grant>> {
        let Some(state) = self.chain.policy_state(created.id).await? else {
            return Ok(None);
        };
        let now = self.present_period().await?;
        let mut grant = Grant::prepared(created.id, created.terms, memo, created.block_number);
        grant.paid(created.tx_hash, created.block_number);
        let kfrags = Kfrags::of(&grant, keys, self.chain.domain())?;
        grant.gives(|miner| kfrags.hash(miner));
        match standing(&grant.terms, state, now) {
            Standing::Revoked => grant.revoke(),
            Standing::Ended => grant.end(),
            Standing::NotStarted | Standing::Active => {
                for miner in self.policy(grant.policy).await?.miners {
                    if miner.revoked {
                        grant.dismiss(miner.miner);
                    } else if miner.kfrag == Some(KfragState::Stored) {
                        grant.held(miner.miner);
                    }
                }
            }
        }
        Ok(Some(grant))
    }
}
