//! A short run of every fuzz target on mutations of the test kit's inputs, without libFuzzer:
//! `cargo run --release -p kms-tests --bin formats_smoke -- [EXECUTIONS PER TARGET] [SEED]`.

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

#[path = "../../../umbral/fuzz/src/mutate.rs"]
mod mutate;
#[allow(unreachable_pub, reason = "it is a library in its own workspace")]
mod targets;

use serde_json::Value;

use mutate::Random;

type Target = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

/// The texts that the cases of these kinds give, or the bytes of those in hexadecimal.
fn given(kit: &str, kinds: &[&str], field: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let kit: Value = serde_json::from_str(kit)?;
    let cases = kit.get("cases").and_then(Value::as_array);
    let cases = cases.ok_or("no cases")?.iter();
    let cases = cases.filter(|case| {
        let kind = case.get("kind").and_then(Value::as_str);
        kind.is_some_and(|kind| kinds.contains(&kind))
    });
    let texts = cases.filter_map(|case| case.get("in")?.get(field));
    let bytes = texts.map(|text| match text {
        Value::String(text) => hex::decode(text).unwrap_or_else(|_| text.clone().into_bytes()),
        other => other.to_string().into_bytes(),
    });
    Ok(bytes.collect())
}

fn targets() -> Result<Vec<Target>, Box<dyn Error>> {
    let texts = include_str!("../../vectors/texts.json");
    let labels = given(texts, &["label"], "typed")?;
    let cards = given(texts, &["card"], "line")?;
    Ok(vec![
        ("file", targets::file, vec![targets::genuine_file()]),
        ("card", targets::card, cards.clone()),
        ("label_key", targets::label_key, cards),
        ("label", targets::label, labels),
        (
            "envelope",
            targets::envelope,
            vec![targets::genuine_envelope()],
        ),
        ("memo", targets::memo, targets::genuine_memos()),
        ("message", targets::message, targets::genuine_messages()),
    ])
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let executions = numbers.next().transpose()?.unwrap_or(20_000);
    let seed = numbers.next().transpose()?.unwrap_or(1);
    let mut random = Random::new(seed);
    let mut out = std::io::stdout().lock();
    writeln!(out, "seed {seed}")?;
    for (name, run, seeds) in targets()? {
        let start = Instant::now();
        for _ in 0..executions {
            let chosen = seeds.get(random.below(seeds.len())).ok_or("no seeds")?;
            run(&random.mutate(chosen));
        }
        let seconds = start.elapsed().as_secs_f64();
        writeln!(
            out,
            "{name:<14} {executions} executions, no panic, {seconds:.1} s"
        )?;
    }
    Ok(())
}
