//! Every effect that this program can have on chain, as data. `send::tx` signs a call; `wallet` or
//! the node's sender decides when.

mod accuse;
mod challenge;
mod collect;
mod payment;
mod revoke;

use ethers::abi::AbiEncode as _;
use kms_protocol::{Address, Amount, Period, SignedConsent, Terms, Wei};

use crate::contracts::bindings::{kms_token, mining_rewards, policy_manager, staking_escrow};
use crate::convert::{ethers_terms, h160};
use crate::deployment::Deployment;
pub use accuse::{Case, Charge, SignedAnswer};
pub use challenge::{ChallengeAnswer, ChallengeDemand, ChallengeRight, ReaderConsent};
pub use collect::Collection;
pub(crate) use collect::count as count_collection;
pub use revoke::RevocationOrder;

/// The effect of one transaction. A `miner` is an owner address; `terms` are a policy's as created.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "names and types say what a field is")]
pub enum Call {
    /// The worker leases the periods up to `through`.
    ConfirmActivity { through: Period },
    /// Mints the reward of `miner` to it. Sent by the miner or its worker.
    Claim { miner: Address },
    /// The worker leases the periods up to `through` and mints the reward of `miner` to it, or
    /// neither.
    ConfirmAndClaim { through: Period, miner: Address },
    /// Mints the sender's reward to `recipient`.
    ClaimTo { recipient: Address },
    /// Pays `miner` the fees due to it from these policies.
    Collect {
        policies: Vec<Collection>,
        miner: Address,
    },
    /// Locks tokens in one transaction (ERC-1363 transferAndCall to the escrow).
    DepositViaTransfer { amount: Amount, lock_periods: u32 },
    /// Lengthens the sender's lock to `lock_periods`.
    ExtendLock { lock_periods: u32 },
    /// Starts (`enabled`) or stops winding down the sender's position.
    SetWindDown { enabled: bool },
    /// Moves `amount` of the locked tokens to the unbonding tranche.
    Unbond { amount: Amount },
    /// Pays all tokens that are free to `recipient`.
    Withdraw { recipient: Address },
    /// Bonds a worker, by its consent, in the place of the present one.
    BondWorker { consent: SignedConsent },
    /// Dismisses the present worker.
    UnbondWorker,
    /// Sets the base URL of the node's record.
    RegisterNode { url: String },
    /// Lets the sender's worker restake its rewards, or forbids it.
    SetRestake { enabled: bool },
    /// Locks the reward of `miner` on top of its stake. Sent by the miner, or by its worker if it
    /// may.
    Restake { miner: Address },
    /// Posts the least rate that the miner accepts, per period.
    SetMinRate { rate: Amount },
    /// Pays and creates a policy in one transaction (transferAndCall to the policy manager). Sent
    /// by the sponsor. The memo, at most 256 bytes, goes into the event and nowhere else.
    CreatePolicyViaTransfer { terms: Terms, memo: Vec<u8> },
    /// Pays and creates several policies or none, each with its memo, in one transaction
    /// (transferAndCall to the policy manager). Sent by the sponsor.
    CreatePolicies {
        terms: Vec<Terms>,
        memos: Vec<Vec<u8>>,
    },
    /// Ends a policy now. Sent by its author.
    RevokePolicy { terms: Terms },
    /// Ends the arrangement with one miner now; the others go on. Sent by the policy's author.
    RevokeArrangement { terms: Terms, miner: Address },
    /// Ends a policy, or one arrangement of it, by its author's signature. Anybody may send it.
    RevokeSigned {
        terms: Terms,
        order: RevocationOrder,
    },
    /// Ends the arrangements with the miners `without` and moves the end of the others to
    /// `last_period`, in one transaction (transferAndCall to the policy manager). Sent by the
    /// author, who pays exactly `price`.
    ExtendPolicyViaTransfer {
        terms: Terms,
        last_period: Period,
        without: Vec<Address>,
        price: Amount,
    },
    /// Lets SilenceChallenges take up to `amount` of the sender's tokens as bonds.
    ApproveChallenges { amount: Amount },
    /// Returns the fees of idle periods to the sponsor.
    RefundPolicy { terms: Terms },
    /// Challenges a miner's silence. The sender posts the bond, so it needs an allowance first
    /// (`ApproveChallenges`).
    OpenChallenge {
        demand: Box<ChallengeDemand>,
        right: ChallengeRight,
    },
    /// Ends a challenge whose deadline has passed, or whose policy was revoked.
    CloseChallenge { terms: Terms, miner: Address },
    /// Accuses a miner before the Adjudicator.
    Accuse { terms: Terms, case: Box<Case> },
    /// Answers the open challenge of a policy and its miner.
    AnswerChallenge {
        terms: Terms,
        miner: Address,
        answer: Box<ChallengeAnswer>,
    },
    /// Transfers `amount` of KMS tokens to `to`.
    TransferToken { to: Address, amount: Amount },
    /// Transfers ether, in wei, to `to`.
    TransferEth { to: Address, wei: Wei },
}

