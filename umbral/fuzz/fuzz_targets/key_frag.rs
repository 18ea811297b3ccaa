//! libFuzzer's entry to `umbral_fuzz::key_frag`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::key_frag(data));
