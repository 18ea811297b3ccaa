//! A short run of every fuzz target on mutations of genuine objects, without nightly or libFuzzer:
//! `cargo run --release --bin smoke -- [EXECUTIONS PER TARGET]` in `umbral/fuzz`.

use std::env;
use std::time::Instant;

use umbral_fuzz::*;

/// Most executions of a target that verifies or opens: up to 2 ms each, not microseconds.
const SLOW_EXECUTIONS_MAX: u64 = 200_000;
const SLOW: [&str; 2] = ["verify", "open"];

/// A small generator; the seed is printed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    /// Some bits, bytes or blocks changed, sometimes the length.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        const BLOCKS: [[u8; 4]; 4] = [[0; 4], [0xff; 4], [2, 0, 0, 0], [0xff, 0xff, 0xff, 0xfe]];
        let mut out = bytes.to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(out.len());
            match self.below(8) {
                0 => out.truncate(at),
                1 => out.insert(at, 0),
                2..=4 => {
                    let bit = self.below(8);
                    if let Some(byte) = out.get_mut(at) {
                        *byte ^= 1 << bit;
                    }
                }
                5 => {
                    let block = BLOCKS[self.below(4)];
                    for (slot, byte) in out.iter_mut().skip(at).zip(block.iter().cycle().take(32)) {
                        *slot = *byte;
                    }
                }
                6 => {
                    let from = self.below(out.len());
                    let copied: Vec<u8> = out.iter().skip(from).take(33).copied().collect();
                    for (slot, byte) in out.iter_mut().skip(at).zip(copied) {
                        *slot = byte;
                    }
                }
                _ => {
                    if let Some(byte) = out.get_mut(at) {
                        *byte = self.next().to_le_bytes()[0];
                    }
                }
            }
        }
        out
    }
}

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
    let mut random = Random(seed.max(1));
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
