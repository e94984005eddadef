//! `verify`: names every difference between rows and rollouts, and what else is wrong, in a report; writes nothing, prints
//! nothing, reads no environment.
//!
//! First one pass over the rows finds those whose files must be looked for (`rows.rs`). Then [`crate::survey`] reads the
//! rollouts and compares each thread with its row by the rules that `backfill` writes by (`look.rs`). Last come the rows
//! that are left without a file (`leftover.rs`). `judge.rs` turns differences into findings. No finding is reported at
//! first sight: row and file are read again, because a Codex may be at work.

mod beside;
mod codex;
mod finding;
mod folders;
mod found;
mod judge;
mod leftover;
mod look;
mod quick;
mod rows;
#[cfg(test)]
mod tests;
mod whole;

pub use beside::{Beside, beside};
pub use finding::{Count, FieldDifference, Finding, Ignore, Kind, N_KINDS, Remedy, Severity};
pub use found::{Found, Iter};
pub use judge::apart;
pub use leftover::GONE;

use crate::catalog::inventory;
use crate::catalog::walk::{RolloutFile, Walk};
use crate::db::catalogue::{self, Catalogue};
use crate::db::open::{Reader, Trouble};
use crate::db::schema::Schema;
use crate::db::threads;
use crate::home::Providers;
use crate::progress::Progress;
use crate::rollout::extract::Options;
use crate::rollout::fold::{FoldedThread, ReadError};
use crate::survey::plan::Plan;
use crate::survey::scan::{Group, Scan, Scanned};
use crate::survey::select::{Selected, Wanted};
use crate::survey::{self, Context, HomeFiles, Origin, Subject, Survey, Verb};
use crate::thread::ThreadId;
use crate::thread::columns::Row;
use crate::thread::times::Times;
use folders::Reach;
use found::Findings;
use look::Doubtful;
use rows::Rows;
use std::collections::{BTreeMap, BTreeSet};

/// While rollouts are read, threads are compared when so many wait. Each time, the database may have to be opened.
const IDLE_THREADS: usize = 128;

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
    pub findings: Found,
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

/// Runs a verify.
///
/// # Errors
/// If the database cannot be read. A damaged file is a finding instead, if a deep look was asked for.
pub fn run(config: &Config<'_>, reader: &mut Reader, progress: &dyn Progress) -> anyhow::Result<Report> {
    run_on(config, None, reader, progress)
}

