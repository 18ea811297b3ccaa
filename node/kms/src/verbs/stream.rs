//! `kms stream`: films and live input, published, played and served to any player.

mod play;
mod publish;
mod serve;

use std::path::Path;
use std::sync::Arc;

use clap::Subcommand;
use kms_client::{OwnerKeys, Playback, ReadLimits, ReaderKey, Role, Viewer};

use crate::context::Context;
use crate::failure::Outcome;
use crate::session::Session;

/// Streams: publish while it is made, play while it is written, for as long as it is paid
///
/// A stream is a file in segments, each with a key of its own. Who plays asks for the keys ahead in
/// time, and stops between two segments when the grant has ended or was revoked.
#[derive(Debug, Subcommand)]
pub(crate) enum StreamVerb {
    Publish(publish::PublishArgs),
    Play(play::PlayArgs),
    Serve(serve::ServeArgs),
}

impl StreamVerb {
    /// True for verbs that handle SIGINT and SIGTERM themselves.
    pub(crate) fn stops_itself(&self) -> bool {
        match self {
            Self::Publish(args) => args.stops_itself(),
            Self::Play(_) => false,
            Self::Serve(_) => true,
        }
    }
}

pub(crate) async fn run(verb: StreamVerb, context: &Context) -> Outcome {
    match verb {
        StreamVerb::Publish(args) => publish::run(args, context).await,
        StreamVerb::Play(args) => play::run(&args, context).await,
        StreamVerb::Serve(args) => serve::run(&args, context).await,
    }
}

/// The keys of the home, to play with.
async fn viewer(context: &Context, seconds: u64) -> Outcome<Arc<Viewer>> {
    let Session { home, network } = Session::open(context).await?;
    let count = home.config().reader_keys;
    let nodes = network.nodes().clone();
    let limits = ReadLimits {
        total_ms: seconds.saturating_mul(1000),
        ..Default::default()
    };
    let chain = Arc::new(network);
    let viewer = |keys: Vec<ReaderKey>| Viewer::new(chain, nodes, keys).with_limits(limits);
    Ok(Arc::new(match home.config().role {
        Role::Owner => {
            let keys: OwnerKeys = home.unlock_owner(&context.passphrases)?;
            let readers = (0..count).map(|number| keys.reader(number));
            viewer(readers.collect::<Result<_, _>>()?).owning(keys, home.labels()?)
        }
        Role::Reader => {
            let keys = home.unlock_readers(&context.passphrases)?;
            let readers = (0..count).map(|number| keys.key(number));
            viewer(readers.collect::<Result<_, _>>()?)
        }
    }))
}

/// Opens a file of this home's network.
async fn open(viewer: &Arc<Viewer>, path: &Path, context: &Context) -> Outcome<Arc<Playback>> {
    super::read::require_network_of(path, context)?;
    Ok(Playback::open(Arc::clone(viewer), path).await?)
}
