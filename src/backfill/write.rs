//! Deciding about rows and writing them: compared first, then once more inside a short transaction.
//!
//! Between the reading of a file and the writing of its row a running Codex may append to the file and write the row
//! itself. So inside the transaction the row is read again and the file looked at again; if either moved, the file is
//! read once more, outside; if they will not hold still, the row is left to Codex, which is writing it.

use super::{Change, Run, Target};
use crate::catalog::names;
use crate::catalog::walk::RolloutFile;
use crate::db::Connection;
use crate::db::backup::{Keeping, keep_automatic};
use crate::db::facts::FittingFacts;
use crate::db::threads::Threads;
use crate::progress::Progress;
use crate::rollout::fold::{FoldedThread, ReadError, Stamp};
use crate::survey::comparison::Comparison;
use crate::thread::columns::{COLUMNS, ColumnSet, Row, index};
use std::path::Path;
use std::time::{Duration, Instant};

/// A transaction is committed after so many rows.
const MAX_ROWS: usize = 500;
/// A transaction is committed after so long, so that a running Codex never waits for it.
const MAX_TIME: Duration = Duration::from_millis(50);
/// Rows of so many bytes wait at most.
const MAX_PENDING_BYTES: usize = 4 * 1024 * 1024;
/// How often a file that will not hold still is read again.
const MAX_READS: u32 = 2;

/// A thread whose row is to be written.
#[derive(Debug)]
pub(super) struct Pending {
    file: usize,
    folded: FoldedThread,
    /// The row as it was when this was decided.
    seen: Option<Row>,
    /// What another database knows of the thread.
    old: Option<Row>,
    decision: Decision,
    n_reads: u32,
}

impl Pending {
    pub(super) fn new(
        file: usize,
        folded: FoldedThread,
        seen: Option<Row>,
        old: Option<Row>,
        decision: Decision,
    ) -> Pending {
        Pending { file, folded, seen, old, decision, n_reads: 0 }
    }
}

/// Roughly how much memory a thread takes.
pub(super) fn size(folded: &FoldedThread) -> usize {
    let thread = &folded.metadata;
    thread.title.len() + thread.preview.len() + thread.first_user_message.len() + 1024
}

/// What is to be done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) change: Change,
    pub(super) times_alone: bool,
    /// The columns that differ, where there is a row.
    columns: ColumnSet,
}

/// What a row must say beyond what the file says.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) comparison: Comparison,
    /// What another database knows.
    pub(super) facts: Option<FittingFacts<'a>>,
}

impl Rules<'_> {
    /// Reads the names, unless that was done.
    pub(super) fn load_names(&mut self, home: &Path, progress: &dyn Progress) {
        self.comparison.names.get_or_insert_with(|| names::read_or_warn(home, progress));
    }

    /// The row that a thread must have, and what that changes; `None` if it agrees.
    fn merge(
        &self,
        folded: &FoldedThread,
        row: Option<&Row>,
        old: Option<&Row>,
    ) -> Option<(Row, ColumnSet, Decision)> {
        let Some(row) = row else {
            let new = self.comparison.insert_with(&folded.metadata, old);
            let columns = ColumnSet::default();
            let decision = Decision { change: Change::Inserted, times_alone: false, columns };
            return Some((new, ColumnSet::default(), decision));
        };
        let merged = self.comparison.update_with(&folded.metadata, row, old);
        if merged.to_write == ColumnSet::default() {
            return None;
        }
        let is_time = |position: usize| matches!(position, index::UPDATED_AT | index::UPDATED_AT_MS);
        let times_alone = merged.to_write.iter().all(is_time);
        let columns = merged.to_write;
        Some((merged.row, columns, Decision { change: Change::Updated, times_alone, columns }))
    }

    /// What is to be done with a thread's row; `None` if it agrees.
    pub(super) fn decide(
        &self,
        folded: &FoldedThread,
        row: Option<&Row>,
        old: Option<&Row>,
    ) -> Option<Decision> {
        self.merge(folded, row, old).map(|(_, _, decision)| decision)
    }

    /// Writes one row inside a transaction, unless it or its file moved since it was decided.
    fn write(
        &self,
        connection: &Connection,
        table: &mut Threads,
        file: &RolloutFile,
        pending: &Pending,
    ) -> anyhow::Result<Written> {
        let row = table.get(connection, pending.folded.metadata.id)?;
        let stamp = std::fs::symlink_metadata(file.path()).and_then(|metadata| Stamp::of(&metadata));
        if row != pending.seen || stamp.ok() != Some(pending.folded.stamp) {
            return Ok(Written::Moved);
        }
        let old = pending.old.as_ref();
        let Some((merged, changed, decision)) = self.merge(&pending.folded, row.as_ref(), old) else {
            return Ok(Written::Done(None));
        };
        if let (Some(facts), Some(_)) = (&self.facts, old) {
            facts.insert_parents(connection, &merged)?;
        }
        match decision.change {
            Change::Inserted => table.insert(connection, &merged)?,
            Change::Updated => table.update(connection, &merged, changed)?,
        }
        Ok(Written::Done(Some(decision)))
    }
}

/// What became of a pending thread inside a transaction.
enum Written {
    Done(Option<Decision>),
    Moved,
}

