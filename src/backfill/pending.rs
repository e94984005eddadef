//! Rows that differ and must be written; the caller decides when.

use super::options::{BackfillOptions, BackfillReport, BackfillTarget};
use crate::catalog::absent::HiddenFolders;
use crate::catalog::walk::RolloutFile;
use crate::db::facts::FittingFacts;
use crate::db::{Connection, OpenOptions, Schema, Tally, ThreadStatements};
use crate::rollout::fold::{FoldedThread, Stamp};
use crate::survey::Survey;
use crate::survey::comparison::Comparison;
use crate::thread::columns::{ColumnSet, Row};
use crate::thread::{ThreadId, ThreadMetadata};

/// A row that a thread must get.
#[derive(Debug)]
pub(super) struct PendingRow {
    pub(super) row: Row,
    /// The columns that differ from the existing row; `None` if there is no row.
    pub(super) changed: Option<ColumnSet>,
}

/// Merges a file with its row; `None` if the row agrees. `old` is the thread's row in another database.
pub(super) fn merge(
    comparison: &Comparison,
    folded: &FoldedThread,
    row: Option<&Row>,
    old: Option<&Row>,
) -> Option<PendingRow> {
    let Some(row) = row else {
        return Some(PendingRow { row: comparison.insert_with(&folded.metadata, old), changed: None });
    };
    let merged = comparison.update_if_different(&folded.metadata, row, old)?;
    Some(PendingRow { row: merged.row, changed: Some(merged.to_write) })
}

/// A thread whose row must be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) file: usize,
    pub(super) id: ThreadId,
    /// The time and size of the file when it was read.
    pub(super) stamp: Stamp,
    /// See [`ThreadMetadata::older`].
    pub(super) older: Vec<ThreadMetadata>,
    /// See [`ThreadMetadata::lacks_last_lines`].
    pub(super) lacks_last_lines: bool,
    /// The existing row when the new one was made.
    pub(super) seen: Option<Row>,
    /// True if another database knows the thread.
    pub(super) has_old: bool,
    pub(super) new: PendingRow,
    pub(super) size: usize,
    pub(super) n_reads: u32,
}

impl Pending {
    pub(super) fn new(
        file: usize,
        folded: FoldedThread,
        seen: Option<Row>,
        has_old: bool,
        new: PendingRow,
    ) -> Pending {
        let FoldedThread { metadata, stamp, .. } = folded;
        let size = metadata.size();
        let ThreadMetadata { id, older, lacks_last_lines, .. } = metadata;
        Pending { file, id, stamp, older, lacks_last_lines, seen, has_old, new, size, n_reads: 0 }
    }

    /// Writes the row inside a transaction, unless the row or the file changed since it was made.
    pub(super) fn write(
        &self,
        connection: &Connection,
        table: &mut ThreadStatements,
        facts: Option<&FittingFacts<'_>>,
        file: &RolloutFile,
    ) -> anyhow::Result<WriteResult> {
        let row = table.get(connection, self.id)?;
        let stamp = std::fs::symlink_metadata(file.path()).and_then(|metadata| Stamp::of(&metadata));
        if row != self.seen || stamp.ok() != Some(self.stamp) {
            return Ok(WriteResult::Changed);
        }
        if let (Some(facts), true) = (facts, self.has_old) {
            facts.insert_parents(connection, &self.new.row)?;
        }
        match self.new.changed {
            None => table.insert(connection, &self.new.row)?,
            Some(changed) => table.update(connection, &self.new.row, changed)?,
        }
        Ok(WriteResult::Done)
    }
}

/// The result of writing a pending row.
pub(super) enum WriteResult {
    Done,
    /// The row or the file changed meanwhile.
    Changed,
}

/// The state of a backfill.
pub(super) struct BackfillRun<'a> {
    pub(super) options: &'a BackfillOptions<'a>,
    pub(super) survey: Survey<'a, BackfillTarget<'a>>,
    pub(super) schema: Schema,
    /// The facts from another database.
    pub(super) facts: Option<FittingFacts<'a>>,
    /// The folders whose rollouts cannot be seen now.
    pub(super) hidden: HiddenFolders,
    /// See [`BackfillOptions::backup`]; `None` once the backup is made.
    pub(super) backup: Option<&'a OpenOptions>,
    /// Threads whose rows must be written.
    pub(super) pending: Vec<Pending>,
    pub(super) pending_bytes: usize,
    /// The counts of Codex's default list; `None` until it is counted, before the first change.
    pub(super) tally: Option<Tally>,
    pub(super) report: BackfillReport,
}
