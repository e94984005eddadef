//! Starts threads if the system permits it, and works without them otherwise (limits of users and containers).

use std::thread::{self, Builder};

/// Runs `work` on up to `n` threads at once, as many as can be started. If none can be, runs it on the calling
/// thread.
pub fn on_threads(n: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        let started = (0..n).map_while(|_| Builder::new().spawn_scoped(scope, &work).ok()).count();
        if started == 0 {
            work();
        }
    });
}

/// Returns true if a thread can be started now. Libraries that start their own threads panic if they cannot.
#[must_use]
pub fn can_start_thread() -> bool {
    Builder::new().spawn(|| {}).is_ok_and(|thread| thread.join().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn work_runs_on_the_wanted_number_of_threads_or_on_the_caller() {
        for (n, expected) in [(0, 1), (1, 1), (3, 3)] {
            let done = AtomicUsize::new(0);
            on_threads(n, || {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), expected);
        }
        assert!(can_start_thread());
    }
}
