use kms_chain::ChainEvent;
use kms_protocol::Period;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::*;
use crate::host::stop::Stopper;
use crate::kfrag::upload;
use crate::testkit::grant::Grant;
use crate::testkit::{MINER, Running, World};

mod earnings;
mod pages;

const ROUTES: [&str; 8] = [
    "/metrics",
    "/v1/admin/overview",
    "/v1/admin/earnings",
    "/v1/admin/stake",
    "/v1/admin/policies",
    "/v1/admin/transactions",
    "/v1/admin/health",
    "/v1/admin/events",
];

/// A node whose operator's port is open.
struct Desk {
    world: World,
    running: Running,
    url: String,
    client: Client,
    stopper: Stopper,
    task: tokio::task::JoinHandle<()>,
}

impl Desk {
    async fn new(world: World) -> Self {
        let running = world.start().await;
        let listener = bind(&running.node.config).await.unwrap().unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(serve(running.node.clone(), listener, stop));
        Self {
            world,
            running,
            url,
            client: Client::new(),
            stopper,
            task,
        }
    }

    /// One whose miner is staked, and does its duties for some blocks.
    async fn staked(blocks: u32) -> Self {
        let world = World::new();
        world.chain.queue_stake();
        world.chain.mine();
        let mut desk = Self::new(world).await;
        desk.live(blocks).await;
        desk
    }

    async fn live(&mut self, blocks: u32) {
        self.running.live(&self.world.chain, blocks).await;
    }

    /// A reward, and then the next period in which it waits.
    async fn earn(&mut self, kms: u128) {
        let amount = kms * kms_protocol::Amount::KMS.0;
        self.world.chain.state().claimable.0 += amount;
        let next = self.world.chain.period().0 + 1;
        self.world.chain.mine_to_period(next);
        self.running.tick().await;
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    async fn read(&self, page: &str) -> Value {
        let response = self.get(&format!("/v1/admin/{page}")).await;
        assert_eq!(response.status(), 200, "{page}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }
}
