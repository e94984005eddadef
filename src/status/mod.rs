//! `status`: collects the state of a home and its database. It changes nothing and prints nothing.
//!
//! A question that cannot be answered is left out, with the reason; the others are still answered.

mod weights;

use weights::Sizes;
pub use weights::{OtherDatabase, Weight, Weights, other_databases};

use crate::catalog::forms::other_form;
use crate::catalog::walk::{RolloutFile, Walk};
use crate::db::backfill_state::{self, BackfillState};
use crate::db::census::Census;
use crate::db::integrity;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::threads;
use crate::home::size_with_suffix;
use crate::rollout::extract::Options;
use crate::rollout::fold::{self, ReadError, Reading};
use crate::rollout::reader::Buffer;
use crate::survey::Context;
use crate::thread::{Millis, ThreadId};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The greatest size in bytes of a database that is checked page by page; some hundred megabytes take a second.
const CHECKED_BYTES: u64 = 64 << 20;

/// A quarter of an hour, in seconds.
const QUARTER: i64 = 15 * 60;

/// Seconds after which another Codex may take over from one that was indexing.
const LEASE: i64 = 900;

/// The rollout files of a home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollouts {
    /// Number of files below `sessions/`.
    pub active: u64,
    /// Number of files below `archived_sessions/`.
    pub archived: u64,
    /// Number of compressed files in both.
    pub compressed: u64,
    /// Number of files whose name does not parse.
    pub malformed_names: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Folders that are missing.
    pub missing_folders: Vec<PathBuf>,
    /// Folders and files that could not be read, with the reason.
    pub errors: Vec<(PathBuf, String)>,
}

impl Rollouts {
    /// Counts the files found by a walk of a home.
    #[must_use]
    pub fn of(walk: &Walk) -> Rollouts {
        let mut rollouts = Rollouts {
            missing_folders: walk.missing_roots.clone(),
            errors: walk.errors.iter().map(|error| (error.path.clone(), error.reason.clone())).collect(),
            ..Rollouts::default()
        };
        for file in &walk.files {
            *(if file.is_archived() { &mut rollouts.archived } else { &mut rollouts.active }) += 1;
            rollouts.compressed += u64::from(file.is_compressed());
            rollouts.malformed_names += u64::from(file.thread().is_none());
            rollouts.bytes += file.size();
        }
        rollouts
    }

    /// Returns the number of all files.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.active + self.archived
    }
}

/// The progress of Codex's own indexing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexingProgress {
    /// Finished: Codex starts at once.
    Complete,
    /// Not started: the next Codex does it, and others wait.
    Pending,
    /// A Codex is indexing, or was a moment ago.
    Running,
    /// A Codex was indexing and ended: the next Codex starts again.
    Stuck,
    /// The status is unknown to Codex, which then does not start.
    Unknown,
}

impl IndexingProgress {
    /// Returns the progress that the row of `backfill_state` shows; `now` is in milliseconds.
    #[must_use]
    pub fn of(state: Option<&BackfillState>, now: Millis) -> IndexingProgress {
        let Some(state) = state else { return IndexingProgress::Pending };
        match &*state.status {
            backfill_state::COMPLETE => IndexingProgress::Complete,
            "pending" => IndexingProgress::Pending,
            "running" => match state.updated_at {
                Some(seconds) if now.div_euclid(1000) - seconds < LEASE => IndexingProgress::Running,
                _ => IndexingProgress::Stuck,
            },
            _ => IndexingProgress::Unknown,
        }
    }
}

/// Maximum number of rollouts opened to see whether they contain a thread, and bytes read of each.
const MOST_OPENED: usize = 64;

/// Number of kinds of difference between a rollout and its row.
pub const N_DIFFERING: usize = 4;

/// Opened rollouts to which no backfill can give a row now, or whose row it cannot bring up to date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unusable {
    /// The number of rollouts without any content of a thread.
    pub empty: u64,
    /// The number of rollouts that cannot be read now, for example because of permissions.
    pub unreadable: u64,
    /// The number of rollouts with the wrong name: they contain a thread that has a row already, or a better rollout.
    pub misnamed: u64,
    /// The numbers of rollouts that a quick look found to differ from their rows, and of which nothing can be compared,
    /// by the kind of difference.
    pub with_row: [u64; N_DIFFERING],
}

