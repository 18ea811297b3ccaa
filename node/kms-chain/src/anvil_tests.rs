//! The crate against a real anvil: deploy, send, decode refusals, follow across reorganisations.

use kms_protocol::{Address, Amount, Period, SignedConsent, Wei};

use crate::chain::Chain;
use crate::contracts::Contract;
use crate::contracts::call::Call;
use crate::contracts::events::ChainEvent;
use crate::deployment::Deployment;
use crate::deployment::params::DeployParams;
use crate::devnet::{Devnet, DevnetOptions, Mining, account};
use crate::error::{ChainError, IdentityPart};
use crate::follow::{Cursor, Next, Step, next_step};
use crate::send::{GasLimit, TxPlan, TxRejection, reprice};
use crate::types::{LastSeqs, Tag};
use crate::wallet::{DirJournal, SendEvent, TxJournal, Wallet, WalletOptions};

mod life;

struct Setup {
    devnet: Devnet,
    chain: Chain,
    deployment: Deployment,
}

async fn setup() -> Setup {
    let devnet = Devnet::start(&DevnetOptions::default()).await.unwrap();
    let deployment = devnet
        .deploy(&DeployParams::local().unwrap())
        .await
        .unwrap();
    let chain = Chain::connect(&devnet.rpc_config(), deployment.clone())
        .await
        .unwrap();
    Setup {
        devnet,
        chain,
        deployment,
    }
}

fn options() -> WalletOptions {
    WalletOptions {
        poll_ms: 5,
        displaced_after_ms: 10,
        timeout_ms: 20_000,
        ..WalletOptions::default()
    }
}

fn wallet(setup: &Setup, index: u32, directory: &tempfile::TempDir) -> Wallet<DirJournal> {
    let journal = DirJournal::open(directory.path()).unwrap();
    Wallet::new(
        setup.chain.clone(),
        account(index).unwrap(),
        journal,
        options(),
    )
}

fn deposit(kms: u64) -> Call {
    Call::DepositViaTransfer {
        amount: Amount::from_kms(kms).unwrap(),
        lock_periods: 100,
    }
}

async fn follow(chain: &Chain, cursor: &mut Cursor) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Next::Step(step) = next_step(chain, cursor).await.unwrap() {
        cursor.advance(&step);
        steps.push(step);
    }
    steps
}

fn events(steps: &[Step]) -> Vec<&ChainEvent> {
    let records = steps.iter().flat_map(|step| match step {
        Step::Apply { events, .. } => events.as_slice(),
        Step::Revert { .. } | Step::Reset => &[],
    });
    records.map(|record| &record.event).collect()
}

#[tokio::test]
async fn deploys_what_the_parameters_say() {
    let setup = setup().await;
    let params = setup.chain.params().await.unwrap();
    assert_eq!(params.clock.period_seconds, 6);
    assert_eq!(params.max_lease_periods, 2);
    assert_eq!(params.min_locked, Amount::from_kms(100).unwrap());
    assert_eq!(params.kappa_periods, None);
    assert!(params.decay > 0);
    let owner = account(0).unwrap().address();
    let initial = setup.deployment.params.initial_supply;
    assert_eq!(setup.chain.token_balance(owner).await.unwrap(), initial);
    assert_eq!(setup.chain.total_supply().await.unwrap(), initial);
    let reserve = setup.deployment.params.cap.checked_sub(initial).unwrap();
    assert_eq!(setup.chain.reserve().await.unwrap(), reserve);
    let none = LastSeqs {
        escrow: 0,
        policies: 0,
        challenges: 0,
    };
    assert_eq!(setup.chain.last_seqs().await.unwrap(), none);
    assert_eq!(setup.chain.current_period().await.unwrap(), Period(1));
}

