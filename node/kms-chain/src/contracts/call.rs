//! Every effect this program can have on chain, as data. `chain::send` signs them, `wallet` and the
//! node's sender decide when.

mod accuse;
mod challenge;

use ethers::abi::{AbiEncode, Token, encode};
use kms_protocol::{Address, Amount, Period, Terms, Wei};

use crate::contracts::bindings::{kms_token, mining_rewards, policy_manager, staking_escrow};
use crate::convert::{ethers_terms, h160};
use crate::deployment::Deployment;
pub use accuse::WrongFragment;
pub use challenge::{ChallengeAnswer, ChallengeDemand, ChallengeRight, ReaderConsent};

/// One transaction's worth of effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// The worker leases the periods up to `through`.
    ConfirmActivity {
        /// Last period of the lease.
        through: Period,
    },
    /// Mints the reward of `miner` to it. By the miner or its worker.
    Claim {
        /// The owner address.
        miner: Address,
    },
    /// Mints the sender's reward to somebody else.
    ClaimTo {
        /// Who receives it.
        recipient: Address,
    },
    /// Pays `miner` its due fees of these policies.
    Collect {
        /// Terms of the policies.
        terms: Vec<Terms>,
        /// The owner address.
        miner: Address,
    },
    /// Locks tokens in one transaction (ERC-1363 transferAndCall to the escrow).
    DepositViaTransfer {
        /// Tokens to lock.
        amount: Amount,
        /// Lock duration in periods.
        lock_periods: u32,
    },
    /// Lengthens the lock.
    ExtendLock {
        /// New duration in periods.
        lock_periods: u32,
    },
    /// Starts or stops winding the position down.
    SetWindDown {
        /// True to start.
        enabled: bool,
    },
    /// Moves locked tokens to the unbonding tranche.
    Unbond {
        /// Tokens to unbond.
        amount: Amount,
    },
    /// Pays out all that is free.
    Withdraw {
        /// Who receives it.
        recipient: Address,
    },
    /// Bonds a worker; `None` unbonds the present one.
    BondWorker {
        /// The worker's address.
        worker: Option<Address>,
    },
    /// Sets the node record.
    RegisterNode {
        /// Base URL of the node.
        url: String,
        /// Its compressed Umbral key.
        umbral_key: [u8; 33],
    },
    /// Posts the least accepted rate.
    SetMinRate {
        /// Per period.
        rate: Amount,
    },
    /// Pays and creates a policy in one transaction (transferAndCall to the policy manager).
    CreatePolicyViaTransfer {
        /// Its terms; the sender must be their sponsor.
        terms: Terms,
    },
    /// Ends a policy now. By its author.
    RevokePolicy {
        /// Its terms.
        terms: Terms,
    },
    /// Ends the arrangement with one miner now; the others go on. By the policy's author.
    RevokeArrangement {
        /// The policy's terms.
        terms: Terms,
        /// The owner address.
        miner: Address,
    },
    /// Moves the end of a policy. The sender pays, so it needs an allowance first
    /// (`ApprovePolicies`).
    ExtendPolicy {
        /// Its terms, as created.
        terms: Terms,
        /// New last period.
        last_period: Period,
    },
    /// Lets the policy manager take up to `amount` of the sender's tokens.
    ApprovePolicies {
        /// The allowance.
        amount: Amount,
    },
    /// Lets SilenceChallenges take the bond of a challenge.
    ApproveChallenges {
        /// The allowance.
        amount: Amount,
    },
    /// Returns the fees of idle periods to the sponsor.
    RefundPolicy {
        /// Its terms.
        terms: Terms,
    },
    /// Challenges a miner's silence. The sender posts the bond, so it needs an allowance first
    /// (`ApproveChallenges`).
    OpenChallenge {
        /// What is asked of whom.
        demand: Box<ChallengeDemand>,
        /// By what right.
        right: ChallengeRight,
    },
    /// Ends a challenge whose time is over, or whose policy was revoked.
    CloseChallenge {
        /// The policy's terms.
        terms: Terms,
        /// The owner address.
        miner: Address,
    },
    /// Brings a wrong fragment before the Adjudicator.
    AccuseOfWrongFragment {
        /// The policy's terms.
        terms: Terms,
        /// Accusation, receipt and evidence.
        case: Box<WrongFragment>,
    },
    /// Answers the open challenge of a policy and its miner.
    AnswerChallenge {
        /// The policy's terms.
        terms: Terms,
        /// The owner address.
        miner: Address,
        /// The fragment and its receipt.
        answer: Box<ChallengeAnswer>,
    },
    /// Sends tokens.
    TransferToken {
        /// Who receives them.
        to: Address,
        /// How many.
        amount: Amount,
    },
    /// Sends ether.
    TransferEth {
        /// Who receives it.
        to: Address,
        /// How much.
        wei: Wei,
    },
}

