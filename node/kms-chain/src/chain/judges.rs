//! State of the judges, read with `eth_call` at the newest block.

use kms_protocol::{Accusation, Address, Amount, PolicyId};

use super::Chain;
use crate::contracts::bindings::{adjudicator, control, silence_challenges as silence};
use crate::convert;
use crate::deployment::params::ChallengeParams;
use crate::error::ChainError;
use crate::types::OpenChallenge;

/// Views of the judges. Each fails with `Unreachable`, `Rpc` or `BadReply`, as `Rpc::request`.
impl Chain {
    /// Penalty of a conviction of the miner now, and the most that is paid out of it.
    pub async fn penalty_of(&self, miner: Address) -> Result<(Amount, Amount), ChainError> {
        let judge = self.inner.deployment.contracts.adjudicator.address;
        let miner = convert::h160(miner);
        let penalty: adjudicator::PenaltyOfReturn = self
            .view(judge, adjudicator::PenaltyOfCall { miner })
            .await?;
        Ok((Amount(penalty.penalty), Amount(penalty.most)))
    }

    /// Whether the miner was convicted for this policy and capsule already: once is the most.
    pub async fn is_convicted(&self, accusation: &Accusation) -> Result<bool, ChainError> {
        let judge = self.inner.deployment.contracts.adjudicator.address;
        let call = adjudicator::IsConvictedCall {
            miner: convert::h160(accusation.miner),
            policy_id: accusation.policy_id.0.0,
            capsule_hash: accusation.capsule_hash.0,
        };
        self.view(judge, call).await
    }

    /// Terms under which a challenge of silence is opened now.
    pub async fn challenge_terms(&self) -> Result<ChallengeParams, ChainError> {
        let control = self.inner.deployment.contracts.control.address;
        let terms: control::ChallengeTerms =
            self.view(control, control::ChallengeTermsCall {}).await?;
        Ok(ChallengeParams {
            bond: Amount(terms.bond),
            window_seconds: terms.window_seconds,
            suspension_periods: terms.suspension_periods,
            distance_periods: terms.distance_periods,
            penalty_bonds: terms.penalty_bonds,
        })
    }

    /// The open challenge of a policy and a miner; `None` if there is none.
    pub async fn challenge_of(
        &self,
        policy: PolicyId,
        miner: Address,
    ) -> Result<Option<OpenChallenge>, ChainError> {
        let judge = self.inner.deployment.contracts.challenges.address;
        let call = silence::ChallengeOfCall {
            policy_id: policy.0.0,
            miner: convert::h160(miner),
        };
        let found: silence::Challenge = self.view(judge, call).await?;
        let challenger = convert::some_address(found.challenger);
        Ok(challenger.map(|challenger| OpenChallenge {
            challenger,
            deadline: found
                .opened_at
                .saturating_add(u64::from(found.window_seconds)),
            bond: Amount(found.bond),
        }))
    }
}
