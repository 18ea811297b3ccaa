//! `kms-scripts load`: what a request costs a node's process beside the work that nobody can spare,
//! what the node does under more load than it can carry, and what many idle policies cost. `stage`
//! has the chain and the node, `drive` the clients, `cost` the clocks.

mod cost;
mod drive;
mod stage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::say;
use drive::{Flood, Load};
use stage::Stage;

/// Bars of [`Figure::Request`] by case.
const RATIO_BARS: [(&str, f64); 3] = [
    ("one_connection", 1.5),
    ("many_connections", 1.15),
    ("batch_64", 1.10),
];
/// Connections of the case with many.
const CONNECTIONS: usize = 32;
const BATCH: usize = 64;
/// Connections and addresses of a flood.
const FLOODING: usize = 192;
const ADDRESSES: usize = 32;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Requests of one capsule in a round; of 64 capsules a sixteenth.
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each overload; 0 leaves them out.
    #[arg(long, default_value_t = 8)]
    overload_seconds: u64,
    /// Policies of the idle node, each paid on chain and its kfrag handed over; 0 leaves it out.
    #[arg(long, default_value_t = 100_000)]
    policies: usize,
    /// Seconds for which the idle node is watched.
    #[arg(long, default_value_t = 30)]
    idle_seconds: u64,
    /// Where chain and node live, and are removed again.
    #[arg(long, default_value = "/dev/shm")]
    folder: PathBuf,
    /// Where the figures are written.
    #[arg(long, default_value = "target/load.json")]
    figures: PathBuf,
    /// Fail if a figure misses its bar.
    #[arg(long)]
    check: bool,
}

/// A row of the file.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Figure {
    /// CPU of the node's process for one request, and of the bare work in this one.
    Request {
        case: &'static str,
        cpu_us: f64,
        floor_us: f64,
        ratio: f64,
    },
    /// The node under three times what it answered before.
    Overload {
        case: &'static str,
        /// Part of the node's CPU that went into answers, at their cost without overload.
        goodput_share: f64,
        /// Requests that were sent, by those that could have been answered.
        offered_ratio: f64,
        accepted: usize,
        shed: usize,
        accepted_p99_ms: f64,
        readyz_p99_ms: f64,
    },
    /// A node that holds many policies and is asked nothing.
    Idle {
        case: &'static str,
        policies: usize,
        cpu_share: f64,
        ready_s: f64,
        rss_mib: f64,
    },
}

impl Figure {
    /// What misses its bar, in words.
    fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut at_most = |case: &str, name: &str, value: f64, bar: f64| {
            if value > bar {
                missed.push(format!("{case}: {name} is {value:.2}, to be at most {bar}"));
            }
        };
        match self {
            Self::Request { case, ratio, .. } => {
                for (_, bar) in RATIO_BARS.iter().filter(|(name, _)| name == case) {
                    at_most(case, "ratio", *ratio, *bar);
                }
            }
            Self::Overload {
                case,
                goodput_share,
                readyz_p99_ms,
                ..
            } => {
                at_most(
                    case,
                    "the part of CPU not in answers",
                    1.0 - goodput_share,
                    0.10,
                );
                at_most(case, "readyz_p99_ms", *readyz_p99_ms, 50.0);
            }
            Self::Idle {
                case,
                cpu_share,
                ready_s,
                ..
            } => {
                at_most(case, "cpu_share", *cpu_share, 0.01);
                at_most(case, "ready_s", *ready_s, 2.0);
            }
        }
        missed
    }
}

/// Measures, writes the figures, and names every one that misses its bar.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        args.rounds > 0 && args.requests >= 32,
        "32 requests are the least"
    );
    let runtime = tokio::runtime::Runtime::new()?;
    let figures = runtime.block_on(measure(args))?;
    let text = serde_json::to_string_pretty(&figures)? + "\n";
    if let Some(folder) = args.figures.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&args.figures, text)?;
    let missed: Vec<String> = figures.iter().flat_map(Figure::missed).collect();
    for missed in &missed {
        say::line(missed);
    }
    ensure!(missed.is_empty() || !args.check, "{}", missed.join("; "));
    Ok(())
}

