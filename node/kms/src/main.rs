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
mod open;
mod output;
mod passphrase;
mod plan;
mod progress;
mod prompt;
mod session;
mod sink;
mod target;
mod terminal;
mod text;
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
            tokio::spawn(exit_when_asked(format));
        }
        cli.verb.run(&context).await
    })
}

/// Ends the process on SIGINT or SIGTERM, without waiting for the verb.
async fn exit_when_asked(format: Format) {
    if interrupt::asked_to_stop().await.is_ok() {
        interrupt::clean_up();
        let failure = Failure::interrupted();
        tell(&failure, format);
        std::process::exit(i32::from(failure.exit()));
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
                let first = text.lines().next().unwrap_or_default();
                let message = first.strip_prefix("error: ").unwrap_or(first);
                return end(&Failure::usage(message), Format::Json);
            }
            // Writes to stderr; a failure of that cannot be reported.
            let _ = error.print();
            ExitCode::from(exit::of("usage"))
        }
    }
}
