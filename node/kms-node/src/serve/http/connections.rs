//! The table of open connections. At the limit, in all or per address, the connection that has kept
//! the node waiting longest is closed for a new one, so slow clients cannot shut others out. The
//! new one is closed only while every connection is being answered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// The open connections and their limits.
pub(super) struct Connections {
    total_max: usize,
    per_ip_max: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next_id: u64,
    open: HashMap<u64, Connection>,
}

struct Connection {
    ip: IpAddr,
    /// Start of the node's wait for the client; `None` while the client waits for the node.
    waiting_since: Option<Instant>,
    close: Arc<Notify>,
}

/// A connection's entry, removed on drop.
pub(super) struct Entry {
    id: u64,
    connections: Arc<Connections>,
    close: Arc<Notify>,
}

/// The peer of a request by its connection's entry, for the routes.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) entry: Arc<Entry>,
}

/// How a connection was admitted.
pub(super) enum Admitted {
    /// Below the limits.
    Free(Entry),
    /// At a limit: a waiting connection was closed.
    Evicted(Entry),
}

impl Connections {
    pub(super) fn new(total_max: usize, per_ip_max: usize) -> Arc<Self> {
        Arc::new(Self {
            total_max,
            per_ip_max,
            table: Mutex::default(),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Admits a connection, evicting another if needed; `None` if none can be evicted.
    pub(super) fn admit(self: &Arc<Self>, ip: IpAddr) -> Option<Admitted> {
        let mut table = self.lock();
        let of_ip = table.open.values().filter(|other| other.ip == ip).count();
        let evicted = if of_ip >= self.per_ip_max {
            Some(table.evict(|other| other.ip == ip)?)
        } else if table.open.len() >= self.total_max {
            Some(table.evict(|_| true)?)
        } else {
            None
        };
        let close = Arc::new(Notify::new());
        let id = table.next_id;
        table.next_id += 1;
        let waiting_since = Some(Instant::now());
        table.open.insert(
            id,
            Connection {
                ip,
                waiting_since,
                close: close.clone(),
            },
        );
        let entry = Entry {
            id,
            connections: self.clone(),
            close,
        };
        Some(match evicted {
            Some(()) => Admitted::Evicted(entry),
            None => Admitted::Free(entry),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Closes the matching connection that has waited longest; `None` if none waits.
    fn evict(&mut self, of: impl Fn(&Connection) -> bool) -> Option<()> {
        let waiting = self.open.iter().filter(|(_, connection)| of(connection));
        let waiting = waiting.filter_map(|(id, connection)| Some((connection.waiting_since?, *id)));
        let (_, id) = waiting.min()?;
        let connection = self.open.remove(&id)?;
        connection.close.notify_one();
        Some(())
    }
}

impl Entry {
    /// Records that the request has arrived whole: the client waits for the node.
    pub(super) fn working(&self) {
        self.set(None);
    }

    /// Records that the reply is ready: the node waits for the client to read it and to ask again.
    pub(super) fn waiting(&self) {
        self.set(Some(Instant::now()));
    }

    /// Whether the node waits for the client: its request has not arrived whole.
    pub(super) fn is_waiting(&self) -> bool {
        let table = self.connections.lock();
        let connection = table.open.get(&self.id);
        connection.is_none_or(|connection| connection.waiting_since.is_some())
    }

    /// Resolves when the connection is evicted.
    pub(super) async fn evicted(&self) {
        self.close.notified().await;
    }

    fn set(&self, waiting_since: Option<Instant>) {
        if let Some(connection) = self.connections.lock().open.get_mut(&self.id) {
            connection.waiting_since = waiting_since;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests;
