//! libFuzzer's entry to `kms_fuzz::file`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kms_fuzz::file(data));
