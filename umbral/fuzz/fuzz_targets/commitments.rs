//! libFuzzer's entry to `umbral_fuzz::commitments`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::commitments(data));
