use super::*;
use crate::owner::Owner;
use crate::ports::Scope;
use crate::progress::Silent;
use crate::staker::Staker;
use crate::testkit::{PayMode, TestNode, World};

#[tokio::test]
async fn several_policies_end_by_one_plan() {
    let world = World::new(1).await;
    let policies = [world.granted(1, 1).await, world.granted(1, 1).await];
    world.nodes.iter().for_each(TestNode::revoke);
    let owner = world.owner();
    let plan = owner.plan_revocation(&policies, Scope::Policy).await;
    let plan = plan.unwrap().estimate(&world.chain).await.unwrap();
    assert!(plan.steps.iter().all(|step| step.gas == Some(100_000)));
    let sent = |world: &World| world.chain.kinds()[2..].to_vec();
    assert!(sent(&world).is_empty(), "a plan only reads");
    let reports = owner.revoke(&plan, world.spend(), &Silent).await.unwrap();
    let ended: Vec<_> = reports.iter().map(|report| report.policy).collect();
    assert_eq!(ended, policies);
    assert_eq!(sent(&world), ["revoke_policy", "revoke_policy"]);
    let again = owner.plan_revocation(&policies, Scope::Policy).await;
    assert!(again.unwrap().steps.is_empty());
}

#[tokio::test]
async fn a_revocation_killed_while_mined_is_not_sent_twice() {
    let world = World::new(1).await;
    let policy = world.granted(1, 1).await;
    world.nodes.iter().for_each(TestNode::revoke);
    let owner = world.owner();
    let revoke = async |owner: &Owner<'_>| {
        let plan = owner.plan_revocation(&[policy], Scope::Policy).await?;
        owner.revoke(&plan, world.spend(), &Silent).await
    };
    world.pay.set(PayMode::DiesAfterSending);
    assert!(matches!(revoke(&owner).await, Err(Error::Interrupted)));
    world.pay.set(PayMode::Mined);
    let report = revoke(&owner).await.unwrap().remove(0);
    assert_eq!(report.refund, Some(Amount(5)));
    let calls = world.chain.kinds();
    assert_eq!(calls, ["create_policy", "revoke_policy"]);
}

#[tokio::test]
async fn a_renewal_is_one_step_that_is_simulated_before() {
    let world = World::new(1).await;
    let policy = world.granted(1, 1).await;
    let more = crate::owner::Extension {
        span: crate::owner::Span::Periods(5),
        max_fee: crate::owner::FeeLimit::AsQuoted,
        unwilling: crate::owner::Unwilling::Refuse,
    };
    let plan = world.owner().plan_renewal(policy, more).await.unwrap();
    let plan = plan.estimate(&world.chain).await.unwrap();
    let gas: Vec<_> = plan.steps.iter().map(|step| step.gas).collect();
    assert_eq!(gas, [Some(100_000)]);
    assert_eq!(plan.steps[0].amount, Some(Amount(5_000)));
}

#[tokio::test]
async fn a_deposit_is_refused_without_tokens_and_sent_once() {
    let world = World::new(1).await;
    let chain = &world.chain;
    let staker = Staker::new(chain, world.pay.address());
    let plan = staker.deposit(Amount::KMS, 9);
    world.chain.state().tokens = Amount(1);
    let refused = plan.clone().estimate(chain).await.unwrap_err();
    assert_eq!(refused.code(), "insufficient_funds");
    let refused = plan.carry_out(chain, &world.pay, &Silent).await;
    assert_eq!(refused.unwrap_err().code(), "insufficient_funds");
    world.chain.state().tokens = Amount::KMS;
    world.pay.set(PayMode::DiesAfterSending);
    plan.carry_out(chain, &world.pay, &Silent)
        .await
        .unwrap_err();
    world.pay.set(PayMode::Mined);
    let sent = plan.carry_out(chain, &world.pay, &Silent).await.unwrap();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].sent_before, "it is told as an earlier run's");
    assert_eq!(world.chain.kinds(), ["deposit"]);
    let another = plan.carry_out(chain, &world.pay, &Silent).await.unwrap();
    assert!(!another[0].sent_before);
    assert_eq!(world.chain.kinds(), ["deposit", "deposit"]);
}

#[tokio::test]
async fn what_an_earlier_run_sent_is_shown_and_costs_nothing_more() {
    let world = World::new(1).await;
    // Its tokens are gone already.
    world.chain.state().tokens = Amount::ZERO;
    let staker = Staker::new(&world.chain, world.pay.address());
    let plan = staker.deposit(Amount::KMS, 9);
    let refused = plan.clone().estimate(&world.chain).await.unwrap_err();
    assert_eq!(refused.code(), "insufficient_funds");
    let sent = plan.estimate_after(&world.chain, &|_| true).await.unwrap();
    assert!(sent.steps[0].sent_before);
    assert_eq!(sent.steps[0].gas, None);
    let json = serde_json::to_value(&sent).unwrap();
    assert_eq!(json["transactions"][0]["sent_before"], true);
}

#[test]
fn a_plan_is_printed_by_the_names_of_its_calls() {
    let plan = Plan::new(Address::ZERO, ());
    let plan = plan.step(Call::UnbondWorker, None);
    let json = serde_json::to_value(&plan).unwrap();
    let step = serde_json::json!({
        "call": "unbond_worker",
        "amount": null,
        "gas": null,
        "fee_max": null,
    });
    assert_eq!(json["transactions"], serde_json::json!([step]));
    assert_eq!(json.as_object().unwrap().len(), 2);
}
