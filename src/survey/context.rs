//! The part of its options that every verb shares.

use chrono::{DateTime, Utc};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The home that a verb works on, and the circumstances of the run.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The Codex home.
    pub home: &'a Path,
    /// The number of files that are read at once.
    pub jobs: usize,
    /// The provider of a thread whose session meta names none.
    pub default_provider: &'a str,
    /// The time.
    pub now: DateTime<Utc>,
    /// Set from outside to stop the run.
    pub interrupted: &'a AtomicBool,
}

impl Context<'_> {
    /// Returns true if the run is to stop.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