async fn measure(args: &Args) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(&args.folder)?;
    let stage = Stage::new(folder.path()).await?;
    let mut figures = Vec::new();
    let one = Load {
        connections: 1,
        capsules: 1,
        requests: args.requests,
    };
    let many = Load {
        connections: CONNECTIONS,
        ..one
    };
    let batch = Load {
        connections: CONNECTIONS,
        capsules: BATCH,
        requests: args.requests / 16,
    };
    let mut answered = None;
    for ((case, _), load) in RATIO_BARS.into_iter().zip([one, many, batch]) {
        let (figure, rate) = request(&stage, case, load, args.rounds).await?;
        tell(&figure)?;
        if load == many
            && let Figure::Request { cpu_us, .. } = &figure
        {
            answered = Some((rate, *cpu_us));
        }
        figures.push(figure);
    }
    if let Some((rate, cost_us)) = answered.filter(|_| args.overload_seconds > 0) {
        for (case, addresses) in [
            ("overload_one_address", 1),
            ("overload_many_addresses", ADDRESSES),
        ] {
            let flood = Flood {
                connections: FLOODING,
                addresses,
                rate: 3.0 * rate,
                time: Duration::from_secs(args.overload_seconds),
            };
            let figure = overload(&stage, case, flood, cost_us).await?;
            tell(&figure)?;
            figures.push(figure);
        }
    }
    if args.policies > 0 {
        let figure = idle(&stage, args).await?;
        tell(&figure)?;
        figures.push(figure);
    }
    Ok(figures)
}

fn tell(figure: &Figure) -> Result<()> {
    let value: Value = json!(figure);
    say::line(&serde_json::to_string(&value)?);
    Ok(())
}

/// Rounds of a load, each beside the floor in this process; and the answers per second.
async fn request(
    stage: &Stage,
    case: &'static str,
    load: Load,
    rounds: usize,
) -> Result<(Figure, f64)> {
    let (mut costs, mut floors, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        floors.push(cost::floor(stage.grant()?, load.capsules)?);
        let messages = drive::messages(stage, load.requests, load.capsules).await?;
        let before = cost::Process::of(stage.process_id())?;
        let spent = drive::answered(stage, load.connections, messages).await?;
        let cpu_us = before.spent_us()?;
        costs.push(cpu_us / f64::from(u32::try_from(load.requests)?));
        rates.push(f64::from(u32::try_from(load.requests)?) / spent.as_secs_f64());
        floors.push(cost::floor(stage.grant()?, load.capsules)?);
    }
    let (cpu_us, floor_us) = (cost::median(costs), cost::median(floors));
    let figure = Figure::Request {
        case,
        cpu_us,
        floor_us,
        ratio: cpu_us / floor_us,
    };
    Ok((figure, cost::median(rates)))
}

async fn overload(stage: &Stage, case: &'static str, flood: Flood, cost_us: f64) -> Result<Figure> {
    let count = flood.rate * flood.time.as_secs_f64();
    let messages = drive::messages(stage, cost::whole(count), 1).await?;
    let before = cost::Process::of(stage.process_id())?;
    let seen = drive::flooded(stage, &flood, messages).await?;
    let cpu_us = before.spent_us()?;
    let sent = f64::from(u32::try_from(seen.accepted.len() + seen.shed)?);
    Ok(Figure::Overload {
        case,
        goodput_share: f64::from(u32::try_from(seen.accepted.len())?) * cost_us / cpu_us,
        offered_ratio: 3.0 * sent / (flood.rate * seen.time.as_secs_f64()),
        accepted: seen.accepted.len(),
        shed: seen.shed,
        accepted_p99_ms: cost::p99_ms(seen.accepted),
        readyz_p99_ms: cost::p99_ms(seen.ready),
    })
}

async fn idle(stage: &Stage, args: &Args) -> Result<Figure> {
    stage.fill(args.policies).await?;
    let ready = stage.restart().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let watched = Duration::from_secs(args.idle_seconds);
    let before = cost::Process::of(stage.process_id())?;
    tokio::time::sleep(watched).await;
    let cpu_us = before.spent_us()?;
    Ok(Figure::Idle {
        case: "idle_100k",
        policies: args.policies,
        cpu_share: cpu_us / 1e6 / watched.as_secs_f64(),
        ready_s: ready.as_secs_f64(),
        rss_mib: cost::rss_mib(stage.process_id())?,
    })
}
