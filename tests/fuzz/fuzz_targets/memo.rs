//! libFuzzer's entry to `kms_fuzz::memo`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kms_fuzz::memo(data));
