//! Carries out the plan for one thread: locks, files and row, in the order that `mod.rs` explains.

use super::engine::{Direction, Engine};
use super::plan::{Move, Planned, Task};
use super::report::ArchiveOutcome;
use crate::catalog::walk::RolloutFile;
use crate::db::open::explain_own;
use crate::db::{Connection, Trouble, Writer};
use crate::fault;
use crate::rollout::fold::{Stamp, to_millis};
use crate::survey::change::ChangeStatus;
use crate::sys::relocate::{self, Leftover, StagedCopy};
use crate::sys::{self, rename_no_replace, thread_locks};
use crate::thread::ThreadId;
use crate::thread::cell::Cell;
use crate::thread::columns::{Col, ColumnSet, Row};
use crate::thread::times::Times;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Maximum number of attempts for a thread that keeps changing.
const MAX_ATTEMPTS: u32 = 3;

/// The reason why an attempt ended before the commit.
#[derive(Debug)]
enum ApplyStop {
    /// The row or the file changed.
    Changed,
    /// The destination is on another file system, where a rename fails.
    OtherVolume,
    /// It is impossible.
    Failed(String),
}

impl fmt::Display for ApplyStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyStop::Changed => f.write_str("a running Codex is writing it"),
            ApplyStop::OtherVolume => {
                f.write_str("its files cannot be moved: they go to another file system")
            }
            ApplyStop::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ApplyStop {}

/// Returns a function that explains an error with a path.
fn failed(path: &Path) -> impl Fn(io::Error) -> ApplyStop {
    move |error| ApplyStop::Failed(format!("{}: {error}", path.display()))
}

/// Creates the destination folder of a file.
fn make_folder(one: &Move) -> Result<(), ApplyStop> {
    let (root, below) = &one.folder;
    relocate::ensure_folder(root, below).map_err(failed(&one.to))
}

/// A change that was made, with the data to undo it.
enum Step {
    Renamed { from: PathBuf, to: PathBuf },
    Copied { to: PathBuf },
    Touched { path: PathBuf, before: SystemTime },
    Removed { from: PathBuf, to: PathBuf, leftover: Leftover },
}

