//! What pruning is told to do and reports, and the rows that it looks at.

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

/// What is to be done.
pub struct Config<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// Whether many rows may go although that is what a folder looks like that is not there.
    pub all_missing: bool,
    /// How long to wait for locks that are held for moments.
    pub patience: Duration,
    /// Rows that a real run would find beyond those that are there.
    pub rows_to_come: u64,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was saved and deleted.
    Pruned,
    /// It stays, for a reason that lies in it.
    Skipped,
    /// It should go and could not now.
    Failed,
}

/// What became of a row whose rollout is not where it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its id, as it stands.
    pub id: String,
    /// The path that leads nowhere.
    pub path: String,
    /// How it ended.
    pub status: Status,
    /// Why it stays.
    pub reason: Option<String>,
    /// Whether `backfill` mends the row.
    pub is_misplaced: bool,
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows that were looked at.
    pub checked: u64,
    /// Those whose rollout is not where they say, by id.
    pub threads: Vec<Outcome>,
    /// The backup that was kept before, unless there is a recent one.
    pub backup: Option<PathBuf>,
    /// Where the deleted rows were saved.
    pub saved_to: Option<PathBuf>,
    /// What Codex's default list shows before and after.
    pub shown: Shown,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// What made going on impossible.
    pub stopped: Option<anyhow::Error>,
}

impl Report {
    /// How many rows ended so.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.threads.iter().filter(|outcome| outcome.status == status).count()
    }
}

/// A run that was planned: what it would do is known, nothing has been done.
pub struct Job<'a> {
    pub(super) config: &'a Config<'a>,
    pub(super) inventory: Inventory,
    pub(super) schema: Schema,
    pub(super) checked: u64,
    /// Threads that have a row.
    pub(super) rows: BTreeSet<ThreadId>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) roots: Roots,
    /// What Codex's default list shows.
    pub(super) tally: Tally,
}

impl Job<'_> {
    /// Returns the rows that are to go.
    pub(super) fn to_go(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.verdict.is_none())
    }
}

/// A row that does not say where a file is.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Its id, as it stands.
    pub(super) id: String,
    /// The thread.
    pub(super) thread: ThreadId,
    /// The path in it.
    pub(super) path: String,
    /// Why it stays; `None` if it is to go.
    pub(super) verdict: Option<(Status, String)>,
    /// Whether `backfill` mends it.
    pub(super) is_misplaced: bool,
}

impl Candidate {
    /// It stays, although it should go.
    pub(super) fn fail(&mut self, reason: &str) {
        self.verdict = Some((Status::Failed, reason.to_owned()));
    }

    /// It stays, and should.
    pub(super) fn skip(&mut self, reason: &str) {
        self.verdict = Some((Status::Skipped, reason.to_owned()));
    }

    /// It stays, for `backfill` to mend.
    pub(super) fn misplaced(&mut self) {
        self.skip("its rollout lies elsewhere in the home: backfill mends the row");
        self.is_misplaced = true;
    }

    pub(super) fn outcome(&self) -> Outcome {
        let (status, reason) = match &self.verdict {
            None => (Status::Pruned, None),
            Some((status, reason)) => (*status, Some(reason.clone())),
        };
        let is_misplaced = self.is_misplaced;
        Outcome { id: self.id.clone(), path: self.path.clone(), status, reason, is_misplaced }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        let Candidate { id, path, verdict, is_misplaced, .. } = self;
        let (status, reason) =
            verdict.map_or((Status::Pruned, None), |(status, reason)| (status, Some(reason)));
        Outcome { id, path, status, reason, is_misplaced }
    }

    /// Whether its file should be below this root of the home.
    pub(super) fn lies_in(&self, root: &Path) -> bool {
        let path = Path::new(&self.path);
        path.starts_with(root) || {
            // The home may be spelled in another way.
            let name = root.file_name();
            path.parent().is_some_and(|folder| folder.components().any(|part| Some(part.as_os_str()) == name))
        }
    }

    /// The ids of the rollouts that its file may have been.
    pub(super) fn rollouts(&self) -> impl Iterator<Item = ThreadId> {
        let named = Path::new(&self.path).file_name().and_then(file_name::parse);
        [Some(self.thread), named.and_then(|named| named.name).map(|name| name.rollout)].into_iter().flatten()
    }
}