impl Call {
    /// The address the transaction goes to.
    #[must_use]
    pub fn target(&self, deployment: &Deployment) -> Address {
        let contracts = &deployment.contracts;
        match self {
            Self::ConfirmActivity { .. } | Self::Claim { .. } | Self::ClaimTo { .. } => {
                contracts.rewards.address
            }
            Self::Collect { .. }
            | Self::RevokePolicy { .. }
            | Self::RevokeArrangement { .. }
            | Self::ExtendPolicy { .. }
            | Self::RefundPolicy { .. } => contracts.policies.address,
            Self::ExtendLock { .. }
            | Self::SetWindDown { .. }
            | Self::Unbond { .. }
            | Self::Withdraw { .. }
            | Self::BondWorker { .. }
            | Self::RegisterNode { .. }
            | Self::SetMinRate { .. } => contracts.escrow.address,
            Self::DepositViaTransfer { .. }
            | Self::CreatePolicyViaTransfer { .. }
            | Self::ApprovePolicies { .. }
            | Self::ApproveChallenges { .. }
            | Self::TransferToken { .. } => contracts.token.address,
            Self::OpenChallenge { .. }
            | Self::CloseChallenge { .. }
            | Self::AnswerChallenge { .. } => contracts.challenges.address,
            Self::AccuseOfWrongFragment { .. } => contracts.adjudicator.address,
            Self::TransferEth { to, .. } => *to,
        }
    }

    /// The calldata.
    #[must_use]
    pub fn data(&self, deployment: &Deployment) -> Vec<u8> {
        match self {
            Self::ConfirmActivity { through } => mining_rewards::ConfirmActivityCall {
                through_period: through.0,
            }
            .encode(),
            Self::Claim { miner } => mining_rewards::ClaimCall {
                miner: h160(*miner),
            }
            .encode(),
            Self::ClaimTo { recipient } => mining_rewards::ClaimToCall {
                recipient: h160(*recipient),
            }
            .encode(),
            Self::ExtendLock { lock_periods } => staking_escrow::ExtendLockCall {
                lock_periods: *lock_periods,
            }
            .encode(),
            Self::SetWindDown { enabled } => {
                staking_escrow::SetWindDownCall { enabled: *enabled }.encode()
            }
            Self::Unbond { amount } => staking_escrow::UnbondCall { amount: amount.0 }.encode(),
            Self::Withdraw { recipient } => staking_escrow::WithdrawCall {
                recipient: h160(*recipient),
            }
            .encode(),
            Self::BondWorker { worker } => {
                let worker = h160(worker.unwrap_or(Address::ZERO));
                staking_escrow::BondWorkerCall { worker }.encode()
            }
            Self::RegisterNode { url, umbral_key } => register(url, umbral_key),
            Self::SetMinRate { rate } => {
                staking_escrow::SetMinRateCall { min_rate: rate.0 }.encode()
            }
            Self::Collect { terms, miner } => collect(terms, *miner),
            Self::RevokePolicy { terms } => revoke(terms),
            Self::RevokeArrangement { terms, miner } => dismiss(terms, *miner),
            Self::RefundPolicy { terms } => refund(terms),
            Self::ExtendPolicy { terms, last_period } => extend(terms, *last_period),
            Self::CreatePolicyViaTransfer { terms } => create(terms, deployment),
            Self::DepositViaTransfer {
                amount,
                lock_periods,
            } => deposit(*amount, *lock_periods, deployment),
            Self::ApprovePolicies { amount } => {
                approve(*amount, deployment.contracts.policies.address)
            }
            Self::ApproveChallenges { amount } => {
                approve(*amount, deployment.contracts.challenges.address)
            }
            Self::OpenChallenge { demand, right } => demand.data(right),
            Self::CloseChallenge { terms, miner } => challenge::close(terms, *miner),
            Self::AccuseOfWrongFragment { terms, case } => case.data(terms),
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

    /// Ether sent along.
    #[must_use]
    pub fn value(&self) -> Wei {
        match self {
            Self::TransferEth { wei, .. } => *wei,
            _ => Wei::ZERO,
        }
    }

    /// A stable name, for journals, logs and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ConfirmActivity { .. } => "confirm_activity",
            Self::Claim { .. } => "claim",
            Self::ClaimTo { .. } => "claim_to",
            Self::Collect { .. } => "collect",
            Self::DepositViaTransfer { .. } => "deposit",
            Self::ExtendLock { .. } => "extend_lock",
            Self::SetWindDown { .. } => "set_wind_down",
            Self::Unbond { .. } => "unbond",
            Self::Withdraw { .. } => "withdraw",
            Self::BondWorker { .. } => "bond_worker",
            Self::RegisterNode { .. } => "register_node",
            Self::SetMinRate { .. } => "set_min_rate",
            Self::CreatePolicyViaTransfer { .. } => "create_policy",
            Self::RevokePolicy { .. } => "revoke_policy",
            Self::RevokeArrangement { .. } => "revoke_arrangement",
            Self::ExtendPolicy { .. } => "extend_policy",
            Self::ApprovePolicies { .. } => "approve_policies",
            Self::ApproveChallenges { .. } => "approve_challenges",
            Self::RefundPolicy { .. } => "refund_policy",
            Self::OpenChallenge { .. } => "open_challenge",
            Self::CloseChallenge { .. } => "close_challenge",
            Self::AccuseOfWrongFragment { .. } => "accuse_of_wrong_fragment",
            Self::AnswerChallenge { .. } => "answer_challenge",
            Self::TransferToken { .. } => "transfer_token",
            Self::TransferEth { .. } => "transfer_eth",
        }
    }
}

