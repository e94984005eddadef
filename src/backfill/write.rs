//! Creates the rows that differ, and writes them in short transactions.
//!
//! Between the reading of a file and the writing of its row, a running Codex may append to the file and write the row
//! itself. So the row and the file's time and size are read again inside the transaction. If either changed, the file
//! is read once more, outside of the transaction. If they keep changing, the row is left to the Codex that is writing
//! it.

use super::options::BackfillTarget;
use super::pending::{BackfillRun, Pending, WriteResult, merge};
use crate::db::backup::{Keeping, keep_automatic};
use crate::db::open::MAX_TRANSACTION;
use crate::db::{Connection, Tally};
use crate::rollout::fold::ReadError;
use crate::survey::{Database as _, Survey};
use crate::thread::columns::Col;
use std::time::Instant;

/// Number of rows after which a transaction is committed.
const MAX_ROWS: usize = 2000;
/// Maximum bytes of rows that wait to be written.
const MAX_PENDING_BYTES: usize = 4 * 1024 * 1024;
/// Maximum number of times that a file that keeps changing is read again.
const MAX_READS: u32 = 2;

impl BackfillRun<'_> {
    /// Queues a row, and writes the queued rows if they are many.
    pub(super) fn enqueue(&mut self, pending: Pending) -> anyhow::Result<()> {
        self.pending_bytes += pending.size;
        self.pending.push(pending);
        if self.pending.len() >= MAX_ROWS || self.pending_bytes >= MAX_PENDING_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the queued rows, if there are any, after the list of Codex was counted.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.pending_bytes = 0;
        self.begin_tally()?;
        if !self.survey.database.writes() {
            for pending in std::mem::take(&mut self.pending) {
                if let Some(tally) = &mut self.tally {
                    tally.change(pending.seen.as_ref(), Some(&pending.new.row))?;
                }
                if self.options.notes_names {
                    self.report.names.note_row(pending.id, &pending.new.row);
                }
                self.count(&pending);
            }
        }
        while !self.pending.is_empty() {
            for pending in self.write_batch()? {
                self.read_again(pending)?;
            }
        }
        Ok(())
    }

    /// Counts Codex's default list, unless that was done.
    pub(super) fn begin_tally(&mut self) -> anyhow::Result<()> {
        if self.tally.is_none() {
            let provider = self.options.context.default_provider;
            let schema = &self.schema;
            let begin = |connection: &Connection| Tally::begin(connection, schema, provider);
            self.tally = Some(self.survey.database.read(begin)?);
        }
        Ok(())
    }

    /// Counts Codex's default list again after rows were written. A rebuild counts the finished database instead.
    pub(super) fn count_shown(&mut self) -> anyhow::Result<()> {
        let BackfillTarget::Write(writer) = &self.survey.database else { return Ok(()) };
        if self.report.inserted + self.report.updated > 0
            && !self.survey.comparison.replaces
            && let Some(tally) = &mut self.tally
        {
            tally.count_again(writer.connection())?;
        }
        Ok(())
    }

    /// Makes a backup before the first change.
    pub(super) fn keep_backup(&mut self) -> anyhow::Result<()> {
        let BackfillTarget::Write(writer) = &mut self.survey.database else { return Ok(()) };
        let Some(options) = self.backup.take() else { return Ok(()) };
        // If the database cannot be written, no backup is needed.
        writer.transaction_immediate(|_| Ok(()))?;
        let keeping = Keeping::at(self.options.context.now);
        self.report.backup = keep_automatic(writer.path(), options, &keeping)?;
        Ok(())
    }

    /// Writes the queued rows of one transaction. Returns the threads that changed meanwhile.
    fn write_batch(&mut self) -> anyhow::Result<Vec<Pending>> {
        self.keep_backup()?;
        let BackfillRun { survey, facts, pending, .. } = self;
        let Survey { database: BackfillTarget::Write(writer), table, inventory, .. } = survey else {
            return Ok(Vec::new());
        };
        let files = inventory.files();
        let outcomes = writer.transaction_immediate(|transaction| {
            let begun = Instant::now();
            let mut outcomes = Vec::new();
            for pending in pending.iter() {
                outcomes.push(pending.write(transaction, table, facts.as_ref(), &files[pending.file])?);
                if begun.elapsed() > MAX_TRANSACTION {
                    break;
                }
            }
            Ok(outcomes)
        })?;
        writer.checkpoint_meanwhile();
        let mut changed = Vec::new();
        let written: Vec<Pending> = self.pending.drain(..outcomes.len()).collect();
        for (pending, outcome) in written.into_iter().zip(outcomes) {
            match outcome {
                WriteResult::Done => self.count(&pending),
                WriteResult::Changed => changed.push(pending),
            }
        }
        Ok(changed)
    }

    /// Counts a file whose row is left to the Codex that is writing it.
    pub(super) fn leave_to_codex(&mut self, file: usize) {
        self.detail(file, || "left to a Codex that is writing it".to_owned());
        self.report.left_to_codex += 1;
        self.report.unchanged += 1;
    }

    /// Reads a file again that changed, or leaves its row to Codex.
    fn read_again(&mut self, pending: Pending) -> anyhow::Result<()> {
        let file = pending.file;
        if pending.n_reads >= MAX_READS {
            self.leave_to_codex(file);
            return Ok(());
        }
        let mut folded = match self.survey.worker.fold(&self.survey.file(file).source()) {
            Ok(folded) if folded.metadata.id == pending.id => folded,
            Ok(_) | Err(ReadError::Vanished | ReadError::Interrupted) => {
                self.leave_to_codex(file);
                return Ok(());
            }
            Err(error) => {
                self.fail(file, &error);
                return Ok(());
            }
        };
        self.set_time(&mut folded);
        folded.metadata.older = pending.older;
        folded.metadata.lacks_last_lines |= pending.lacks_last_lines;
        let row = self.survey.row(pending.id)?;
        let old = self.facts.as_ref().map(|facts| facts.of(pending.id)).transpose()?.flatten();
        match merge(&self.survey.comparison, &folded, row.as_ref(), old.as_ref()) {
            None => self.report.unchanged += 1,
            Some(new) => {
                let n_reads = pending.n_reads + 1;
                let pending = Pending::new(file, folded, row, old.is_some(), new);
                self.pending.push(Pending { n_reads, ..pending });
            }
        }
        Ok(())
    }

    /// Reports what happened to one rollout, for `--verbose`.
    fn detail(&self, file: usize, what: impl Fn() -> String) {
        let file = self.survey.file(file);
        self.survey.progress.detail(&|| format!("{}: {}", file.path().display(), what()));
    }

    /// Counts a row that was written, or would be.
    fn count(&mut self, pending: &Pending) {
        match pending.new.changed {
            None => {
                self.detail(pending.file, || "had no row".to_owned());
                self.report.inserted += 1;
            }
            Some(columns) => {
                let names = || columns.iter().map(|col| col.name()).collect::<Vec<_>>();
                self.detail(pending.file, || format!("its row differed in {}", names().join(", ")));
                self.report.updated += 1;
                self.report.times_alone += u64::from(columns.iter().all(Col::is_updated_at));
            }
        }
    }
}
