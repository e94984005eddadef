//! See `codex_state_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codex_state_fuzz::config(data));
