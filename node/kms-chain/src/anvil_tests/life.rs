//! Every call and every view once, in the order in which a miner and an author meet them.

use kms_protocol::messages::Delivery;
use kms_protocol::{Address, Amount, B256, Domain, Period, PolicyId, SignedConsent, Terms};
use tempfile::TempDir;

use super::{Setup, deposit, events, follow, setup, wallet};
use crate::contracts::call::{Call, Collection};
use crate::contracts::events::ChainEvent;
use crate::devnet::account;
use crate::error::ChainError;
use crate::follow::Cursor;
use crate::send::TxPlan;
use crate::types::{PolicyState, Tag};
use crate::wallet::DirJournal;
use crate::wallet::Wallet;

const RATE: Amount = Amount(1_000_000);
/// Longer than a word and no multiple of one.
const MEMO: [u8; 65] = [7; 65];

struct Life {
    setup: Setup,
    owner: Wallet<DirJournal>,
    worker: Wallet<DirJournal>,
    _directory: TempDir,
}

impl Life {
    /// A miner with a worker, and a lease of the coming two periods.
    async fn begin() -> Self {
        let setup = setup().await;
        let directory = tempfile::tempdir().unwrap();
        let (owner, worker) = (wallet(&setup, 0, &directory), wallet(&setup, 1, &directory));
        let life = Self {
            setup,
            owner,
            worker,
            _directory: directory,
        };
        life.act(deposit(500)).await;
        let (key, miner) = (account(1).unwrap(), life.owner.address());
        let escrow = life.setup.chain.deployment().escrow_domain();
        let consent = SignedConsent::sign(&key, miner, u64::MAX, &escrow);
        life.act(Call::BondWorker { consent }).await;
        life.confirm().await;
        life
    }

    async fn act(&self, call: Call) {
        assert!(
            self.owner.send(&call, &mut |_| {}).await.unwrap().succeeded,
            "{call:?}"
        );
    }

