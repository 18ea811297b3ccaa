//! The chain in memory of the test kit as the node sees it.

use kms_chain::{
    BlockHeader, Call, ChainError, ChainParams, Collection, EndpointHealth, EventSource, Fees,
    GasLimit, LastSeqs, SignedTx, TxPlan, TxReceipt,
};
pub(crate) use kms_kit::chain::{FakeChain, Parties};
use kms_kit::chain::{State, outage};
use kms_protocol::{Address, Amount, B256, EthSecret, Period, PolicyId, Terms, Wei};

use crate::chain::{Emission, Income, NodeChain};

pub(crate) const MAX_LEASE: u32 = 4;
pub(crate) const PERIOD_SECONDS: u32 = 10;

pub(crate) fn params() -> ChainParams {
    kms_kit::chain::params(PERIOD_SECONDS, MAX_LEASE)
}

fn witnessed(state: &State) -> LastSeqs {
    LastSeqs {
        escrow: state.last_seq(EventSource::Escrow),
        policies: state.last_seq(EventSource::Policies),
        challenges: state.last_seq(EventSource::Challenges),
    }
}

impl NodeChain for FakeChain {
    async fn params(&self) -> Result<ChainParams, ChainError> {
        self.answer(|state| state.params.clone())
    }

    async fn last_seqs(&self) -> Result<LastSeqs, ChainError> {
        // One request for each contract.
        self.state().requests += 2;
        self.answer(|state| match state.lowered {
            true => LastSeqs {
                escrow: 0,
                policies: 0,
                challenges: 0,
            },
            false => witnessed(state),
        })
    }

    async fn income(&self, _miner: Address) -> Result<Income, ChainError> {
        self.answer(|state| Income {
            period: state.period(),
            claimable: state.claimable,
            weight: Amount::KMS,
        })
    }

    async fn emission(&self, _period: Period) -> Result<Emission, ChainError> {
        self.answer(|_| Emission {
            weights: Amount(4 * Amount::KMS.0),
            locked: Amount(4 * Amount::KMS.0),
            reserve: Amount(1_000 * Amount::KMS.0),
            decay: 1 << 60,
            warm_up: Amount::ZERO,
        })
    }

    async fn collectable_each(
        &self,
        policies: &[Collection],
        _miner: Address,
    ) -> Result<Vec<Amount>, ChainError> {
        self.answer(|state| policies.iter().map(|of| state.collectable(of)).collect())
    }

    fn endpoints(&self) -> Vec<EndpointHealth> {
        Vec::new()
    }

    fn pass_over(&self) {
        self.state().passed_over += 1;
    }

    async fn check_heads(&self) -> Result<(), ChainError> {
        Ok(())
    }

    async fn last_seqs_at(&self, _hash: B256) -> Result<Option<LastSeqs>, ChainError> {
        Ok(Some(self.state())
            .filter(|state| state.witnessed)
            .map(|state| witnessed(&state)))
    }

    async fn prove_again(&self) -> Result<(), ChainError> {
        self.answer(|state| match state.other_chain {
            false => {
                // The endpoint is left out from now on, and another one is read.
                state.swapped = false;
                Ok(())
            }
            true => Err(ChainError::WrongChain {
                endpoint: "a.example".to_owned(),
                part: kms_chain::IdentityPart::ChainId,
                expected: "1".to_owned(),
                found: "2".to_owned(),
            }),
        })?
    }

    async fn settled(&self, headers: &[BlockHeader]) -> Result<Option<BlockHeader>, ChainError> {
        self.answer(|state| state.settled(headers))?
    }

    async fn is_access_over(
        &self,
        id: PolicyId,
        _terms: Option<&Terms>,
        _miner: Address,
        _now: Period,
    ) -> Result<bool, ChainError> {
        self.answer(|state| match state.unknown.contains(&id) {
            true => Err(ChainError::Reverted {
                name: "PolicyUnknown".to_owned(),
                args: Vec::new(),
            }),
            false => Ok(!state.still_paid),
        })?
    }

    async fn eth_balance(&self, _account: Address) -> Result<Wei, ChainError> {
        self.answer(|state| state.ether)
    }

    async fn mined_nonce(&self, _account: Address) -> Result<u64, ChainError> {
        self.answer(|state| state.nonce().saturating_sub(state.nonce_back))
    }

    async fn simulate(&self, _from: Address, call: &Call) -> Result<GasLimit, ChainError> {
        self.answer(|state| state.simulate(call))?
    }

    async fn fees(&self) -> Result<Fees, ChainError> {
        self.answer(|state| state.fees)
    }

    fn sign(&self, _secret: &EthSecret, plan: &TxPlan) -> Result<SignedTx, ChainError> {
        Ok(self.state().sign(plan))
    }

    fn reprice(&self, _secret: &EthSecret, raw: &[u8], fees: Fees) -> Result<SignedTx, ChainError> {
        Ok(self.state().reprice(raw, fees))
    }

    async fn broadcast(&self, raw: &[u8]) -> Result<(), ChainError> {
        self.answer(|state| state.broadcast(raw))
    }

    async fn receipt(&self, hash: B256, _used: bool) -> Result<Option<TxReceipt>, ChainError> {
        self.answer(|state| match state.mute.contains(&hash) {
            true => Err(outage()),
            false => Ok(state.receipt(hash)),
        })?
    }
}
