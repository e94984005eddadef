//! Handles the first and the second Ctrl-C.

use crate::cli::line::exit::Exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Maximum duration of a single write to standard output after Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

/// The number of starts and ends of writes to standard output: odd during a write.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Runs a write to standard output. If the reader of a pipe has stopped reading, the write never ends. The first
/// Ctrl-C then ends the program, because the program cannot check for it.
pub fn during_write<T>(write: impl FnOnce() -> T) -> T {
    WRITES.fetch_add(1, Ordering::Relaxed);
    let result = write();
    WRITES.fetch_add(1, Ordering::Relaxed);
    result
}

/// Makes a write beyond the limit on a file's size (`ulimit -f`) fail like any other, instead of silently ending the
/// program.
pub fn outlive_file_limits() {
    // If the signal cannot be caught, the limit ends the program, as it does any other.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

/// Installs the Ctrl-C handler. The first Ctrl-C asks the work to stop at the next safe place. The second ends the
/// program at once, which is also safe, because an uncommitted transaction has no effect.
#[expect(clippy::disallowed_methods, clippy::exit, reason = "a second Ctrl-C wants the process gone")]
pub fn listen(interrupted: &Arc<AtomicBool>) {
    let interrupted = Arc::clone(interrupted);
    // Without a handler Ctrl-C ends the program, which is safe too.
    let _ = ctrlc::set_handler(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        // If no thread can be started, only the second Ctrl-C ends a stuck write.
        let _ = std::thread::Builder::new().spawn(end_stuck_write);
    });
}

/// Ends the program once a single write takes longer than [`PATIENCE`]. That is safe, because commands write to
/// standard output only when their work is committed, or while they only read.
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
