//! The options and the report of prune, and the rows that it examines.

use crate::catalog::inventory::Inventory;
use crate::catalog::walk::Roots;
use crate::db::schema::Schema;
use crate::db::tally::{Shown, Tally};
use crate::rollout::file_name;
use crate::survey::Context;
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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

/// The result for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneStatus {
    /// The row was saved and deleted.
    Pruned,
    /// It stays, because of its own contents or file.
    Skipped,
    /// It should be deleted, but that is not possible now.
    Failed,
}

/// The result for a row whose rollout is not at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneOutcome {
    /// Its id, unchanged.
    pub id: String,
    /// The path that leads to no file.
    pub path: String,
    /// The kind of result.
    pub status: PruneStatus,
    /// The reason why it stays.
    pub reason: Option<String>,
    /// True if `backfill` repairs the row.
    pub is_misplaced: bool,
}

/// The result of a run, or of its preview.
#[derive(Debug, Default)]
pub struct PruneReport {
    /// Number of rows examined.
    pub checked: u64,
    /// The rows whose rollout is not at their path, by id.
    pub threads: Vec<PruneOutcome>,
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

impl PruneReport {
    /// Returns the number of rows with this result.
    #[must_use]
    pub fn count(&self, status: PruneStatus) -> usize {
        self.threads.iter().filter(|outcome| outcome.status == status).count()
    }
}

/// A planned run: its effects are known, and nothing has been changed.
pub struct PruneJob<'a> {
    pub(super) config: &'a PruneOptions<'a>,
    pub(super) inventory: Inventory,
    pub(super) schema: Schema,
    pub(super) checked: u64,
    /// Threads that have a row.
    pub(super) rows: BTreeSet<ThreadId>,
    pub(super) candidates: Vec<PruneCandidate>,
    pub(super) roots: Roots,
    /// The counts of Codex's default list.
    pub(super) tally: Tally,
}

impl PruneJob<'_> {
    /// Returns the rows that will be deleted.
    pub(super) fn to_go(&self) -> impl Iterator<Item = &PruneCandidate> {
        self.candidates.iter().filter(|candidate| candidate.verdict.is_none())
    }
}

/// A row whose path leads to no file.
#[derive(Debug, Clone)]
pub(super) struct PruneCandidate {
    /// Its id, unchanged.
    pub(super) id: String,
    /// The thread.
    pub(super) thread: ThreadId,
    /// The path in the row.
    pub(super) path: String,
    /// The status and reason of a row that stays; `None` if it will be deleted.
    pub(super) verdict: Option<(PruneStatus, String)>,
    /// True if `backfill` repairs it.
    pub(super) is_misplaced: bool,
}

impl PruneCandidate {
    /// Keeps the row although it should be deleted.
    pub(super) fn fail(&mut self, reason: &str) {
        self.verdict = Some((PruneStatus::Failed, reason.to_owned()));
    }

    /// Keeps the row because it should stay.
    pub(super) fn skip(&mut self, reason: &str) {
        self.verdict = Some((PruneStatus::Skipped, reason.to_owned()));
    }

    /// Keeps the row because `backfill` repairs it.
    pub(super) fn misplaced(&mut self) {
        self.skip("its rollout lies elsewhere in the home: backfill mends the row");
        self.is_misplaced = true;
    }

    pub(super) fn into_outcome(self) -> PruneOutcome {
        let PruneCandidate { id, path, verdict, is_misplaced, .. } = self;
        let (status, reason) =
            verdict.map_or((PruneStatus::Pruned, None), |(status, reason)| (status, Some(reason)));
        PruneOutcome { id, path, status, reason, is_misplaced }
    }

    /// Returns true if its file should be below this root of the home.
    pub(super) fn lies_in(&self, root: &Path) -> bool {
        let path = Path::new(&self.path);
        path.starts_with(root) || {
            // The row may have another spelling of the home.
            let name = root.file_name();
            path.parent().is_some_and(|folder| folder.components().any(|part| Some(part.as_os_str()) == name))
        }
    }

    /// Returns the ids of the rollouts that its file may have contained.
    pub(super) fn rollouts(&self) -> impl Iterator<Item = ThreadId> {
        let named = Path::new(&self.path).file_name().and_then(file_name::parse);
        [Some(self.thread), named.and_then(|named| named.name).map(|name| name.rollout)].into_iter().flatten()
    }
}
