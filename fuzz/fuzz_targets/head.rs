#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oxicorn_fuzz::head(data));