impl Unusable {
    /// Opens rollouts to see whether they contain a thread: those without a row (`paths`), and those that seem to differ
    /// from their rows (`differing`, by the kind of difference). Returns `None` if there are too many to open.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn among(
        home: &Path,
        paths: &[&Path],
        differing: &[Vec<&Path>; N_DIFFERING],
        reader: &mut Reader,
        interrupted: &AtomicBool,
    ) -> anyhow::Result<Option<Unusable>> {
        if paths.len() > MOST_OPENED {
            return Ok(None);
        }
        let mut buffer = Buffer::default();
        let mut read = |file: &RolloutFile| {
            let mut reading = Reading { buffer: &mut buffer, options: Options::default(), interrupted };
            fold::read_beginning(&file.source(), &mut reading)
        };
        let mut unusable = Unusable::default();
        for (n, paths) in unusable.with_row.iter_mut().zip(differing) {
            for path in paths.iter().take(MOST_OPENED) {
                let file = RolloutFile::at(home, path);
                *n += u64::from(file.is_some_and(|file| read(&file).is_err()));
            }
        }
        let mut threads: HashSet<ThreadId> = HashSet::new();
        for path in paths {
            let Some(file) = RolloutFile::at(home, path) else { continue };
            let thread = match read(&file) {
                Err(ReadError::Passing(_)) => {
                    unusable.unreadable += 1;
                    continue;
                }
                // Another file of its thread may have a row.
                Err(ReadError::Empty) if other_form(path).exists() => continue,
                Err(error) if !error.is_unusable() => continue,
                Err(_) => None,
                Ok(read) => {
                    let by_name = file.thread();
                    read.extracted.facts.identity.map(|(id, _)| id).or(by_name)
                }
            };
            let Some(thread) = thread else {
                unusable.empty += 1;
                continue;
            };
            let has_row = reader.read(|connection| threads::rollout_path(connection, thread))?.is_some();
            unusable.misnamed += u64::from(has_row || !threads.insert(thread));
        }
        Ok(Some(unusable))
    }

    /// Returns the number of those without a row.
    #[must_use]
    pub fn without_row(self) -> u64 {
        self.empty + self.unreadable + self.misnamed
    }
}

/// A database that can be read.
#[derive(Debug)]
pub struct DatabaseStatus {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Size of its `-wal` in bytes, if there is one.
    pub wal_bytes: Option<u64>,
    /// True if it is in WAL mode.
    pub is_wal: bool,
    /// Number of known columns that it has.
    pub n_columns: u64,
    /// The unknown columns.
    pub unknown_columns: Vec<String>,
    /// True if it has a ledger of migrations.
    pub has_ledger: bool,
    /// The last migration in the ledger.
    pub last_migration: Option<(i64, String)>,
    /// True if each page is sound; `None` if the file is too large to check them all.
    pub is_sound: Option<bool>,
    /// The problem found in it.
    pub problem: Option<String>,
    /// The counts of its threads.
    pub census: Census,
    /// Number of threads that began in each month.
    pub months: BTreeMap<String, u64>,
    /// Time of its last recorded change, in milliseconds.
    pub last_update: Option<Millis>,
    /// The progress of Codex's indexing, with the row that records it; `None` in schemas without such a table.
    pub backfill: Option<(Option<BackfillState>, IndexingProgress)>,
}

