use tokio::sync::oneshot;

use super::*;
use crate::testkit::World;
use crate::testkit::chain::FakeChain;
use crate::testkit::domain;

/// Starts the node's tasks on the chain in memory, without keystores and RPC.
async fn started(world: &World) -> Started {
    let config = world.config();
    let lock = DirLock::take(&config.data_dir).unwrap();
    let listener = http::bind(&config).await.unwrap();
    let admin = admin::bind(&config).await.unwrap();
    let store = world.store().await;
    let (publisher, snapshots) = watch::channel(None);
    let (keys, domain) = (world.keys(), domain());
    let node = Node::new(NodeParts {
        config,
        keys,
        domain,
        store,
        snapshots,
    });
    Started {
        node: Arc::new(node),
        listener,
        admin,
        publisher,
        lock,
    }
}

fn running(
    started: Started,
    chain: FakeChain,
) -> (
    oneshot::Sender<()>,
    tokio::task::JoinHandle<Result<(), NodeError>>,
) {
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    (stop, tokio::spawn(serve(started, chain, shutdown)))
}

async fn until(mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(
            std::time::Instant::now() < deadline,
            "it did not come about"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn runs_its_duties_by_itself_and_stops_when_asked() {
    let world = World::new();
    world.chain.queue_stake();
    world.chain.mine();
    let started = started(&world).await;
    let address = started.listener.tcp.local_addr().unwrap();
    let (stop, task) = running(started, world.chain.clone());
    let chain = world.chain.clone();
    until(move || {
        chain.mine();
        chain.effects("confirm_activity") > 0 && chain.effects("register_node") > 0
    })
    .await;
    let ready = reqwest::get(format!("http://{address}/readyz"))
        .await
        .unwrap();
    assert_eq!(
        ready.status().as_u16(),
        200,
        "{}",
        ready.text().await.unwrap()
    );
    assert_eq!(
        DirLock::take(world.dir.path()).unwrap_err().code(),
        "already_running"
    );
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
    ended.unwrap().unwrap().unwrap();
    DirLock::take(world.dir.path()).unwrap();
}

#[tokio::test]
async fn starts_and_stays_up_while_no_endpoint_answers() {
    let world = World::new();
    world.chain.state().online = false;
    let started = started(&world).await;
    let address = started.listener.tcp.local_addr().unwrap();
    let (_stop, task) = running(started, world.chain.clone());
    let url = format!("http://{address}/readyz");
    let response = reqwest::get(&url).await.unwrap();
    assert_eq!(response.status().as_u16(), 503);
    assert!(!task.is_finished());
    world.chain.state().online = true;
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while reqwest::get(&url).await.unwrap().status() != 200 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_task_that_ends_stops_the_node_with_its_name() {
    let world = World::new();
    let started = started(&world).await;
    let store = started.node.store.clone();
    let (_stop, task) = running(started, world.chain.clone());
    store.close().await;
    let ended = tokio::time::timeout(Duration::from_secs(60), task)
        .await
        .unwrap()
        .unwrap();
    let error = ended.unwrap_err();
    assert_eq!(error.code(), "task_stopped");
    assert!(error.to_string().contains("chain"), "{error}");
}

#[tokio::test]
async fn refuses_a_data_directory_that_is_missing() {
    let world = World::new();
    let mut config = world.config();
    config.data_dir = world.dir.path().join("absent");
    let passphrase = Zeroizing::new("p".to_owned());
    let error = run(config, passphrase, std::future::pending())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "file_unusable");
    let config = world.config();
    let passphrase = Zeroizing::new("p".to_owned());
    let error = run(config, passphrase, std::future::pending())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "deployment_invalid");
}
