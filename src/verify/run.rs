//! The state of a verify, and how it reports a finding.

use super::finding::Finding;
use super::judge::{self, Judged};
use super::kinds::FindingKind;
use super::options::{VerifyOptions, VerifyReport};
use super::rows::{NamedFiles, RowPass};
use crate::catalog::absent::{AbsentFolders, HiddenFolders};
use crate::catalog::inventory;
use crate::catalog::walk::{RolloutFile, Roots};
use crate::db::{Census, Reader, Schema, Stored as _};
use crate::rollout::fold::Stamp;
use crate::survey::{Origin, Subject, Survey};
use crate::thread::ThreadId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The state of a verify.
pub(super) struct VerifyRun<'a> {
    pub(super) options: &'a VerifyOptions<'a>,
    pub(super) survey: Survey<'a, &'a mut Reader>,
    pub(super) rows: NamedFiles,
    pub(super) row_pass: RowPass,
    /// Threads with differences that must be confirmed.
    pub(super) doubtful: Doubtful,
    pub(super) report: VerifyReport,
    /// The threads whose rows have a finding.
    pub(super) flagged: HashSet<ThreadId>,
    pub(super) reach: Reach,
    /// The data collected for the findings about the whole home.
    pub(super) noted: HomeNotes,
}

/// A thread with a difference that must be confirmed.
pub(super) struct DoubtfulThread {
    pub(super) id: Option<ThreadId>,
    /// See [`Subject::counts`].
    pub(super) counts: Option<usize>,
    pub(super) origin: Origin,
    /// The times and sizes of the files when they were read.
    pub(super) stamps: Vec<Option<Stamp>>,
    /// A hash of the row.
    pub(super) row: Option<u64>,
    pub(super) judged: Judged,
    pub(super) n_looks: u32,
    /// The number of further waits in which nothing changed.
    pub(super) n_waits: u32,
}

impl DoubtfulThread {
    /// Returns true if a Codex that has written a file, or moved it, and not yet the row would explain a finding.
    pub(super) fn may_lack_its_row(&self) -> bool {
        self.judged.findings.iter().any(|finding| {
            matches!(
                finding.kind,
                FindingKind::FieldMismatch | FindingKind::ArchiveMismatch | FindingKind::MovedFile
            )
        })
    }

    pub(super) fn size(&self) -> usize {
        self.judged.findings.iter().map(Finding::size).sum::<usize>() + 256
    }
}

/// The threads whose differences must be confirmed.
#[derive(Default)]
pub(super) struct Doubtful {
    pub(super) threads: Vec<DoubtfulThread>,
    pub(super) bytes: usize,
    /// The number of times that the run has waited for an active Codex.
    pub(super) n_pauses: u32,
}

/// The parts of a home that could not be read, and the folders that rollouts may be in.
#[derive(Debug)]
pub(super) struct Reach {
    /// The rollout folders that cannot be walked.
    pub(super) absent: AbsentFolders,
    /// The folders whose rollouts cannot be seen now.
    pub(super) hidden: HiddenFolders,
    /// Threads whose file cannot be read now; true for those that have a row.
    pub(super) not_compared: HashMap<ThreadId, bool>,
    /// The rollout folders, with links resolved.
    pub(super) roots: Roots,
}

/// The data that the comparison of threads collects for the findings about the whole home.
#[derive(Debug, Default)]
pub(super) struct HomeNotes {
    /// The threads whose rows or rollouts name an unknown provider, by provider.
    pub(super) providers: BTreeMap<String, BTreeSet<ThreadId>>,
    /// The threads whose titles are derived from their rollouts, although their rows alone do not show it.
    pub(super) untitled: Vec<ThreadId>,
    /// Uncompressed length in bytes of each compressed rollout of a paginated thread.
    pub(super) lengths: HashMap<usize, u64>,
    /// Number of rows that name rollouts of this home below an old home, by old home.
    pub(super) moved_homes: BTreeMap<String, u64>,
    /// The rollouts of the first of these rows.
    pub(super) moved: Vec<usize>,
    /// True once the threads that Codex's list shows were counted, or could not be.
    pub(super) is_counted: bool,
}

impl<'a> VerifyRun<'a> {
    pub(super) fn file(&self, i: usize) -> &'a RolloutFile {
        self.survey.file(i)
    }

    /// Reads a page of the rows that were not read yet. Returns false if there was none.
    pub(super) fn read_rows(&mut self) -> anyhow::Result<bool> {
        let VerifyRun { row_pass, rows, survey, .. } = self;
        if survey.context.is_interrupted() {
            return Ok(false);
        }
        row_pass.read_page(rows, survey.inventory, survey.database)
    }

    /// Reads all rows that were not read yet.
    pub(super) fn read_all_rows(&mut self) -> anyhow::Result<()> {
        while self.read_rows()? {}
        Ok(())
    }

    /// Counts the threads that Codex's list shows, unless that was tried before. Another finding says why the database
    /// cannot be read.
    pub(super) fn count_shown(&mut self) {
        let VerifyOptions { context, threads, counts_shown, .. } = *self.options;
        if counts_shown && threads.is_none() && !self.noted.is_counted && !context.is_interrupted() {
            let census = self.survey.database.read(|connection| -> anyhow::Result<_> {
                let schema = Schema::read_threads(connection)?;
                Ok(Census::take(connection, &schema, context.default_provider)?)
            });
            self.report.census = census.ok();
            self.noted.is_counted = true;
        }
    }

    /// Returns the chosen file of a subject, if it is known: the one that was read, or the properly named file that
    /// was chosen instead of misnamed ones.
    pub(super) fn counting(&self, subject: &Subject) -> Option<usize> {
        let read = subject.scanned.folded.as_ref().map(|(file, _)| *file);
        let by_name = || match (&subject.origin, subject.id) {
            (Origin::Misnamed(choice), Some(id)) if choice.chosen.is_none() => {
                let members = self.survey.inventory.range_of(id);
                let in_row = self.rows.in_row.get(&members.start).copied();
                Some(inventory::choose(self.survey.inventory.files(), members, in_row)?.chosen())
            }
            _ => None,
        };
        read.or(subject.counts).or_else(by_name)
    }

    /// Adds a confirmed finding, unless it is ignored. `row` is the row with the problem.
    pub(super) fn report(&mut self, mut finding: Finding, row: Option<ThreadId>) {
        let ignore = self.options.ignore;
        if ignore.kind(finding.kind) {
            return;
        }
        if !finding.fields.is_empty() {
            finding.fields.retain(|field| !ignore.column(field.col));
            if finding.fields.is_empty() {
                return;
            }
        }
        if finding.kind == FindingKind::FieldMismatch {
            finding.message = judge::describe(&finding.fields);
        }
        self.flagged.extend(row);
        self.report.add(finding);
    }

    pub(super) fn into_report(mut self) -> anyhow::Result<VerifyReport> {
        let interrupted = self.options.context.is_interrupted();
        let agree = self.count_agreeing();
        self.report.findings.finish()?;
        Ok(VerifyReport {
            rows: self.rows.n,
            rows_by_archived: self.rows.by_archived,
            // Threads that were not examined do not count as agreeing.
            agree: if interrupted { agree.min(self.report.files) } else { agree },
            not_compared: self.reach.not_compared.len() as u64,
            moved: self.noted.moved.iter().map(|&i| self.survey.file(i).path()).collect(),
            complete: self.report.complete && !interrupted,
            interrupted,
            ..self.report
        })
    }
}
