//! A grant made by hand in a world: paid there, handed to its miners, asked for as the reader does.

use std::ops::Deref;

use crate::grant::{Grant as ByHand, Offer};
use crate::node::Node;
use kms_chain::Call;
use kms_protocol::messages::{KfragAck, Problem, ReencryptReply, ReencryptRequest};
use kms_protocol::{Address, Amount, EthSecret, Period};
use umbral::{SecretKey, VerifiedCapsuleFrag};

use super::{Miner, World};

/// Fee per miner and period in the tests.
const RATE: Amount = Amount(1_000_000_000_000_000);
/// Periods that are paid.
const PERIODS: u32 = 10;

/// A grant with every key, and who pays for it.
pub struct Grant {
    grant: ByHand,
    /// Author and sponsor.
    pub sponsor: EthSecret,
}

impl Deref for Grant {
    type Target = ByHand;

    fn deref(&self) -> &ByHand {
        &self.grant
    }
}

impl Grant {
    /// m of the given miners, from the present period on. Nothing is on chain yet.
    pub async fn prepare(world: &World, miners: &[Address], threshold: u8) -> Self {
        let first = world.period().await;
        Self::prepare_from(world, miners, threshold, first).await
    }

    /// The same with another first period.
    pub async fn prepare_from(
        world: &World,
        miners: &[Address],
        threshold: u8,
        first: Period,
    ) -> Self {
        let receiving = SecretKey::random(&mut getrandom::SysRng).unwrap();
        Self::prepare_for(world, miners, threshold, first, receiving).await
    }

    /// The same for a reader whose key is known.
    pub async fn prepare_for(
        world: &World,
        miners: &[Address],
        threshold: u8,
        first: Period,
        receiving: SecretKey,
    ) -> Self {
        let sponsor = world.account(100).await;
        let offer = Offer {
            author: sponsor.address(),
            rate: RATE,
            first,
            last: Period(first.0 + PERIODS - 1),
            threshold,
            miners: miners.to_vec(),
        };
        Self {
            grant: ByHand::to(world.domain, offer, receiving),
            sponsor,
        }
    }

    /// Pays on chain, and lets enough blocks pass that the payment counts everywhere.
    pub async fn pay(&self, world: &World, nodes: &[&Node]) {
        let terms = self.terms.clone();
        let call = Call::CreatePolicyViaTransfer {
            terms,
            memo: Vec::new(),
        };
        world.send(&self.sponsor, call).await;
        world.mine(2).await;
        let head = world.head().await.number;
        for node in nodes {
            node.sees(head).await;
        }
    }

    /// Pays and hands every miner its kfrag.
    pub async fn complete(&self, world: &World, miners: &[Miner]) {
        let nodes: Vec<&Node> = miners.iter().map(|miner| &miner.node).collect();
        self.pay(world, &nodes).await;
        for miner in miners {
            self.hand_over(miner).await.unwrap();
        }
    }

    /// Hands a miner its kfrag; checks the acknowledgement.
    pub async fn hand_over(&self, miner: &Miner) -> Result<KfragAck, Problem> {
        let upload = self.upload(miner.address());
        let ack = miner.node.wire().hand_over(&upload).await?;
        ack.verify(&self.domain, &upload, &miner.address(), &miner.worker)
            .unwrap();
        Ok(ack)
    }

    /// Asks a miner as the reader does; the fragment is verified.
    pub async fn ask(&self, world: &World, miner: &Miner) -> Result<VerifiedCapsuleFrag, Problem> {
        let request = self.request(miner.address(), world.head().await.timestamp);
        let reply = self.post(miner, &request).await?;
        Ok(self.check(&request, &reply, miner.worker))
    }

    /// Sends a request as it is.
    pub async fn post(
        &self,
        miner: &Miner,
        request: &ReencryptRequest,
    ) -> Result<ReencryptReply, Problem> {
        miner.node.wire().reencrypt(request).await
    }
}
