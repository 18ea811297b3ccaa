//! The `kms` binary: parses the command line, runs one verb, prints its result, and exits with a
//! stable code. The work itself is done by kms-client and kms-node.

#![forbid(unsafe_code)]

mod agent;
mod cli;
mod context;
mod dumps;
mod exit;
mod failure;
mod global;
mod interrupt;
mod many;
mod miner_keys;
mod open;
mod output;
mod passphrase;
mod plan;
mod progress;
mod prompt;
mod session;
mod sink;
mod span;
mod target;
mod terminal;
mod terms;
mod text;
mod time;
mod verbs;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use cli::Cli;
use context::Context;
use failure::{Failure, Outcome};
use output::Format;

fn main() -> ExitCode {
    // Before anything secret is read.
    if let Err(error) = dumps::forbid() {
        let failure = Failure::io("core dumps could not be switched off", &error);
        return end(&failure, Format::Human);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let format = cli.global.format();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => end(&failure, format),
    }
}

fn run(cli: Cli) -> Outcome {
    let context = Context::new(&cli.global)?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::io("the runtime could not start", &error))?;
    let format = context.out.format;
    runtime.block_on(async move {
        if !cli.verb.stops_itself() {
            let stops = interrupt::Stops::install();
            let stops = stops.map_err(|error| Failure::io("signals", &error))?;
            tokio::spawn(die_when_asked(stops, format));
        }
        cli.verb.run(&context).await
    })
}

/// Ends the process by the signal that came, without waiting for the verb.
async fn die_when_asked(stops: interrupt::Stops, format: Format) {
    if let Ok(stop) = stops.first().await {
        interrupt::clean_up();
        tell(&Failure::interrupted(), format);
        stop.die();
    }
}

fn end(failure: &Failure, format: Format) -> ExitCode {
    tell(failure, format);
    ExitCode::from(failure.exit())
}

fn tell(failure: &Failure, format: Format) {
    if !failure.is_silent() {
        output::complain(&match format {
            Format::Human => failure.to_text(),
            Format::Json => failure.to_json(),
        });
    }
}

/// What is wrong with the arguments, as one line: all that stands before the usage, which names the
/// arguments that are missing or unknown.
fn usage_message(text: &str) -> String {
    let before = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more");
    let said = text.lines().take_while(before).map(str::trim);
    let said: Vec<&str> = said.filter(|line| !line.is_empty()).collect();
    let said = said.join(" ");
    said.strip_prefix("error: ").unwrap_or(&said).to_owned()
}

/// Prints help and version on stdout with exit code 0; anything else is a usage error.
fn explain(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render().to_string();
            match output::write_line(text.trim_end()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => end(&failure, Format::Human),
            }
        }
        _ => {
            let wants_json = std::env::args_os().any(|argument| argument == "--json");
            if wants_json {
                let text = error.render().to_string();
                return end(&Failure::usage(usage_message(&text)), Format::Json);
            }
            // Writes to stderr; a failure of that cannot be reported.
            let _ = error.print();
            ExitCode::from(exit::of("usage"))
        }
    }
}
