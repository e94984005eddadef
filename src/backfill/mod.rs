//! `backfill`: repairs the rows from the rollouts, and returns a report. It prints nothing and reads no environment.
//!
//! [`crate::survey`] reads the rollouts and finds each thread's row. This module decides which rows differ and writes them
//! in short transactions (`write.rs`). A row that agrees costs one read.

pub mod fresh;
pub mod index;
mod options;
mod pending;
mod plan;
mod write;

pub use options::{BackfillOptions, BackfillReport, BackfillTarget, Failure};

use crate::catalog::absent::HiddenFolders;
use crate::catalog::paths;
use crate::catalog::walk::{Looks, RolloutFile};
use crate::db::facts::{DatabaseFacts, FittingFacts};
use crate::db::{Schema, Tally, Trouble, backfill_state, threads};
use crate::progress::Progress;
use crate::rollout::extract::Options;
use crate::rollout::fold::{FoldedThread, ReadError};
use crate::survey::scan::{Scan, Scanned};
use crate::survey::{self, Database, HomeFiles, Origin, Subject, Survey, Verb};
use crate::thread::ThreadId;
use crate::thread::columns::{self, Row};
pub use crate::thread::times::Times;
use pending::{BackfillRun, Pending, merge};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

/// Number of waiting rows at which they are written while the workers read. Fewer rows would cost more than they
/// save.
const IDLE_ROWS: usize = 128;

/// Runs a backfill.
///
/// # Errors
/// If the database cannot be read or written. Changes committed before stay.
pub fn run(
    options: &BackfillOptions<'_>,
    mut target: BackfillTarget<'_>,
    progress: &dyn Progress,
) -> anyhow::Result<BackfillReport> {
    let BackfillOptions { context, .. } = *options;
    let schema = writable_schema(&mut target)?;
    if let BackfillTarget::Write(writer) = &mut target
        // A database that replaces another one is checked as a whole before it is used.
        && options.facts.is_none_or(DatabaseFacts::replaces)
        && !schema.fills_references
    {
        writer.skip_parents()?;
    }
    let walk = survey::walk(&context, Looks::of(options.quick), progress);
    let found = HomeFiles::new(context.home, walk);
    let absent = found.count_absent(&mut target, |count| match options.facts {
        Some(facts) => Ok(facts.each_path(count)?),
        None => Ok(()),
    })?;
    let missing_folders = absent.named().cloned().collect();
    let fitting = |facts| target.read(|connection| FittingFacts::new(facts, connection));
    let facts = options.facts.map(fitting).transpose()?;
    let mut report = BackfillReport { missing_folders, ..BackfillReport::default() };
    let plan = plan::plan(options, &schema, &found.inventory, facts.as_ref(), &mut target, &mut report)?;
    let scan = Scan { inventory: &found.inventory, context, options: Options::default(), read_all: false };
    let mut run = BackfillRun {
        options,
        survey: Survey::new(scan, target, &schema, options.times, progress)?,
        schema,
        facts,
        hidden: HiddenFolders::new(absent, &found.errors),
        backup: options.backup,
        pending: Vec::new(),
        pending_bytes: 0,
        tally: None,
        report,
    };
    run.survey.comparison.replaces = options.facts.is_some_and(DatabaseFacts::replaces);
    for (file, thread) in plan.misnamed {
        run.survey.misnamed.add(file, thread);
    }
    progress.start("reading rollouts", Some(plan.n_to_read), plan.n_bytes);
    survey::read_all(&mut run, &plan.groups)?;
    run.flush()?;
    progress.finish();
    run.conclude(&found)
}

/// Reads the schema, and checks that rows can be written.
fn writable_schema(target: &mut BackfillTarget<'_>) -> anyhow::Result<Schema> {
    let schema = target.read(Schema::read).and_then(|schema| schema.check_writable().map(|()| schema));
    schema.map_err(|error| match target.path() {
        Some(path) if Trouble::of(&error).is_none() => error.context(path.display().to_string()),
        _ => error,
    })
}

/// Returns the greatest path below the home, with `/` on every system, as Codex compares paths. A path that is not UTF-8
/// cannot be a watermark.
fn watermark(home: &Path, files: &[RolloutFile]) -> Option<String> {
    // The greatest name of each folder first, because whole paths are long and many.
    let mut greatest: HashMap<&Path, Cow<'_, OsStr>> = HashMap::new();
    for file in files {
        let (name, known) = (file.file_name(), greatest.entry(file.folder()).or_default());
        if *known < name && name.to_str().is_some() {
            *known = name;
        }
    }
    let relative = |(folder, name): (&Path, Cow<'_, OsStr>)| {
        let path = folder.join(name);
        let parts = path.strip_prefix(home).ok()?.components();
        let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
        Some(parts?.join("/"))
    };
    greatest.into_iter().filter(|(_, name)| !name.is_empty()).filter_map(relative).max()
}