impl Call {
    /// The contract or account that the transaction calls.
    #[must_use]
    pub fn target(&self, deployment: &Deployment) -> Address {
        let contracts = &deployment.contracts;
        match self {
            Self::ConfirmActivity { .. }
            | Self::Claim { .. }
            | Self::ConfirmAndClaim { .. }
            | Self::ClaimTo { .. }
            | Self::Restake { .. } => contracts.rewards.address,
            Self::Collect { .. }
            | Self::RevokePolicy { .. }
            | Self::RevokeArrangement { .. }
            | Self::RevokeSigned { .. }
            | Self::RefundPolicy { .. } => contracts.policies.address,
            Self::ExtendLock { .. }
            | Self::SetWindDown { .. }
            | Self::Unbond { .. }
            | Self::Withdraw { .. }
            | Self::BondWorker { .. }
            | Self::UnbondWorker
            | Self::RegisterNode { .. }
            | Self::SetRestake { .. }
            | Self::SetMinRate { .. } => contracts.escrow.address,
            Self::DepositViaTransfer { .. }
            | Self::CreatePolicyViaTransfer { .. }
            | Self::ExtendPolicyViaTransfer { .. }
            | Self::CreatePolicies { .. }
            | Self::ApproveChallenges { .. }
            | Self::TransferToken { .. } => contracts.token.address,
            Self::OpenChallenge { .. }
            | Self::CloseChallenge { .. }
            | Self::AnswerChallenge { .. } => contracts.challenges.address,
            Self::Accuse { .. } => contracts.adjudicator.address,
            Self::TransferEth { to, .. } => *to,
        }
    }

