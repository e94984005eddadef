//! `status`: what there is of a home and its database, and how it does; changes nothing, prints nothing.
//!
//! A question that cannot be answered leaves its answer out and says why; the others are answered all the same.

mod weights;

pub use weights::{OtherDatabase, Weight, Weights, other_databases};

use crate::catalog::walk::{RolloutFile, Walk};
use crate::db::backfill_state::{self, BackfillState};
use crate::db::census::{self, Census};
use crate::db::integrity;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::threads;
use crate::rollout::extract::Options;
use crate::rollout::fold::{self, ReadError, Reading};
use crate::rollout::reader::Buffer;
use crate::thread::Millis;
use crate::thread::columns::N_COLUMNS;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// The largest database that is looked at page by page, which takes a second for some hundred megabytes.
const CHECKED_BYTES: u64 = 64 << 20;

/// After so many seconds another Codex may take over from one that was indexing.
const LEASE: i64 = 900;

/// What is to be looked at.
pub struct Config<'a> {
    /// The provider whose threads Codex shows by default.
    pub default_provider: &'a str,
    /// The month of a time, where people live.
    pub month: &'a dyn Fn(Millis) -> Option<String>,
    /// The time, in milliseconds.
    pub now: Millis,
}

/// The rollout files of a home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollouts {
    /// Those under `sessions/`.
    pub active: u64,
    /// Those under `archived_sessions/`.
    pub archived: u64,
    /// How many of both are compressed.
    pub compressed: u64,
    /// How many have a name that does not parse.
    pub malformed_names: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Folders that are not there.
    pub missing_folders: Vec<PathBuf>,
    /// Folders and files that could not be looked at, and why.
    pub errors: Vec<(PathBuf, String)>,
}

impl Rollouts {
    /// Counts what a walk of a home found.
    #[must_use]
    pub fn of(walk: &Walk) -> Rollouts {
        let mut rollouts = Rollouts {
            missing_folders: walk.missing_roots.clone(),
            errors: walk.errors.iter().map(|error| (error.path.clone(), error.reason.clone())).collect(),
            ..Rollouts::default()
        };
        for file in &walk.files {
            *(if file.archived { &mut rollouts.archived } else { &mut rollouts.active }) += 1;
            rollouts.compressed += u64::from(file.named.compressed);
            rollouts.malformed_names += u64::from(file.named.name.is_none());
            rollouts.bytes += file.stamp.size;
        }
        rollouts
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.active + self.archived
    }
}

/// How far Codex's own indexing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is done: Codex starts at once.
    Complete,
    /// Nobody has begun: the next Codex does, and the others wait.
    Pending,
    /// Somebody is at it, or was a moment ago.
    Running,
    /// Somebody was at it and went away: the next Codex begins again.
    Stuck,
    /// The word is none that Codex knows, with which it does not start.
    Unknown,
}

impl Progress {
    /// What the row of `backfill_state` comes to; `now` in milliseconds.
    #[must_use]
    pub fn of(state: Option<&BackfillState>, now: Millis) -> Progress {
        let Some(state) = state else { return Progress::Pending };
        match &*state.status {
            backfill_state::COMPLETE => Progress::Complete,
            "pending" => Progress::Pending,
            "running" => match state.updated_at {
                Some(seconds) if now.div_euclid(1000) - seconds < LEASE => Progress::Running,
                _ => Progress::Stuck,
            },
            _ => Progress::Unknown,
        }
    }
}

/// How many rollouts are opened to see whether they hold a thread, and how much is read of each.
const MOST_OPENED: usize = 64;
const READ_OF_EACH: u64 = 1 << 20;

/// Of some rollouts without a row, those that no backfill can give one now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unusable {
    /// The number that hold nothing of a thread.
    pub empty: u64,
    /// The number that cannot be read now, for permissions or the like.
    pub unreadable: u64,
}

