//! `rebuild`: replaces a database that is damaged, refused by Codex or lost. Returns a report and prints nothing.
//!
//! The order of steps, and what a crash after each of them leaves:
//!
//! 1. The old database is locked, so that no Codex can have it open, and looked at. Nothing is changed.
//! 2. The new one grows in a separate folder beside the old one: tables, what threads refer to, the threads from the
//!    rollouts with what the old database knows of them, what hangs on them; then it is checked. The old one is in its
//!    place; the folder is removed by the next run that needs one.
//! 3. The `-wal` of the old one is played into it and removed, with the `-shm`. The old one is whole without them.
//! 4. The old file gets a second name in `codex-state-backups/`. It is in both places. On Unix one in WAL mode is copied
//!    there, and the file in its place leaves that mode: a process that has opened it and waits for the lock would
//!    otherwise use the `-wal` of the new one afterwards.
//! 5. The new file is renamed over the old one, in one step. The new one is in place, the old one in the backups. Where
//!    it has another name (`state_5.sqlite` after `state.sqlite`), the old name is removed after that step: in between
//!    both are there, and Codex and this program take the new one.
//!
//! A `-wal` or journal that lies beside the new name without a database is moved to the backups before that: SQLite
//! would play it into the new file.
//!
//! The lock is held until the end, so no Codex opens the old database between these steps. If the old database is
//! too damaged to be opened, no lock is possible: then its `-wal` and `-shm` are given a second name in step 4 and
//! removed before step 5. Windows replaces no open file: there the lock is given back before step 5, and the rename
//! fails if another process opened the old file since.

use crate::catalog::walk;
use crate::db::facts::DatabaseFacts;
use crate::db::rebuild::{Condition, Inherited, NewDatabase, OldDatabase, Replaced};
use crate::db::{Census, NewSchema, OpenOptions, Writer};
use crate::error::WithHint as _;
use crate::fault;
use crate::progress::{Progress, during};
use crate::rollout::file_name;
use crate::survey::Context;
use crate::sys::{is_same_file, thread_locks};
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of a rebuild.
pub struct RebuildOptions<'a> {
    /// The home and the circumstances of the run. An interrupt has no effect after the old database is replaced.
    pub context: Context<'a>,
    /// The old database; it may be missing.
    pub database: &'a Path,
    /// The path of the new database: that of the old one, or the one that Codex reads now.
    pub target: &'a Path,
    /// The lowest schema that the new one has.
    pub schema: NewSchema,
    /// Options for opening databases.
    pub open: &'a OpenOptions,
    /// Overrules every refusal except the one for an open Codex: a sound database is replaced, tables and columns that do
    /// not fit are left behind, and rollouts that cannot be read now get no rows.
    pub force: bool,
    /// The folder in which to build it for a dry run, which replaces nothing.
    pub preview_in: Option<&'a Path>,
    /// The longest time to wait for the lock that Codex holds while it locks its threads.
    pub patience: Duration,
}

impl RebuildOptions<'_> {
    /// Locks the old database, or for a dry run a private copy of it.
    fn lock_old(&self) -> anyhow::Result<OldDatabase> {
        match self.preview_in {
            Some(folder) => OldDatabase::lock_copy(self.database, folder, self.open),
            None => OldDatabase::lock(self.database, self.open),
        }
    }

    /// Begins the new database, beside its final path unless this is a dry run.
    fn begin_new(&self) -> anyhow::Result<NewDatabase> {
        let beside = || self.target.parent().unwrap_or(Path::new("."));
        NewDatabase::begin(self.target, self.preview_in.unwrap_or_else(beside))
    }
}

/// The way in which the new database was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A copy of the old one; these versions of its ledger were repaired.
    Mended(Vec<i64>),
    /// Built from the rollouts and the readable part of the old one.
    Built,
}

/// The result of a rebuild or of its dry run.
#[derive(Debug)]
pub struct RebuildReport<T> {
    /// The condition of the old database.
    pub condition: Condition,
    /// True if the old database was locked, so that no Codex had it open.
    pub was_locked: bool,
    /// The way in which the new one was made.
    pub way: Way,
    /// The last migration in the ledger of one that was built.
    pub level: i64,
    /// The threads that Codex showed from the old one, if they can be read.
    pub shown_before: Option<Census>,
    /// The threads that Codex shows from the new one.
    pub shown: Census,
    /// Counts of the rows that a built database took from the old one.
    pub inherited: Inherited,
    /// Tables and columns that were left behind.
    pub left_behind: Vec<String>,
    /// The present path of the old database.
    pub replaced: Replaced,
    /// The backfill's report, if the database was built.
    pub filled: Option<T>,
}

/// The result of filling a new database.
#[derive(Debug)]
pub struct Filled<T> {
    /// The report.
    pub report: T,
    /// Rollouts and folders that could not be read, for a temporary reason.
    pub unread: Vec<PathBuf>,
}

