//! `verify`: reports every difference between rows and rollouts, and other problems. It writes nothing, prints
//! nothing and reads no environment.
//!
//! [`crate::survey`] reads the rollouts and compares each thread with its row by the same rules as `backfill`
//! (`again.rs`). Meanwhile, or before a quick look, one pass over the rows finds those whose files must be searched for
//! (`rows.rs`). Last are the rows that remain without a file (`leftover.rs`). `judge.rs` turns differences into findings.
//! Before a finding is reported, row and file are read again, because a Codex may be active.

mod again;
mod beside;
mod codex;
mod finding;
mod folders;
mod found;
mod glance;
mod judge;
mod kinds;
mod leftover;
mod options;
mod quick;
mod rows;
mod run;
#[cfg(test)]
mod tests;
mod whole;

pub use beside::{Beside, beside};
pub use finding::{Count, FieldDifference, Finding, Ignore, RolloutState};
pub use judge::apart;
pub use kinds::{FindingKind, N_KINDS, Remedy, Severity};
pub use options::{Depth, MAX_MOVED, VerifyOptions, VerifyReport};

use crate::catalog::absent::HiddenFolders;
use crate::catalog::names::Names;
use crate::catalog::walk::{Looks, Roots, Walk};
use crate::db::open::{Reader, Trouble};
use crate::db::schema::Schema;
use crate::db::{Many, catalogue};
use crate::progress::Progress;
use crate::rollout::extract::Options;
use crate::rollout::fold::{FoldedThread, ReadError};
use crate::survey::plan::Plan;
use crate::survey::scan::{Group, Scan, Scanned};
use crate::survey::select::Wanted;
use crate::survey::{self, HomeFiles, Subject, Survey, Verb};
use crate::thread::ThreadId;
use crate::thread::columns::Row;
use crate::thread::times::Times;
use run::{Doubtful, HomeNotes, Reach, VerifyRun};
use std::collections::{HashMap, HashSet};

/// Number of waiting threads at which they are compared while rollouts are read. Each time, the database may have to
/// be opened.
const IDLE_THREADS: usize = 128;

/// Runs a verify.
///
/// # Errors
/// If the database cannot be read. With [`Depth::Deep`], a damaged database is a finding instead.
pub fn run(
    options: &VerifyOptions<'_>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<VerifyReport> {
    run_on(options, None, reader, progress)
}

