//! The roles of nodes that share a database. Each reads the index from there and answers; one of
//! them holds the lease, and it alone follows the chain, sends and erases. A holder that loses the
//! lease, or cannot tell, stops what it does at once and answers on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kms_protocol::PeriodClock;

use crate::chain::NodeChain;
use crate::config::Role;
use crate::duties::act;
use crate::host::health::Concern;
use crate::host::stop::Stop;
use crate::host::tasks::Ended;
use crate::kfrag::erase;
use crate::node::Node;
use crate::store::Result;
use crate::view::follow::{Follower, Publisher};
use crate::view::replica::Replica;

/// Pause between two looks at the database.
const POLL: Duration = Duration::from_millis(250);
/// Part of the lease's life after which it is renewed.
const RENEWALS: u32 = 5;
/// Name under which the deployment's parameters lie in the database.
const PARAMETERS: &str = "periods";

/// The parameters of the deployment that a node needs.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Parameters {
    genesis_time: u64,
    period_seconds: u32,
    max_lease_periods: u32,
}

impl Parameters {
    fn clock(self) -> PeriodClock {
        PeriodClock {
            genesis_time: self.genesis_time,
            period_seconds: self.period_seconds,
        }
    }
}

/// A node that shares its database.
struct Sharer<C> {
    node: Arc<Node>,
    chain: C,
    parameters: Parameters,
    publisher: Publisher,
    stop: Stop,
}

/// Answers from the database, and leads whenever the lease is free and the role allows it, until
/// told to stop.
pub(crate) async fn share<C: NodeChain>(
    node: Arc<Node>,
    chain: C,
    publisher: Publisher,
    stop: Stop,
) -> Ended {
    let Some(parameters) = parameters(&node, &chain, &stop).await else {
        return Ok(());
    };
    let mut replica = Replica::new(&node, parameters.clock(), publisher.clone());
    let sharer = Sharer {
        node: node.clone(),
        chain,
        parameters,
        publisher,
        stop,
    };
    let heartbeat = node.health.heartbeat("replica");
    while !sharer.stop.is_stopped() {
        heartbeat.beat();
        if node.config.role != Role::Api && sharer.take().await {
            tracing::info!("took the lease: this node follows the chain and sends");
            node.metrics.leader.set(1);
            sharer.lead(&mut replica).await?;
            node.metrics.leader.set(0);
            node.health.forget();
            tracing::info!("left the lease: this node answers from the database");
        }
        note(&node, replica.poll().await);
        sharer.stop.sleep(POLL).await;
    }
    Ok(())
}

impl<C: NodeChain> Sharer<C> {
    fn life(&self) -> Duration {
        Duration::from_millis(self.node.config.lease_ms)
    }

    /// Takes the lease if it is free, which is asked first: taking it locks the database.
    async fn take(&self) -> bool {
        let store = &self.node.store;
        let taken = async {
            match store.shown().await? {
                Some(shown) if shown.held => Ok(false),
                _ => store.take_lease(self.life()).await,
            }
        };
        match taken.await {
            Ok(taken) => taken,
            Err(error) => {
                note(&self.node, Err(error));
                false
            }
        }
    }

    /// Follows the chain, sends and erases for as long as the lease is held.
    async fn lead(&self, replica: &mut Replica) -> Ended {
        let ended = tokio::select! {
            // Looked at first: nothing goes on when the lease is lost.
            biased;
            () = self.keep(replica) => Ok(()),
            ended = self.work() => match ended {
                Err(error) if error.is_passing() => {
                    note(&self.node, Err(error));
                    Ok(())
                }
                ended => ended,
            },
        };
        if let Err(error) = self.node.store.leave_lease().await {
            note(&self.node, Err(error));
        }
        ended
    }

    async fn work(&self) -> Ended {
        let (node, chain, stop) = (&self.node, &self.chain, &self.stop);
        let clock = self.parameters.clock();
        let publisher = self.publisher.clone();
        let follower = Follower::new(node.clone(), chain.clone(), clock, publisher).await?;
        let longest = self.parameters.max_lease_periods;
        let sender = act::Sender::new(node.clone(), chain.clone(), clock, longest);
        let sweeper = erase::Sweeper::new(node.clone(), chain.clone());
        let duties = async {
            act::run(sender, stop.clone()).await;
            Ok(())
        };
        let sweep = erase::run(sweeper, stop.clone());
        tokio::try_join!(follower.run(stop.clone()), duties, sweep).map(|_| ())
    }

    /// Renews the lease, shows how old the view is, and does what every node does; ends when the
    /// lease is lost, when it may be, or when told to stop.
    async fn keep(&self, replica: &mut Replica) {
        let (node, life) = (&self.node, self.life());
        let heartbeat = node.health.heartbeat("replica");
        let mut held_until = Instant::now() + life;
        while !self.stop.is_stopped() {
            heartbeat.beat();
            let asked = Instant::now();
            let age = node.age.age();
            let head = node.snapshot().map(|snapshot| snapshot.head);
            let hash = head.map_or_else(Default::default, |head| head.hash);
            match node.store.keep_lease(life, hash, age).await {
                Ok(true) => held_until = asked + life,
                Ok(false) => return,
                Err(error) => note(node, Err(error)),
            }
            if let Some(head) = head {
                let floor = head.timestamp.saturating_sub(node.config.request_window_s);
                if let Err(error) = node.store.forget_nonces(floor).await {
                    note(node, Err(error));
                }
            }
            note(node, replica.follow_others().await);
            if Instant::now() >= held_until {
                return;
            }
            self.stop.sleep((life / RENEWALS).min(4 * POLL)).await;
        }
    }
}

/// Says once in a while what the database refuses.
fn note(node: &Node, outcome: Result<()>) {
    let problem = outcome.as_ref().err().map(ToString::to_string);
    node.health.set("shared_store", Concern::Earning, problem);
    if let Err(error) = outcome
        && let Some(left_out) = node.quiet.may_tell("shared_store")
    {
        tracing::warn!(code = error.code(), %error, left_out, "the shared database waits");
    }
}

/// Reads the parameters of the deployment from the database, where the first node that may ask an
/// endpoint puts them; `None` if told to stop first.
async fn parameters<C: NodeChain>(node: &Node, chain: &C, stop: &Stop) -> Option<Parameters> {
    while !stop.is_stopped() {
        match node.store.meta(PARAMETERS).await {
            Ok(Some(text)) => match serde_json::from_str(&text) {
                Ok(parameters) => return Some(parameters),
                Err(error) => tracing::error!(%error, "the parameters in the database are damaged"),
            },
            Ok(None) if node.config.role != Role::Api => {
                if let Ok(params) = chain.params().await {
                    let parameters = Parameters {
                        genesis_time: params.clock.genesis_time,
                        period_seconds: params.clock.period_seconds,
                        max_lease_periods: params.max_lease_periods,
                    };
                    let text = serde_json::to_string(&parameters).unwrap_or_default();
                    note(
                        node,
                        node.store.pin_meta(PARAMETERS, &text).await.map(|_| ()),
                    );
                }
            }
            Ok(None) => {}
            Err(error) => note(node, Err(error)),
        }
        stop.sleep(POLL).await;
    }
    None
}

#[cfg(test)]
mod tests;
