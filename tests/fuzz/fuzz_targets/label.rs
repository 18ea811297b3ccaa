//! libFuzzer's entry to `kms_fuzz::label`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kms_fuzz::label(data));
