//! See `codex_state_fuzz::file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codex_state_fuzz::repeated(data));
