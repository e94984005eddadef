//! `prune`: deletes the rows of threads whose rollout is gone, after saving them. To a report; prints nothing, reads no
//! environment.
//!
//! A file that cannot be seen is not gone, so everything that might hide files ends the run before it begins
//! ([`plan`]), and every row is looked at again under the locks. Then, a hundred rows at a time ([`Job::run`]):
//!
//! 1. Claim the threads as Codex does, and look again whether their files are gone.
//! 2. Save their rows, with all that belongs to them, to a database beside this one, and wait until they are on the
//!    disk ([`SavedRows`]).
//! 3. In a transaction: delete each row that is still the one that was saved and whose file is still gone.
//! 4. Commit; release the locks.
//!
//! A crash before 4 leaves every row where it was, and at most a file with copies of some; after 4 the rows are in that
//! file. `verify` names a row that is left as `missing_file`, and the same command run again deletes it. Deleted rows
//! come back with the restored files by `backfill --facts-from` that file.

mod gone;
mod job;
mod references;

pub use job::{Config, Job, Outcome, Report, Status};

use crate::catalog::inventory::Inventory;
use crate::catalog::walk::{self, Roots};
use crate::db::backup::{SavedRows, delete_thread};
use crate::db::open::{Reader, Writer, explain};
use crate::db::schema::Schema;
use crate::db::tally::Tally;
use crate::db::threads::{self, Threads};
use crate::error::WithHint as _;
use crate::fault;
use crate::progress::Progress;
use crate::survey::select::Selected;
use crate::sys::thread_locks;
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use std::path::PathBuf;

use job::Candidate;

/// How many rows are deleted at once: few enough for a running Codex and for the number of open locks.
const BATCH: usize = 100;

/// So many rows may always go, and more only if they are not most of all.
const FEW: usize = 10;

/// Looks at everything and decides, changing nothing.
///
/// # Errors
/// The database cannot be read; something keeps files from being seen; or so many rows would go that something seems to.
pub fn plan<'a>(
    config: &'a Config<'a>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<Job<'a>> {
    let schema = Schema::of(reader)?;
    progress.start("finding rollouts", None, None);
    let walk = walk::walk(config.context.home, || progress.advance(1, 0));
    progress.finish();
    let nothing = "nothing was deleted: a row whose file cannot be seen may not be taken for one without";
    if let Some(error) = walk.errors.first() {
        return Err(
            anyhow::anyhow!("{}: cannot be looked at: {}", error.path.display(), error.reason).hint(nothing)
        );
    }
    let active = config.context.home.join(walk::ACTIVE);
    if walk.missing_roots.contains(&active) {
        return Err(anyhow::anyhow!("{}: is missing", active.display())
            .hint("mount it, or restore it from a backup; the rows of its threads are kept")
            .hint(nothing));
    }
    let inventory = Inventory::new(walk.files);
    let rows = reader.read(threads::all_ids)?;
    let roots = Roots::with_home(config.context.home);
    let tally =
        reader.read(|connection| Tally::begin(connection, &schema, config.context.default_provider))?;
    let mut job = Job { config, inventory, schema, checked: 0, rows, candidates: Vec::new(), roots, tally };
    progress.start("looking at rows", None, None);
    let n_rows = job.find(reader, progress)?;
    progress.finish();
    job.check_roots(&walk.missing_roots)?;
    job.ask_files(progress)?;
    job.check_number(n_rows + config.rows_to_come)?;
    job.foresee(reader)?;
    Ok(job)
}

