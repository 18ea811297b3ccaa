//! libFuzzer's entry to `kms_fuzz::message`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kms_fuzz::message(data));
