//! The options and the report of prune, and the rows that it examines.

use super::candidates::{PruneCandidate, PruneCandidates};
use crate::catalog::inventory::Inventory;
use crate::catalog::walk::Roots;
use crate::db::{Schema, Shown, Tally};
use crate::survey::Context;
use crate::survey::select::Selected;
use std::path::PathBuf;
use std::time::Duration;

/// Options of prune.
pub struct PruneOptions<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// True to delete many rows even if it looks as if a folder were missing.
    pub all_missing: bool,
    /// Maximum time to wait for briefly held locks.
    pub patience: Duration,
    /// Number of rows that a real run would find in addition to the existing ones.
    pub rows_to_come: u64,
}

/// The result of a run, or of its preview.
#[derive(Debug, Default)]
pub struct PruneReport {
    /// Number of rows examined.
    pub checked: u64,
    /// The rows whose rollout is not at their path, by id.
    pub threads: PruneCandidates,
    /// The backup made before, unless there is a recent one.
    pub backup: Option<PathBuf>,
    /// Path of the saved rows.
    pub saved_to: Option<PathBuf>,
    /// The counts of Codex's default list before and after.
    pub shown: Shown,
    /// True if the run was stopped before the end.
    pub interrupted: bool,
    /// The error that ended the run.
    pub stopped: Option<anyhow::Error>,
}

/// A planned run: its effects are known, and nothing has been changed.
pub struct PruneJob<'a> {
    pub(super) options: &'a PruneOptions<'a>,
    pub(super) inventory: Inventory,
    pub(super) schema: Schema,
    pub(super) checked: u64,
    /// By file: true if it is the first of a thread that has a row.
    pub(super) has_row: Vec<bool>,
    pub(super) candidates: PruneCandidates,
    pub(super) roots: Roots,
    /// The counts of Codex's default list.
    pub(super) tally: Tally,
}

impl PruneJob<'_> {
    /// Returns the rows that will be deleted.
    pub(super) fn to_go(&self) -> impl Iterator<Item = &PruneCandidate> {
        self.candidates.all().iter().filter(|candidate| candidate.goes())
    }
}
