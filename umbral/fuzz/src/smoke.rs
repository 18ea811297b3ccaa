//! A short run of every fuzz target on mutations of genuine objects, without nightly or libFuzzer:
//! `cargo run --release --bin smoke -- [EXECUTIONS PER TARGET]` in `umbral/fuzz`.

use std::env;
use std::time::Instant;

use umbral_fuzz::*;

mod mutate;

use mutate::Random;

/// Most executions of a target that verifies or opens: up to 2 ms each, not microseconds.
const SLOW_EXECUTIONS_MAX: u64 = 200_000;
const SLOW: [&str; 2] = ["verify", "open"];

type Target = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

fn main() {
    let executions = env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000_u64);
    let seed = env::args()
        .nth(2)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_u64);
    let mut random = Random::new(seed);
    let g = genuine();
    let frag = umbral::CapsuleFrag::from_bytes(&g.capsule_frag).expect("genuine");
    let v1 = umbral::compat::KeyFrag::from_simple(&g.key_frag_v1).expect("genuine");
    let key = g.context.delegating.to_bytes().to_vec();
    let bytes = g.capsule_frag.to_vec();
    let kfrags = vec![
        g.key_frag.to_vec(),
        v1.to_secret_simple().to_vec(),
        v1.to_secret_msgpack().to_vec(),
    ];
    let capsules = vec![
        g.capsule.to_bytes().to_vec(),
        g.capsule.to_msgpack().to_vec(),
    ];
    let targets: [Target; 8] = [
        ("public_key", public_key, vec![key, vec![1; 32]]),
        ("signature", signature, vec![bytes[295..].to_vec()]),
        ("capsule", capsule, capsules),
        ("key_frag", key_frag, kfrags),
        (
            "capsule_frag",
            capsule_frag,
            vec![bytes.clone(), frag.to_msgpack().to_vec()],
        ),
        ("commitments", commitments, vec![g.commitments.clone()]),
        ("verify", verify, vec![bytes.clone()]),
        ("open", open, vec![bytes]),
    ];
    println!("seed {seed}");
    for (name, run, seeds) in targets {
        let executions = if SLOW.contains(&name) {
            executions.min(SLOW_EXECUTIONS_MAX)
        } else {
            executions
        };
        let start = Instant::now();
        for _ in 0..executions {
            let chosen = random.below(seeds.len());
            let bytes = random.mutate(&seeds[chosen]);
            run(&bytes);
        }
        println!(
            "{name:<14} {executions} executions, no panic, {:.1} s",
            start.elapsed().as_secs_f64()
        );
    }
}
