//! The options that every verb shares.

use crate::error::WithHint as _;
use anyhow::anyhow;
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
    /// The current time.
    pub now: DateTime<Utc>,
    /// Set by the caller to stop the run.
    pub interrupted: &'a AtomicBool,
}

/// The flag of a run that cannot be interrupted.
static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> Context<'a> {
    /// Returns the context of a run on a home: it reads a file for each processor at once, takes `openai` for the
    /// provider of threads that name none, and cannot be interrupted.
    #[must_use]
    pub fn new(home: &'a Path, now: DateTime<Utc>) -> Context<'a> {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        Context { home, jobs, default_provider: "openai", now, interrupted: &NEVER }
    }

    /// Returns true if the run must stop.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Returns an error if the run must stop, for a verb that has not changed the database yet. `done`: the word for
    /// what it would have done.
    ///
    /// # Errors
    /// If the run must stop.
    pub fn check_interrupted(&self, done: &str) -> anyhow::Result<()> {
        if !self.is_interrupted() {
            return Ok(());
        }
        Err(anyhow!("interrupted before anything was {done}")
            .hint("the database is as it was; run the command again"))
    }
}
