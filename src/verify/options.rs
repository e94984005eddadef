//! What a verify is told to do, and what it reports.

use super::finding::Ignore;
use super::finding::{Count, Finding, Kind, N_KINDS, Remedy};
use crate::db::catalogue::Catalogue;
use crate::db::many::Many;
use crate::home::Providers;
use crate::survey::Context;
use crate::survey::select::Selected;
use std::collections::BTreeSet;

/// How closely verify looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Presence, paths, archive flags and times: no rollout is opened.
    Quick,
    /// Every field.
    #[default]
    Fields,
    /// Every field, every line, and the database file itself.
    Deep,
}

/// What a verify looks at, and how closely.
pub struct Config<'a> {
    /// The home, and the circumstances of the run.
    pub context: Context<'a>,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// The providers that Codex can use; `None` if that is not known.
    pub providers: Option<&'a Providers>,
    /// How closely to look.
    pub depth: Depth,
    /// What is not to be reported.
    pub ignore: &'a Ignore,
    /// How many findings are kept, the first by thread, path and kind; all if `None`. All are counted.
    pub max_findings: Option<usize>,
}

impl<'a> Config<'a> {
    /// Returns the options of a verify of a whole home, which compares every field and keeps every finding.
    #[must_use]
    pub fn new(context: Context<'a>, ignore: &'a Ignore) -> Config<'a> {
        let depth = Depth::default();
        Config { context, threads: None, providers: None, depth, ignore, max_findings: None }
    }
}

/// What a verify found.
#[derive(Debug, Default)]
pub struct Report {
    /// Rollout files looked at.
    pub files: u64,
    /// Rollout files that were to be looked at.
    pub n_to_look_at: u64,
    /// Rows looked at.
    pub rows: u64,
    /// Of the rows, how many are active, and how many archived.
    pub rows_by_archived: [u64; 2],
    /// Threads that were compared and have no finding, those of a moved home included; of a run that was interrupted
    /// no more than files were looked at.
    pub agree: u64,
    /// Threads whose file could not be read now.
    pub not_compared: u64,
    /// The findings, by thread, path and kind.
    pub findings: Many<Finding>,
    /// How many there are of each kind, kept or not; by [`Kind`].
    pub counts: [Count; N_KINDS],
    /// What mends the findings of fields, which depends on the columns.
    pub field_remedies: BTreeSet<Remedy>,
    /// The catalogue of the desktop app beside the list of Codex, where the app has one.
    pub catalogue: Option<Catalogue>,
    /// Whether everything in the home was looked at.
    pub complete: bool,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

impl Report {
    /// How many findings of one kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> Count {
        self.counts[kind as usize]
    }

    /// What mends the findings of a kind.
    #[must_use]
    pub fn remedies(&self, kind: Kind) -> BTreeSet<Remedy> {
        if kind == Kind::FieldMismatch && !self.field_remedies.is_empty() {
            return self.field_remedies.clone();
        }
        [kind.remedy()].into()
    }

    /// How many findings there are.
    #[must_use]
    pub fn total(&self) -> Count {
        self.counts.iter().fold(Count::default(), |sum, count| Count {
            errors: sum.errors + count.errors,
            warnings: sum.warnings + count.warnings,
        })
    }
}
