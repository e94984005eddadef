//! The words of a command that changes many threads for its results: in tables, and as members of its report.

use crate::cli::output::{Members, TableCell, Tone};
use crate::survey::change::ChangeStatus;

/// The words of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// Its name.
    pub(super) verb: &'static str,
    /// The word for a thread that it changed.
    pub(super) done: &'static str,
    /// The word for a thread that stays as it is; empty if every thread is changed, or fails.
    pub(super) kept: &'static str,
}

impl Words {
    /// Returns the word for a result.
    pub(super) fn of(self, status: ChangeStatus) -> &'static str {
        match status {
            ChangeStatus::Done => self.done,
            ChangeStatus::Kept => self.kept,
            ChangeStatus::Failed => "failed",
        }
    }

    /// Returns the members with the number of each result that has a word.
    pub(super) fn counts(self, count: impl Fn(ChangeStatus) -> u64) -> Members<'static> {
        let statuses = [ChangeStatus::Done, ChangeStatus::Kept, ChangeStatus::Failed].into_iter();
        let named = statuses.filter(|status| !self.of(*status).is_empty());
        named.map(|status| (self.of(status), count(status).into())).collect()
    }

    /// Returns a result for a table; a dry run has not done anything yet.
    pub(super) fn cell(self, status: ChangeStatus, dry_run: bool) -> TableCell {
        match status {
            ChangeStatus::Done if dry_run => TableCell::new(format!("would {}", self.verb)).tone(Tone::Good),
            ChangeStatus::Done => TableCell::new(self.done).tone(Tone::Good),
            ChangeStatus::Kept => TableCell::new(self.kept),
            ChangeStatus::Failed => TableCell::new("failed").tone(Tone::Bad),
        }
    }
}
