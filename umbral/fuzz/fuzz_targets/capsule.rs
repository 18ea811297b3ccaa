//! libFuzzer's entry to `umbral_fuzz::capsule`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::capsule(data));