impl Run<'_> {
    /// Adds a thread to those that are written next, and writes when they are many.
    pub(super) fn enqueue(&mut self, pending: Pending) -> anyhow::Result<()> {
        let thread = &pending.folded.metadata;
        self.pending_bytes +=
            thread.title.len() + thread.preview.len() + thread.first_user_message.len() + 1024;
        self.pending.push(pending);
        if self.pending.len() >= MAX_ROWS || self.pending_bytes >= MAX_PENDING_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is pending.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.pending_bytes = 0;
        while !self.pending.is_empty() {
            if !matches!(self.target, Target::Write(_)) {
                for pending in std::mem::take(&mut self.pending) {
                    let merged =
                        self.rules.merge(&pending.folded, pending.seen.as_ref(), pending.old.as_ref());
                    self.tally.change(pending.seen.as_ref(), merged.as_ref().map(|(row, ..)| row))?;
                    if let Some((row, ..)) = merged.as_ref().filter(|_| self.config.notes_names) {
                        self.report.names.note_row(pending.folded.metadata.id, row);
                    }
                    self.count(pending.file, Some(pending.decision));
                }
                break;
            }
            for pending in self.write_batch()? {
                self.read_again(pending)?;
            }
        }
        Ok(())
    }

    /// Counts what Codex's default list shows after the rows were written.
    pub(super) fn count_shown(&mut self) -> anyhow::Result<()> {
        let Run { target: Target::Write(writer), tally, report, .. } = self else { return Ok(()) };
        if report.inserted + report.updated > 0 {
            tally.count_again(writer.connection())?;
        }
        Ok(())
    }

    /// Keeps a backup before the first change.
    pub(super) fn keep_backup(&mut self) -> anyhow::Result<()> {
        let Target::Write(writer) = &mut self.target else { return Ok(()) };
        let Some(options) = self.backup.take() else { return Ok(()) };
        // Who cannot write has nothing to keep a backup for.
        writer.transaction_immediate(|_| Ok(()))?;
        let keeping = Keeping::at(self.config.now);
        self.report.backup = keep_automatic(writer.path(), options, &keeping)?;
        Ok(())
    }

    /// Writes one transaction's worth of what is pending. Returns the threads that moved meanwhile.
    fn write_batch(&mut self) -> anyhow::Result<Vec<Pending>> {
        self.keep_backup()?;
        let Run { target: Target::Write(writer), rules, table, inventory, pending, .. } = self else {
            return Ok(Vec::new());
        };
        let files = inventory.files();
        let (outcomes, n_done) = writer.transaction_immediate(|transaction| {
            let begun = Instant::now();
            let mut outcomes = Vec::new();
            for pending in pending.iter() {
                outcomes.push(rules.write(transaction, table, &files[pending.file], pending)?);
                if begun.elapsed() > MAX_TIME {
                    break;
                }
            }
            let n_done = outcomes.len();
            Ok((outcomes, n_done))
        })?;
        let mut moved = Vec::new();
        for (pending, outcome) in self.pending.drain(..n_done).zip(outcomes).collect::<Vec<_>>() {
            match outcome {
                Written::Done(decision) => self.count(pending.file, decision),
                Written::Moved => moved.push(pending),
            }
        }
        Ok(moved)
    }

    /// Counts a file whose row is left to whoever moves it.
    pub(super) fn leave_to_codex(&mut self, file: usize) {
        self.detail(file, || "left to a Codex that is writing it".to_owned());
        self.report.left_to_codex += 1;
        self.report.unchanged += 1;
    }

    /// Reads a file again that moved, or leaves its row to whoever moves it.
    fn read_again(&mut self, pending: Pending) -> anyhow::Result<()> {
        if pending.n_reads >= MAX_READS {
            self.leave_to_codex(pending.file);
            return Ok(());
        }
        let source = self.inventory.files()[pending.file].source();
        let mut folded = match self.worker.fold(&source) {
            Ok(folded) if folded.metadata.id == pending.folded.metadata.id => folded,
            Ok(_) | Err(ReadError::Vanished | ReadError::Interrupted) => {
                self.leave_to_codex(pending.file);
                return Ok(());
            }
            Err(error) => {
                self.fail(pending.file, &error);
                return Ok(());
            }
        };
        self.set_time(&mut folded);
        folded.metadata.older.clone_from(&pending.folded.metadata.older);
        let Run { table, target, .. } = self;
        let row = target.read(|connection| Ok(table.get(connection, folded.metadata.id)?))?;
        match self.rules.decide(&folded, row.as_ref(), pending.old.as_ref()) {
            None => self.report.unchanged += 1,
            Some(decision) => {
                let n_reads = pending.n_reads + 1;
                self.pending.push(Pending { folded, seen: row, decision, n_reads, ..pending });
            }
        }
        Ok(())
    }

    /// Says what became of one rollout, to somebody who wants to know each.
    fn detail(&self, file: usize, what: impl Fn() -> String) {
        let file = &self.inventory.files()[file];
        self.progress.detail(&|| format!("{}: {}", file.path().display(), what()));
    }

    fn count(&mut self, file: usize, decision: Option<Decision>) {
        match decision {
            None => self.report.unchanged += 1,
            Some(Decision { change: Change::Inserted, .. }) => {
                self.detail(file, || "had no row".to_owned());
                self.report.inserted += 1;
            }
            Some(Decision { change: Change::Updated, times_alone, columns }) => {
                let names = || columns.iter().map(|position| COLUMNS[position].name).collect::<Vec<_>>();
                self.detail(file, || format!("its row differed in {}", names().join(", ")));
                self.report.updated += 1;
                self.report.times_alone += u64::from(times_alone);
            }
        }
    }
}