#[tokio::test]
async fn sends_through_the_wallet_and_follows_what_happened() {
    let setup = setup().await;
    let directory = tempfile::tempdir().unwrap();
    let owner = wallet(&setup, 0, &directory);
    let miner = owner.address();
    let mut seen = Vec::new();
    let receipt = owner
        .send(&deposit(500), &mut |progress| seen.push(progress))
        .await
        .unwrap();
    assert!(receipt.succeeded && receipt.fee > Wei(0));
    assert!(
        matches!(seen.first(), Some(SendEvent::Simulated { .. })),
        "{seen:?}"
    );
    assert!(
        matches!(seen.last(), Some(SendEvent::Mined { .. })),
        "{seen:?}"
    );
    let worker = account(1).unwrap();
    let escrow = setup.chain.deployment().escrow_domain();
    let consent = SignedConsent::sign(&worker, miner, u64::MAX, &escrow);
    let worker = worker.address();
    let calls = [
        Call::BondWorker { consent },
        Call::RegisterNode {
            url: "http://n.example:1".to_owned(),
        },
        Call::SetMinRate { rate: Amount(5) },
    ];
    for call in &calls {
        owner.send(call, &mut |_| {}).await.unwrap();
    }
    let journal = DirJournal::open(directory.path()).unwrap();
    assert_eq!(journal.load(31_337, miner).unwrap(), Vec::new());

    let info = setup
        .chain
        .miner_info(&[miner, Address([9; 20])])
        .await
        .unwrap();
    assert_eq!(info[0].worker, Some(worker));
    assert_eq!(info[0].url, "http://n.example:1");
    assert_eq!(info[1].url, "");
    assert_eq!(setup.chain.miner_of(worker).await.unwrap(), Some(miner));

    let mut cursor = Cursor::default();
    let steps = follow(&setup.chain, &mut cursor).await;
    let kinds: Vec<_> = events(&steps).iter().map(|event| event.seq()).collect();
    assert_eq!(kinds, [None, Some(1), Some(2), Some(3)]);
    assert_eq!(
        *events(&steps)[0],
        ChainEvent::Deposited {
            miner,
            payer: miner,
            amount: Amount::from_kms(500).unwrap(),
            locked: Amount::from_kms(500).unwrap(),
            lock_periods: 100,
        }
    );
    check_ranged(&setup.chain, &events(&steps)).await;
}

/// The same events come in ranges as block by block.
async fn check_ranged(chain: &Chain, expected: &[&ChainEvent]) {
    let head = chain.head().await.unwrap().number;
    let ranged = chain.events_in_range(0, head).await.unwrap();
    let ranged: Vec<_> = ranged.iter().map(|record| &record.event).collect();
    assert_eq!(ranged, expected);
}

