//! A chain that changes while it is read, and changes back.

use super::*;

#[tokio::test]
async fn loses_no_event_when_the_chain_flips_away_and_back() {
    let chain = Fake::with_blocks(50);
    let mut follower = Follower::default();
    follower.check(&chain).await;
    chain.state().push(2);
    let first = chain.state().blocks.clone();
    let events_call = chain.state().calls + 2;
    chain.state().interrupt = Some((events_call, 1));
    let result = next_step(&chain, &follower.cursor).await;
    assert!(matches!(result, Err(ChainError::ChainMoved)), "{result:?}");
    chain.state().blocks = first;
    follower.check(&chain).await;
}