impl Engine<'_> {
    /// Carries out the plan for a thread. If it also returns an error, that error ends the whole run; the thread is
    /// then unchanged.
    pub(super) fn apply(
        &mut self,
        planned: ArchiveOutcome,
        writer: &mut Writer,
    ) -> (ArchiveOutcome, Option<anyhow::Error>) {
        let Some(id) = planned.id.filter(|_| planned.status == ChangeStatus::Done) else {
            return (planned, None);
        };
        match self.apply_claimed(id, writer) {
            Ok(outcome) => (outcome, None),
            Err(error) => {
                let error = explain_own(error, writer.path(), "write to the database");
                let outcome = ArchiveOutcome::failed(Some(id), planned.from, format!("{error:#}"));
                // A failure of the database would affect the next thread too.
                let ends_all = Trouble::of(&error).is_some();
                (outcome, ends_all.then_some(error))
            }
        }
    }

    fn apply_claimed(&mut self, id: ThreadId, writer: &mut Writer) -> anyhow::Result<ArchiveOutcome> {
        let options = self.options;
        let unclaimed =
            |unclaimed: thread_locks::Unclaimed| anyhow::Error::new(ApplyStop::Failed(unclaimed.to_string()));
        // Released in the reverse order, when everything is done.
        let maintenance = thread_locks::maintenance(options.context.home, self.maintenance_patience);
        if maintenance.is_err() {
            // Such a job takes long, so only the first thread waits for it.
            self.maintenance_patience = Duration::ZERO;
        }
        let _maintenance = maintenance.map_err(unclaimed)?;
        let _writer = thread_locks::writer(options.context.home, id, options.patience).map_err(unclaimed)?;
        self.pass("locked");
        let mut by_copy = false;
        for _ in 0..MAX_ATTEMPTS {
            let row = self.table.get(writer.connection(), id)?;
            self.load_names(row.is_none(), &crate::progress::Silent);
            let Planned { outcome, task } = self.plan_one(id, row);
            let Some(task) = task else { return Ok(outcome) };
            let mut done = Vec::new();
            let copies = if by_copy { self.stage(&task)? } else { Vec::new() };
            let result = writer
                .transaction_immediate(|transaction| self.attempt(id, &task, copies, transaction, &mut done));
            let Err(error) = result else {
                self.pass("committed");
                return Ok(outcome);
            };
            undo(done, &error)?;
            match error.downcast_ref::<ApplyStop>() {
                Some(ApplyStop::Changed) => {}
                Some(ApplyStop::OtherVolume) if !by_copy => by_copy = true,
                _ => return Err(error),
            }
        }
        Err(ApplyStop::Changed.into())
    }

    fn pass(&self, step: &str) {
        fault::point_of(self.options.direction.verb(), step);
    }

    /// Copies all files to temporary names beside their destinations.
    fn stage(&self, task: &Task) -> Result<Vec<(PathBuf, StagedCopy)>, ApplyStop> {
        let mut copies = Vec::new();
        for one in task.moves.iter().filter(|one| one.leftover.is_none()) {
            make_folder(one)?;
            let copy = StagedCopy::make(&one.from, &one.to).map_err(failed(&one.from))?;
            copies.push((one.from.clone(), copy));
            self.pass("copied");
        }
        Ok(copies)
    }

    /// Performs steps 4 to 6 within the transaction. Records the changes on the disk in `done`.
    fn attempt(
        &mut self,
        id: ThreadId,
        task: &Task,
        mut copies: Vec<(PathBuf, StagedCopy)>,
        transaction: &Connection,
        done: &mut Vec<Step>,
    ) -> anyhow::Result<()> {
        if self.table.get(transaction, id)? != task.row {
            return Err(ApplyStop::Changed.into());
        }
        let now = RolloutFile::at(self.options.context.home, &task.selected.path());
        if now.map(|file| file.stamp()) != Some(task.folded.stamp) {
            return Err(ApplyStop::Changed.into());
        }
        for one in &task.moves {
            self.bring(one, &mut copies, done)?;
            self.pass("renamed");
        }
        sync_folders(&task.moves)?;
        self.pass("synced");
        for one in &task.moves {
            let was_copied = copies.iter().any(|(from, _)| *from == one.from);
            let leftover = one.leftover.or(was_copied.then_some(Leftover::Copy));
            if let Some(leftover) = leftover {
                fs::remove_file(&one.from).map_err(failed(&one.from))?;
                done.push(Step::Removed { from: one.from.clone(), to: one.to.clone(), leftover });
                self.pass("source-removed");
            }
        }
        let modified = self.touch(task, done)?;
        self.write(task, modified, transaction)?;
        self.pass("written");
        Ok(())
    }

    /// Moves one file to its destination.
    fn bring(
        &self,
        one: &Move,
        copies: &mut [(PathBuf, StagedCopy)],
        done: &mut Vec<Step>,
    ) -> Result<(), ApplyStop> {
        if one.leftover.is_some() {
            return Ok(());
        }
        make_folder(one)?;
        if let Some((_, copy)) = copies.iter_mut().find(|(from, _)| *from == one.from) {
            copy.rename_to(&one.to).map_err(failed(&one.to))?;
            done.push(Step::Copied { to: one.to.clone() });
            return Ok(());
        }
        match rename_no_replace(&one.from, &one.to) {
            Ok(()) => {
                done.push(Step::Renamed { from: one.from.clone(), to: one.to.clone() });
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => Err(ApplyStop::OtherVolume),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ApplyStop::Changed),
            Err(error) => Err(failed(&one.to)(error)),
        }
    }

    /// Returns the selected file's modification time; for unarchive, sets it to now first.
    fn touch(&self, task: &Task, done: &mut Vec<Step>) -> Result<SystemTime, ApplyStop> {
        let metadata = fs::symlink_metadata(&task.to).map_err(failed(&task.to))?;
        let stamp = Stamp::of(&metadata).map_err(failed(&task.to))?;
        if self.options.direction == Direction::Archive || task.was_there(false) {
            return Ok(stamp.modified);
        }
        let now = SystemTime::from(self.options.context.now);
        let touched = relocate::set_modified(&task.to, now).map_err(failed(&task.to))?;
        done.push(Step::Touched { path: task.to.clone(), before: stamp.modified });
        self.pass("touched");
        Ok(touched)
    }

    /// Updates the row from the file, with its new path and archived flag.
    fn write(&mut self, task: &Task, modified: SystemTime, transaction: &Connection) -> anyhow::Result<()> {
        let MovedRow { row, changed } = self.row_to_be(task, modified);
        match changed {
            None => Ok(self.table.insert(transaction, &row)?),
            // Only other files of the thread were moved, which the row does not name.
            Some(changed) if changed == ColumnSet::default() => Ok(()),
            Some(changed) => Ok(self.table.update(transaction, &row, changed)?),
        }
    }

    /// Returns the row of a thread after its files were moved.
    pub(super) fn row_to_be(&self, task: &Task, modified: SystemTime) -> MovedRow {
        let archives = self.options.direction.archives();
        let mut thread = task.folded.metadata.clone();
        thread.rollout_path.clone_from(&task.row_path);
        thread.archived = archives;
        thread.modified_at = to_millis(modified);
        thread.updated_at = if archives {
            Times::Auto.choose(thread.modified_at, thread.last_event_at)
        } else {
            // The file was touched just now: the thread is in use again.
            thread.modified_at
        };
        let now = Cell::Integer(self.options.context.now.timestamp());
        let Some(row) = &task.row else {
            let mut new = self.comparison.insert(&thread);
            if archives && new.get(Col::ArchivedAt).is_some() {
                new[Col::ArchivedAt] = Some(now);
            }
            return MovedRow { row: new, changed: None };
        };
        let merged = self.comparison.update(&thread, row);
        let (mut new, mut changed) = (merged.row, merged.to_write);
        let since = match (archives, row.get(Col::ArchivedAt)) {
            (false, _) => Cell::Null,
            (true, Some(at @ Cell::Integer(_))) if task.was_there(archives) => at.clone(),
            (true, _) => now,
        };
        let time = |col: Col| col.column().from_file.map_or(Cell::Null, |get| get(&thread).into());
        for (col, cell) in [
            (Col::RolloutPath, Cell::from(&*task.row_path)),
            (Col::Archived, Cell::from(archives)),
            (Col::ArchivedAt, since),
            (Col::UpdatedAt, time(Col::UpdatedAt)),
            (Col::UpdatedAtMs, time(Col::UpdatedAtMs)),
        ] {
            set(&mut new, &mut changed, row, col, cell);
        }
        MovedRow { row: new, changed: Some(changed) }
    }
}

