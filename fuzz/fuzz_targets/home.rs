//! See `codex_state_fuzz::home`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codex_state_fuzz::home(data));