    /// ABI-encodes the call; empty for a transfer of ether.
    #[must_use]
    pub fn data(&self, deployment: &Deployment) -> Vec<u8> {
        match self {
            Self::ConfirmActivity { through } => confirm(*through),
            Self::Claim { miner } => claim(*miner),
            Self::ConfirmAndClaim { through, miner } => {
                let data = vec![confirm(*through).into(), claim(*miner).into()];
                mining_rewards::MulticallCall { data }.encode()
            }
            Self::ClaimTo { recipient } => claim_to(*recipient),
            Self::Restake { miner } => restake(*miner),
            Self::ExtendLock { lock_periods } => staking_escrow::ExtendLockCall {
                lock_periods: *lock_periods,
            }
            .encode(),
            Self::SetWindDown { enabled } => {
                staking_escrow::SetWindDownCall { enabled: *enabled }.encode()
            }
            Self::Unbond { amount } => staking_escrow::UnbondCall { amount: amount.0 }.encode(),
            Self::Withdraw { recipient } => withdraw(*recipient),
            Self::BondWorker { consent } => bond(consent),
            Self::UnbondWorker => staking_escrow::UnbondWorkerCall {}.encode(),
            Self::RegisterNode { url } => {
                staking_escrow::RegisterNodeCall { url: url.clone() }.encode()
            }
            Self::SetRestake { enabled } => {
                staking_escrow::SetRestakeCall { enabled: *enabled }.encode()
            }
            Self::SetMinRate { rate } => {
                staking_escrow::SetMinRateCall { min_rate: rate.0 }.encode()
            }
            Self::Collect { policies, miner } => collect::collect(policies, *miner),
            Self::RevokePolicy { terms } => revoke::policy(terms),
            Self::RevokeArrangement { terms, miner } => revoke::arrangement(terms, *miner),
            Self::RevokeSigned { terms, order } => revoke::signed(terms, order),
            Self::RefundPolicy { terms } => refund(terms),
            Self::ExtendPolicyViaTransfer {
                terms,
                last_period,
                without,
                price,
            } => payment::extend(terms, *last_period, without, *price, deployment),
            Self::CreatePolicyViaTransfer { terms, memo } => {
                payment::create(terms, memo, deployment)
            }
            Self::CreatePolicies { terms, memos } => payment::create_all(terms, memos, deployment),
            Self::DepositViaTransfer {
                amount,
                lock_periods,
            } => payment::deposit(*amount, *lock_periods, deployment),
            Self::ApproveChallenges { amount } => {
                approve(*amount, deployment.contracts.challenges.address)
            }
            Self::OpenChallenge { demand, right } => demand.data(right),
            Self::CloseChallenge { terms, miner } => challenge::close(terms, *miner),
            Self::Accuse { terms, case } => case.data(terms),
            Self::AnswerChallenge {
                terms,
                miner,
                answer,
            } => answer.data(terms, *miner),
            Self::TransferToken { to, amount } => kms_token::TransferCall {
                to: h160(*to),
                value: amount.0.into(),
            }
            .encode(),
            Self::TransferEth { .. } => Vec::new(),
        }
    }

    /// Whether the same call, sent twice, moves the sender's tokens or ether twice. Any other sets
    /// something, or takes what is due, and does nothing the second time.
    #[must_use]
    pub const fn adds(&self) -> bool {
        match self {
            Self::DepositViaTransfer { .. }
            | Self::Unbond { .. }
            | Self::CreatePolicyViaTransfer { .. }
            | Self::ExtendPolicyViaTransfer { .. }
            | Self::CreatePolicies { .. }
            | Self::OpenChallenge { .. }
            | Self::TransferToken { .. }
            | Self::TransferEth { .. } => true,
            Self::ConfirmActivity { .. }
            | Self::Claim { .. }
            | Self::ConfirmAndClaim { .. }
            | Self::ClaimTo { .. }
            | Self::Collect { .. }
            | Self::ExtendLock { .. }
            | Self::SetWindDown { .. }
            | Self::Withdraw { .. }
            | Self::BondWorker { .. }
            | Self::UnbondWorker
            | Self::RegisterNode { .. }
            | Self::SetMinRate { .. }
            | Self::SetRestake { .. }
            | Self::Restake { .. }
            | Self::RevokePolicy { .. }
            | Self::RevokeArrangement { .. }
            | Self::RevokeSigned { .. }
            | Self::ApproveChallenges { .. }
            | Self::RefundPolicy { .. }
            | Self::CloseChallenge { .. }
            | Self::Accuse { .. }
            | Self::AnswerChallenge { .. } => false,
        }
    }

    /// Whether the call books completed periods, so that its gas grows when a period begins
    /// between the estimate and the block that mines it.
    #[must_use]
    pub const fn rolls(&self) -> bool {
        matches!(
            self,
            Self::ConfirmActivity { .. }
                | Self::Claim { .. }
                | Self::ConfirmAndClaim { .. }
                | Self::ClaimTo { .. }
                | Self::Restake { .. }
                | Self::CloseChallenge { .. }
                | Self::Accuse { .. }
        )
    }

