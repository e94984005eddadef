//! Bounds how many threads do something at once that takes much memory.

use std::sync::{Condvar, Mutex, PoisonError};

/// Permits that threads take and give back.
#[derive(Debug)]
pub struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit that was taken; it is given back when this is dropped.
#[derive(Debug)]
pub struct Permit<'a>(&'a Permits);

impl Permits {
    /// Returns `n` permits, at least one.
    #[must_use]
    pub fn new(n: usize) -> Permits {
        Permits { free: Mutex::new(n.max(1)), freed: Condvar::new() }
    }

    /// Takes a permit, and waits for it if all are taken. A thread that has one must not take another.
    #[must_use]
    pub fn take(&self) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn no_more_threads_than_permits_are_at_it_at_once() {
        let permits = Permits::new(3);
        let (at_it, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        crate::sys::on_threads(8, || {
            for _ in 0..20 {
                let _permit = permits.take();
                most.fetch_max(at_it.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_micros(100));
                at_it.fetch_sub(1, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert!(done.into_inner() >= 20);
    }
}
