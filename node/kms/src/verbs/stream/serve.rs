//! `kms stream serve`: films over HTTP on this machine, for any player.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use kms_client::Films;
use serde::Serialize;

use crate::context::Context;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::output::complain;

/// Serve streams to any player on this machine, over HTTP with ranges
///
/// Listens on 127.0.0.1 until it is stopped, and prints a URL for each file, which has this run's
/// token in its path. Players seek as they like. A stream that is still written is followed from
/// its beginning, with `?from=newest` from its newest segment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kms stream serve film.mp4.kms
  kms stream serve *.kms --port 8472
  mpv \"$(kms stream serve film.kms --json | head -1 | jq -r .url)\"

When a grant is over, the player's stream ends, the next request answers 410 with the code, and the
reason is told here.")]
pub(crate) struct ServeArgs {
    /// The streams, whole or still written
    #[arg(value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
    /// Port of 127.0.0.1; 0 is any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Seconds to wait for the miners
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[derive(Serialize)]
struct Served {
    url: String,
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// The name under which a file is served: its own without `.kms`.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".kms").unwrap_or(&name).to_owned()
}

pub(super) async fn run(args: &ServeArgs, context: &Context) -> Outcome {
    let viewer = super::viewer(context, args.timeout).await?;
    let mut films = Vec::new();
    for path in &args.inputs {
        let name = name_of(path);
        if films.iter().any(|(other, _)| *other == name) {
            return Err(Failure::usage(format!(
                "two files would be served as {name:?}"
            )));
        }
        films.push((name, super::open(&viewer, path, context).await?));
    }
    let stopped = |name: &str, error: &kms_client::Error| {
        complain(&format!(
            "{name}: playback stopped: {error} [{}]",
            error.code()
        ));
    };
    let films = Films::bind(films, args.port, exit::of, stopped).await?;
    for url in films.urls() {
        context.out.emit(&Served { url })?;
    }
    let stop = async {
        // Without signals it runs until it is killed.
        if interrupt::asked_to_stop().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    films.run(stop).await.map_err(Failure::from)
}
