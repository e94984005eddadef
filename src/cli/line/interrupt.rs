//! Ctrl-C: what the first and the second one do.

use crate::cli::line::exit::Exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long after Ctrl-C a single write to standard output may take.
const PATIENCE: Duration = Duration::from_millis(50);

/// The number of writes to standard output that began and that ended: odd during a write.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Runs a write to standard output. If the reader of a pipe has stopped reading, the write never ends: then the first
/// Ctrl-C ends the program, as it can no longer be asked.
pub fn during_write<T>(write: impl FnOnce() -> T) -> T {
    WRITES.fetch_add(1, Ordering::Relaxed);
    let result = write();
    WRITES.fetch_add(1, Ordering::Relaxed);
    result
}

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
        // Without another thread the second Ctrl-C ends a write that is stuck.
        let _ = std::thread::Builder::new().spawn(end_stuck_write);
    });
}

/// Ends the program once a single write takes longer than [`PATIENCE`]. Commands write to standard output when their
/// work is done and committed, or read only.
#[expect(clippy::disallowed_methods, clippy::exit, reason = "the main thread may wait for ever")]
fn end_stuck_write() {
    let mut last = WRITES.load(Ordering::Relaxed);
    loop {
        std::thread::sleep(PATIENCE);
        let now = WRITES.load(Ordering::Relaxed);
        if now == last && now % 2 == 1 {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        last = now;
    }
}
