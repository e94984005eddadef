//! `backfill`: makes the rows say what the rollouts say. To a report; prints nothing, reads no environment.
//!
//! Workers read and fold rollouts ([`crate::survey::scan`]); this thread compares each thread with its row and writes those
//! that differ, in short transactions (`write.rs`). A row that agrees costs one read.

pub mod fresh;
pub mod index;
mod plan;
mod write;

use crate::catalog::absent::{AbsentFolder, AbsentFolders};
use crate::catalog::inventory::Inventory;
use crate::catalog::misnamed;
use crate::catalog::paths;
use crate::catalog::walk::{self, RolloutFile, Walk};
use crate::db::facts::{Facts, FittingFacts};
use crate::db::open::{OpenOptions, Reader, Trouble, Writer};
use crate::db::schema::Schema;
use crate::db::tally::{Shown, Tally};
use crate::db::threads::Threads;
use crate::db::{Connection, backfill_state, threads};
use crate::progress::Progress;
use crate::rollout::extract::Options;
use crate::rollout::fold::{FoldedThread, ReadError};
use crate::survey::comparison::Comparison;
use crate::survey::scan::{self, Event, Scanned, Worker};
use crate::survey::select::Selected;
use crate::thread::ThreadId;
use crate::thread::columns::Row;
pub use crate::thread::times::Times;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Threads are compared with their rows when so many have been read, or so many bytes of them.
const ARRIVED_ROWS: usize = 64;
const ARRIVED_BYTES: usize = 1024 * 1024;
/// While the workers read, rows are written when so many wait: fewer would cost more than they save.
const IDLE_ROWS: usize = 128;

/// What is to be done.
pub struct Config<'a> {
    /// The Codex home.
    pub home: &'a Path,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// How many files are read at once.
    pub jobs: usize,
    /// Provider of a thread whose session meta names none.
    pub default_provider: &'a str,
    /// Skip files whose row says that they are unchanged.
    pub quick: bool,
    /// Where `updated_at` comes from.
    pub times: Times,
    /// What another database knows of threads.
    pub facts: Option<&'a Facts>,
    /// How to read the database for a backup before the first change; `None` for no backup.
    pub backup: Option<&'a OpenOptions>,
    /// Note what [`index::append_names`] needs.
    pub notes_names: bool,
    /// The time.
    pub now: DateTime<Utc>,
    /// Set from outside to stop.
    pub interrupted: &'a AtomicBool,
}

/// The database, and whether anything is written to it.
pub enum Target<'a> {
    /// Rows are written.
    Write(&'a mut Writer),
    /// Nothing is written: what would be is counted.
    Preview(&'a mut Reader),
    /// A database that does not exist yet, for a preview of its making.
    New(&'a Connection),
}

impl Target<'_> {
    fn path(&self) -> Option<&Path> {
        match self {
            Target::Write(writer) => Some(writer.path()),
            Target::Preview(reader) => Some(reader.path()),
            Target::New(_) => None,
        }
    }

    /// Runs statements that only read.
    fn read<T>(&mut self, mut f: impl FnMut(&Connection) -> anyhow::Result<T>) -> anyhow::Result<T> {
        match self {
            Target::Write(writer) => writer.read(f),
            Target::Preview(reader) => reader.read(f),
            Target::New(connection) => f(connection),
        }
    }
}

/// A file or folder that could not be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub error: String,
    /// Whether it may go another time.
    pub is_passing: bool,
}

/// What happened to a thread's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It had none and has one now.
    Inserted,
    /// It differed and agrees now.
    Updated,
}