#[tokio::test]
async fn decodes_a_custom_error_before_anything_is_sent() {
    let setup = setup().await;
    let directory = tempfile::tempdir().unwrap();
    let owner = wallet(&setup, 0, &directory);
    let short = Call::DepositViaTransfer {
        amount: Amount::from_kms(500).unwrap(),
        lock_periods: 1,
    };
    match owner.send(&short, &mut |_| {}).await {
        Err(ChainError::Reverted { name, args }) => {
            assert_eq!(name, "EscrowLockTooShort");
            let expected = [("lockPeriods", "1"), ("minimum", "12")];
            assert!(
                args.iter()
                    .map(|(a, b)| (a.as_str(), b.as_str()))
                    .eq(expected),
                "{args:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        setup
            .chain
            .nonce(owner.address(), Tag::Pending)
            .await
            .unwrap(),
        8
    );
    let poor = wallet(&setup, 3, &directory);
    match poor.send(&deposit(500), &mut |_| {}).await {
        Err(ChainError::Reverted { name, .. }) => assert_eq!(name, "ERC20InsufficientBalance"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn undoes_a_reorganised_deposit() {
    let setup = setup().await;
    let directory = tempfile::tempdir().unwrap();
    let owner = wallet(&setup, 0, &directory);
    setup.devnet.mine(3).await.unwrap();
    let mut cursor = Cursor::default();
    follow(&setup.chain, &mut cursor).await;
    let before = cursor.tip().copied().unwrap();
    owner.send(&deposit(500), &mut |_| {}).await.unwrap();
    let steps = follow(&setup.chain, &mut cursor).await;
    assert_eq!(events(&steps).len(), 1);
    setup.devnet.reorg(1).await.unwrap();
    let steps = follow(&setup.chain, &mut cursor).await;
    assert_eq!(
        steps.first(),
        Some(&Step::Revert { to: before }),
        "{steps:?}"
    );
    assert_eq!(events(&steps).len(), 0);
    assert_eq!(
        cursor.tip().unwrap().hash,
        setup.chain.head().await.unwrap().hash
    );
    let position = setup.chain.position(owner.address()).await.unwrap();
    assert!(position.locked.is_zero());
}

#[tokio::test]
async fn refuses_another_chain_behind_the_url() {
    let setup = setup().await;
    let connect = |deployment| async {
        let result = Chain::connect(&setup.devnet.rpc_config(), deployment).await;
        match result {
            Err(ChainError::WrongChain { part, .. }) => part,
            other => panic!("{other:?}"),
        }
    };
    let mut other = setup.deployment.clone();
    other.chain_id = 1;
    assert_eq!(connect(other).await, IdentityPart::ChainId);
    let mut other = setup.deployment.clone();
    other.genesis_hash.0[0] ^= 1;
    assert_eq!(connect(other).await, IdentityPart::GenesisHash);
    let mut other = setup.deployment.clone();
    other.contracts.policies.address = other.contracts.token.address;
    assert_eq!(connect(other).await, IdentityPart::Code(Contract::Policies));
}

#[tokio::test]
async fn takes_known_bytes_and_names_refusals() {
    let setup = setup().await;
    setup.devnet.set_mining(Mining::Manual).await.unwrap();
    let (chain, secret) = (&setup.chain, account(2).unwrap());
    let fees = chain.fees().await.unwrap();
    let plan = |nonce, fees| TxPlan {
        nonce,
        call: Call::TransferEth {
            to: Address([8; 20]),
            wei: Wei(1),
        },
        gas_limit: GasLimit::for_estimate(21_000),
        fees,
    };
    let first = chain.sign(&secret, &plan(0, fees));
    assert_eq!(chain.broadcast(&first.raw).await.unwrap(), first.hash);
    assert_eq!(chain.broadcast(&first.raw).await.unwrap(), first.hash);
    assert_eq!(chain.receipt(first.hash).await.unwrap(), None);
    let rejection = |result: Result<_, ChainError>| match result {
        Err(ChainError::Rejected { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let mut same_price = plan(0, fees);
    same_price.gas_limit = GasLimit::for_estimate(22_000);
    let rival = chain.sign(&secret, &same_price);
    let refused = rejection(chain.broadcast(&rival.raw).await);
    assert_eq!(refused, TxRejection::ReplacementUnderpriced);
    let rules = WalletOptions::default().rules();
    let raised = rules.raised_fees(fees, fees).unwrap();
    let dearer = reprice(&secret, &first.raw, raised).unwrap();
    chain.broadcast(&dearer.raw).await.unwrap();
    setup.devnet.mine(1).await.unwrap();
    assert!(chain.receipt(dearer.hash).await.unwrap().unwrap().succeeded);
    assert_eq!(
        rejection(chain.broadcast(&first.raw).await),
        TxRejection::NonceTooLow
    );
    let mut costly = plan(1, fees);
    costly.call = Call::TransferEth {
        to: Address([8; 20]),
        wei: Wei(20_000 * Wei::ETH.0),
    };
    let costly = chain.sign(&secret, &costly);
    assert_eq!(
        rejection(chain.broadcast(&costly.raw).await),
        TxRejection::InsufficientFunds
    );
}
