//! Timing of secret-dependent operations for a fixed secret against random ones, in the manner of
//! dudect: Welch's t over interleaved samples, the slowest tenth of them left out.
//!
//! `cargo run --release --bin dudect -- [SAMPLES]` in `tests/ctgrind`. |t| stays below 4.5 where
//! time does not depend on the secret, and the control, which leaks, goes beyond 10.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use umbral::*;

/// Copies of one secret, or as many random ones, so that memory behaves alike.
const POOL: usize = 64;
const LIMIT: f64 = 4.5;
const CONTROL_LIMIT: f64 = 10.0;

/// A generator that costs nothing and needs no secrecy: it decides the order of the samples.
struct Order(u64);

impl Order {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Welch's t of the time of one operation on the two pools.
fn welch<T>(samples: usize, fixed: &[T], random: &[T], run: &mut dyn FnMut(&T)) -> f64 {
    let mut order = Order(0x9e37_79b9_7f4a_7c15);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..samples {
        let drawn = order.next();
        let class = usize::from(drawn & 1 == 1);
        let pool = if class == 0 { fixed } else { random };
        let item = &pool[usize::try_from(drawn >> 8).unwrap_or(0) % pool.len()];
        let start = Instant::now();
        run(item);
        times[class].push(start.elapsed().as_nanos() as f64);
    }
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let slowest = all[all.len() * 9 / 10];
    let [a, b] = times.map(|class| moments(class.into_iter().filter(|time| *time <= slowest)));
    (a.0 - b.0) / (a.1 / a.2 + b.1 / b.2).sqrt()
}

/// Mean and variance of the times, and how many there are.
fn moments(times: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for time in times {
        count += 1.0;
        let difference = time - mean;
        mean += difference / count;
        squares += difference * (time - mean);
    }
    (mean, squares / (count - 1.0), count)
}

fn pools<T>(
    mut fixed: impl FnMut() -> Result<T>,
    mut random: impl FnMut() -> Result<T>,
) -> Result<[Vec<T>; 2]> {
    let fixed = (0..POOL).map(|_| fixed()).collect::<Result<_>>()?;
    Ok([fixed, (0..POOL).map(|_| random()).collect::<Result<_>>()?])
}

fn run(samples: usize) -> Result<bool> {
    let rng = &mut getrandom::SysRng;
    let low = {
        let mut bytes = [0; 32];
        bytes[31] = 1;
        bytes
    };
    let key = SecretKey::random(rng)?;
    let (capsule, _) = encapsulate(rng, &key.public_key())?;
    let mut results = Vec::new();

    let [fixed, random] = pools(
        || SecretKey::from_secret_bytes(&low),
        || SecretKey::random(rng),
    )?;
    let mut open = |key: &SecretKey| drop(black_box(decapsulate_original(key, &capsule)));
    results.push(("open as owner", welch(samples, &fixed, &random, &mut open)));

    let [fixed, random] = pools(
        || Ok(low),
        || Ok(*SecretKey::random(rng)?.to_secret_bytes()),
    )?;
    let mut make = |bytes: &[u8; 32]| drop(black_box(SecretKey::from_secret_bytes(bytes)));
    results.push(("public key", welch(samples, &fixed, &random, &mut make)));

    let [fixed, random] = pools(|| Signer::from_secret_bytes(&low), || Signer::random(rng))?;
    let mut sign = |signer: &Signer| {
        let _ = black_box(signer.sign(&mut getrandom::SysRng, b"m"));
    };
    results.push(("sign", welch(samples, &fixed, &random, &mut sign)));

    let [fixed, random] = kfrags(&key)?;
    let mut answer = |kfrag: &VerifiedKeyFrag| {
        drop(black_box(reencrypt(
            &mut getrandom::SysRng,
            &capsule,
            kfrag,
        )));
    };
    results.push(("re-encrypt", welch(samples, &fixed, &random, &mut answer)));

    let mut good = true;
    for (name, t) in results {
        println!("{name:<14} t = {t:>7.2}, at most {LIMIT} expected");
        good &= t.abs() < LIMIT;
    }
    let (fixed, random) = (vec![0_u64; POOL], (0..64).collect::<Vec<u64>>());
    let mut leak = |rounds: &u64| {
        black_box((0..*rounds).fold(1_u64, |a, b| black_box(a ^ b)));
    };
    let t = welch(samples, &fixed, &random, &mut leak);
    println!(
        "{:<14} t = {t:>7.2}, at least {CONTROL_LIMIT} expected",
        "control"
    );
    Ok(good && t.abs() > CONTROL_LIMIT)
}

/// One kfrag many times, and the kfrags of a delegation whose shares all differ.
fn kfrags(delegating: &SecretKey) -> Result<[Vec<VerifiedKeyFrag>; 2]> {
    let rng = &mut getrandom::SysRng;
    let receiving = SecretKey::random(rng)?.public_key();
    let signer = Signer::random(rng)?;
    let policy = Policy {
        chain_id: 1,
        contract: [1; 20],
        policy_id: [2; 32],
        quorum: Quorum::new(2, 64)?,
        not_before: 0,
        expiry: 1,
        conditions: [0; 32],
    };
    let miner: Miner = [7; 20];
    let params = GrantParams {
        delegating,
        receiving: &receiving,
        signer: &signer,
        policy: &policy,
        miners: &[miner; POOL],
    };
    let random = generate_kfrags(rng, &params)?.kfrags;
    let (context, bytes) = (*random[0].context(), random[0].to_secret_bytes());
    let copy = || KeyFrag::from_bytes(&bytes)?.verify(&context, &policy, &miner);
    let fixed = (0..POOL).map(|_| copy()).collect::<Result<_>>()?;
    Ok([fixed, random])
}

fn main() -> ExitCode {
    let samples = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000);
    match run(samples) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