fn collect(terms: &[Terms], miner: Address) -> Vec<u8> {
    let terms = terms.iter().map(ethers_terms).collect();
    policy_manager::CollectCall {
        terms,
        miner: h160(miner),
    }
    .encode()
}

fn revoke(terms: &Terms) -> Vec<u8> {
    let terms = ethers_terms(terms);
    policy_manager::RevokePolicyCall { terms }.encode()
}

fn dismiss(terms: &Terms, miner: Address) -> Vec<u8> {
    let (terms, miner) = (ethers_terms(terms), h160(miner));
    policy_manager::RevokeArrangementCall { terms, miner }.encode()
}

fn refund(terms: &Terms) -> Vec<u8> {
    let terms = ethers_terms(terms);
    policy_manager::RefundCall { terms }.encode()
}

fn extend(terms: &Terms, last_period: Period) -> Vec<u8> {
    let (terms, new_last_period) = (ethers_terms(terms), last_period.0);
    policy_manager::ExtendPolicyCall {
        terms,
        new_last_period,
    }
    .encode()
}

fn create(terms: &Terms, deployment: &Deployment) -> Vec<u8> {
    // A price above 128 bits is covered by no balance: the token refuses it.
    let price = terms.price().unwrap_or(Amount(u128::MAX));
    transfer_and_call(
        deployment.contracts.policies.address,
        price,
        terms.abi_encode(),
    )
}

fn register(url: &str, umbral_key: &[u8; 33]) -> Vec<u8> {
    let (url, umbral_key) = (url.to_owned(), umbral_key.to_vec().into());
    staking_escrow::RegisterNodeCall { url, umbral_key }.encode()
}

/// Lets `spender` take `amount`.
fn approve(amount: Amount, spender: Address) -> Vec<u8> {
    let (spender, value) = (h160(spender), amount.0.into());
    kms_token::ApproveCall { spender, value }.encode()
}

fn deposit(amount: Amount, lock_periods: u32, deployment: &Deployment) -> Vec<u8> {
    let data = encode(&[Token::Uint(lock_periods.into())]);
    transfer_and_call(deployment.contracts.escrow.address, amount, data)
}

fn transfer_and_call(to: Address, amount: Amount, data: Vec<u8>) -> Vec<u8> {
    let (to, value, data) = (h160(to), amount.0.into(), data.into());
    kms_token::TransferAndCallWithDataCall { to, value, data }.encode()
}

#[cfg(test)]
mod tests;
