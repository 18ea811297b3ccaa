//! The life of a node: checks configuration, files and chain, starts the tasks in order, watches
//! them, stops them in order. A task that ends by itself stops the node.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kms_chain::{Chain, ChainError, Deployment, RpcConfig};
use kms_protocol::{Domain, PeriodClock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::chain::NodeChain;
use crate::config::{NodeConfig, Role};
use crate::duties::act;
use crate::error::NodeError;
use crate::host::health::Concern;
use crate::host::identity::{Keys, check_private, database_path};
use crate::host::lock::DirLock;
use crate::host::stop::{Stop, Stopper};
use crate::host::tasks::{Ended, Finished, Tasks};
use crate::kfrag::erase;
use crate::node::{Node, NodeParts};
use crate::roles;
use crate::serve::{admin, http};
use crate::store::Store;
use crate::view::follow::{Follower, Publisher};

/// Interval at which the deployment's parameters are asked for until an endpoint answers.
const CONNECT_PAUSE: Duration = Duration::from_secs(1);
/// Timeout for the background tasks to end after the last request.
const TASK_GRACE: Duration = Duration::from_secs(1);

/// Runs a node until `shutdown` resolves, which the caller makes of signals. Requests in flight
/// then have `shutdown_grace_ms` to finish, under 10 s.
///
/// # Errors
/// At the start, any [`NodeError`]; later, [`NodeError::TaskStopped`]. Failures of the RPC
/// endpoints never end the node: meanwhile `/readyz` is not ready and says why.
pub async fn run(
    config: NodeConfig,
    passphrase: Zeroizing<String>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), NodeError> {
    let (started, chain) = start(config, passphrase).await?;
    tracing::info!(
        listen = %started.node.config.listen,
        admin_listen = ?started.node.config.admin_listen,
        miner = %started.node.miner(),
        worker = %started.node.keys.worker.address(),
        "node started"
    );
    serve(started, chain, shutdown).await
}

/// A node with its files, port and database open, whose tasks are not spawned yet.
struct Started {
    node: Arc<Node>,
    listener: http::Listener,
    admin: Option<TcpListener>,
    publisher: Publisher,
    /// Released last.
    lock: DirLock,
}

async fn start(
    config: NodeConfig,
    passphrase: Zeroizing<String>,
) -> Result<(Started, Chain), NodeError> {
    check_private(&config.data_dir)?;
    let lock = DirLock::take(&config.data_dir)?;
    let deployment =
        Deployment::load(&config.deployment).map_err(|source| NodeError::Deployment {
            path: config.deployment.clone(),
            source,
        })?;
    let listener = http::bind(&config).await?;
    let admin = admin::bind(&config).await?;
    let dir = config.data_dir.clone();
    let keys = tokio::task::spawn_blocking(move || Keys::open(&dir, &passphrase)).await;
    let keys = keys.map_err(|_| NodeError::Crypto("the keystores could not be opened"))??;
    let store = open_store(&config).await?;
    pin_database(&store, &config, &deployment).await?;
    let chain = match config.role {
        Role::All | Role::Chain => connect(&config, &deployment).await?,
        // It asks no endpoint.
        Role::Api => offline(&config, &deployment)?,
    };
    let (publisher, snapshots) = watch::channel(None);
    let domain = Domain::node(deployment.chain_id, deployment.contracts.policies.address);
    let held = store.kfrag_count().await?;
    let parts = NodeParts {
        config,
        keys,
        domain,
        store,
        snapshots,
    };
    let node = Arc::new(Node::new(parts));
    node.metrics.kfrags.set(held);
    let _ = node.metrics.rpc.set(chain.rpc().clone());
    Ok((
        Started {
            node,
            listener,
            admin,
            publisher,
            lock,
        },
        chain,
    ))
}

async fn open_store(config: &NodeConfig) -> Result<Store, NodeError> {
    let file = database_path(&config.data_dir);
    Ok(Store::open_configured(&file, config.database.as_ref()).await?)
}

/// Binds the database to one deployment and one miner, or checks that it is bound to these.
async fn pin_database(
    store: &Store,
    config: &NodeConfig,
    deployment: &Deployment,
) -> Result<(), NodeError> {
    let pins = [
        ("chain id", deployment.chain_id.to_string()),
        ("genesis hash", deployment.genesis_hash.to_string()),
        (
            "policy manager",
            deployment.contracts.policies.address.to_string(),
        ),
        (
            "staking escrow",
            deployment.contracts.escrow.address.to_string(),
        ),
        ("miner", config.miner.to_string()),
    ];
    for (field, configured) in pins {
        if let Some(stored) = store.pin_meta(field, &configured).await? {
            return Err(NodeError::ForeignDatabase {
                field,
                stored,
                configured,
            });
        }
    }
    Ok(())
}

fn rpc_config(config: &NodeConfig) -> RpcConfig {
    RpcConfig {
        timeout_ms: config.rpc_timeout_ms,
        max_ahead_s: Some(config.max_block_ahead_s).filter(|ahead| *ahead > 0),
        // Each task of the node asks again by itself.
        patience_ms: 0,
        ..RpcConfig::new(config.rpc_urls.clone())
    }
}

fn offline(config: &NodeConfig, deployment: &Deployment) -> Result<Chain, NodeError> {
    Chain::offline(&rpc_config(config), deployment.clone())
        .map_err(|source| NodeError::WrongChain { source })
}

/// Connects to the endpoints. Fails if one serves another chain, not if one is down.
async fn connect(config: &NodeConfig, deployment: &Deployment) -> Result<Chain, NodeError> {
    let rpc = rpc_config(config);
    match Chain::connect(&rpc, deployment.clone()).await {
        Ok(chain) => Ok(chain),
        Err(source @ ChainError::WrongChain { .. }) => Err(NodeError::WrongChain { source }),
        Err(error) => {
            tracing::warn!(%error, "no endpoint answers yet, starting all the same");
            offline(config, deployment)
        }
    }
}

async fn serve<C: NodeChain>(
    started: Started,
    chain: C,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), NodeError> {
    let Started {
        node,
        listener,
        admin,
        publisher,
        lock,
    } = started;
    let (http_stopper, http_stop) = Stopper::new();
    let (stopper, stop) = Stopper::new();
    let mut tasks = Tasks::default();
    if node.config.database.is_some() {
        let shared = roles::share(node.clone(), chain, publisher, stop.clone());
        tasks.spawn("roles", shared);
    } else {
        let sweeper = erase::Sweeper::new(node.clone(), chain.clone());
        tasks.spawn("sweeper", erase::run(sweeper, stop.clone()));
        let followed = chain_tasks(node.clone(), chain, publisher, stop.clone());
        tasks.spawn("chain", followed);
    }
    if let Some(listener) = admin {
        let served = admin::serve(node.clone(), listener, stop.clone());
        tasks.spawn("admin", ok(served));
    }
    tasks.spawn(
        "http",
        ok(http::serve(node.clone(), listener, http_stop.clone())),
    );
    let failed = tokio::select! {
        () = shutdown => None,
        ended = tasks.next() => ended.map(Finished::into_error),
    };
    if let Some(error) = &failed {
        tracing::error!(code = error.code(), %error, "stopping the node");
    }
    node.close();
    http_stopper.stop();
    drain(&mut tasks, &node).await;
    stopper.stop();
    tasks.end_within(TASK_GRACE).await;
    node.store.close().await;
    drop(lock);
    failed.map_or(Ok(()), Err)
}

/// Waits until the HTTP task has finished the requests in flight.
async fn drain(tasks: &mut Tasks, node: &Node) {
    let limit = Duration::from_millis(node.config.shutdown_grace_ms) + TASK_GRACE;
    let http_ended = async {
        while let Some(finished) = tasks.next().await {
            if finished.name == "http" {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(limit, http_ended).await;
}

/// Reads the parameters of the deployment, then runs the follower and the duties.
async fn chain_tasks<C: NodeChain>(
    node: Arc<Node>,
    chain: C,
    publisher: Publisher,
    stop: Stop,
) -> Ended {
    let Some((clock, max_lease)) = parameters(&node, &chain, &stop).await else {
        return Ok(());
    };
    let follower = Follower::new(node.clone(), chain.clone(), clock, publisher).await?;
    let sender = act::Sender::new(node, chain, clock, max_lease);
    tokio::try_join!(
        follower.run(stop.clone()),
        ok(act::run(sender, stop.clone()))
    )
    .map(|_| ())
}

/// Reads the period clock and the longest lease, in periods, retrying until an endpoint answers;
/// `None` if told to stop first.
async fn parameters<C: NodeChain>(
    node: &Node,
    chain: &C,
    stop: &Stop,
) -> Option<(PeriodClock, u32)> {
    while !stop.is_stopped() {
        match chain.params().await {
            Ok(params) => return Some((params.clock, params.max_lease_periods)),
            Err(error) => {
                node.metrics.rpc_error("chain");
                node.health
                    .set("rpc", Concern::Earning, Some(error.to_string()));
                stop.sleep(CONNECT_PAUSE).await;
            }
        }
    }
    None
}

async fn ok(task: impl Future<Output = ()>) -> Ended {
    task.await;
    Ok(())
}

#[cfg(test)]
mod tests;
