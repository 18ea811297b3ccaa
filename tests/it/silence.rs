//! A miner that is paid and does not answer is asked on chain: a running node answers by itself, a
//! stopped one is suspended.

use kms_chain::{ChainEvent, ChallengeRight};
use kms_protocol::messages::{CfragBytes, Receipt};
use kms_protocol::{EthSignature, Period, Refusal, TypedData as _, keccak256};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};
use kms_kit::node::Place;
use kms_kit::wait::until;

/// Outcomes, numbered as in `ISilenceChallenges`.
const SILENT: u8 = 0;
const VOID: u8 = 1;

/// Blocks on top that make a challenge count.
const CONFIRMATIONS: u64 = 3;

/// The cfrag with which a miner answered on chain, its receipt verified.
async fn answered(world: &World, grant: &Grant, of: &Miner) -> CfragBytes {
    let (cfrag, receipt, signature) = until("the node's answer on chain", async || {
        world
            .find(|event| match event {
                ChainEvent::ChallengeAnswered {
                    policy_id,
                    miner,
                    requester,
                    capsule_hash,
                    commitments_hash,
                    block_time,
                    block_hash,
                    cfrag,
                    signature,
                } if (policy_id, miner) == (grant.id(), of.address()) => {
                    let receipt = Receipt {
                        policy_id,
                        miner,
                        capsule_hash,
                        cfrag_hash: keccak256(&cfrag),
                        commitments_hash,
                        requester,
                        block_time,
                        block_hash,
                    };
                    Some((cfrag, receipt, signature))
                }
                _ => None,
            })
            .await
    })
    .await;
    assert_eq!(receipt.requester, grant.reader().address());
    let signature = EthSignature(signature.try_into().unwrap());
    receipt
        .check(&world.domain, &signature, &of.worker)
        .unwrap();
    CfragBytes::try_from(cfrag.as_slice()).unwrap()
}

/// How the challenge of a miner ended.
async fn outcome(world: &World, of: &Miner) -> Option<u8> {
    world
        .find(|event| match event {
            ChainEvent::ChallengeClosed { miner, outcome, .. } if miner == of.address() => {
                Some(outcome)
            }
            _ => None,
        })
        .await
}

async fn suspended_through(world: &World, of: &Miner) -> Option<Period> {
    world
        .find(|event| match event {
            ChainEvent::MinerSuspended {
                miner,
                through_period,
                ..
            } if miner == of.address() => Some(through_period),
            _ => None,
        })
        .await
}

/// What a miner has locked.
async fn position(world: &World, of: &Miner) -> u128 {
    let infos = world.chain.miner_info(&[of.address()]).await.unwrap();
    infos[0].position.locked.0
}