/// Rebuilds the database; `fill` writes the rows of all rollouts into the new one.
///
/// # Errors
/// If the rebuild is refused, a step fails, or it is interrupted. The old database is then unchanged.
pub fn run<T>(
    options: &RebuildOptions<'_>,
    progress: &dyn Progress,
    fill: impl FnOnce(&mut Writer, Option<&DatabaseFacts>) -> anyhow::Result<Filled<T>>,
) -> anyhow::Result<RebuildReport<T>> {
    let old = during(progress, "checking the database", || options.lock_old())?;
    fault::point("rebuild:locked");
    check_writers(options, &old)?;
    if *old.condition() == Condition::Sound && !options.force {
        return Err(anyhow!(
            "{}: is sound and its ledger is in order: there is nothing to rebuild",
            options.database.display()
        )
        .hint("codex-state backfill brings its rows up to date; codex-state rebuild --force replaces it all the same"));
    }
    options.context.check_interrupted("replaced")?;
    let mut new = options.begin_new()?;
    let mut report = RebuildReport {
        condition: old.condition().clone(),
        was_locked: old.is_locked(),
        way: Way::Built,
        level: 0,
        shown_before: old.census(options.context.default_provider),
        shown: Census::default(),
        inherited: Inherited::default(),
        left_behind: Vec::new(),
        replaced: Replaced::default(),
        filled: None,
    };
    let mended = match old.condition() {
        Condition::Refused(_) => new.mend(&old)?,
        _ => None,
    };
    match mended {
        Some(versions) => report.way = Way::Mended(versions),
        None => build(options, progress, &old, &mut new, &mut report, fill)?,
    }
    report.shown =
        during(progress, "checking the new database", || new.check(options.context.default_provider))?;
    fault::point("rebuild:checked");
    options.context.check_interrupted("replaced")?;
    if options.preview_in.is_none() {
        report.replaced = new.replace(old, options.context.now)?;
    }
    Ok(report)
}

/// Puts `file`, a database that a rebuild replaced, back in its place. Returns the new path of the present one.
///
/// # Errors
/// If `file` cannot be read, a Codex has the database open, or a step fails. Then the present database is in its place.
pub fn undo(options: &RebuildOptions<'_>, file: &Path) -> anyhow::Result<Replaced> {
    if is_same_file(file, options.database).unwrap_or(false) {
        return Err(anyhow!("{}: is the database itself", file.display()).hint(
            "name a file whose name begins with replaced-, in codex-state-backups beside the database",
        ));
    }
    let old = options.lock_old()?;
    check_writers(options, &old)?;
    let mut new = options.begin_new()?;
    new.take(file)?;
    options.context.check_interrupted("replaced")?;
    if options.preview_in.is_some() { Ok(Replaced::default()) } else { new.replace(old, options.context.now) }
}

/// Builds the new database from the rollouts and the old one.
fn build<T>(
    options: &RebuildOptions<'_>,
    progress: &dyn Progress,
    old: &OldDatabase,
    new: &mut NewDatabase,
    report: &mut RebuildReport<T>,
    fill: impl FnOnce(&mut Writer, Option<&DatabaseFacts>) -> anyhow::Result<Filled<T>>,
) -> anyhow::Result<()> {
    let (level, beyond) = NewDatabase::plan(old, options.schema)?;
    if !beyond.is_empty() && !options.force {
        return Err(anyhow!(
            "{}: has tables or columns that a new database could not hold: {}",
            options.database.display(),
            beyond.join(", ")
        )
        .hint("a newer codex-state may know them; codex-state rebuild --force leaves them behind, in the old file"));
    }
    report.level = level;
    report.left_behind = beyond;
    let (mut writer, facts) = during(progress, "reading the old database", || {
        new.build(old, level, options.open, &mut report.inherited)
    })?;
    fault::point("rebuild:built");
    options.context.check_interrupted("replaced")?;
    let Filled { report: filled, unread } = fill(&mut writer, facts.as_ref())?;
    drop(facts);
    report.filled = Some(filled);
    fault::point("rebuild:filled");
    options.context.check_interrupted("replaced")?;
    during(progress, "carrying over the rest", || new.carry(old, &writer, &mut report.inherited))?;
    writer.close()?;
    fault::point("rebuild:carried");
    if options.force { Ok(()) } else { check_unread(options, old, new, &report.inherited, unread) }
}

/// Refuses if a thread would be missing in the new database because its rollout cannot be read now, and its row in the
/// old one cannot be read either.
fn check_unread(
    options: &RebuildOptions<'_>,
    old: &OldDatabase,
    new: &NewDatabase,
    inherited: &Inherited,
    mut unread: Vec<PathBuf>,
) -> anyhow::Result<()> {
    if *old.condition() == Condition::Missing || inherited.has_all_threads() {
        return Ok(());
    }
    let sessions = options.context.home.join(walk::ACTIVE);
    if !sessions.exists() && !unread.contains(&sessions) {
        unread.push(sessions);
    }
    let thread = |path: &PathBuf| path.file_name().and_then(file_name::find_thread);
    let ids: Vec<_> = unread.iter().filter_map(thread).collect();
    let missing = new.without_row(&ids)?;
    unread.retain(|path| thread(path).is_none_or(|id| missing.contains(&id)));
    let Some(first) = unread.first() else { return Ok(()) };
    let others = match unread.len() - 1 {
        0 => String::new(),
        n => format!(", nor can {n} others"),
    };
    Err(anyhow!(
        "{}: cannot be read now{others}; the old database is too damaged to tell which threads that is",
        first.display()
    )
    .hint(
        "mount or restore it, or correct its permissions, then run codex-state rebuild again; codex-state rebuild --force \
         goes on without it, and codex-state backfill adds its threads later",
    ))
}

/// Refuses if a Codex may be running and SQLite cannot tell.
fn check_writers(options: &RebuildOptions<'_>, old: &OldDatabase) -> anyhow::Result<()> {
    if old.is_locked() {
        return Ok(());
    }
    match thread_locks::any_writer(options.context.home, options.patience)? {
        None => Ok(()),
        Some(id) => Err(anyhow!("a Codex is writing to thread {id}")
            .hint("close Codex, its desktop app and its extensions in editors, then run the command again")),
    }
}