/// Runs a verify on the result of a walk, if the home was walked already.
///
/// # Errors
/// As [`run`].
pub fn run_on(
    config: &Config<'_>,
    walk: Option<Walk>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<Report> {
    let error = match verify(config, walk, reader, progress) {
        Err(error) if Trouble::of(&error) == Some(Trouble::Damaged) => error,
        done => return done,
    };
    progress.finish();
    if config.depth != Depth::Deep || config.ignore.kind(Kind::DatabaseDamaged) {
        return Err(error);
    }
    let mut findings = Findings::new(config.max_findings);
    findings.add(whole::damage(reader)?.ok_or(error)?);
    progress.warn("the rows cannot all be read: no thread was compared");
    Ok(Report { findings: findings.take()?, counts: findings.counts, ..Report::default() })
}

fn verify(
    config: &Config<'_>,
    walk: Option<Walk>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<Report> {
    let Config { context, depth, .. } = *config;
    let schema = Schema::of(reader)?;
    let walk = walk.unwrap_or_else(|| survey::walk(context.home, progress));
    let files = HomeFiles::new(context.home, walk);
    let inventory = &files.inventory;
    let mut wanted = match config.threads {
        Some(threads) => {
            Some(Wanted::new(threads, |id| reader.read(|connection| threads::rollout_path(connection, id)))?)
        }
        None => None,
    };
    let misnamed = match &mut wanted {
        Some(wanted) if depth != Depth::Quick => wanted.find_misnamed(inventory, context.interrupted),
        _ => BTreeMap::new(),
    };
    let rows = rows::read(config, &schema, inventory, wanted.as_ref(), reader)?;
    let plan = Plan::new(inventory, wanted.as_ref(), &misnamed, |files| {
        let in_row = rows.in_row.get(&files.start).copied();
        Ok((!rows.agree(files.start)).then_some(Group { files, in_row }))
    })?;
    let scan = Scan {
        inventory,
        context,
        options: Options {
            deep: depth == Depth::Deep,
            eager: false,
            // A damaged line is reported even if a later line replaces what it says.
            every_damage: true,
            openable: !config.ignore.kind(Kind::CodexCannotOpen),
        },
        read_all: depth != Depth::Quick,
    };
    let compared = match depth {
        Depth::Quick => Schema { columns: quick::columns(&schema), ..schema.clone() },
        Depth::Fields | Depth::Deep => schema.clone(),
    };
    let mut run = Run {
        config,
        survey: Survey::new(scan, reader, &compared, Times::Auto, progress)?,
        rows,
        doubtful: Doubtful::default(),
        findings: Findings::new(config.max_findings),
        reach: Reach::new(config, &files, &plan),
        noted: codex::Noted::default(),
    };
    if run.survey.comparison.compares_names() {
        run.survey.load_names();
    }
    for &(file, thread) in &plan.misnamed {
        run.survey.misnamed.add(file, thread);
    }
    progress.start("reading rollouts", Some(plan.n_to_read), Some(plan.n_bytes));
    match depth {
        Depth::Quick => run.glance_at_all(&plan.groups)?,
        Depth::Fields | Depth::Deep => survey::read_all(&mut run, &plan.groups)?,
    }
    run.look_again()?;
    progress.finish();
    run.conclude(&schema)?;
    run.report_folders(files.errors);
    run.into_report()
}

/// A verify under way.
struct Run<'a> {
    config: &'a Config<'a>,
    survey: Survey<'a, &'a mut Reader>,
    rows: Rows,
    /// Threads that were found wrong at first sight.
    doubtful: Doubtful,
    findings: Findings,
    reach: Reach,
    /// What was noted for the findings about the whole home.
    noted: codex::Noted,
}

impl<'a> Verb<'a> for Run<'a> {
    type Database = &'a mut Reader;

    fn survey(&mut self) -> &mut Survey<'a, &'a mut Reader> {
        &mut self.survey
    }

    fn note(&mut self, scanned: &Scanned) {
        self.reach.n_files += scanned.files.len() as u64;
        self.rows.note_vanished(scanned);
    }

    fn compare(&mut self, subject: Subject, row: Option<Row>) -> anyhow::Result<()> {
        self.compare_once(subject, row.as_ref(), 0)
    }

    fn use_idle_time(&mut self) -> anyhow::Result<()> {
        if self.survey.n_waiting() >= IDLE_THREADS { survey::compare_waiting(self) } else { Ok(()) }
    }

    fn begins_misnamed(&mut self, id: ThreadId, _files: &[usize], row: Option<&Row>) -> bool {
        self.rows.take_misnamed(id, row);
        true
    }

    fn read_misnamed(&mut self, id: ThreadId, file: usize) -> Result<FoldedThread, ReadError> {
        match self.config.depth {
            Depth::Quick => quick::glance_again(id, self.file(file)),
            Depth::Fields | Depth::Deep => self.survey.worker.fold(&self.file(file).source()),
        }
    }

    fn waits_for_misnamed(&self) -> bool {
        self.config.depth != Depth::Quick
    }
}

impl<'a> Run<'a> {
    fn file(&self, i: usize) -> &'a RolloutFile {
        self.survey.file(i)
    }

    /// Judges what is left when all rollouts were read, and what is about no single thread.
    fn conclude(&mut self, schema: &Schema) -> anyhow::Result<()> {
        if !self.config.context.is_interrupted() {
            self.judge_leftover()?;
            if self.config.threads.is_none() {
                self.judge_index()?;
                self.judge_backfill_state(schema.has_backfill_state)?;
                self.judge_codex(schema)?;
                self.noted.catalogue =
                    catalogue::compare(self.config.context.home, schema, self.survey.database)?;
            }
            if self.config.depth == Depth::Deep {
                self.check_integrity()?;
            }
        }
        self.report_moved_homes();
        Ok(())
    }

    /// Returns the file that counts for a subject, if it is known: the one that was read, or where a properly named file
    /// counts beside misnamed ones, that one.
    fn counting(&self, subject: &Subject) -> Option<usize> {
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
    fn report(&mut self, mut finding: Finding, row: Option<ThreadId>) {
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

    fn into_report(mut self) -> anyhow::Result<Report> {
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