async fn balance(world: &World, of: kms_protocol::Address) -> u128 {
    world.chain.token_balance(of).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_answers_on_chain_and_a_stopped_one_is_suspended() {
    let world = World::new().await;
    let [served, stopped] = world.miners().await;
    // No client reaches this one: nobody listens where it says it is.
    let hidden = Place {
        public_url: Place::free().public_url,
        ..Place::free()
    };
    let hidden = world.stopped_miner_at("hidden", &hidden).await;
    world.at_work(&hidden).await;
    world.all_active(&[&served, &stopped, &hidden]).await;
    let addresses = [served.address(), stopped.address(), hidden.address()];
    let grant = Grant::prepare(&world, &addresses, 2).await;
    let nodes = [&served.node, &stopped.node, &hidden.node];
    grant.pay(&world, &nodes).await;
    grant.hand_over(&served).await.unwrap();
    let of_hidden = grant.hand_over(&hidden).await.unwrap();
    let of_stopped = grant.hand_over(&stopped).await.unwrap();
    stopped.node.kill();
    let one = grant.ask(&world, &served).await.unwrap();
    assert!(!grant.opens(std::slice::from_ref(&one)));

    // The reader asks the one by somebody who pays the bond, the author the other.
    let helper = world.account(10).await;
    let deadline = world.head().await.timestamp + 3_600;
    let consent = grant.consent(&world, hidden.address(), helper.address(), deadline);
    let bond = world.chain.challenge_terms().await.unwrap().bond.0;
    let judge = world.deployment.contracts.challenges.address;
    let earned = balance(&world, hidden.address()).await;
    let lent = balance(&world, helper.address()).await;
    let owned = balance(&world, grant.sponsor.address()).await;
    grant.challenge(&world, &helper, consent, &of_hidden).await;
    let (sponsor, author) = (&grant.sponsor, ChallengeRight::Author);
    grant.challenge(&world, sponsor, author, &of_stopped).await;
    assert_eq!(balance(&world, grant.sponsor.address()).await, owned - bond);
    world.mine(CONFIRMATIONS).await;

    let cfrag = answered(&world, &grant, &hidden).await;
    let other = grant.verified(hidden.address(), &cfrag);
    assert!(grant.opens(&[one, other]), "the answer on chain is a share");
    assert_eq!(balance(&world, judge).await, bond, "the other bond");
    assert!(balance(&world, hidden.address()).await >= earned + bond / 2);
    let left = balance(&world, helper.address()).await;
    assert_eq!(left, lent - bond / 2, "half of the bond returns");
    let open = world.chain.challenge_of(grant.id(), hidden.address()).await;
    assert_eq!(open.unwrap(), None);

    let early = world.refusal(&helper, grant.close(&stopped)).await;
    assert_eq!(early, "ChallengeWindowOpen");
    let window = world.deployment.params.challenge.window_seconds;
    world.devnet.advance(u64::from(window) + 1).await.unwrap();
    let locked = position(&world, &stopped).await;
    world.send(&helper, grant.close(&stopped)).await;
    assert_eq!(outcome(&world, &stopped).await, Some(SILENT));
    // The miner pays the gas of challenger and closer, and the policy's fees if it has any.
    let penalty = bond * u128::from(world.deployment.params.challenge.penalty_bonds);
    assert_eq!(locked - position(&world, &stopped).await, penalty);
    let gains = balance(&world, grant.sponsor.address()).await - owned;
    assert!(gains >= 2 * bond && 2 * gains < penalty, "{gains}");
    assert_eq!(balance(&world, helper.address()).await, left + 3 * bond);
    assert_eq!(balance(&world, judge).await, 0);
    check_suspended(&world, &stopped).await;
    check_unwanted(&world, &stopped, &grant).await;
    assert_eq!(suspended_through(&world, &hidden).await, None);
}

/// The lease ends with the present period, and the node, back again, says why it earns nothing.
async fn check_suspended(world: &World, miner: &Miner) {
    let through = suspended_through(world, miner).await.unwrap();
    let next = Period(world.period().await.0 + 1);
    assert!(through >= next);
    let active = world.chain.is_active(miner.address(), next).await;
    assert!(!active.unwrap(), "the lease goes on");
    miner.node.start();
    miner.node.ready().await;
    let reason = until("the node to tell of its suspension", async || {
        miner.node.complaint("not_suspended").await
    })
    .await;
    assert!(reason.contains(&through.to_string()), "{reason}");
    let told = miner.node.gauge("kms_suspended_through_period").await;
    assert_eq!(told, f64::from(through.0));
}

/// The node serves no period of the suspension, and nobody can choose the miner.
async fn check_unwanted(world: &World, miner: &Miner, grant: &Grant) {
    world.pass_periods(1).await;
    miner.node.sees(world.head().await.number).await;
    let refused = grant.ask(world, miner).await.unwrap_err();
    assert_eq!(refused.code, Refusal::NotLeased, "{refused:?}");
    assert!(refused.detail.contains("suspended"), "{refused:?}");
    let again = Grant::prepare(world, &[miner.address()], 1).await;
    let create = kms_chain::Call::CreatePolicyViaTransfer {
        terms: again.terms.clone(),
        memo: Vec::new(),
    };
    let reason = world.refusal(&again.sponsor, create).await;
    assert_eq!(reason, "EscrowMinerCannotServe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_a_challenge_and_nobody_is_suspended() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    world.all_active(&[&miner]).await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.pay(&world, &[&miner.node]).await;
    let ack = grant.hand_over(&miner).await.unwrap();
    miner.node.kill();
    let owned = balance(&world, grant.sponsor.address()).await;
    let (sponsor, author) = (&grant.sponsor, ChallengeRight::Author);
    grant.challenge(&world, sponsor, author, &ack).await;
    let (terms, of) = (grant.terms.clone(), miner.address());
    let dismiss = kms_chain::Call::RevokeArrangement { terms, miner: of };
    world.send(&grant.sponsor, dismiss).await;
    world.send(&grant.sponsor, grant.close(&miner)).await;
    assert_eq!(outcome(&world, &miner).await, Some(VOID));
    assert_eq!(suspended_through(&world, &miner).await, None);
    // The bond is back, and the fees of the coming periods with it.
    assert!(balance(&world, grant.sponsor.address()).await > owned);
}
