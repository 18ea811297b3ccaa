//! libFuzzer's entry to `umbral_fuzz::verify`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::verify(data));