impl DatabaseStatus {
    /// Examines a database; `month` returns the month of a time in the local time zone. All its threads are read once, for the counts and for the sizes of their rollouts in `walk`.
    ///
    /// # Errors
    /// If it cannot be read, or is not a database of Codex.
    pub fn of(
        context: &Context<'_>,
        month: &dyn Fn(Millis) -> Option<String>,
        reader: &mut Reader,
        walk: Option<&Walk>,
    ) -> anyhow::Result<(DatabaseStatus, Option<Weights>)> {
        let sizes = walk.map(Sizes::of_walk);
        let path = reader.path().to_owned();
        let bytes = size_with_suffix(&path, "").unwrap_or_default();
        let is_wal = reader.is_wal()?;
        let schema = Schema::of(reader)?;
        reader.read(|connection| -> anyhow::Result<_> {
            let problem = match bytes {
                ..=CHECKED_BYTES => integrity::first_problem(connection)?,
                _ => None,
            };
            let backfill = match schema.has_backfill_state {
                true => {
                    let state = backfill_state::read(connection)?;
                    let progress = IndexingProgress::of(state.as_ref(), context.now.timestamp_millis());
                    Some((state, progress))
                }
                false => None,
            };
            let mut quarters = BTreeMap::<i64, u64>::new();
            let mut weights = sizes.as_ref().map(Weights::begin);
            let census = Census::take_each(connection, &schema, context.default_provider, |thread| {
                if let Some(seconds) = thread.began_at {
                    *quarters.entry(seconds.div_euclid(QUARTER)).or_default() += 1;
                }
                if let (Some(weights), Some(sizes)) = (&mut weights, &sizes) {
                    weights.add(thread.source, thread.provider, thread.folder, sizes.of(thread.id));
                }
            })?;
            let database = DatabaseStatus {
                bytes,
                wal_bytes: size_with_suffix(&path, "-wal"),
                is_wal,
                n_columns: schema.columns.iter().count() as u64,
                has_ledger: schema.has_ledger,
                last_migration: schema.last_migration(connection)?,
                is_sound: (bytes <= CHECKED_BYTES).then_some(problem.is_none()),
                problem,
                census,
                months: by_month(&quarters, month),
                last_update: threads::last_update(connection)?.map(|seconds| seconds.saturating_mul(1000)),
                backfill,
                unknown_columns: schema.unknown_columns.clone(),
            };
            Ok((database, weights))
        })
    }
}

/// Adds up numbers of threads by the month of their quarter of an hour. `month` returns the month of a time in the local
/// time zone; no time zone changes it within a quarter.
fn by_month(
    quarters: &BTreeMap<i64, u64>,
    month: &dyn Fn(Millis) -> Option<String>,
) -> BTreeMap<String, u64> {
    let mut months = BTreeMap::<String, u64>::new();
    for (quarter, n) in quarters {
        if let Some(month) = month(quarter.saturating_mul(1000 * QUARTER)) {
            *months.entry(month).or_default() += n;
        }
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn indexing_that_no_codex_continues_is_stuck() {
        let state = |status: &str, updated_at| BackfillState {
            status: status.to_owned(),
            last_watermark: None,
            last_success_at: None,
            updated_at,
        };
        let progress = |status, updated_at| IndexingProgress::of(Some(&state(status, updated_at)), 2_000_000);
        assert_eq!(progress("complete", None), IndexingProgress::Complete);
        assert_eq!(progress("pending", Some(0)), IndexingProgress::Pending);
        assert_eq!(progress("running", Some(1101)), IndexingProgress::Running);
        assert_eq!(progress("running", Some(1100)), IndexingProgress::Stuck);
        assert_eq!(progress("running", None), IndexingProgress::Stuck);
        assert_eq!(progress("done", None), IndexingProgress::Unknown);
        assert_eq!(IndexingProgress::of(None, 0), IndexingProgress::Pending);
    }

    #[test]
    fn rollouts_are_counted_by_place_and_form() {
        let home = tempfile::tempdir().unwrap();
        let id = "019ced47-cebb-79dd-b0aa-a552437621a9";
        for file in [
            format!("sessions/2026/03/14/rollout-2026-03-14T16-57-12-{id}.jsonl"),
            format!("sessions/2026/03/14/rollout-2026-03-14T16-57-12-{id}.jsonl.zst"),
            "sessions/rollout-odd.jsonl".to_owned(),
            "sessions/notes.txt".to_owned(),
        ] {
            let path = home.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "four").unwrap();
        }
        let rollouts = Rollouts::of(&crate::catalog::walk::walk(home.path()));
        assert_eq!((rollouts.active, rollouts.archived, rollouts.total()), (3, 0, 3));
        assert_eq!((rollouts.compressed, rollouts.malformed_names, rollouts.bytes), (1, 1, 12));
        assert_eq!(rollouts.missing_folders, [home.path().join("archived_sessions")]);
    }
}
