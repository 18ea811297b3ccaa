//! libFuzzer's entry to `umbral_fuzz::public_key`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| umbral_fuzz::public_key(data));
