//! A finding: a problem of one kind, with its place and fields. It does not find them.

use super::kinds::{FindingKind, Remedy, Severity};
use crate::thread::ThreadId;
use crate::thread::columns::{COLUMNS, Col, ColumnSet, Truth};
pub use crate::thread::diff::FieldDifference;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A problem that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The kind of problem.
    pub kind: FindingKind,
    /// The severity.
    pub severity: Severity,
    /// The thread concerned: an id, or the content of a row's id cell.
    pub thread_id: Option<String>,
    /// The file concerned.
    pub path: Option<PathBuf>,
    /// The line of the file concerned, from 1.
    pub line: Option<u64>,
    /// The message, one line; it may contain untrusted text.
    pub message: String,
    /// The columns concerned.
    pub fields: Vec<FieldDifference>,
    /// The state of the rollout.
    pub rollout: RolloutState,
}

/// The state of the rollout of the row that a finding concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RolloutState {
    /// It can be read, or the finding does not depend on it.
    #[default]
    Usable,
    /// There is none that can be read, so that no backfill can repair the row's cells.
    Unusable,
    /// It exists nowhere, in no form. The finding's message says nothing else.
    Gone,
}

impl RolloutState {
    /// All states.
    pub(super) const ALL: [RolloutState; 3] =
        [RolloutState::Usable, RolloutState::Unusable, RolloutState::Gone];
}

impl Finding {
    /// Returns a finding of a kind, with only a message.
    #[must_use]
    pub fn new(kind: FindingKind, message: impl Into<String>) -> Finding {
        Finding {
            kind,
            severity: kind.severity(),
            thread_id: None,
            path: None,
            line: None,
            message: message.into(),
            fields: Vec::new(),
            rollout: RolloutState::default(),
        }
    }

    /// Returns the remedies of its columns.
    pub(super) fn field_remedies(&self) -> BTreeSet<Remedy> {
        let remedy = |field: &FieldDifference| match field.col.column().truth {
            _ if self.rollout != RolloutState::Usable => Remedy::ByHand,
            Truth::Key => Remedy::ByHand,
            Truth::Database => Remedy::Facts,
            _ => Remedy::Backfill,
        };
        self.fields.iter().map(remedy).collect()
    }

    /// Sets the thread.
    #[must_use]
    pub fn of(self, thread: Option<ThreadId>) -> Finding {
        Finding { thread_id: thread.map(|id| id.to_string()), ..self }
    }

    /// Sets the file.
    #[must_use]
    pub fn at(self, path: impl Into<PathBuf>) -> Finding {
        Finding { path: Some(path.into()), ..self }
    }

    /// Sets the columns.
    #[must_use]
    pub fn with(self, fields: Vec<FieldDifference>) -> Finding {
        Finding { fields, ..self }
    }
}

/// The findings that must not be reported.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    kinds: Vec<FindingKind>,
    columns: ColumnSet,
}

impl Ignore {
    /// Returns all names that can be ignored: kinds, then columns.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FindingKind::ALL.into_iter().map(FindingKind::name).chain(COLUMNS.iter().map(|column| column.name))
    }

    /// Adds a kind or a column; `None` if the name is neither.
    #[must_use]
    pub fn and(mut self, name: &str) -> Option<Ignore> {
        match FindingKind::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(kind) => self.kinds.push(kind),
            None => self.columns.insert(Col::named(name)?),
        }
        Some(self)
    }

    /// Returns true if a kind is not reported at all.
    #[must_use]
    pub fn kind(&self, kind: FindingKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Returns true if a column is not reported.
    pub(super) fn column(&self, col: Col) -> bool {
        self.columns.contains(col)
    }
}

/// The number of findings of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Number of errors.
    pub errors: u64,
    /// Number of warnings.
    pub warnings: u64,
}

impl Count {
    /// Returns true if database and files do not agree: if there are errors, or, with `strict`, warnings.
    #[must_use]
    pub fn fails(self, strict: bool) -> bool {
        self.errors > 0 || (strict && self.warnings > 0)
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn all(self) -> u64 {
        self.errors + self.warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::N_KINDS;
    use std::collections::HashSet;

    #[test]
    fn kinds_are_numbered_as_they_are_listed_and_named_once() {
        for (i, kind) in FindingKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
        let names: HashSet<&str> = Ignore::names().collect();
        assert_eq!(names.len(), N_KINDS + COLUMNS.len(), "no column has the name of a kind");
    }

    #[test]
    fn a_name_to_ignore_is_a_kind_or_a_column_or_nothing() {
        let ignore = Ignore::default().and("missing_row").unwrap().and("cwd").unwrap();
        assert!(ignore.kind(FindingKind::MissingRow) && !ignore.kind(FindingKind::MissingFile));
        assert!(ignore.column(Col::Cwd) && !ignore.column(Col::Id));
        assert!(ignore.and("nonsense").is_none());
    }
}
