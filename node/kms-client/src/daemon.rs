//! The local daemon: everything that the command line does with files and policies, as HTTP for
//! programs in any language, on loopback or a socket of the file system. It holds the home's keys
//! while it runs. Whoever has its token can do what the home can; the token lies in the home.
//! Neighbours: `owner` and `reader` do the work; `routes` is the one list of what is served, from
//! which the OpenAPI text is made too.

mod body;
mod book;
mod call;
mod contents;
mod events;
mod films;
mod guard;
mod keys;
mod once;
mod openapi;
mod options;
mod policies;
mod problem;
mod routes;
mod state;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::error::{Error, Result};

pub use films::Films;
pub use openapi::openapi;
pub use options::DaemonOptions;

use guard::Guard;
use state::State;

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A port of 127.0.0.1; 0 is any that is free.
    Port(u16),
    /// A socket at this path, which its user alone can reach.
    Socket(PathBuf),
}

/// A daemon that listens and does not answer yet.
pub struct Daemon {
    state: Arc<State>,
    bound: Bound,
    token_file: PathBuf,
}

enum Bound {
    Port(TcpListener, SocketAddr),
    #[cfg(unix)]
    Socket(tokio::net::UnixListener, PathBuf),
}

impl Daemon {
    /// Listens, and writes a fresh token to the home.
    ///
    /// # Errors
    /// [`Error::Io`], [`kms_core::Error::Random`].
    pub async fn bind(options: DaemonOptions, listen: &Listen) -> Result<Self> {
        let bound = Bound::at(listen).await?;
        let token_file = options.home.path().join("serve").join("token");
        let port = match &bound {
            Bound::Port(_, address) => Some(address.port()),
            #[cfg(unix)]
            Bound::Socket(..) => None,
        };
        let guard = Guard::fresh(&token_file, port)?;
        Ok(Self {
            state: Arc::new(State::new(options, guard)),
            bound,
            token_file,
        })
    }

    /// The base URL, or the path of the socket.
    pub fn address(&self) -> String {
        match &self.bound {
            Bound::Port(_, address) => format!("http://{address}"),
            #[cfg(unix)]
            Bound::Socket(_, path) => path.display().to_string(),
        }
    }

    /// The file with the token of this run.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// Answers until `stop`, then lets running answers end.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let router = routes::router(self.state);
        let (served, path) = match self.bound {
            Bound::Port(listener, _) => {
                let served = axum::serve(listener, router).with_graceful_shutdown(stop);
                (served.await, self.token_file.clone())
            }
            #[cfg(unix)]
            Bound::Socket(listener, path) => {
                let served = axum::serve(listener, router).with_graceful_shutdown(stop);
                let served = served.await;
                // A socket that stays does no harm: the next daemon replaces it.
                let _ = std::fs::remove_file(&path);
                (served, path)
            }
        };
        served.map_err(|source| Error::io(&path, source))
    }
}

impl Bound {
    async fn at(listen: &Listen) -> Result<Self> {
        match listen {
            Listen::Port(port) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
                let place = PathBuf::from(address.to_string());
                let io = |source| Error::io(&place, source);
                let listener = TcpListener::bind(address).await.map_err(io)?;
                let bound = listener.local_addr().map_err(io)?;
                Ok(Self::Port(listener, bound))
            }
            #[cfg(unix)]
            Listen::Socket(path) => {
                use std::os::unix::fs::PermissionsExt as _;
                let io = |source| Error::io(path, source);
                // Nobody answers at a socket that was left over.
                if std::os::unix::net::UnixStream::connect(path).is_err() && path.exists() {
                    std::fs::remove_file(path).map_err(io)?;
                }
                let listener = tokio::net::UnixListener::bind(path).map_err(io)?;
                let mode = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(path, mode).map_err(io)?;
                Ok(Self::Socket(listener, path.clone()))
            }
            #[cfg(not(unix))]
            Listen::Socket(path) => {
                let source = std::io::Error::from(std::io::ErrorKind::Unsupported);
                Err(Error::io(path, source))
            }
        }
    }
}
