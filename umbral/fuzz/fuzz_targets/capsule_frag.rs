//! libFuzzer's entry to `umbral_fuzz::capsule_frag`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::capsule_frag(data));
