//! The chain in memory of the test kit as the client sees it; a payer with failure modes.

use std::sync::Mutex;

use async_trait::async_trait;
use kms_chain::{
    BlockHeader, Call, ChainError, ChainParams, ChainRead as _, Lease, MinerFees, MinerInfo,
    MinerStatus, PolicyState, Service, TxReceipt,
};
pub(crate) use kms_kit::chain::FakeChain;
use kms_kit::chain::Policy;
use kms_protocol::{Address, Amount, B256, Domain, Period, PolicyId, Terms, Wei, keccak256};

use crate::error::{Error, Result};
use crate::network::{extension, revocation};
use crate::ports::{
    ChainPort, CreatedPolicy, GasCost, PayPort, PolicyFilter, Revoked, Scope, Settled,
};
use crate::progress::{Event, Progress};

/// A chain of 100 blocks in the middle of period 10.
pub(crate) fn chain() -> FakeChain {
    let params = kms_kit::chain::params(100, 2);
    let chain = FakeChain::new(params, Address::ZERO, Address::ZERO);
    chain.mine_many(99);
    chain.advance(851);
    chain
}

#[async_trait]
impl ChainPort for FakeChain {
    fn domain(&self) -> Domain {
        kms_kit::chain::domain()
    }

    async fn head(&self) -> Result<BlockHeader> {
        Ok(self.answer(|state| state.head())?)
    }

    async fn params(&self) -> Result<ChainParams> {
        Ok(self.answer(|state| state.params.clone())?)
    }

    async fn registered_miners(&self) -> Result<Vec<Address>> {
        Ok(self.answer(|state| state.miners.iter().map(|info| info.miner).collect())?)
    }

    async fn miner_info(&self, miners: &[Address]) -> Result<Vec<MinerInfo>> {
        let known = self.answer(|state| state.miners.clone())?;
        let info = |miner: &Address| known.iter().find(|i| i.miner == *miner).cloned();
        Ok(miners.iter().map(|miner| info(miner).unwrap()).collect())
    }

    async fn lease_of(&self, miner: Address) -> Result<Lease> {
        let lease = self.answer(|state| state.leases.get(&miner).copied())?;
        Ok(lease.unwrap_or(Lease {
            through: None,
            weight: Amount::ZERO,
        }))
    }

    async fn can_serve(&self, miner: Address, rate: Amount, last: Period) -> Result<Service> {
        Ok(self.answer(|state| state.service(miner, rate, last))?)
    }

    async fn miner_status(&self, miner: Address) -> Result<MinerStatus> {
        let info = self.miner_info(&[miner]).await?.remove(0);
        Ok(MinerStatus {
            info,
            period: self.period(),
            lease: self.lease_of(miner).await?,
            suspended_through: None,
            claimable: self.claimable(miner).await?,
        })
    }

    async fn extended_in(&self, block_hash: B256, id: PolicyId) -> Result<Option<Period>> {
        let events = self.events_in_block(block_hash).await?;
        Ok(extension(events.into_iter().map(|record| record.event), id))
    }

    async fn policies(&self, filter: PolicyFilter) -> Result<Vec<CreatedPolicy>> {
        let stalled = self.state().stalled;
        if stalled {
            std::future::pending::<()>().await;
        }
        let wanted = |policy: &&Policy| match &filter {
            PolicyFilter::Id(id) => policy.id == *id,
            PolicyFilter::Author(author) => policy.terms.author == *author,
            PolicyFilter::Keys(hashes) => hashes.contains(&policy.terms.keys_hash),
            PolicyFilter::All => true,
        };
        let created = |policy: &Policy| CreatedPolicy {
            id: policy.id,
            terms: policy.terms.clone(),
            memo: policy.memo.clone(),
            block_number: policy.block_number,
            tx_hash: keccak256(policy.id.as_bytes()),
        };
        let state = self.state();
        if state.unindexed {
            return Ok(Vec::new());
        }
        Ok(state.policies.iter().filter(wanted).map(created).collect())
    }

    async fn policy_state(&self, id: PolicyId) -> Result<Option<PolicyState>> {
        Ok(self.answer(|state| state.policy(id).map(|policy| policy.state))?)
    }

    async fn revoked_miners(&self, terms: &Terms) -> Result<Vec<Address>> {
        let mut state = self.state();
        let Some(policy) = state.policy(kms_kit::chain::policy_id(terms)) else {
            return Ok(Vec::new());
        };
        let gone = |of: &&Address| policy.state.revoked || policy.dismissed.contains(of);
        Ok(terms.miners.iter().filter(gone).copied().collect())
    }

    async fn refundable(&self, _terms: &Terms) -> Result<Amount> {
        Ok(Amount(3))
    }