/// Runs a verify on the result of a walk, if the home was walked already.
///
/// # Errors
/// As [`run`].
pub fn run_on(
    options: &VerifyOptions<'_>,
    walk: Option<Walk>,
    reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<VerifyReport> {
    let error = match verify(options, walk, reader, progress) {
        Err(error) if Trouble::of(&error) == Some(Trouble::Damaged) => error,
        done => return done,
    };
    progress.finish();
    if options.depth != Depth::Deep || options.ignore.kind(FindingKind::DatabaseDamaged) {
        return Err(error);
    }
    let mut report = VerifyReport { findings: Many::new(options.max_findings), ..VerifyReport::default() };
    report.add(whole::damage(reader)?.ok_or(error)?);
    report.findings.finish()?;
    progress.warn("the rows cannot all be read: no thread was compared");
    Ok(report)
}

fn verify(
    options: &VerifyOptions<'_>,
    walk: Option<Walk>,
    mut reader: &mut Reader,
    progress: &dyn Progress,
) -> anyhow::Result<VerifyReport> {
    let VerifyOptions { context, depth, .. } = *options;
    let schema = Schema::of(reader)?;
    let walk = walk.unwrap_or_else(|| survey::walk(&context, Looks::of(depth == Depth::Quick), progress));
    let files = HomeFiles::new(context.home, walk);
    let inventory = &files.inventory;
    let mut wanted = Wanted::new(options.threads, &mut reader)?;
    if let Some(wanted) = wanted.as_mut().filter(|_| depth != Depth::Quick) {
        wanted.find_misnamed(inventory, context.interrupted);
    }
    let hidden = HiddenFolders::new(files.count_absent(&mut reader, |_| Ok(()))?, &files.errors);
    let (rows, row_pass) = rows::begin(options, &schema, inventory, wanted.as_ref(), reader)?;
    let plan = Plan::new(inventory, wanted.as_ref(), |files| {
        let in_row = rows.in_row.get(&files.start).copied();
        Ok((!rows.agree(files.start)).then_some(Group::new(files, in_row)))
    })?;
    let scan = Scan {
        inventory,
        context,
        options: Options {
            deep: depth == Depth::Deep,
            eager: false,
            // A damaged line is reported even if a later line replaces its values.
            every_damage: true,
            openable: !options.ignore.kind(FindingKind::CodexCannotOpen),
        },
        read_all: depth != Depth::Quick,
    };
    let compared = match depth {
        Depth::Quick => Schema { columns: glance::columns(&schema), ..schema.clone() },
        Depth::Fields | Depth::Deep => schema.clone(),
    };
    let mut run = VerifyRun {
        options,
        survey: Survey::new(scan, reader, &compared, Times::Auto, progress)?,
        rows,
        row_pass,
        doubtful: Doubtful::default(),
        report: VerifyReport {
            findings: Many::new(options.max_findings),
            // Files that agree with their rows, and misnamed files, which were opened to find them.
            files: plan.n_files - plan.n_to_read,
            n_to_look_at: plan.n_files,
            complete: files.errors.is_empty() && files.has_roots && options.threads.is_none(),
            ..VerifyReport::default()
        },
        flagged: HashSet::new(),
        reach: Reach {
            absent: files.absent.clone(),
            hidden,
            not_compared: HashMap::new(),
            roots: Roots::of(context.home),
        },
        noted: HomeNotes::default(),
    };
    if run.survey.comparison.compares_names() {
        run.survey.load_names();
    }
    for &(file, thread) in &plan.misnamed {
        run.survey.misnamed.add(file, thread);
    }
    progress.start("reading rollouts", Some(plan.n_to_read), plan.n_bytes);
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

impl<'a> Verb<'a> for VerifyRun<'a> {
    type Database = &'a mut Reader;

    fn survey(&mut self) -> &mut Survey<'a, &'a mut Reader> {
        &mut self.survey
    }

    fn note(&mut self, scanned: &Scanned) {
        self.report.files += scanned.files.len() as u64;
        self.rows.note_vanished(scanned);
    }

    fn compare(&mut self, subject: Subject, row: &mut Option<Row>) -> anyhow::Result<()> {
        self.compare_once(subject, row.as_ref(), 0)
    }

    fn use_idle_time(&mut self) -> anyhow::Result<bool> {
        if self.survey.n_waiting() >= IDLE_THREADS {
            survey::compare_waiting(self)?;
            return Ok(true);
        }
        let has_read = self.read_rows()?;
        if !has_read {
            self.count_shown();
        }
        Ok(has_read)
    }

    fn finish_other_work(&mut self) -> anyhow::Result<()> {
        self.read_all_rows()
    }

    fn begins_misnamed(&mut self, id: ThreadId, _files: &[usize], row: Option<&Row>) -> bool {
        self.rows.take_misnamed(id, row);
        true
    }

    fn read_misnamed(&mut self, id: ThreadId, file: usize) -> Result<FoldedThread, ReadError> {
        match self.options.depth {
            Depth::Quick => glance::glance_again(id, self.file(file)),
            Depth::Fields | Depth::Deep => self.survey.worker.fold(&self.file(file).source()),
        }
    }

    fn waits_for_misnamed(&self) -> bool {
        self.options.depth != Depth::Quick
    }
}

impl VerifyRun<'_> {
    /// Judges what remains when all rollouts were read, and what concerns the whole home.
    fn conclude(&mut self, schema: &Schema) -> anyhow::Result<()> {
        if !self.options.context.is_interrupted() {
            self.judge_leftover()?;
            if self.options.threads.is_none() {
                // Read again, because a name may have been given meanwhile.
                self.survey.comparison.names = None;
                let names = Names::read_or_warn(self.options.context.home, self.survey.progress);
                self.judge_index(&names)?;
                self.survey.comparison.names = Some(names);
                if self.options.depth == Depth::Quick {
                    self.judge_cells(schema)?;
                }
                self.judge_backfill_state(schema.has_backfill_state)?;
                self.judge_codex(schema)?;
                self.report.catalogue =
                    catalogue::compare(self.options.context.home, schema, self.survey.database)?;
            }
            if self.options.depth == Depth::Deep {
                self.check_integrity()?;
            }
        }
        self.report_moved_homes();
        self.count_shown();
        Ok(())
    }
}
