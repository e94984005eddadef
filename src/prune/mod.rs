//! `prune`: deletes the rows of threads whose rollout is gone, after saving them, and returns a report. It prints
//! nothing and reads no environment.
//!
//! A file that cannot be seen is not gone, so everything that might hide files ends the run before it begins
//! ([`plan`]). Then ([`PruneJob::run`]):
//!
//! 1. Save all the rows, with all that belongs to them, to a database beside this one, and wait until they are on the
//!    disk ([`SavedRows`]).
//! 2. For some rows at a time: claim their threads as Codex does.
//! 3. In a transaction: save anew what changed since it was saved; delete each row whose file is still gone.
//! 4. Commit; release the locks.
//!
//! A crash before step 4 leaves every row in place, and at most a file with copies of some; after step 4 the deleted
//! rows are in that file. `verify` reports a remaining row as `missing_file`, and the same command, run again,
//! deletes it. With the restored files, `backfill --facts-from` that file restores deleted rows.

mod candidates;
mod gone;
mod job;
mod references;

pub use candidates::{PruneCandidates, PruneOutcome};
pub use job::{PruneJob, PruneOptions, PruneReport};

use crate::catalog::inventory::Inventory;
use crate::catalog::walk::{self, Looks, Roots};
use crate::db::backup::{SavedRows, delete_thread};
use crate::db::open::{MAX_TRANSACTION, explain};
use crate::db::threads;
use crate::db::{Reader, Schema, Tally, ThreadStatements, Writer};
use crate::error::WithHint as _;
use crate::progress::Progress;
use crate::sys::{WriterLock, thread_locks};
use crate::thread::cell::Cell;
use crate::{fault, survey};
use std::path::{Path, PathBuf};
use std::time::Instant;

use gone::look_again;

/// The number of rows that are saved or examined at once.
const BATCH: usize = 1000;
/// The number of threads that are claimed at once if Codex has locks. It must stay below the limit of open files.
const LOCKED_BATCH: usize = 100;

/// Up to this many rows may always be deleted; more only if they are not most of all rows.
const FEW: usize = 10;

/// Plans a run without changing anything.
///
/// # Errors
/// If the database cannot be read, if something prevents seeing files, or if so many rows would be deleted that this
/// is likely.
pub fn plan<'a>(
    options: &'a PruneOptions<'a>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<PruneJob<'a>> {
    let schema = Schema::of(reader)?;
    let walk = survey::walk(&options.context, Looks::All, progress);
    let nothing = "nothing was deleted: a row whose file cannot be seen may not be taken for one without";
    if let Some(error) = walk.errors.first() {
        return Err(
            anyhow::anyhow!("{}: cannot be looked at: {}", error.path.display(), error.reason).hint(nothing)
        );
    }
    let active = options.context.home.join(walk::ACTIVE);
    if walk.missing_roots.contains(&active) {
        return Err(anyhow::anyhow!("{}: is missing", active.display())
            .hint("mount it, or restore it from a backup; the rows of its threads are kept")
            .hint(nothing));
    }
    let inventory = Inventory::new(walk.files);
    let has_row = reader.read(|connection| {
        let mut has_row = vec![false; inventory.files().len()];
        threads::each_id(connection, |id| {
            let files = inventory.range_of(id);
            has_row.get_mut(files.start).into_iter().for_each(|first| *first |= !files.is_empty());
        })
        .map(|()| has_row)
    })?;
    let roots = Roots::with_home(options.context.home);
    let tally =
        reader.read(|connection| Tally::begin(connection, &schema, options.context.default_provider))?;
    let candidates = PruneCandidates::default();
    let mut job = PruneJob { options, inventory, schema, checked: 0, has_row, candidates, roots, tally };
    progress.start("looking at rows", None, None);
    let n_rows = job.find(reader, progress)?;
    progress.finish();
    job.check_roots(&walk.missing_roots)?;
    job.check_files(progress)?;
    job.check_number(n_rows + options.rows_to_come)?;
    Ok(job)
}

