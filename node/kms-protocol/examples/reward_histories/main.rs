//! Writes random histories of miners with what each may claim, as JSON, for the contract's test:
//! `cargo run --release -p kms-protocol --example reward_histories >
//! tests/vectors/reward_histories.json`

mod history;
mod random;

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let text = history::file().map_err(io::Error::other)?;
    io::stdout().lock().write_all(text.as_bytes())
}