impl Unusable {
    /// Opens rollouts to see whether they hold a thread. Returns `None` if there are too many to open.
    #[must_use]
    pub fn among(home: &Path, paths: &[&Path], interrupted: &AtomicBool) -> Option<Unusable> {
        if paths.len() > MOST_OPENED {
            return None;
        }
        let mut buffer = Buffer::default();
        let mut unusable = Unusable::default();
        for path in paths {
            let Some(file) = RolloutFile::at(home, path) else { continue };
            let mut reading = Reading { buffer: &mut buffer, options: Options::default(), interrupted };
            let read = fold::read_file(&file.source(), Some(READ_OF_EACH), &mut reading);
            match read.and_then(|read| fold::check_usable(&read.extracted)) {
                Err(ReadError::Unusable(_)) => unusable.empty += 1,
                Err(ReadError::Passing(_)) => unusable.unreadable += 1,
                Ok(()) | Err(_) => {}
            }
        }
        Some(unusable)
    }

    /// Returns how many there are.
    #[must_use]
    pub fn total(self) -> u64 {
        self.empty + self.unreadable
    }
}

/// A database that can be read.
#[derive(Debug)]
pub struct Database {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its `-wal`, if there is one.
    pub wal_bytes: Option<u64>,
    /// Whether it is in WAL mode.
    pub is_wal: bool,
    /// How many of the known columns it has, and of how many.
    pub columns: [usize; 2],
    /// Columns that nobody knows yet.
    pub unknown_columns: Vec<String>,
    /// Whether somebody's ledger of migrations is there.
    pub has_ledger: bool,
    /// The last migration in it.
    pub last_migration: Option<(i64, String)>,
    /// Whether each page is sound; `None` where the file is too large to look at them all.
    pub is_sound: Option<bool>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Its threads.
    pub census: Census,
    /// How many began in each month.
    pub months: BTreeMap<String, u64>,
    /// When it was last told of a change, in milliseconds.
    pub last_update: Option<Millis>,
    /// Where Codex keeps how far its indexing is; `None` in schemas without such a table.
    pub backfill: Option<(Option<BackfillState>, Progress)>,
}

impl Database {
    /// Looks at a database.
    ///
    /// # Errors
    /// It cannot be read, or is none of Codex.
    pub fn of(config: &Config<'_>, reader: &mut Reader) -> anyhow::Result<Database> {
        let path = reader.path().to_owned();
        let size = |suffix: &str| {
            let mut path = path.as_os_str().to_owned();
            path.push(suffix);
            fs::metadata(path).ok().map(|metadata| metadata.len())
        };
        let bytes = size("").unwrap_or_default();
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
                    let progress = Progress::of(state.as_ref(), config.now);
                    Some((state, progress))
                }
                false => None,
            };
            let mut months = BTreeMap::new();
            census::beginnings(connection, |seconds| {
                if let Some(month) = (config.month)(seconds.saturating_mul(1000)) {
                    *months.entry(month).or_default() += 1;
                }
            })?;
            Ok(Database {
                bytes,
                wal_bytes: size("-wal"),
                is_wal,
                columns: [schema.columns.iter().count(), N_COLUMNS],
                has_ledger: schema.has_ledger,
                last_migration: schema.last_migration(connection)?,
                is_sound: (bytes <= CHECKED_BYTES).then_some(problem.is_none()),
                problem,
                census: Census::take(connection, &schema, config.default_provider)?,
                months,
                last_update: threads::last_update(connection)?.map(|seconds| seconds.saturating_mul(1000)),
                backfill,
                unknown_columns: schema.unknown_columns.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexing_that_nobody_goes_on_with_is_stuck() {
        let state = |status: &str, updated_at| BackfillState {
            status: status.to_owned(),
            last_watermark: None,
            last_success_at: None,
            updated_at,
        };
        let progress = |status, updated_at| Progress::of(Some(&state(status, updated_at)), 2_000_000);
        assert_eq!(progress("complete", None), Progress::Complete);
        assert_eq!(progress("pending", Some(0)), Progress::Pending);
        assert_eq!(progress("running", Some(1101)), Progress::Running);
        assert_eq!(progress("running", Some(1100)), Progress::Stuck);
        assert_eq!(progress("running", None), Progress::Stuck);
        assert_eq!(progress("done", None), Progress::Unknown);
        assert_eq!(Progress::of(None, 0), Progress::Pending);
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
        let rollouts = Rollouts::of(&crate::catalog::walk::walk(home.path(), || {}));
        assert_eq!((rollouts.active, rollouts.archived, rollouts.total()), (3, 0, 3));
        assert_eq!((rollouts.compressed, rollouts.malformed_names, rollouts.bytes), (1, 1, 12));
        assert_eq!(rollouts.missing_folders, [home.path().join("archived_sessions")]);
    }
}