/// Returns the first two numbers of a version, as in `0.147.0`.
fn version(text: &str) -> Option<[u32; 2]> {
    let mut numbers = text.split('.').map(|part| part.parse().ok());
    Some([numbers.next()??, numbers.next()??])
}

impl<'a> Verb<'a> for BackfillRun<'a> {
    type Database = BackfillTarget<'a>;

    fn survey(&mut self) -> &mut Survey<'a, BackfillTarget<'a>> {
        &mut self.survey
    }

    fn note(&mut self, scanned: &Scanned) {
        if let Some((_, folded)) = &scanned.folded {
            self.note_read(folded);
        }
    }

    fn use_idle_time(&mut self) -> anyhow::Result<bool> {
        if self.tally.is_none() {
            self.begin_tally()?;
            return Ok(true);
        }
        // A preview opens the database for each read of rows, so it waits for a full batch.
        if self.survey.database.writes() {
            survey::compare_waiting(self)?;
            if self.pending.len() >= IDLE_ROWS {
                self.flush()?;
            }
        }
        Ok(false)
    }

    /// Skips misnamed files if the row names another misnamed file, which a quick run did not read.
    fn begins_misnamed(&mut self, id: ThreadId, files: &[usize], row: Option<&Row>) -> bool {
        let path = row.and_then(|row| row.text(columns::Col::RolloutPath)).map(Path::new);
        let in_row = path.filter(|_| self.options.quick);
        let in_row = in_row.and_then(|path| paths::locate(self.survey.inventory, path));
        let is_passed_over =
            in_row.is_some_and(|i| !files.contains(&i) && self.survey.worker.other_thread(i) == Some(id));
        if is_passed_over {
            self.report.superseded += files.len() as u64;
        }
        !is_passed_over
    }

    fn compare(&mut self, subject: Subject, row: &mut Option<Row>) -> anyhow::Result<()> {
        let Subject { scanned, origin, .. } = subject;
        self.report.superseded += scanned.superseded.len() as u64;
        let is_unread = scanned.failed.is_empty();
        let file = scanned.folded.as_ref().map(|(file, _)| *file);
        let is_hidden = self.is_hidden(scanned.thread, file, row.as_ref())?;
        for (file, error) in scanned.failed {
            self.fail(file, &error);
        }
        match (scanned.folded, origin) {
            // The row's own rollout cannot be seen now, and this is only a copy of it.
            (Some(_), _) if is_hidden => {
                self.report.unchanged += 1;
                Ok(())
            }
            (Some((file, folded)), origin) => {
                if let Origin::Misnamed(_) = origin {
                    self.note_read(&folded);
                }
                self.compare_file(file, folded, row)
            }
            (None, Origin::Misnamed(choice)) if is_unread => {
                choice.chosen.into_iter().for_each(|file| self.leave_to_codex(file));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl BackfillRun<'_> {
    /// Counts a file that was read.
    fn note_read(&mut self, folded: &FoldedThread) {
        self.report.bytes_read += folded.n_bytes;
        self.report.newest_version = self.report.newest_version.max(version(&folded.metadata.cli_version));
        if self.options.notes_names {
            self.report.names.note_titles(&folded.metadata);
        }
    }

    fn fail(&mut self, file: usize, error: &ReadError) {
        match error {
            // The program that moved the file writes its row. The next walk will find the file there.
            ReadError::Vanished => self.report.scanned -= 1,
            ReadError::Interrupted => {}
            _ => {
                self.report.failed += 1;
                self.report.add_failure(Failure {
                    path: self.survey.file(file).path(),
                    error: error.to_string(),
                    is_passing: matches!(error, ReadError::Passing(_)),
                });
            }
        }
    }

    /// Returns true if the row of a thread, or the one that it had in a database that is replaced, names a rollout that
    /// cannot be seen now, or an active one outside of the home of which the chosen `file` is an archived copy.
    fn is_hidden(
        &mut self,
        id: Option<ThreadId>,
        file: Option<usize>,
        row: Option<&Row>,
    ) -> anyhow::Result<bool> {
        let Some(file) = file.map(|file| self.survey.file(file)) else { return Ok(false) };
        if self.hidden.is_empty() && !file.is_archived() {
            return Ok(false);
        }
        let replaced = self.facts.as_ref().filter(|_| row.is_none() && self.survey.comparison.replaces);
        let old = match (id, replaced) {
            (Some(id), Some(facts)) => facts.of(id)?,
            _ => None,
        };
        let path = row.or(old.as_ref()).and_then(|row| row.text(columns::Col::RolloutPath));
        let path = path.map(Path::new);
        let home = self.options.context.home;
        Ok(path.is_some_and(|path| self.hidden.hide(path) || paths::is_active_outside(home, path, file)))
    }

    /// Decides about the row of a thread with this chosen file.
    fn compare_file(
        &mut self,
        file: usize,
        mut folded: Box<FoldedThread>,
        row: &mut Option<Row>,
    ) -> anyhow::Result<()> {
        self.report.n_damaged_files += u64::from(folded.damage.n_lines > 0);
        self.set_time(&mut folded);
        let id = folded.metadata.id;
        if row.is_none() || self.survey.comparison.compares_names() {
            self.survey.load_names();
        }
        let old = self.facts.as_ref().map(|facts| facts.of(id)).transpose()?.flatten();
        let mut new = merge(&self.survey.comparison, &folded, row.as_ref(), old.as_ref());
        let has_row = row.is_some() || (self.survey.comparison.replaces && old.is_some());
        if has_row && new.is_some() {
            folded.metadata.older = self.survey.worker.older(file, id);
            if !folded.metadata.older.is_empty() {
                new = merge(&self.survey.comparison, &folded, row.as_ref(), old.as_ref());
            }
        }
        let has_old = old.is_some();
        if let Some(facts) = &self.facts {
            facts.reuse(old);
        }
        match new {
            Some(new) => self.enqueue(Pending::new(file, *folded, row.take(), has_old, new)),
            None => {
                self.report.unchanged += 1;
                Ok(())
            }
        }
    }

    fn set_time(&self, folded: &mut FoldedThread) {
        let thread = &mut folded.metadata;
        thread.updated_at = self.options.times.choose(thread.modified_at, thread.last_event_at);
    }

    /// Completes the report, and records for Codex that nothing is left to index, if so.
    fn conclude(mut self, found: &HomeFiles) -> anyhow::Result<BackfillReport> {
        let BackfillOptions { context, threads, .. } = *self.options;
        let missing = &self.report.missing_folders;
        let errors =
            found.errors.iter().filter(|error| missing.iter().all(|folder| folder.path != error.path));
        let errors = errors.map(|error| Failure {
            path: error.path.clone(),
            error: error.reason.clone(),
            is_passing: true,
        });
        let errors: Vec<Failure> = errors.collect();
        errors.into_iter().for_each(|error| self.report.add_failure(error));
        self.report.failures.finish()?;
        self.report.interrupted = context.is_interrupted();
        // Missing folders were not visited if rows exist, because the threads' files must then be somewhere else.
        let was_walked = found.has_roots || self.survey.database.read(threads::count)? == 0;
        if !was_walked && self.report.missing_folders.is_empty() {
            self.survey.progress.warn(&format!(
                "{}: neither sessions nor archived_sessions is there, though the database has threads",
                context.home.display()
            ));
        }
        self.report.complete = threads.is_none()
            && was_walked
            && self.report.missing_folders.is_empty()
            && !self.report.interrupted
            && self.report.n_passing == 0;
        if self.report.complete && self.schema.has_backfill_state {
            self.complete(found)?;
        }
        self.count_shown()?;
        let BackfillRun { facts, report, tally, .. } = self;
        let lost_references = facts.map(|facts| facts.lost()).unwrap_or_default();
        Ok(BackfillReport { shown: tally.map(Tally::end).unwrap_or_default(), lost_references, ..report })
    }

    /// Records for Codex that nothing is left to index, unless the database already does.
    fn complete(&mut self, found: &HomeFiles) -> anyhow::Result<()> {
        let state = self.survey.database.read(backfill_state::read)?;
        if state.is_some_and(|state| state.status == backfill_state::COMPLETE) {
            return Ok(());
        }
        self.report.completes_indexing = true;
        if !self.survey.database.writes() {
            return Ok(());
        }
        self.keep_backup()?;
        let now = self.options.context.now.timestamp();
        let watermark = watermark(self.options.context.home, found.inventory.files());
        let BackfillTarget::Write(writer) = &mut self.survey.database else { return Ok(()) };
        writer.transaction_immediate(|transaction| {
            Ok(backfill_state::complete(transaction, watermark.as_deref(), now)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::walk;

    #[test]
    fn the_watermark_is_the_greatest_path_as_codex_compares_paths() {
        let home = tempfile::tempdir().unwrap();
        let mut expected = None;
        for path in [
            "archived_sessions/rollout-z.jsonl",
            "sessions/2026/rollout-b.jsonl",
            "sessions/2026-x/rollout-z.jsonl",
            "sessions/2026/03/rollout-a.jsonl",
            "sessions/2026/rollout-b.jsonl.zst",
            "sessions/2026/rollout-c.jsonl",
            "sessions/rollout-a.jsonl",
        ] {
            std::fs::create_dir_all(home.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(home.path().join(path), "x").unwrap();
            expected = expected.max(Some(path));
            let files = walk::walk(home.path()).files;
            assert_eq!(watermark(home.path(), &files).as_deref(), expected);
        }
        assert_eq!(watermark(home.path(), &[]), None);
    }
}
