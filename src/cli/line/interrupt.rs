//! Ctrl-C: what the first and the second one do.

use crate::cli::line::exit::Exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets a write beyond the limit on a file's size (`ulimit -f`) fail like any other, instead of ending the program
/// without a word.
pub fn outlive_file_limits() {
    // Where the signal cannot be caught the limit kills, as it does any program.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

/// The first Ctrl-C asks the work to stop at the next safe place; the second ends the program at once, which is safe
/// as well: a transaction that is not committed is not there.
#[expect(clippy::disallowed_methods, clippy::exit, reason = "a second Ctrl-C wants the process gone")]
pub fn listen(interrupted: &Arc<AtomicBool>) {
    let interrupted = Arc::clone(interrupted);
    // Without a handler Ctrl-C kills, which is safe too.
    let _ = ctrlc::set_handler(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
}