    async fn miner_fees(&self, terms: &Terms, miner: Address) -> Result<MinerFees> {
        let due = terms.includes(&miner).then_some(terms.rate);
        Ok(MinerFees {
            collectable: due.unwrap_or(Amount::ZERO),
            unproven: Amount::ZERO,
            provable_through: terms.last_period,
        })
    }

    async fn claimable(&self, _miner: Address) -> Result<Amount> {
        Ok(self.answer(|state| state.claimable)?)
    }

    async fn revoked_in(
        &self,
        block_hash: B256,
        id: PolicyId,
        scope: Scope,
    ) -> Result<Option<Revoked>> {
        let events = self.events_in_block(block_hash).await?;
        let mut revocations = events.into_iter().filter_map(|of| revocation(of.event));
        let found = revocations.find(|(of, _)| *of == (id, scope));
        Ok(found.map(|(_, revoked)| revoked))
    }

    async fn gas_cost(&self, _from: Address, _call: &Call) -> Result<GasCost> {
        Ok(GasCost {
            gas: 100_000,
            fee_max: Wei(200_000),
        })
    }

    async fn token_balance(&self, _account: Address) -> Result<Amount> {
        Ok(self.answer(|state| state.tokens)?)
    }

    async fn eth_balance(&self, _account: Address) -> Result<Wei> {
        Ok(self.answer(|state| state.ether)?)
    }
}

/// How a payment fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayMode {
    /// Mined at once, unless the chain refuses the call.
    Mined,
    /// The chain is gone before anything is sent.
    Unreachable,
    /// Sent, then the program dies; mined when resumed.
    DiesAfterSending,
    /// The same for a call that creates several policies; others are mined.
    DiesAfterCreating,
}

pub(crate) struct FakePay {
    address: Address,
    chain: FakeChain,
    pub(crate) mode: Mutex<PayMode>,
    pending: Mutex<Vec<Call>>,
    /// Results of `resume`, of calls that move tokens, that no `send` has taken.
    untold: Mutex<Vec<Settled>>,
}

impl FakePay {
    pub(crate) fn new(address: Address, chain: &FakeChain) -> Self {
        Self {
            address,
            chain: chain.clone(),
            mode: Mutex::new(PayMode::Mined),
            pending: Mutex::default(),
            untold: Mutex::default(),
        }
    }

    /// Number of results that nobody recorded.
    pub(crate) fn untold(&self) -> usize {
        self.untold.lock().unwrap().len()
    }

    pub(crate) fn set(&self, mode: PayMode) {
        *self.mode.lock().unwrap() = mode;
    }
}

#[async_trait]
impl PayPort for FakePay {
    fn address(&self) -> Address {
        self.address
    }

    async fn send(&self, call: &Call, progress: &dyn Progress) -> Result<TxReceipt> {
        let call_id = self.fingerprint(call);
        let mut untold = self.untold.lock().unwrap();
        if let Some(at) = untold.iter().position(|settled| settled.call == call_id) {
            return Ok(untold.remove(at).receipt);
        }
        drop(untold);
        let mode = *self.mode.lock().unwrap();
        let creates = call.kind() == "create_policies";
        match mode {
            PayMode::DiesAfterCreating if creates => {
                self.pending.lock().unwrap().push(call.clone());
                Err(Error::Interrupted)
            }
            PayMode::Mined | PayMode::DiesAfterCreating => {
                let receipt = self.chain.send(call)?;
                let (kind, block_number) = (call.kind(), receipt.block_number);
                progress.event(Event::TxMined { kind, block_number });
                Ok(receipt)
            }
            PayMode::Unreachable => Err(Error::Chain(ChainError::NoEndpoint)),
            PayMode::DiesAfterSending => {
                self.pending.lock().unwrap().push(call.clone());
                Err(Error::Interrupted)
            }
        }
    }

    fn fingerprint(&self, call: &Call) -> B256 {
        keccak256(format!("{call:?}").as_bytes())
    }

    fn recorded(&self, receipt: &TxReceipt) -> Result<()> {
        let mut untold = self.untold.lock().unwrap();
        untold.retain(|settled| settled.receipt.tx_hash != receipt.tx_hash);
        Ok(())
    }

    async fn resume(&self, _progress: &dyn Progress) -> Result<Vec<Settled>> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap());
        let mut untold = self.untold.lock().unwrap();
        let mut settled = untold.clone();
        for sent in &pending {
            let (receipt, call) = (self.chain.send(sent)?, self.fingerprint(sent));
            settled.push(Settled { call, receipt });
            if sent.adds() {
                untold.push(Settled { call, receipt });
            }
        }
        Ok(settled)
    }
}
