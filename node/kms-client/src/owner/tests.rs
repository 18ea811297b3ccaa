//! An owner against a chain in memory and nodes on loopback: what the test files share.

mod again;
mod arrangements;
mod erasures;
mod grants;
mod lives;
mod money;
mod rebuild;
mod several;

use kms_protocol::{B256, PolicyId};

use super::*;
use crate::error::{Error, Result};
use crate::ports::{ChainPort as _, PayPort as _, PolicyFilter, Scope};
use crate::progress::Silent;
use crate::standing::Standing;
use crate::testkit::World;

async fn grant(world: &World, owner: &Owner<'_>) -> Result<GrantReport> {
    let quote = owner.quote(&world.spec(2, 3)).await.unwrap();
    owner
        .grant(quote, &world.keys, world.spend(), &Silent)
        .await
}

/// Plans the end of a policy and carries it out.
async fn revoke(owner: &Owner<'_>, policy: PolicyId, spend: Spend<'_>) -> Result<RevocationReport> {
    end(owner, policy, Scope::Policy, spend).await
}

async fn end(
    owner: &Owner<'_>,
    policy: PolicyId,
    scope: Scope,
    spend: Spend<'_>,
) -> Result<RevocationReport> {
    let plan = owner.plan_revocation(&[policy], scope).await?;
    let mut reports = owner.revoke(&plan, spend, &Silent).await?;
    assert_eq!(reports.len(), 1);
    Ok(reports.remove(0))
}

async fn renew(world: &World, policy: PolicyId, extension: Extension) -> Result<RenewalReport> {
    let owner = world.owner();
    let plan = owner.plan_renewal(policy, extension).await?;
    owner.renew(&plan, world.spend(), &Silent).await
}

fn only_grant(world: &World) -> crate::journal::Grant {
    let mut grants = world.home.journal().list().unwrap();
    assert_eq!(grants.len(), 1);
    grants.remove(0)
}

fn codes(nodes: &[crate::NodeFailure]) -> Vec<&str> {
    nodes.iter().map(|node| node.code.as_str()).collect()
}