/// Claims the threads of some rows as Codex does. Returns the locks, and for each claimed row the number of rows of
/// `batch` up to it, and its place.
fn claim(
    options: &PruneOptions<'_>,
    candidates: &mut PruneCandidates,
    batch: &[usize],
) -> (Vec<Option<WriterLock>>, Vec<(usize, usize)>) {
    let (mut locks, mut claimed) = (Vec::new(), Vec::new());
    let home = options.context.home;
    // Without the folder no thread is locked, and asking again for each would cost a call of the system.
    let has_locks = thread_locks::exist(home);
    for (n_before, &i) in batch.iter().enumerate() {
        let candidate = candidates.at_mut(i);
        // The row may have been tried before, in a batch that took too long.
        candidate.try_again();
        let lock = match has_locks {
            true => thread_locks::writer(home, candidate.thread, options.patience),
            false => Ok(None),
        };
        match lock {
            Err(unclaimed) => candidate.fail(unclaimed.to_string()),
            Ok(lock) => {
                locks.push(lock);
                claimed.push((n_before + 1, i));
            }
        }
    }
    (locks, claimed)
}

/// The result of one transaction.
struct Deleted {
    /// The number of rows, from the first one on, that were deleted or stay for a reason.
    n_tried: usize,
    n_deleted: usize,
}

