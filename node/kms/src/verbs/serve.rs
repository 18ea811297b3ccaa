//! `kms serve`: the home over HTTP, for programs on this machine.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kms_client::{Daemon, DaemonOptions, Listen, OwnerKeys, Role};
use serde::Serialize;

use crate::context::Context;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::output::write_line;
use crate::session::Session;

/// Pause between two looks for what `GET /v1/events` tells.
const LOOK: Duration = Duration::from_secs(2);

/// Serve this home to programs of yours, over HTTP on this machine
///
/// Listens on 127.0.0.1 or on a socket, until it is stopped. Whoever has the token, which is new
/// with each start and lies in a file of the home, can encrypt, read, grant and revoke. Bodies are
/// raw bytes of any length; errors have the codes of the command line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms serve --port 8471 --content ~/films
  kms serve --socket ~/kms.sock
  kms serve --openapi > openapi.json

  TOKEN=$(cat ~/.local/share/kms/serve/token)
  curl -H \"Authorization: Bearer $TOKEN\" --data-binary @movie.mp4 \\
    'http://127.0.0.1:8471/v1/encrypt?label=films/demo' > movie.kms")]
pub(crate) struct ServeArgs {
    /// Port of 127.0.0.1; 0 is any that is free
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8471,
        conflicts_with = "socket"
    )]
    port: u16,
    /// Listen on a socket at this path instead
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Folder below which GET /v1/content opens files
    #[arg(long, value_name = "DIR")]
    content: Option<PathBuf>,
    /// Only print what is served, as OpenAPI
    #[arg(long)]
    openapi: bool,
}

#[derive(Serialize)]
struct ServingReport {
    address: String,
    token_file: String,
}

impl fmt::Display for ServingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "serving at {}, token in {}",
            self.address, self.token_file
        )
    }
}

pub(crate) async fn run(args: &ServeArgs, context: &Context) -> Outcome {
    if args.openapi {
        return write_line(kms_client::openapi().trim_end());
    }
    let session = Session::open(context).await?;
    let home = &session.home;
    let count = home.config().reader_keys;
    let (owner, readers) = match home.config().role {
        Role::Owner => {
            let keys: OwnerKeys = home.unlock_owner(&context.passphrases)?;
            let readers = (0..count).map(|number| keys.reader(number));
            let readers = readers.collect::<Result<Vec<_>, _>>()?;
            (Some(keys), readers)
        }
        Role::Reader => {
            let keys = home.unlock_readers(&context.passphrases)?;
            let readers = (0..count).map(|number| keys.key(number));
            (None, readers.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let wallet = home.unlock_wallet(&context.passphrases)?;
    let listen = match &args.socket {
        Some(path) => Listen::Socket(path.clone()),
        None => Listen::Port(args.port),
    };
    let options = DaemonOptions {
        home: session.home,
        network: session.network,
        owner,
        readers,
        wallet,
        content: args.content.clone(),
        exit_of: exit::of,
        look: LOOK,
    };
    let daemon = Daemon::bind(options, &listen).await?;
    context.out.emit(&ServingReport {
        address: daemon.address(),
        token_file: daemon.token_file().display().to_string(),
    })?;
    let stop = async {
        // Without signals it runs until it is killed.
        if interrupt::asked_to_stop().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    daemon.run(stop).await.map_err(Failure::from)
}
