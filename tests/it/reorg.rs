//! Blocks with a payment or a revocation are replaced by others without it.

use kms_chain::Call;
use kms_protocol::Refusal;

use crate::harness::grant::Grant;
use crate::harness::world::World;
use kms_kit::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_a_reorg_removes_is_refused_and_served_again_when_it_returns() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    let call = Call::CreatePolicyViaTransfer {
        terms: grant.terms.clone(),
        memo: Vec::new(),
    };
    let payment = world.sign(&grant.sponsor, call).await;
    let paid = world.broadcast(&payment).await;
    world.mine(2).await;
    miner.node.sees(paid.block_number + 2).await;
    grant.hand_over(&miner).await.unwrap();
    grant.ask(&world, &miner).await.unwrap();

    let depth = world.head().await.number - paid.block_number + 1;
    world.devnet.reorg(depth).await.unwrap();
    assert_eq!(world.chain.policy_state(grant.id()).await.unwrap(), None);
    until("the node to notice the reorg", async || {
        (miner.node.refusal(grant.id()).await == Some(Refusal::PolicyUnknown)).then_some(())
    })
    .await;
    let refused = grant.ask(&world, &miner).await.unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyUnknown);

    // The same transaction is mined again, in another block.
    let paid_again = world.broadcast(&payment).await;
    assert_ne!(paid_again.block_hash, paid.block_hash);
    world.mine(2).await;
    until("the node to serve again", async || {
        miner.node.refusal(grant.id()).await.is_none().then_some(())
    })
    .await;
    let frag = grant.ask(&world, &miner).await.unwrap();
    assert!(grant.opens(&[frag]), "the fragment was lost on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_a_reorg_removes_is_undone() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;

    let call = Call::RevokePolicy {
        terms: grant.terms.clone(),
    };
    let revoked = world.send(&grant.sponsor, call).await;
    miner.node.sees(revoked.block_number).await;
    assert_eq!(
        miner.node.refusal(grant.id()).await,
        Some(Refusal::PolicyRevoked)
    );

    world.devnet.reorg(1).await.unwrap();
    until("the node to serve again", async || {
        miner.node.refusal(grant.id()).await.is_none().then_some(())
    })
    .await;
    let frag = grant.ask(&world, &miner).await.unwrap();
    assert!(grant.opens(&[frag]));
}
