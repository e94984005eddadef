//! Ctrl-C: what the first and the second one do.

use crate::cli::line::exit::Exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
