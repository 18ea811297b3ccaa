use kms_protocol::{Address, EthSecret};
use serde_json::json;

use super::{DeployState, deploy_journaled};
use crate::deployment::params::{DeployParams, Genesis};
use crate::deployment::verify::check_deployment;
use crate::devnet::{Devnet, DevnetOptions, account};
use crate::error::{ChainError, IdentityPart, ParamProblem};
use crate::send::broadcast;
use crate::types::wire::{HexBytes, Quantity};

async fn devnet() -> Devnet {
    let options = DevnetOptions {
        accounts: 40,
        ..DevnetOptions::default()
    };
    Devnet::start(&options).await.unwrap()
}

async fn begin(devnet: &Devnet, deployer: &EthSecret) -> DeployState {
    let params = DeployParams::local().unwrap();
    DeployState::begin(devnet.rpc(), deployer.address(), &params)
        .await
        .unwrap()
}

async fn transactions(devnet: &Devnet, account: Address) -> u64 {
    let method = "eth_getTransactionCount";
    let count: Quantity = devnet
        .rpc()
        .request(method, &(account, "latest"))
        .await
        .unwrap();
    count.0
}

/// Where a deployment is cut off, around the keeping of a state.
#[derive(Debug, Clone, Copy)]
enum Cut {
    BeforeKeeping,
    AfterKeeping,
    AfterSending,
}

/// Deploys until the `call`th state is to be kept, and dies there. Returns what was kept.
async fn cut_off(devnet: &Devnet, key: &EthSecret, call: u32, cut: Cut) -> Option<DeployState> {
    let mut kept = None;
    let mut calls = 0;
    let mut keep = |state: &DeployState| {
        calls += 1;
        if calls < call || !matches!(cut, Cut::BeforeKeeping) {
            kept = Some(state.clone());
        }
        match calls == call {
            true => Err(ChainError::Bug("killed")),
            false => Ok(()),
        }
    };
    let state = begin(devnet, key).await;
    let died = deploy_journaled(devnet.rpc(), key, state, &mut keep).await;
    assert!(matches!(died, Err(ChainError::Bug("killed"))), "{died:?}");
    if let (Cut::AfterSending, Some(sent)) = (cut, kept.as_ref().and_then(|s| s.sent.last())) {
        broadcast(devnet.rpc(), &sent.raw).await.unwrap();
    }
    kept
}

#[tokio::test]
async fn goes_on_after_a_crash_at_any_step_and_creates_nothing_twice() {
    let devnet = devnet().await;
    let mut index = 1;
    for cut in [Cut::BeforeKeeping, Cut::AfterKeeping, Cut::AfterSending] {
        for call in 1..=9 {
            let key = account(index).unwrap();
            index += 1;
            let kept = cut_off(&devnet, &key, call, cut).await;
            let text = serde_json::to_string(&kept).unwrap();
            let state = match serde_json::from_str::<Option<DeployState>>(&text).unwrap() {
                Some(state) => state,
                None => begin(&devnet, &key).await,
            };
            let deployment = deploy_journaled(devnet.rpc(), &key, state, &mut |_| Ok(()))
                .await
                .unwrap_or_else(|error| panic!("{cut:?} {call}: {error}"));
            assert_eq!(
                transactions(&devnet, key.address()).await,
                8,
                "{cut:?} {call}"
            );
            let (_, differences) = check_deployment(devnet.rpc(), &deployment).await.unwrap();
            assert_eq!(differences, [], "{cut:?} {call}");
        }
    }
}

#[tokio::test]
async fn a_finished_journal_gives_the_same_deployment_again() {
    let devnet = devnet().await;
    let key = account(0).unwrap();
    let mut kept = None;
    let mut keep = |state: &DeployState| {
        kept = Some(state.clone());
        Ok(())
    };
    let state = begin(&devnet, &key).await;
    let once = deploy_journaled(devnet.rpc(), &key, state, &mut keep)
        .await
        .unwrap();
    let again = deploy_journaled(devnet.rpc(), &key, kept.unwrap(), &mut |_| Ok(())).await;
    assert_eq!(again.unwrap(), once);
    assert_eq!(transactions(&devnet, key.address()).await, 8);
}

#[tokio::test]
async fn refuses_to_go_on_as_somebody_else_or_on_another_chain() {
    let devnet = devnet().await;
    let key = account(0).unwrap();
    let state = begin(&devnet, &key).await;
    let go_on = async |state: DeployState, key: &EthSecret| {
        deploy_journaled(devnet.rpc(), key, state, &mut |_| Ok(()))
            .await
            .unwrap_err()
    };
    let other = go_on(state.clone(), &account(1).unwrap()).await;
    assert!(matches!(other, ChainError::OtherDeployer { .. }), "{other}");
    let mut elsewhere = state.clone();
    elsewhere.chain_id = 1;
    let error = go_on(elsewhere, &key).await;
    let part = IdentityPart::ChainId;
    assert!(
        matches!(error, ChainError::WrongChain { part: p, .. } if p == part),
        "{error}"
    );
    let mut anew = state;
    anew.genesis_hash.0[0] ^= 1;
    let error = go_on(anew, &key).await;
    let part = IdentityPart::GenesisHash;
    assert!(
        matches!(error, ChainError::WrongChain { part: p, .. } if p == part),
        "{error}"
    );
    assert_eq!(transactions(&devnet, key.address()).await, 0);
}