impl PruneJob<'_> {
    /// Returns the number of rows that would be deleted.
    #[must_use]
    pub fn n_to_go(&self) -> usize {
        self.to_go().count()
    }

    /// Refuses if a root is missing or empty although rows name files in it, because its drive may not be mounted.
    fn check_roots(&self, missing: &[PathBuf]) -> anyhow::Result<()> {
        for (root, few) in [(walk::ACTIVE, 0), (walk::ARCHIVED, FEW)] {
            let root = self.options.context.home.join(root);
            let n = self.to_go().filter(|candidate| self.candidates.lies_in(candidate, &root)).count();
            if n > 0 && missing.contains(&root) {
                return Err(anyhow::anyhow!("{}: is missing, and {n} rows name files in it", root.display())
                    .hint("mount or restore it; nothing was deleted"));
            }
            let is_empty = || std::fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_none());
            if n > few && !self.options.all_missing && is_empty() {
                return Err(anyhow::anyhow!("{}: is empty, and {n} rows name files in it", root.display())
                    .hint("mount or restore it; or, if they are gone for good, add --all-missing"));
            }
        }
        Ok(())
    }

    fn check_number(&self, n_rows: u64) -> anyhow::Result<()> {
        let n = self.n_to_go();
        if self.options.all_missing || n <= FEW || 2 * n as u64 <= n_rows {
            return Ok(());
        }
        Err(anyhow::anyhow!("the files of {n} of {n_rows} threads are gone, which is most of them")
            .hint("if the files were moved, restored or not mounted, correct that first; nothing was deleted")
            .hint("if they are gone for good, add --all-missing"))
    }

    /// Returns what would happen to each row.
    #[must_use]
    pub fn threads(&self) -> &PruneCandidates {
        &self.candidates
    }

    /// Returns the report that [`PruneJob::run`] would give.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn preview(mut self, reader: &mut Reader) -> anyhow::Result<PruneReport> {
        let table = ThreadStatements::new(&self.schema);
        for some in self.candidates.all().chunks(BATCH) {
            let to_go = some.iter().filter(|candidate| candidate.goes());
            let ids: Vec<Cell> = to_go.map(|candidate| Cell::from(&*candidate.id())).collect();
            let rows = reader.read(|connection| {
                ids.iter().map(|id| Ok(table.get_odd(connection, id)?)).collect::<anyhow::Result<Vec<_>>>()
            })?;
            rows.iter().try_for_each(|row| self.tally.change(row.as_ref(), None))?;
        }
        let PruneJob { checked, candidates, tally, .. } = self;
        Ok(PruneReport { checked, threads: candidates, shown: tally.end(), ..PruneReport::default() })
    }

    /// Runs the plan.
    ///
    /// # Errors
    /// If the rows cannot be saved; then nothing was deleted.
    pub fn run(mut self, writer: &mut Writer, progress: &dyn Progress) -> anyhow::Result<PruneReport> {
        let mut report = PruneReport { checked: self.checked, ..PruneReport::default() };
        let to_go: Vec<usize> =
            (0..self.candidates.len()).filter(|&i| self.candidates.all()[i].goes()).collect();
        if !to_go.is_empty() {
            let mut saved = self.save(&to_go, writer, progress)?;
            progress.start("pruning rows", Some(to_go.len() as u64), None);
            let batch_size =
                if thread_locks::exist(self.options.context.home) { LOCKED_BATCH } else { BATCH };
            let (mut n_pruned, mut left, mut size) = (0, &to_go[..], batch_size);
            while !left.is_empty() {
                if self.options.context.is_interrupted() {
                    report.interrupted = true;
                }
                if report.interrupted || report.stopped.is_some() {
                    left.iter().for_each(|&i| self.candidates.at_mut(i).fail("not tried"));
                    break;
                }
                let batch = &left[..left.len().min(size)];
                let n_done = match self.delete(batch, writer, &mut saved) {
                    Ok(done) => {
                        n_pruned += done.n_deleted;
                        done.n_tried
                    }
                    Err(error) => {
                        batch.iter().for_each(|&i| self.candidates.at_mut(i).fail("not deleted"));
                        report.stopped = Some(error);
                        batch.len()
                    }
                };
                // If a transaction gets through few threads in its time, fewer are claimed next time.
                size = batch_size.min(2 * n_done);
                left = &left[n_done..];
                progress.advance(n_done as u64, 0);
            }
            progress.finish();
            report.saved_to = saved.finish(n_pruned > 0);
        }
        report.threads = self.candidates;
        self.tally.count_again(writer.connection())?;
        report.shown = self.tally.end();
        Ok(report)
    }

    /// Saves the rows that go, where `restore` finds them.
    fn save(
        &self,
        to_go: &[usize],
        writer: &mut Writer,
        progress: &dyn Progress,
    ) -> anyhow::Result<SavedRows> {
        let context = &self.options.context;
        let mut saved = SavedRows::create(writer.path(), writer.connection(), &self.schema, context.now)?;
        progress.start("saving rows", Some(to_go.len() as u64), None);
        for batch in to_go.chunks(BATCH) {
            if context.is_interrupted() {
                break;
            }
            let ids: Vec<String> =
                batch.iter().map(|&i| self.candidates.all()[i].id().into_owned()).collect();
            // In one transaction, so that SQLite locks the database once and not for each row.
            writer.read(|connection| saved.add(connection, &ids))?;
            fault::point("prune:saving");
            progress.advance(batch.len() as u64, 0);
        }
        saved.publish(writer.path(), context.now)?;
        progress.finish();
        Ok(saved)
    }

    /// Deletes some rows. If that takes long, it deletes only the first of them.
    fn delete(
        &mut self,
        batch: &[usize],
        writer: &mut Writer,
        saved: &mut SavedRows,
    ) -> anyhow::Result<Deleted> {
        let PruneJob { options, inventory, schema, candidates, .. } = self;
        let maintenance = match thread_locks::maintenance(options.context.home, options.patience) {
            Ok(lock) => lock,
            Err(unclaimed) => {
                batch.iter().for_each(|&i| candidates.at_mut(i).fail(unclaimed.to_string()));
                return Ok(Deleted { n_tried: batch.len(), n_deleted: 0 });
            }
        };
        let (locks, claimed) = claim(options, candidates, batch);
        fault::point("prune:locked");
        let path = writer.path().to_owned();
        let (kept, n_claimed) = writer.transaction_immediate(|transaction| {
            let begun = Instant::now();
            let explain = |error| explain(error, &path, "delete rows");
            let (mut kept, mut n_claimed) = (Vec::new(), 0);
            let is_unchanged = saved.is_unchanged(transaction).map_err(explain)?;
            for &(_, i) in &claimed {
                let candidate = &candidates.all()[i];
                let (id, path) = (candidate.id(), candidates.path(candidate));
                // Rows that changed since they were saved are saved again, now that nothing can change them.
                if !is_unchanged && !saved.covers(transaction, &id).map_err(explain)? {
                    saved.add(transaction, &[&id])?;
                }
                fault::point("prune:saved");
                match look_again(options.context.home, inventory, candidate.thread, Path::new(&path)) {
                    Some(reason) => kept.push((i, reason)),
                    None => {
                        if !delete_thread(transaction, schema, &id).map_err(explain)? {
                            kept.push((i, "a running Codex deleted its row meanwhile".to_owned()));
                        }
                    }
                }
                n_claimed += 1;
                if begun.elapsed() > MAX_TRANSACTION {
                    break;
                }
            }
            fault::point("prune:deleted");
            Ok((kept, n_claimed))
        })?;
        fault::point("prune:committed");
        drop((locks, maintenance));
        let n_tried = if n_claimed == claimed.len() { batch.len() } else { claimed[n_claimed - 1].0 };
        let n_deleted = n_claimed - kept.len();
        kept.into_iter().for_each(|(i, reason)| candidates.at_mut(i).fail(reason));
        Ok(Deleted { n_tried, n_deleted })
    }
}
