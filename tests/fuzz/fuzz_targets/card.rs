//! libFuzzer's entry to `kms_fuzz::card`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kms_fuzz::card(data));