    /// Whether the contracts refuse the very same call a second time, whatever happened between.
    #[must_use]
    pub const fn once(&self) -> bool {
        matches!(
            self,
            Self::CreatePolicyViaTransfer { .. } | Self::CreatePolicies { .. }
        )
    }

    /// Ether that is sent along; zero for all but `TransferEth`.
    #[must_use]
    pub fn value(&self) -> Wei {
        match self {
            Self::TransferEth { wei, .. } => *wei,
            _ => Wei::ZERO,
        }
    }

    /// A stable name of the variant, for journals, logs and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ConfirmActivity { .. } => "confirm_activity",
            Self::Claim { .. } => "claim",
            Self::ConfirmAndClaim { .. } => "confirm_and_claim",
            Self::ClaimTo { .. } => "claim_to",
            Self::Collect { .. } => "collect",
            Self::DepositViaTransfer { .. } => "deposit",
            Self::ExtendLock { .. } => "extend_lock",
            Self::SetWindDown { .. } => "set_wind_down",
            Self::Unbond { .. } => "unbond",
            Self::Withdraw { .. } => "withdraw",
            Self::BondWorker { .. } => "bond_worker",
            Self::UnbondWorker => "unbond_worker",
            Self::RegisterNode { .. } => "register_node",
            Self::SetMinRate { .. } => "set_min_rate",
            Self::SetRestake { .. } => "set_restake",
            Self::Restake { .. } => "restake",
            Self::CreatePolicyViaTransfer { .. } => "create_policy",
            Self::CreatePolicies { .. } => "create_policies",
            Self::RevokePolicy { .. } => "revoke_policy",
            Self::RevokeArrangement { .. } => "revoke_arrangement",
            Self::RevokeSigned { .. } => "revoke_signed",
            Self::ExtendPolicyViaTransfer { .. } => "extend_policy",
            Self::ApproveChallenges { .. } => "approve_challenges",
            Self::RefundPolicy { .. } => "refund_policy",
            Self::OpenChallenge { .. } => "open_challenge",
            Self::CloseChallenge { .. } => "close_challenge",
            Self::Accuse { case, .. } => case.kind(),
            Self::AnswerChallenge { .. } => "answer_challenge",
            Self::TransferToken { .. } => "transfer_token",
            Self::TransferEth { .. } => "transfer_eth",
        }
    }
}

fn bond(consent: &SignedConsent) -> Vec<u8> {
    staking_escrow::BondWorkerCall {
        worker: h160(consent.consent.worker),
        deadline: consent.consent.deadline.into(),
        consent: consent.signature.0.to_vec().into(),
    }
    .encode()
}

fn confirm(through: Period) -> Vec<u8> {
    let through_period = through.0;
    mining_rewards::ConfirmActivityCall { through_period }.encode()
}

fn claim(miner: Address) -> Vec<u8> {
    let miner = h160(miner);
    mining_rewards::ClaimCall { miner }.encode()
}

fn claim_to(recipient: Address) -> Vec<u8> {
    let recipient = h160(recipient);
    mining_rewards::ClaimToCall { recipient }.encode()
}

fn restake(miner: Address) -> Vec<u8> {
    let miner = h160(miner);
    mining_rewards::RestakeCall { miner }.encode()
}

fn withdraw(recipient: Address) -> Vec<u8> {
    let recipient = h160(recipient);
    staking_escrow::WithdrawCall { recipient }.encode()
}

fn refund(terms: &Terms) -> Vec<u8> {
    let terms = ethers_terms(terms);
    policy_manager::RefundCall { terms }.encode()
}

/// Encodes a call of `approve` on the token.
fn approve(amount: Amount, spender: Address) -> Vec<u8> {
    let (spender, value) = (h160(spender), amount.0.into());
    kms_token::ApproveCall { spender, value }.encode()
}

#[cfg(test)]
mod tests;
