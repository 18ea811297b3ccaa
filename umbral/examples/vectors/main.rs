//! Replays files of test vectors:
//! `cargo run --release -p umbral --features compat --example vectors -- FILE...`
//!
//! One line per failing case, then `N passed, M failed`. Exits with 1 if a case failed or a file
//! could not be read, with 2 if no file was named.

mod replay;

use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut err = io::stderr().lock();
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        writeln!(err, "usage: vectors FILE...")?;
        return Ok(ExitCode::from(2));
    }

    let (mut passed, mut failed, mut readable) = (0_usize, 0_usize, true);
    for file in files {
        let name = file.to_string_lossy();
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string());
        let report = match text.and_then(|text| replay::replay(&text)) {
            Ok(report) => report,
            Err(reason) => {
                writeln!(out, "{name}: unreadable: {reason}")?;
                readable = false;
                continue;
            }
        };
        passed += report.passed;
        failed += report.failures.len();
        for failure in report.failures {
            writeln!(out, "{name}: {failure}")?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(if readable && failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