impl Job<'_> {
    /// How many rows would go.
    #[must_use]
    pub fn n_to_go(&self) -> usize {
        self.to_go().count()
    }

    /// A root that is missing or empty and that rows should lie in is not there, as a drive that is not mounted.
    fn check_roots(&self, missing: &[PathBuf]) -> anyhow::Result<()> {
        for (root, few) in [(walk::ACTIVE, 0), (walk::ARCHIVED, FEW)] {
            let root = self.config.context.home.join(root);
            let n = self.to_go().filter(|candidate| candidate.lies_in(&root)).count();
            if n > 0 && missing.contains(&root) {
                return Err(anyhow::anyhow!("{}: is missing, and {n} rows name files in it", root.display())
                    .hint("mount or restore it; nothing was deleted"));
            }
            let is_empty = || std::fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_none());
            if n > few && !self.config.all_missing && is_empty() {
                return Err(anyhow::anyhow!("{}: is empty, and {n} rows name files in it", root.display())
                    .hint("mount or restore it; or, if they are gone for good, add --all-missing"));
            }
        }
        Ok(())
    }

    fn check_number(&self, n_rows: u64) -> anyhow::Result<()> {
        let n = self.n_to_go();
        if self.config.all_missing || n <= FEW || 2 * n as u64 <= n_rows {
            return Ok(());
        }
        Err(anyhow::anyhow!("the files of {n} of {n_rows} threads are gone, which is most of them")
            .hint("if the files were moved, restored or not mounted, mend that first; nothing was deleted")
            .hint("if they are gone for good, add --all-missing"))
    }

    /// What [`Job::run`] would report.
    #[must_use]
    pub fn preview(&self) -> Report {
        Report {
            checked: self.checked,
            threads: self.candidates.iter().map(Candidate::outcome).collect(),
            shown: self.tally.shown().clone(),
            ..Report::default()
        }
    }

    /// Works out what Codex's default list would show.
    fn foresee(&mut self, reader: &mut Reader) -> anyhow::Result<()> {
        let table = Threads::new(&self.schema);
        let ids: Vec<Cell> = self.to_go().map(|candidate| Cell::from(&*candidate.id)).collect();
        for ids in ids.chunks(BATCH) {
            let rows = reader.read(|connection| {
                ids.iter().map(|id| table.get_odd(connection, id)).collect::<Result<Vec<_>, _>>()
            })?;
            rows.iter().try_for_each(|row| self.tally.change(row.as_ref(), None))?;
        }
        Ok(())
    }

    /// Does it.
    ///
    /// # Errors
    /// The rows cannot be saved: then nothing was deleted.
    pub fn run(mut self, writer: &mut Writer, progress: &dyn Progress) -> anyhow::Result<Report> {
        let mut report = Report { checked: self.checked, ..Report::default() };
        let to_go: Vec<usize> =
            (0..self.candidates.len()).filter(|&i| self.candidates[i].verdict.is_none()).collect();
        if !to_go.is_empty() {
            let mut saved =
                SavedRows::create(writer.path(), writer.connection(), &self.schema, self.config.context.now)?;
            progress.start("saving rows", Some(to_go.len() as u64), None);
            for batch in to_go.chunks(BATCH) {
                if self.config.context.is_interrupted() {
                    break;
                }
                let ids: Vec<&str> = batch.iter().map(|&i| &*self.candidates[i].id).collect();
                saved.add(writer.connection(), &ids)?;
                fault::point("prune:saving");
                progress.advance(batch.len() as u64, 0);
            }
            saved.publish(writer.path(), self.config.context.now)?;
            progress.finish();
            progress.start("pruning rows", Some(to_go.len() as u64), None);
            let mut n_pruned = 0;
            for batch in to_go.chunks(BATCH) {
                if self.config.context.is_interrupted() {
                    report.interrupted = true;
                }
                if report.interrupted || report.stopped.is_some() {
                    let reason = "not tried";
                    batch.iter().for_each(|&i| self.candidates[i].fail(reason));
                    continue;
                }
                match self.delete(batch, writer, &mut saved) {
                    Ok(n) => n_pruned += n,
                    Err(error) => {
                        batch.iter().for_each(|&i| self.candidates[i].fail("not deleted"));
                        report.stopped = Some(error);
                    }
                }
                progress.advance(batch.len() as u64, 0);
            }
            progress.finish();
            report.saved_to = saved.finish(n_pruned > 0);
        }
        report.threads = self.candidates.iter().map(Candidate::outcome).collect();
        self.tally.count_again(writer.connection())?;
        report.shown = self.tally.end();
        Ok(report)
    }

    /// Saves and deletes some rows; returns how many.
    fn delete(
        &mut self,
        batch: &[usize],
        writer: &mut Writer,
        saved: &mut SavedRows,
    ) -> anyhow::Result<usize> {
        let Job { config, inventory, schema, candidates, .. } = self;
        let maintenance = match thread_locks::maintenance(config.context.home, config.patience) {
            Ok(lock) => lock,
            Err(unclaimed) => {
                batch.iter().for_each(|&i| candidates[i].fail(&unclaimed.to_string()));
                return Ok(0);
            }
        };
        let mut locks = Vec::new();
        let mut claimed = Vec::new();
        for &i in batch {
            let candidate = &mut candidates[i];
            match thread_locks::writer(config.context.home, candidate.thread, config.patience) {
                Err(unclaimed) => candidate.fail(&unclaimed.to_string()),
                Ok(lock) => {
                    locks.push(lock);
                    match gone::look_again(config.context.home, inventory, candidate) {
                        None => claimed.push(i),
                        Some(reason) => candidate.fail(&reason),
                    }
                }
            }
        }
        fault::point("prune:locked");
        let ids: Vec<&str> = claimed.iter().map(|&i| &*candidates[i].id).collect();
        // What changed since it was saved is saved once more, now that nobody changes it under the locks.
        let changed = saved.changed(writer.connection(), &ids)?;
        if !changed.is_empty() {
            saved.add(writer.connection(), &changed)?;
        }
        fault::point("prune:saved");
        let path = writer.path().to_owned();
        let stirred = writer.transaction_immediate(|transaction| {
            let mut stirred = Vec::new();
            for &i in &claimed {
                let candidate = &candidates[i];
                let delete = || -> anyhow::Result<bool> {
                    let is_same = saved.holds(transaction, &candidate.id)?;
                    let is_gone = gone::look_again(config.context.home, inventory, candidate).is_none();
                    if is_same && is_gone {
                        delete_thread(transaction, schema, &candidate.id)?;
                    }
                    Ok(is_same && is_gone)
                };
                let is_deleted = delete().map_err(|error| match error.downcast() {
                    Ok(error) => explain(error, &path, "delete rows"),
                    Err(error) => error,
                })?;
                if !is_deleted {
                    stirred.push(i);
                }
            }
            fault::point("prune:deleted");
            Ok(stirred)
        })?;
        fault::point("prune:committed");
        drop((locks, maintenance));
        for &i in &stirred {
            candidates[i].fail("a running Codex changed it meanwhile");
        }
        Ok(claimed.len() - stirred.len())
    }

    /// The threads asked for; `None` for all.
    fn wanted(&self) -> Option<Vec<ThreadId>> {
        let ids = self.config.threads?.iter().filter_map(|selected| match selected {
            Selected::Id(id) => Some(*id),
            // Its file is there.
            Selected::Path(_) => None,
        });
        Some(ids.collect())
    }
}
