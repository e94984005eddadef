//! See `codex_state_fuzz::image`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| codex_state_fuzz::image(data));
