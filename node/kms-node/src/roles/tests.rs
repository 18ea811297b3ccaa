use kms_chain::ChainEvent;
use kms_kit::postgres::Postgres;
use kms_kit::wait::until;
use kms_protocol::messages::Problem;
use kms_protocol::{Amount, Period, Refusal};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::gate;
use crate::host::stop::Stopper;
use crate::node::NodeParts;
use crate::serve::shared;
use crate::store::Store;
use crate::testkit::World;
use crate::testkit::grant::Grant;

/// A chain, and a PostgreSQL for the machines of one miner.
struct Site {
    world: World,
    server: Postgres,
    _folder: TempDir,
}

/// A node on the site's database.
struct Machine {
    node: Arc<Node>,
    stopper: Stopper,
    task: JoinHandle<Ended>,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Postgres::start(folder.path()).unwrap();
        let world = World::new()
            .set("database", &server.url("postgres"))
            .set("lease_ms", "1000");
        Self {
            world,
            server,
            _folder: folder,
        }
    }

    async fn machine(&self, role: &str) -> Machine {
        let mut config = self.world.config();
        config.role = role.parse().unwrap();
        let url = self.server.url("postgres");
        let (publisher, snapshots) = watch::channel(None);
        let node = Arc::new(Node::new(NodeParts {
            config,
            keys: self.world.keys(),
            domain: crate::testkit::domain(),
            store: Store::open_postgres(&url).await.unwrap(),
            snapshots,
        }));
        let (stopper, stop) = Stopper::new();
        let chain = self.world.chain.clone();
        let task = tokio::spawn(share(node.clone(), chain, publisher, stop));
        Machine {
            node,
            stopper,
            task,
        }
    }
}

impl Machine {
    fn leads(&self) -> bool {
        self.node.metrics.leader.get() == 1
    }

    fn verdict(&self, grant: &Grant) -> Option<Refusal> {
        let snapshot = self.node.snapshot();
        let served = gate::serve(self.node.view(snapshot.as_ref()), &grant.id());
        served.err().map(|Problem { code, .. }| code)
    }

    async fn says(&self, what: Option<Refusal>, grant: &Grant) {
        until("a verdict", async || {
            (self.verdict(grant) == what).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn one_node_leads_all_answer_and_a_crash_is_taken_over_from() {
    let site = Site::new();
    let chain = &site.world.chain;
    let grant = Grant::new(1, 100);
    let first = site.machine("all").await;
    until("a leader", async || first.leads().then_some(())).await;
    let second = site.machine("chain").await;
    let third = site.machine("api").await;
    chain.queue_served(&grant.terms);
    chain.mine_many(3);
    for machine in [&first, &second, &third] {
        machine.says(None, &grant).await;
    }
    assert_eq!([second.leads(), third.leads()], [false, false]);

    // One transport key, and one memory of requests.
    let mut keys = Vec::new();
    for machine in [&first, &third] {
        let made = until("a transport key", async || {
            machine.node.transport_certificate().ok()
        });
        keys.push(made.await);
    }
    assert_eq!(keys[0], keys[1]);
    let head = third.node.snapshot().unwrap().head;
    let request = grant.request(head.timestamp);
    shared::take_nonce(&third.node, &request, head)
        .await
        .unwrap();
    let again = shared::take_nonce(&first.node, &request, head).await;
    assert_eq!(again.unwrap_err().code, Refusal::Replay);

    // A crash: nothing is given back.
    first.task.abort();
    until("the next leader", async || second.leads().then_some(())).await;
    assert!(!third.leads(), "it may not");
    chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id: grant.id(),
        effective_last: Period(2),
        refund: Amount(1),
    });
    chain.mine();
    for machine in [&second, &third] {
        machine.says(Some(Refusal::PolicyRevoked), &grant).await;
    }
    let erased = async || second.node.store.erasure(grant.id()).await.unwrap();
    assert!(erased().await.is_none(), "it never had a kfrag");
    second.stopper.stop();
    second.task.await.unwrap().unwrap();
    assert!(!second.node.store.shown().await.unwrap().unwrap().held);
}

#[tokio::test]
async fn a_database_that_was_restarted_is_gone_on_with() {
    let site = Site::new();
    let machine = site.machine("all").await;
    let head = || {
        machine
            .node
            .snapshot()
            .map_or(0, |snapshot| snapshot.head.number)
    };
    site.world.chain.mine_many(3);
    until("the head", async || (head() >= 3).then_some(())).await;
    site.server.restart().unwrap();
    site.world.chain.mine_many(2);
    until("the head", async || (head() >= 5).then_some(())).await;
    until("a view", async || machine.node.age.age()).await;
    machine.stopper.stop();
    machine.task.await.unwrap().unwrap();
}
