//! A verify under way: its state, and how a finding is reported.

use super::finding::{Finding, Kind};
use super::found::Findings;
use super::judge::{self, Judged};
use super::options::{Config, Report};
use super::rows::Rows;
use crate::catalog::absent::AbsentFolders;
use crate::catalog::inventory;
use crate::catalog::walk::{RolloutFile, Roots};
use crate::db::catalogue::Catalogue;
use crate::db::open::Reader;
use crate::rollout::fold::Stamp;
use crate::survey::plan::Plan;
use crate::survey::{HomeFiles, Origin, Subject, Survey};
use crate::thread::ThreadId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A verify under way.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config<'a>,
    pub(super) survey: Survey<'a, &'a mut Reader>,
    pub(super) rows: Rows,
    /// Threads that were found wrong at first sight.
    pub(super) doubtful: Doubtful,
    pub(super) findings: Findings,
    pub(super) reach: Reach,
    /// What was noted for the findings about the whole home.
    pub(super) noted: Noted,
}

/// A thread that was found wrong at first sight.
pub(super) struct DoubtfulThread {
    pub(super) id: Option<ThreadId>,
    /// See [`Subject::counts`].
    pub(super) counts: Option<usize>,
    pub(super) origin: Origin,
    /// The times and sizes of the files when they were read.
    pub(super) stamps: Vec<Option<Stamp>>,
    /// The row, as a number.
    pub(super) row: Option<u64>,
    pub(super) judged: Judged,
    pub(super) n_looks: u32,
}

impl DoubtfulThread {
    pub(super) fn size(&self) -> usize {
        self.judged.findings.iter().map(Finding::size).sum::<usize>() + 256
    }
}

/// The threads that were found wrong at first sight, and wait to be looked at again.
#[derive(Default)]
pub(super) struct Doubtful {
    pub(super) threads: Vec<DoubtfulThread>,
    pub(super) bytes: usize,
    /// How often the run has waited for a Codex at work.
    pub(super) n_pauses: u32,
}

/// How far a verify has looked, and what it could not look at.
#[derive(Debug)]
pub(super) struct Reach {
    /// The number of files that were looked at.
    pub(super) n_files: u64,
    /// The number of files that are to be looked at.
    pub(super) n_to_look_at: u64,
    /// True as long as everything could be looked at.
    pub(super) is_whole: bool,
    /// The rollout folders that cannot be walked.
    pub(super) absent: AbsentFolders,
    /// Threads whose file could not be read now, and whether they have a row.
    pub(super) not_compared: HashMap<ThreadId, bool>,
    /// The rollout folders, wherever links lead.
    pub(super) roots: Roots,
}

impl Reach {
    pub(super) fn new(config: &Config<'_>, files: &HomeFiles, plan: &Plan) -> Reach {
        Reach {
            // Files that agree with their rows, and misnamed files, which were opened to be found.
            n_files: plan.n_files - plan.n_to_read,
            n_to_look_at: plan.n_files,
            is_whole: files.errors.is_empty() && files.has_roots && config.threads.is_none(),
            absent: files.absent.clone(),
            not_compared: HashMap::new(),
            roots: Roots::of(config.context.home),
        }
    }
}

/// What the comparison of threads notes for the findings about the whole home.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// By provider that Codex does not know: the threads whose rows or rollouts name it.
    pub(super) providers: BTreeMap<String, BTreeSet<ThreadId>>,
    /// The threads whose titles are derived from their rollouts, though their rows alone do not tell.
    pub(super) untitled: BTreeSet<ThreadId>,
    /// By compressed rollout of a paginated thread: its uncompressed length in bytes.
    pub(super) lengths: HashMap<usize, u64>,
    /// By the old home of rows that name rollouts of this one there: how many rows do.
    pub(super) moved_homes: BTreeMap<String, u64>,
    /// The catalogue of the desktop app beside the list of Codex, if the app has one.
    pub(super) catalogue: Option<Catalogue>,
}

impl<'a> Run<'a> {
    pub(super) fn file(&self, i: usize) -> &'a RolloutFile {
        self.survey.file(i)
    }

    /// Returns the file that counts for a subject, if it is known: the one that was read, or where a properly named file
    /// counts beside misnamed ones, that one.
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

    /// Adds a finding that was looked at twice, unless it is ignored. `row` is the row that it says is not right.
    pub(super) fn report(&mut self, mut finding: Finding, row: Option<ThreadId>) {
        let ignore = self.config.ignore;
        if ignore.kind(finding.kind) {
            return;
        }
        if !finding.fields.is_empty() {
            finding.fields.retain(|field| !ignore.column(field.position));
            if finding.fields.is_empty() {
                return;
            }
        }
        if finding.kind == Kind::FieldMismatch {
            finding.message = judge::describe(&finding.fields);
        }
        self.findings.flagged.extend(row);
        self.findings.add(finding);
    }

    pub(super) fn into_report(mut self) -> anyhow::Result<Report> {
        let interrupted = self.config.context.is_interrupted();
        let agree = self.count_agreeing();
        Ok(Report {
            files: self.reach.n_files,
            n_to_look_at: self.reach.n_to_look_at,
            rows: self.rows.n,
            rows_by_archived: self.rows.by_archived,
            // What was not looked at does not agree.
            agree: if interrupted { agree.min(self.reach.n_files) } else { agree },
            not_compared: self.reach.not_compared.len() as u64,
            findings: self.findings.take()?,
            counts: self.findings.counts,
            field_remedies: self.findings.field_remedies,
            catalogue: self.noted.catalogue,
            complete: self.reach.is_whole && !interrupted,
            interrupted,
        })
    }
}