/// What was done, or would be.
#[derive(Debug, Default)]
pub struct Report {
    /// Rollout files found; each is in exactly one of the next five.
    pub scanned: u64,
    /// Rows that were missing.
    pub inserted: u64,
    /// Rows that differed.
    pub updated: u64,
    /// Rows that agree.
    pub unchanged: u64,
    /// Files that lost to another of their thread.
    pub superseded: u64,
    /// Files that could not be read.
    pub failed: u64,
    /// Bytes read, uncompressed.
    pub bytes_read: u64,
    /// Those files, and folders that could not be walked; by path.
    pub failures: Vec<Failure>,
    /// Folders of rollouts that cannot be looked into though rows name rollouts in them.
    pub missing_folders: Vec<AbsentFolder>,
    /// Files with damaged lines beside what could be read.
    pub n_damaged_files: u64,
    /// Of the rows updated, those in which times alone differed.
    pub times_alone: u64,
    /// The newest version of Codex that wrote a rollout, as numbers.
    pub newest_version: Option<[u32; 2]>,
    /// The backup that was kept before the first change, unless there is a recent one.
    pub backup: Option<PathBuf>,
    /// Tables and ids of what an old row referred to and what could not be brought back.
    pub lost_references: Vec<(&'static str, String)>,
    /// Threads left to a Codex that is writing them.
    pub left_to_codex: u64,
    /// What Codex's default list shows before and after.
    pub shown: Shown,
    /// Whether every file of the home was visited, and none failed for a reason that may pass.
    pub complete: bool,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// What tells names from titles, if that was asked for.
    pub names: index::Noted,
}

/// Does it.
///
/// # Errors
/// The database cannot be read or written. What was committed before stays.
pub fn run(config: &Config<'_>, mut target: Target<'_>, progress: &dyn Progress) -> anyhow::Result<Report> {
    let schema = target.read(Schema::read).and_then(|schema| schema.check_writable().map(|()| schema));
    let schema = schema.map_err(|error| match target.path() {
        Some(path) if Trouble::of(&error).is_none() => error.context(path.display().to_string()),
        _ => error,
    })?;
    if let Target::Write(writer) = &mut target
        && config.facts.is_none()
        && !schema.fills_references
    {
        writer.skip_parents()?;
    }
    let tally = target.read(|connection| Ok(Tally::begin(connection, &schema, config.default_provider)?))?;
    progress.start("finding rollouts", None, None);
    let walk = walk::walk(config.home, || progress.advance(1, 0));
    progress.finish();
    let mut report = Report::default();
    let absent = missing_folders(config.home, &walk, &mut target)?;
    for error in walk.errors {
        if absent.iter().any(|folder| folder.path == error.path) {
            continue;
        }
        report.failures.push(Failure { path: error.path, error: error.reason, is_passing: true });
    }
    report.missing_folders = absent;
    let has_roots = walk.missing_roots.len() < 2;
    let watermark = watermark(config.home, &walk.files);
    let inventory = Inventory::new(walk.files);

    let facts = match config.facts {
        Some(facts) => Some(target.read(|connection| Ok(FittingFacts::new(facts, connection)?))?),
        None => None,
    };
    let plan = plan::plan(config, &schema, &inventory, facts.as_ref(), &mut target)?;
    report.scanned = plan.n_files;
    report.unchanged = plan.n_unchanged;
    report.superseded = plan.n_superseded;
    progress.start("reading rollouts", Some(plan.n_files), Some(plan.n_bytes));
    progress.advance(plan.n_unchanged + plan.n_superseded, 0);

    let scan_config = scan::Config {
        inventory: &inventory,
        jobs: config.jobs,
        options: Options::default(),
        read_all: false,
        default_provider: config.default_provider,
        interrupted: config.interrupted,
    };
    let comparison = target
        .read(|connection| Comparison::read(connection, &schema, config.default_provider, config.times))?;
    let mut run = Run {
        config,
        inventory: &inventory,
        worker: Worker::new(&scan_config),
        table: Threads::new(&schema),
        rules: write::Rules { comparison, facts },
        backup: config.backup,
        target,
        progress,
        arrived: Vec::new(),
        arrived_bytes: 0,
        pending: Vec::new(),
        pending_bytes: 0,
        strays: plan.strays,
        tally,
        report,
    };
    let stopped = scan::run(&scan_config, &plan.groups, |event| {
        let done = match event {
            Event::Scanned(scanned) => run.take(scanned),
            Event::Idle => run.use_idle_time(),
        };
        done.map_or_else(ControlFlow::Break, ControlFlow::Continue)
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    run.compare_arrived()?;
    run.settle_strays()?;
    run.flush()?;
    run.progress.finish();
    run.report.failures.sort_by(|a, b| a.path.cmp(&b.path));
    run.report.interrupted = config.interrupted.load(Ordering::Relaxed);
    // Folders that are missing while rows speak of threads were not visited, wherever they are now.
    let was_walked = has_roots || run.target.read(|connection| Ok(threads::count(connection)?))? == 0;
    if !was_walked && run.report.missing_folders.is_empty() {
        run.progress.warn(&format!(
            "{}: neither sessions nor archived_sessions is there, though the database has threads",
            config.home.display()
        ));
    }
    run.report.complete = config.threads.is_none()
        && was_walked
        && run.report.missing_folders.is_empty()
        && !run.report.interrupted
        && run.report.failures.iter().all(|failure| !failure.is_passing);
    if run.report.complete && schema.has_backfill_state {
        run.complete(watermark.as_deref())?;
    }
    run.count_shown()?;
    let Run { rules, mut report, tally, .. } = run;
    report.shown = tally.end();
    report.lost_references = rules.facts.map(|facts| facts.lost()).unwrap_or_default();
    Ok(report)
}

/// Finds the folders of rollouts that cannot be walked though rows name rollouts in them.
fn missing_folders(home: &Path, walk: &Walk, target: &mut Target<'_>) -> anyhow::Result<Vec<AbsentFolder>> {
    let mut absent = AbsentFolders::of(home, walk);
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    target.read(|connection| {
        absent = AbsentFolders::of(home, walk);
        Ok(threads::each_path(connection, |_, path| {
            absent.count(Path::new(path));
        })?)
    })?;
    Ok(absent.named().cloned().collect())
}

/// The greatest path below the home, with `/` on every system, as Codex compares them.
fn watermark(home: &Path, files: &[RolloutFile]) -> Option<String> {
    let relative = |file: &RolloutFile| {
        let path = file.path();
        let parts = path.strip_prefix(home).ok()?.components();
        let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
        Some(parts?.join("/"))
    };
    // The walk goes in byte order, folder by folder, so the last file is the greatest; one that is not UTF-8 is none.
    files.iter().rev().find_map(relative)
}

/// The first two numbers of a version, as in `0.147.0`.
fn version(text: &str) -> Option<[u32; 2]> {
    let mut numbers = text.split('.').map(|part| part.parse().ok());
    Some([numbers.next()??, numbers.next()??])
}

/// A backfill under way.
struct Run<'a> {
    config: &'a Config<'a>,
    inventory: &'a Inventory,
    /// For what this thread must read itself.
    worker: Worker<'a>,
    table: Threads,
    rules: write::Rules<'a>,
    /// See [`Config::backup`]; taken once it is kept.
    backup: Option<&'a OpenOptions>,
    target: Target<'a>,
    progress: &'a dyn Progress,
    /// Threads that were read and not compared yet.
    arrived: Vec<(usize, FoldedThread)>,
    arrived_bytes: usize,
    /// Threads whose rows must be written.
    pending: Vec<write::Pending>,
    pending_bytes: usize,
    /// Files that say that they are of a thread that their name does not give; and threads whose row names such a file.
    strays: BTreeMap<ThreadId, Vec<usize>>,
    /// What Codex's default list shows.
    tally: Tally,
    report: Report,
}

impl Run<'_> {
    /// Tells Codex that nothing is left to index, unless it knows.
    fn complete(&mut self, watermark: Option<&str>) -> anyhow::Result<()> {
        if !matches!(self.target, Target::Write(_)) {
            return Ok(());
        }
        let state = self.target.read(|connection| Ok(backfill_state::read(connection)?))?;
        if state.is_some_and(|state| state.status == backfill_state::COMPLETE) {
            return Ok(());
        }
        self.keep_backup()?;
        let Target::Write(writer) = &mut self.target else { return Ok(()) };
        writer.transaction_immediate(|transaction| {
            Ok(backfill_state::complete(transaction, watermark, self.config.now.timestamp())?)
        })
    }

    /// Takes what a group came to.
    fn take(&mut self, scanned: Scanned) -> anyhow::Result<()> {
        self.report.superseded += scanned.superseded.len() as u64;
        self.progress.advance(scanned.superseded.len() as u64, 0);
        for (file, error) in scanned.failed {
            self.fail(file, &error);
        }
        for (file, thread) in scanned.strays {
            self.strays.entry(thread).or_default().push(file);
        }
        match scanned.folded {
            Some((file, folded)) => self.arrive(file, folded),
            None => Ok(()),
        }
    }

    /// Does what waits while the workers read, so that less is left to do when they are done.
    fn use_idle_time(&mut self) -> anyhow::Result<()> {
        // A preview opens the database for each look at rows, which had better be for many.
        if !matches!(self.target, Target::Write(_)) {
            return Ok(());
        }
        self.compare_arrived()?;
        if self.pending.len() >= IDLE_ROWS { self.flush() } else { Ok(()) }
    }

    /// Takes a thread that was read. Rows are read for many at once: a reader that leaves no trace opens the database
    /// anew for each time.
    fn arrive(&mut self, file: usize, folded: FoldedThread) -> anyhow::Result<()> {
        self.arrived_bytes += write::size(&folded);
        self.arrived.push((file, folded));
        if self.arrived.len() >= ARRIVED_ROWS || self.arrived_bytes >= ARRIVED_BYTES {
            self.compare_arrived()?;
        }
        Ok(())
    }

    fn compare_arrived(&mut self) -> anyhow::Result<()> {
        if self.arrived.is_empty() {
            return Ok(());
        }
        self.arrived_bytes = 0;
        let arrived = std::mem::take(&mut self.arrived);
        let table = &self.table;
        let rows = self.target.read(|connection| {
            let rows = arrived.iter().map(|(_, folded)| table.get(connection, folded.metadata.id));
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        for ((file, folded), row) in arrived.into_iter().zip(rows) {
            self.compare(file, folded, row, true)?;
        }
        Ok(())
    }

    fn fail(&mut self, file: usize, error: &ReadError) {
        let file = &self.inventory.files()[file];
        self.progress.advance(1, file.stamp.size);
        match error {
            // Whoever moved it has a row for it; the next walk will find it there.
            ReadError::Vanished => self.report.scanned -= 1,
            ReadError::Interrupted => {}
            _ => {
                self.report.failed += 1;
                self.report.failures.push(Failure {
                    path: file.path(),
                    error: error.to_string(),
                    is_passing: matches!(error, ReadError::Passing(_)),
                });
            }
        }
    }

    /// Decides what is to be done with a thread's row. `may_defer`: a row that names a file whose name gives another
    /// thread waits until all such files are known.
    fn compare(
        &mut self,
        file: usize,
        mut folded: FoldedThread,
        row: Option<Row>,
        may_defer: bool,
    ) -> anyhow::Result<()> {
        let found = &self.inventory.files()[file];
        self.progress.advance(1, found.stamp.size);
        self.report.bytes_read += folded.n_bytes;
        self.report.n_damaged_files += u64::from(folded.damage.n_lines > 0);
        self.report.newest_version = self.report.newest_version.max(version(&folded.metadata.cli_version));
        self.set_time(&mut folded);
        let id = folded.metadata.id;
        if self.config.notes_names {
            self.report.names.note_titles(&folded.metadata);
        }
        if may_defer
            && row.as_ref().is_some_and(|row| misnamed::names_a_stray(self.config.home, row, id, found))
        {
            self.strays.entry(id).or_default().push(file);
            return Ok(());
        }
        if row.is_none() || self.rules.comparison.compares_names() {
            self.rules.load_names(self.config.home, self.progress);
        }
        let old = self.rules.facts.as_ref().map(|facts| facts.of(id)).transpose()?.flatten();
        let mut decision = self.rules.decide(&folded, row.as_ref(), old.as_ref());
        if row.is_some() && decision.is_some() {
            folded.metadata.older = self.worker.older(file, id);
            if !folded.metadata.older.is_empty() {
                decision = self.rules.decide(&folded, row.as_ref(), old.as_ref());
            }
        }
        match decision {
            Some(decision) => self.enqueue(write::Pending::new(file, folded, row, old, decision)),
            None => {
                self.report.unchanged += 1;
                Ok(())
            }
        }
    }

    /// Whether the file that a thread's row names is the thread's, though its name gives another, and a quick run did not
    /// read it: then none of the `claims` counts, and the row stays as it is.
    fn was_passed_over(&mut self, id: ThreadId, row_path: &Path, claims: &[usize]) -> bool {
        if !self.config.quick {
            return false;
        }
        let Some(file) = paths::locate(self.inventory, row_path) else { return false };
        let found = &self.inventory.files()[file];
        let by_name = found.named.name.map(|name| name.thread);
        by_name != Some(id) && !claims.contains(&file) && self.worker.stranger(found, by_name) == Some(id)
    }

    fn set_time(&self, folded: &mut FoldedThread) {
        let thread = &mut folded.metadata;
        thread.updated_at = self.config.times.choose(thread.modified_at, thread.last_event_at);
    }

    /// Does the threads that files claim against their names.
    fn settle_strays(&mut self) -> anyhow::Result<()> {
        for (id, claims) in std::mem::take(&mut self.strays) {
            if self.config.interrupted.load(Ordering::Relaxed) {
                break;
            }
            let row_path = self.target.read(|connection| Ok(threads::rollout_path(connection, id)?))?;
            if row_path.as_deref().is_some_and(|path| self.was_passed_over(id, path, &claims)) {
                self.report.superseded += claims.len() as u64;
                continue;
            }
            let settled = misnamed::settle(id, &claims, self.inventory, row_path.as_deref(), |id| {
                self.worker.is_told_by_name(id)
            });
            self.report.superseded += settled.superseded.len() as u64;
            if let Some(file) = settled.chosen {
                match self.worker.fold(&self.inventory.files()[file].source()) {
                    // It says something else now: the next run will know what.
                    Ok(folded) if folded.metadata.id != id => self.leave_to_codex(file),
                    Ok(folded) => {
                        let table = &self.table;
                        let row = self.target.read(|connection| Ok(table.get(connection, id)?))?;
                        self.compare(file, folded, row, false)?;
                    }
                    Err(error) => self.fail(file, &error),
                }
            }
        }
        Ok(())
    }
}
