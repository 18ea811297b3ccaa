//! Developer tools of the workspace: compile and deploy the contracts, run the demo, run every
//! check. The shell files beside this crate only call it; no crate depends on it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[cfg(feature = "compile")]
mod artifact;
mod chaos;
#[cfg(feature = "compile")]
mod compile;
mod demo;
mod deploy;
mod economics;
mod files;
mod gas;
mod load;
mod params;
mod say;
mod suite;
mod verify;
mod web;
mod workspace;

/// Developer tools of the KMS workspace.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile the contracts into deployments/artifacts, or check what is there.
    #[command(subcommand)]
    Contracts(Contracts),
    /// Deploy the contracts to a chain and write deployments/<chain-id>.json. Safe to repeat and to
    /// kill: resumes where it was, and leaves a complete deployment unchanged.
    Deploy(deploy::Args),
    /// Compare a deployment with the chain: code, wiring, every parameter.
    Verify(verify::Args),
    /// Check a parameter file and print it with units.
    Params(params::Args),
    /// Measure the gas of every operation by real transactions, beside other systems; fail if a
    /// cost grows with time or with the network.
    Gas(gas::Args),
    /// Print the supply curve, its half-life and the return of a miner; plot them.
    Economics(economics::Args),
    /// Measure `kms encrypt` and `kms decrypt` beside age and cp, on one core, random reads and a
    /// folder of small files; write the ratios.
    BenchFiles(files::Args),
    /// Measure what requests, overload and many idle policies cost a node's process, beside the
    /// bare work in the same run; write the ratios.
    Load(load::Args),
    /// Run the main job end to end on a private chain with five nodes and check every figure.
    Demo(demo::Args),
    /// Build the pages of deployments/web from node/web, or check what is there.
    #[command(subcommand)]
    Web(web::Action),
    /// Kill, reorganise and mislead real commands and nodes, a bounded number of times; write
    /// RELIABILITY.md.
    Chaos(chaos::Args),
    /// Run every check: format, lints, contracts, Rust tests, end-to-end tests, vectors.
    Test(suite::Args),
}

#[derive(Subcommand, Clone, Copy)]
enum Contracts {
    /// Compile and write the artifacts.
    Build,
    /// Compile and fail if a committed artifact differs.
    Check,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Contracts(action) => contracts(action),
        Command::Deploy(args) => deploy::run(&args),
        Command::Economics(args) => economics::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Params(args) => params::run(&args),
        Command::Gas(args) => gas::run(&args),
        Command::BenchFiles(args) => files::run(&args),
        Command::Load(args) => load::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Web(action) => web::run(action),
        Command::Chaos(args) => chaos::run(&args),
        Command::Test(args) => suite::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&say::causes(&error));
            say::next(say::next_step(&error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "compile")]
fn contracts(action: Contracts) -> Result<()> {
    let root = std::fs::canonicalize(workspace::root())?;
    let artifacts = compile::compile(&root)?;
    match action {
        Contracts::Build => {
            let changed = artifact::write(&root, &artifacts)?;
            say::line(&format!(
                "artifacts: {} written, changed: {changed:?}",
                artifacts.len()
            ));
        }
        Contracts::Check => {
            artifact::check(&root, &artifacts)?;
            say::line(&format!("artifacts: {} are fresh", artifacts.len()));
        }
    }
    Ok(())
}

#[cfg(not(feature = "compile"))]
fn contracts(_: Contracts) -> Result<()> {
    anyhow::bail!(
        "this build has no compiler; run `cargo run --release -p kms-scripts --features compile -- \
         contracts build`"
    )
}
