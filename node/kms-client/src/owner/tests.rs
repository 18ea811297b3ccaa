//! An owner against a chain in memory and nodes on loopback: what the two test files share.

mod arrangements;
mod grants;
mod lives;

use super::*;
use crate::progress::Silent;
use crate::testkit::World;

async fn grant(world: &World, owner: &Owner<'_>) -> Result<GrantReport> {
    let quote = owner.quote(&world.spec(2, 3)).await.unwrap();
    owner
        .grant(quote, &world.keys, world.spend(), &Silent)
        .await
}

fn only_grant(world: &World) -> crate::journal::Grant {
    let mut grants = world.home.journal().list().unwrap();
    assert_eq!(grants.len(), 1);
    grants.remove(0)
}

fn codes(nodes: &[crate::NodeFailure]) -> Vec<&str> {
    nodes.iter().map(|node| node.code.as_str()).collect()
}