/// The row of a thread after its files were moved.
pub(super) struct MovedRow {
    pub(super) row: Row,
    /// The columns that change; `None` if the thread has no row yet.
    changed: Option<ColumnSet>,
}

/// Sets a cell, if the database has the column and the cell differs.
fn set(new: &mut Row, changed: &mut ColumnSet, row: &Row, col: Col, cell: Cell) {
    let Some(existing) = row.get(col) else { return };
    if *existing != cell {
        changed.insert(col);
    }
    new[col] = Some(cell);
}

fn sync_folders(moves: &[Move]) -> Result<(), ApplyStop> {
    let parents = |of: fn(&Move) -> &PathBuf| {
        moves.iter().filter_map(move |one| of(one).parent()).map(Path::to_owned).collect::<BTreeSet<_>>()
    };
    // The new names first: a power failure between the two leaves the file under both names, so it is never lost.
    for folder in parents(|one| &one.to).iter().chain(&parents(|one| &one.from)) {
        sys::sync_folder(folder).map_err(failed(folder))?;
    }
    Ok(())
}

/// Undoes the changes, the last one first.
///
/// # Errors
/// If a change cannot be undone; the error includes `why`.
fn undo(done: Vec<Step>, why: &anyhow::Error) -> anyhow::Result<()> {
    for step in done.into_iter().rev() {
        let (path, result) = match &step {
            Step::Renamed { from, to } => (to, rename_no_replace(to, from)),
            Step::Copied { to } => (to, fs::remove_file(to)),
            Step::Touched { path, before } => (path, relocate::set_modified(path, *before).map(drop)),
            Step::Removed { from, to, leftover: Leftover::Link } => (to, fs::hard_link(to, from)),
            Step::Removed { from, to, leftover: Leftover::Copy } => {
                (to, StagedCopy::make(to, from).and_then(|mut copy| copy.rename_to(from)))
            }
        };
        if let Err(error) = result {
            let reason = format!(
                "{why:#}; and what was done cannot be taken back: {}: {error}; run the command again to complete it",
                path.display()
            );
            return Err(ApplyStop::Failed(reason).into());
        }
    }
    Ok(())
}
