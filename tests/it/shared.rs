//! Machines of one miner that share a PostgreSQL: any of them answers, one of them acts, and a
//! machine that stands still or ends is taken over from.

use std::process::Command;

use kms_chain::Call;
use kms_kit::node::{Node, Place};
use kms_kit::postgres::Postgres;
use kms_kit::wait::until;
use kms_protocol::messages::{Answer, Message};
use kms_protocol::{Destination, Refusal};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};

/// Two machines of one miner, at work on one database.
struct Shared {
    world: World,
    miner: Miner,
    other: Node,
    postgres: Postgres,
    _folder: tempfile::TempDir,
}

impl Shared {
    async fn start() -> Self {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(folder.path()).unwrap();
        let database = format!("database={}", postgres.create("kms").unwrap());
        let settings = [database.as_str(), "lease_ms=2000"];
        let place = Place::free();
        let miner = world.stopped_miner_with("node", &place, &settings).await;
        let other = miner.node.replica(&world.path("other"));
        miner.node.start();
        other.start();
        world.registered(&miner).await;
        other.ready().await;
        world.all_active(&[&miner]).await;
        Self {
            world,
            miner,
            other,
            postgres,
            _folder: folder,
        }
    }

    /// A grant whose payment both have seen; the first has its kfrag.
    async fn grant(&self) -> Grant {
        let grant = Grant::prepare(&self.world, &[self.miner.address()], 1).await;
        grant
            .pay(&self.world, &[&self.miner.node, &self.other])
            .await;
        grant.hand_over(&self.miner).await.unwrap();
        grant
    }

    /// The machine that acts on chain, then the one that does not.
    async fn roles(&self) -> [&Node; 2] {
        until("one machine to lead", async || {
            let [first, second] = [&self.miner.node, &self.other];
            match [leads(first).await, leads(second).await] {
                [true, false] => Some([first, second]),
                [false, true] => Some([second, first]),
                _ => None,
            }
        })
        .await
    }

    /// Every transaction of the worker had an effect: none was sent twice.
    async fn nothing_was_sent_twice(&self) {
        let (sent, effects) = self.world.sent_by(&self.miner).await;
        assert_eq!(sent, effects);
    }

    /// Reads from a machine what the grant gives.
    async fn opens(&self, node: &Node, grant: &Grant) {
        let head = self.world.head().await;
        node.sees(head.number).await;
        let request = grant.request(self.miner.address(), head.timestamp);
        let reply = node.wire().reencrypt(&request).await.unwrap();
        assert!(grant.opens(&[grant.check(&request, &reply, self.miner.worker)]));
    }
}

async fn leads(node: &Node) -> bool {
    node.gauge("kms_leader ").await == 1.0
}

fn signal(node: &Node, name: &str) {
    let id = node.process_id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_on_one_database_answer_alike_and_one_acts() {
    let shared = Shared::start().await;
    let grant = shared.grant().await;
    let [leader, replica] = shared.roles().await;
    shared.opens(leader, &grant).await;
    shared.opens(replica, &grant).await;

    // A message that one machine has answered is answered by no other: keys and nonces are shared.
    let (world, miner) = (&shared.world, shared.miner.address());
    let destination = Destination {
        domain: &world.domain,
        miner: &miner,
    };
    let key = leader.wire().info().await.unwrap().transport.key;
    let request = grant.request(miner, world.head().await.timestamp);
    let (sealed, exchange) = Message::Reencrypt(request)
        .seal(&key, &destination)
        .unwrap();
    let worker = shared.miner.worker;
    let open = |reply: &[u8]| Answer::open(&destination, &exchange, &worker, reply).unwrap();
    let first = replica.wire().post(sealed.clone()).await.unwrap();
    assert!(matches!(open(&first), Answer::Fragments(_)));
    let second = leader.wire().post(sealed).await.unwrap();
    assert!(matches!(open(&second), Answer::Refused(refused) if refused.code == Refusal::Replay));

    // A revocation reaches both.
    let call = Call::RevokePolicy {
        terms: grant.terms.clone(),
    };
    world.send(&grant.sponsor, call).await;
    for node in [leader, replica] {
        until("a refusal", async || {
            (node.refusal(grant.id()).await == Some(Refusal::PolicyRevoked)).then_some(())
        })
        .await;
    }
    shared.nothing_was_sent_twice().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_stands_still_or_ends_is_taken_over_from() {
    let shared = Shared::start().await;
    let grant = shared.grant().await;
    let [paused, taker] = shared.roles().await;
    signal(paused, "-STOP");
    until("the other to lead", async || {
        leads(taker).await.then_some(())
    })
    .await;
    let world = &shared.world;
    world.pass_periods(1).await;
    shared.opens(taker, &grant).await;
    // What was paused for longer than its lease goes on as one that only answers.
    signal(paused, "-CONT");
    until("the paused one to notice", async || {
        (!leads(paused).await).then_some(())
    })
    .await;
    assert!(leads(taker).await);
    paused.ready().await;
    shared.opens(paused, &grant).await;

    taker.kill();
    until("the first to lead again", async || {
        leads(paused).await.then_some(())
    })
    .await;
    world.all_active(&[&shared.miner]).await;
    shared.opens(paused, &grant).await;
    shared.nothing_was_sent_twice().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_is_waited_for() {
    let shared = Shared::start().await;
    let grant = shared.grant().await;
    shared.postgres.restart().unwrap();
    let world = &shared.world;
    world.mine(1).await;
    for node in [&shared.miner.node, &shared.other] {
        node.ready().await;
        shared.opens(node, &grant).await;
    }
    shared.roles().await;
    world.all_active(&[&shared.miner]).await;
    shared.nothing_was_sent_twice().await;
}