    async fn refused(&self, call: Call) -> String {
        match self.owner.send(&call, &mut |_| {}).await {
            Err(ChainError::Reverted { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    }

    async fn confirm(&self) {
        let through = Period(self.period().await.0 + 2);
        self.worker
            .send(&Call::ConfirmActivity { through }, &mut |_| {})
            .await
            .unwrap();
        let lease = self.setup.chain.lease_of(self.miner()).await.unwrap();
        assert_eq!(lease.through, Some(through));
    }

    fn miner(&self) -> Address {
        self.owner.address()
    }

    async fn period(&self) -> Period {
        self.setup.chain.current_period().await.unwrap()
    }

    async fn pass(&self, periods: u64) {
        self.setup.devnet.advance(6 * periods).await.unwrap();
    }

    /// A policy of the coming `periods` periods.
    async fn policy(&self, periods: u32, salt: u8) -> (Terms, PolicyId) {
        let first = self.period().await.0 + 1;
        let terms = Terms {
            author: self.miner(),
            sponsor: self.miner(),
            verifier: account(5).unwrap().address(),
            keys_hash: B256([3; 32]),
            rate: RATE,
            first_period: Period(first),
            last_period: Period(first + periods - 1),
            threshold: 1,
            salt: B256([salt; 32]),
            miners: vec![self.miner()],
        };
        self.act(Call::CreatePolicyViaTransfer {
            terms: terms.clone(),
            memo: MEMO.to_vec(),
        })
        .await;
        let deployment = &self.setup.deployment;
        let id = terms.id(deployment.chain_id, &deployment.contracts.policies.address);
        (terms, id)
    }

    async fn state(&self, id: PolicyId) -> Option<PolicyState> {
        self.setup.chain.policy_state(id).await.unwrap()
    }
}

#[tokio::test]
async fn a_miner_earns_rewards_and_fees() {
    let life = Life::begin().await;
    let (chain, miner) = (life.setup.chain.clone(), life.miner());
    let (terms, id) = life.policy(2, 1).await;
    let two_periods = Amount(2 * RATE.0);
    assert_eq!(chain.refundable(&terms).await.unwrap(), Amount(0));
    assert_eq!(
        life.state(id).await.unwrap().effective_last,
        terms.last_period
    );
    life.pass(3).await;
    assert!(chain.is_active(miner, terms.first_period).await.unwrap());
    let active = chain
        .active_periods(miner, terms.first_period, terms.last_period)
        .await;
    assert_eq!(active.unwrap(), 2);
    let locked = Amount::from_kms(500).unwrap();
    let totals = chain.period_totals(terms.first_period).await.unwrap();
    assert_eq!((totals.locked, totals.weight), (locked, locked));
    assert_eq!(chain.total_locked().await.unwrap(), locked);

    let fees = chain.miner_fees(&terms, miner).await.unwrap();
    assert_eq!((fees.collectable, fees.unproven), (Amount(0), two_periods));
    assert!(fees.provable_through > terms.last_period);
    let collect = |delivery| {
        let terms = terms.clone();
        let policies = vec![Collection { terms, delivery }];
        Call::Collect { policies, miner }
    };
    let refused = life.refused(collect(None)).await;
    assert_eq!(refused, "PolicyNothingToCollect");
    let deployment = &life.setup.deployment;
    let domain = Domain::node(deployment.chain_id, deployment.contracts.policies.address);
    let by = |key: u32| {
        let word = Delivery::unsigned(terms.first_period);
        Some(word.signed(&domain, id, miner, &account(key).unwrap()))
    };
    let refused = life.refused(collect(by(6))).await;
    assert_eq!(refused, "PolicyDeliveryInvalid");
    life.act(collect(by(5))).await;
    let fees = chain.miner_fees(&terms, miner).await.unwrap();
    assert_eq!((fees.collectable, fees.unproven), (Amount(0), Amount(0)));
    assert!(chain.claimable(miner).await.unwrap() > Amount(0));
    let supply = chain.total_supply().await.unwrap();
    life.act(Call::Claim { miner }).await;
    assert!(chain.total_supply().await.unwrap() > supply);
    let refused = life.refused(Call::Claim { miner }).await;
    assert_eq!(refused, "RewardsNothingToClaim");

    let steps = follow(&chain, &mut Cursor::default()).await;
    let events = events(&steps);
    let created = ChainEvent::PolicyCreated {
        seq: 1,
        policy_id: id,
        keys_hash: terms.keys_hash,
        author: miner,
        terms: terms.clone(),
        memo: MEMO.to_vec(),
    };
    assert!(events.contains(&&created));
    let collected = ChainEvent::FeesCollected {
        policy_id: id,
        miner,
        through_period: terms.last_period,
        amount: two_periods,
    };
    assert!(events.contains(&&collected), "{events:?}");
    let seqs = chain.last_seqs().await.unwrap();
    assert_eq!((seqs.escrow, seqs.policies, seqs.challenges), (1, 1, 0));
}

#[tokio::test]
async fn an_author_extends_revokes_and_is_refunded() {
    let life = Life::begin().await;
    let chain = life.setup.chain.clone();
    let (terms, id) = life.policy(4, 2).await;
    assert_eq!(life.state(PolicyId(B256([9; 32]))).await, None);
    let last_period = Period(terms.last_period.0 + 1);
    let extend = |price| Call::ExtendPolicyViaTransfer {
        terms: terms.clone(),
        last_period,
        without: Vec::new(),
        price,
    };
    let short = extend(Amount(RATE.0 - 1));
    assert_eq!(life.refused(short).await, "PolicyPaymentMismatch");
    life.act(extend(RATE)).await;
    assert_eq!(life.state(id).await.unwrap().effective_last, last_period);

    // The lease covers the first two periods only: the third is idle.
    life.pass(4).await;
    assert_eq!(chain.refundable(&terms).await.unwrap(), RATE);
    life.act(Call::RefundPolicy {
        terms: terms.clone(),
    })
    .await;
    let third = Period(terms.first_period.0 + 2);
    assert_eq!(life.state(id).await.unwrap().refunded_through, Some(third));
    life.act(Call::RevokePolicy {
        terms: terms.clone(),
    })
    .await;
    assert!(life.state(id).await.unwrap().revoked);
    let again = life
        .refused(Call::RevokePolicy {
            terms: terms.clone(),
        })
        .await;
    assert_eq!(again, "PolicyAlreadyRevoked");
    let steps = follow(&chain, &mut Cursor::default()).await;
    let seqs: Vec<_> = events(&steps)
        .iter()
        .filter(|event| event.source() == crate::contracts::events::EventSource::Policies)
        .filter_map(|event| event.seq())
        .collect();
    assert_eq!(seqs, [1, 2, 3]);
}

#[tokio::test]
async fn a_miner_leaves_with_its_stake() {
    let life = Life::begin().await;
    let (chain, miner) = (life.setup.chain.clone(), life.miner());
    life.act(Call::ExtendLock { lock_periods: 120 }).await;
    life.act(Call::Unbond {
        amount: Amount::from_kms(100).unwrap(),
    })
    .await;
    life.act(Call::SetWindDown { enabled: true }).await;
    let position = chain.position(miner).await.unwrap();
    assert_eq!(position.lock_periods, 120);
    assert_eq!(position.unbonding, Amount::from_kms(100).unwrap());
    let free = position.unlock_period.unwrap();
    assert_eq!(position.release_period, Some(free));
    let recipient = account(4).unwrap().address();
    let early = life.refused(Call::Withdraw { recipient }).await;
    assert_eq!(early, "EscrowNothingToWithdraw");
    life.pass(u64::from(free.0)).await;
    life.act(Call::Withdraw { recipient }).await;
    let withdrawn = chain.token_balance(recipient).await.unwrap();
    assert_eq!(withdrawn, Amount::from_kms(500).unwrap());
    life.act(Call::ClaimTo { recipient }).await;
    assert!(chain.token_balance(recipient).await.unwrap() > withdrawn);
    assert!(chain.pool().await.unwrap() < Amount(100));
    life.act(Call::UnbondWorker).await;
    assert_eq!(chain.worker_of(miner).await.unwrap(), None);
    life.act(Call::TransferToken {
        to: recipient,
        amount: Amount(5),
    })
    .await;
    life.act(Call::TransferEth {
        to: recipient,
        wei: kms_protocol::Wei(5),
    })
    .await;
}

#[tokio::test]
async fn a_limit_holds_when_periods_begin_before_the_block() {
    let life = Life::begin().await;
    let (chain, miner) = (life.setup.chain.clone(), life.miner());
    let (secret, from) = (account(0).unwrap(), miner);
    for late in [1, 2] {
        life.pass(2).await;
        // Books all completed periods: the estimate of the claim has none left to book.
        life.confirm().await;
        let call = Call::Claim { miner };
        let plan = TxPlan {
            nonce: chain.nonce(from, Tag::Latest).await.unwrap(),
            gas_limit: chain.simulate(from, &call).await.unwrap(),
            fees: chain.fees().await.unwrap(),
            call,
        };
        life.pass(late).await;
        let signed = chain.sign(&secret, &plan);
        chain.broadcast(&signed.raw).await.unwrap();
        life.setup.devnet.mine(1).await.unwrap();
        let receipt = chain.receipt(signed.hash).await.unwrap().unwrap();
        let (used, limit) = (receipt.gas_used, plan.gas_limit.get());
        assert!(
            receipt.succeeded,
            "{late} periods late: {used} gas of {limit}"
        );
    }
}

#[tokio::test]
async fn a_lease_and_a_claim_are_one_transaction_or_none() {
    let life = Life::begin().await;
    let (chain, miner) = (life.setup.chain.clone(), life.miner());
    let both = |through| Call::ConfirmAndClaim { through, miner };
    let worker = async |call: &Call| life.worker.send(call, &mut |_| {}).await;
    life.pass(2).await;
    let waiting = chain.claimable(miner).await.unwrap();
    let through = Period(life.period().await.0 + 2);
    let before = chain.token_balance(miner).await.unwrap();
    assert!(worker(&both(through)).await.unwrap().succeeded);
    let lease = chain.lease_of(miner).await.unwrap();
    assert_eq!(lease.through, Some(through));
    let gained = chain.token_balance(miner).await.unwrap();
    assert_eq!(gained.checked_sub(before).unwrap(), waiting);

    life.pass(1).await;
    life.act(Call::Claim { miner }).await;
    let later = Period(through.0 + 1);
    match worker(&both(later)).await {
        Err(ChainError::Reverted { name, .. }) => assert_eq!(name, "RewardsNothingToClaim"),
        other => panic!("{other:?}"),
    }
    assert_eq!(chain.lease_of(miner).await.unwrap().through, Some(through));
}
