//! libFuzzer's entry to `umbral_fuzz::signature`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::signature(data));