#[tokio::test]
async fn refuses_to_go_on_when_the_deployer_sent_something_else() {
    let devnet = devnet().await;
    for (index, call) in [(1, 1), (2, 4)] {
        let key = account(index).unwrap();
        let kept = cut_off(&devnet, &key, call, Cut::BeforeKeeping).await;
        let state = match kept {
            Some(state) => state,
            None => begin(&devnet, &key).await,
        };
        let gift = json!([{ "from": key.address(), "to": key.address(), "value": "0x1" }]);
        let _: String = devnet
            .rpc()
            .request("eth_sendTransaction", &gift)
            .await
            .unwrap();
        while transactions(&devnet, key.address()).await == state.sent.len() as u64 {
            tokio::time::sleep(super::POLL).await;
        }
        let error = deploy_journaled(devnet.rpc(), &key, state, &mut |_| Ok(())).await;
        assert!(
            matches!(error, Err(ChainError::ForeignNonce { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_plan_names_the_addresses_and_bounds_the_gas() {
    let devnet = devnet().await;
    let key = account(0).unwrap();
    let planned = begin(&devnet, &key).await.plan().unwrap();
    let deployment = devnet
        .deploy(&DeployParams::local().unwrap())
        .await
        .unwrap();
    let records = planned.iter().zip(deployment.contracts.all());
    for (number, (plan, record)) in (deployment.block..).zip(records) {
        assert_eq!(plan.address, record.address);
        assert_eq!(plan.constructor_args, record.constructor_args);
        let block = (format!("{number:#x}"), false);
        let block: serde_json::Value = devnet
            .rpc()
            .request("eth_getBlockByNumber", &block)
            .await
            .unwrap();
        let gas: Quantity = serde_json::from_value(block["gasUsed"].clone()).unwrap();
        assert!(gas.0 <= plan.gas_at_most, "{}: {}", plan.contract, gas.0);
        assert!(gas.0 * 2 > plan.gas_at_most, "{}: {}", plan.contract, gas.0);
    }
}

#[tokio::test]
async fn sends_nothing_with_parameters_for_another_chain_or_a_genesis_to_come() {
    let devnet = devnet().await;
    let refused = async |change: fn(&mut DeployParams)| {
        let mut params = DeployParams::local().unwrap();
        change(&mut params);
        let begun = DeployState::begin(devnet.rpc(), Address([1; 20]), &params).await;
        match begun.unwrap_err() {
            ChainError::Params { field, problem } => (field, problem),
            other => panic!("{other}"),
        }
    };
    let problem = ParamProblem::OtherChain(31_337);
    assert_eq!(refused(|p| p.chain_id = 1).await, ("chain_id", problem));
    let problem = ParamProblem::Future;
    let to_come = refused(|p| p.genesis = Genesis::At(u64::MAX)).await;
    assert_eq!(to_come, ("genesis", problem));
    let tip: HexBytes = devnet
        .rpc()
        .request("eth_getCode", &(Address([1; 20]), "latest"))
        .await
        .unwrap();
    assert!(tip.0.is_empty());
}

#[test]
fn powers_default_to_the_deployer_on_a_local_chain_only() {
    use super::state::with_powers;
    let deployer = Address([7; 20]);
    let local = with_powers(&DeployParams::local().unwrap(), deployer).unwrap();
    assert_eq!(local.control.proposers, [deployer]);
    assert_eq!(local.control.executors, [deployer]);
    assert_eq!(local.control.guardian, Some(deployer));
    let mut public = DeployParams::local().unwrap();
    public.chain_id = 1;
    let missing = |params: &DeployParams| match with_powers(params, deployer) {
        Err(ChainError::Params { field, problem }) => {
            assert_eq!(problem, ParamProblem::Missing);
            field
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&public), "control.proposers");
    public.control.proposers = vec![Address([1; 20])];
    assert_eq!(missing(&public), "control.executors");
    public.control.executors = vec![Address::ZERO];
    assert_eq!(missing(&public), "control.guardian");
    public.control.guardian = Some(Address([2; 20]));
    with_powers(&public, deployer).unwrap();
}

#[test]
fn names_the_first_parameter_that_differs() {
    let given = DeployParams::local().unwrap();
    let mut resolved = given.clone();
    resolved.genesis = Genesis::At(7);
    resolved.control.guardian = Some(Address([1; 20]));
    resolved.control.proposers = vec![Address([2; 20])];
    given.check_resolved(&resolved).unwrap();
    let differs = |change: fn(&mut DeployParams)| {
        let mut changed = given.clone();
        change(&mut changed);
        match changed.check_resolved(&resolved) {
            Err(ChainError::ParamsChanged { field }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(differs(|p| p.period_seconds = 7), "period_seconds");
    assert_eq!(differs(|p| p.genesis = Genesis::At(8)), "genesis");
    assert_eq!(differs(|p| p.penalty.share_bps = 1), "penalty.share_bps");
    let guardian = |p: &mut DeployParams| p.control.guardian = Some(Address([9; 20]));
    assert_eq!(differs(guardian), "control.guardian");
    let holder = |p: &mut DeployParams| p.initial_holder = Some(Address([9; 20]));
    assert_eq!(differs(holder), "initial_holder");
}
