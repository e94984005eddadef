//! The options and the report of verify.

use super::finding::Ignore;
use super::finding::{Count, Finding};
use super::kinds::{FindingKind, N_KINDS, Remedy};
use crate::db::catalogue::Catalogue;
use crate::db::{Census, Many};
use crate::home::Providers;
use crate::survey::Context;
use crate::survey::select::Selected;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Maximum number of rollouts of a moved home that a report names.
pub const MAX_MOVED: usize = 65;

/// The depth of a verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Existence, paths, archive flags and times; no rollout is opened.
    Quick,
    /// Every field.
    #[default]
    Fields,
    /// Every field, every line, and the database file itself.
    Deep,
}

/// Options of verify.
pub struct VerifyOptions<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// The providers that Codex can use; `None` if they are not known.
    pub providers: Option<&'a Providers>,
    /// The depth of the checks.
    pub depth: Depth,
    /// The findings that must not be reported.
    pub ignore: &'a Ignore,
    /// Maximum number of findings to keep, the first by thread, path and kind; all if `None`. All are counted.
    pub max_findings: Option<usize>,
    /// True to count the threads that Codex's list shows, unless only some threads are examined.
    pub counts_shown: bool,
}

impl<'a> VerifyOptions<'a> {
    /// Returns the options of a verify of a whole home, which compares every field and keeps every finding.
    #[must_use]
    pub fn new(context: Context<'a>, ignore: &'a Ignore) -> VerifyOptions<'a> {
        let depth = Depth::default();
        VerifyOptions {
            context,
            threads: None,
            providers: None,
            depth,
            ignore,
            max_findings: None,
            counts_shown: false,
        }
    }
}

/// The result of a verify.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// Number of rollout files examined.
    pub files: u64,
    /// Number of rollout files to examine.
    pub n_to_look_at: u64,
    /// Number of rows examined.
    pub rows: u64,
    /// Numbers of active and of archived rows.
    pub rows_by_archived: [u64; 2],
    /// Number of threads that were compared and have no finding, including those of a moved home. After an interrupt,
    /// at most the number of files examined.
    pub agree: u64,
    /// Number of threads whose file cannot be read now.
    pub not_compared: u64,
    /// The findings, by thread, path and kind.
    pub findings: Many<Finding>,
    /// Number of findings of each kind, kept or not; by [`FindingKind`].
    pub counts: [Count; N_KINDS],
    /// The remedies of the findings about fields, which depend on the columns.
    pub field_remedies: BTreeSet<Remedy>,
    /// The rollouts of the first [`MAX_MOVED`] rows of a moved home.
    pub moved: Vec<PathBuf>,
    /// The comparison of the desktop app's catalogue with Codex's list, if the app has one.
    pub catalogue: Option<Catalogue>,
    /// The threads that Codex's list shows, if they were to be counted and could be.
    pub census: Option<Census>,
    /// True if everything in the home was examined.
    pub complete: bool,
    /// True if the run was stopped before the end.
    pub interrupted: bool,
}

impl VerifyReport {
    /// Returns the number of findings of a kind.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> Count {
        self.counts[kind as usize]
    }

    /// Returns the remedies of the findings of a kind.
    #[must_use]
    pub fn remedies(&self, kind: FindingKind) -> BTreeSet<Remedy> {
        if kind == FindingKind::FieldMismatch && !self.field_remedies.is_empty() {
            return self.field_remedies.clone();
        }
        [kind.remedy()].into()
    }

    /// Returns the number of all findings.
    #[must_use]
    pub fn total(&self) -> Count {
        self.counts.iter().fold(Count::default(), |sum, count| Count {
            errors: sum.errors + count.errors,
            warnings: sum.warnings + count.warnings,
        })
    }
}
