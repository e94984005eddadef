//! Starts threads where the system lets it, and does without where it does not (limits of users and containers).

use std::thread::{self, Builder};

/// Runs `work` on up to `n` threads at once, as many as can be started; on the calling thread where none can.
pub fn on_threads(n: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        let started = (0..n).map_while(|_| Builder::new().spawn_scoped(scope, &work).ok()).count();
        if started == 0 {
            work();
        }
    });
}

/// Whether a thread can be started now: libraries that start their own panic where they cannot.
#[must_use]
pub fn can_start_thread() -> bool {
    Builder::new().spawn(|| {}).is_ok_and(|thread| thread.join().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn work_is_done_on_as_many_threads_as_wanted_and_by_the_caller_without_any() {
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
