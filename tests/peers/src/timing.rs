//! Thread CPU time, medians.

use rustix::time::{ClockId, clock_gettime};

/// Takes a result, so that it has to be computed.
pub fn sink<T>(result: T) {
    std::hint::black_box(result);
}

/// CPU time of this thread, in nanoseconds.
fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).expect("positive") * 1_000_000_000
        + u64::try_from(time.tv_nsec).expect("positive")
}

/// A sample lasts at least this long, so that reading the clock does not count.
const SAMPLE_NS: u64 = 4_000_000;
/// Samples taken of each, alternating.
const SAMPLES: usize = 61;

fn sample(run: &mut dyn FnMut(), repeats: u64) -> f64 {
    let start = now_ns();
    for _ in 0..repeats {
        run();
    }
    let nanoseconds = now_ns() - start;
    #[allow(clippy::cast_precision_loss)]
    let us = nanoseconds as f64 / repeats as f64 / 1000.0;
    us
}

fn repeats(run: &mut dyn FnMut()) -> u64 {
    run();
    let mut repeats = 1;
    loop {
        let start = now_ns();
        for _ in 0..repeats {
            run();
        }
        if now_ns() - start >= SAMPLE_NS {
            return repeats;
        }
        repeats *= 2;
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Median CPU time of either, in microseconds, their samples alternating.
pub fn compare(ours: &mut dyn FnMut(), peer: &mut dyn FnMut()) -> (f64, f64) {
    let (our_repeats, peer_repeats) = (repeats(ours), repeats(peer));
    let (mut our_samples, mut peer_samples) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        our_samples.push(sample(ours, our_repeats));
        peer_samples.push(sample(peer, peer_repeats));
    }
    (median(our_samples), median(peer_samples))
}

/// Median CPU time of a run, in microseconds.
pub fn alone(run: &mut dyn FnMut()) -> f64 {
    let repeats = repeats(run);
    median((0..SAMPLES).map(|_| sample(run, repeats)).collect())
}
