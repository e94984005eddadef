//! `verify`: names every difference between rows and rollouts, and what else is wrong. To a report; writes nothing,
//! prints nothing, reads no environment.
//!
//! First one pass over the rows, which finds those whose files must be looked for (`rows.rs`). Then the rollouts are
//! read in parallel ([`crate::survey::scan`]), and each thread is compared with its row by the rules that `backfill` writes by
//! (`look.rs`); last come the rows that are left without a file (`leftover.rs`). What a thread comes to is judged in
//! `judge.rs`. Nothing is reported at first sight: row and file are looked at again, for a Codex may be at work.

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
pub use finding::{Count, Field, Finding, Ignore, Kind, N_KINDS, Remedy, Severity};
pub use found::{Found, Iter};
pub use judge::apart;

use crate::catalog::absent::AbsentFolders;
use crate::catalog::inventory::{self, Inventory};
use crate::catalog::misnamed;
use crate::catalog::names;
use crate::catalog::walk::{self, RolloutFile, Roots, Walk};
use crate::db::catalogue::{self, Catalogue};
use crate::db::open::{Reader, Trouble};
use crate::db::schema::Schema;
use crate::db::threads::{self, Threads};
use crate::home::Providers;
use crate::progress::Progress;
use crate::rollout::extract::Options;
use crate::survey::comparison::Comparison;
use crate::survey::scan::{self, Event, Group, Scanned, Worker};
use crate::survey::select::{Selected, Wanted};
use crate::thread::ThreadId;
use crate::thread::columns::index;
use crate::thread::times::Times;
use chrono::{DateTime, Utc};
use folders::NotCompared;
use found::Findings;
use look::{Again, Doubtful, Subject};
use rows::Rows;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// While rollouts are read, threads are compared when so many wait: each time, the database may have to be opened.
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

/// What is to be verified, and how.
pub struct Config<'a> {
    /// The Codex home.
    pub home: &'a Path,
    /// Only these threads; all if `None`.
    pub threads: Option<&'a [Selected]>,
    /// How many files are read at once.
    pub jobs: usize,
    /// Provider of a thread whose session meta names none.
    pub default_provider: &'a str,
    /// The providers that Codex can use; `None` if that is not known.
    pub providers: Option<&'a Providers>,
    /// How closely to look.
    pub depth: Depth,
    /// What is not to be reported.
    pub ignore: &'a Ignore,
    /// How many findings are kept, the first by thread, path and kind; all if `None`. All are counted.
    pub max_findings: Option<usize>,
    /// The time.
    pub now: DateTime<Utc>,
    /// Set from outside to stop.
    pub interrupted: &'a AtomicBool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Rollout files looked at.
    pub files: u64,
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

/// Does it.
///
/// # Errors
/// The database cannot be read. That its file is damaged is a finding where one was asked for.
pub fn run(config: &Config<'_>, reader: &mut Reader, progress: &dyn Progress) -> anyhow::Result<Report> {
    run_on(config, None, reader, progress)
}

/// The same on what a walk of the home has found already, where there was one.
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
    let schema = Schema::of(reader)?;
    let walk = walk.unwrap_or_else(|| {
        progress.start("finding rollouts", None, None);
        let walk = walk::walk(config.home, || progress.advance(1, 0));
        progress.finish();
        walk
    });
    let absent = AbsentFolders::of(config.home, &walk);
    let (walk_errors, has_roots) = (walk.errors, walk.missing_roots.len() < 2);
    let inventory = Inventory::new(walk.files);
    let mut wanted = match config.threads {
        Some(threads) => Some(Wanted::new(threads, |id| {
            reader.read(|connection| Ok(threads::rollout_path(connection, id)?))
        })?),
        None => None,
    };
    let hidden = match &mut wanted {
        Some(wanted) if config.depth != Depth::Quick => wanted.find_hidden(&inventory, config.interrupted),
        _ => BTreeMap::new(),
    };
    let mut rows = rows::read(config, &schema, &inventory, wanted.as_ref(), reader)?;
    let Plan { groups, strays, n_bytes, n_agreed } = plan(&inventory, wanted.as_ref(), &hidden, &rows);

    let scan_config = scan::Config {
        inventory: &inventory,
        jobs: config.jobs,
        options: Options {
            deep: config.depth == Depth::Deep,
            eager: false,
            every_damage: true,
            openable: !config.ignore.kind(Kind::CodexCannotOpen),
        },
        read_all: true,
        default_provider: config.default_provider,
        interrupted: config.interrupted,
    };
    let whole_schema = schema.clone();
    // A quick look reads and compares no other columns.
    let schema = match config.depth {
        Depth::Quick => Schema { columns: quick::columns(&schema), ..schema },
        Depth::Fields | Depth::Deep => schema,
    };
    let mut comparison = reader
        .read(|connection| Comparison::read(connection, &schema, config.default_provider, Times::Auto))?;
    if comparison.compares_names() {
        comparison.names = Some(names::read_or_warn(config.home, progress));
    }
    let mut run = Run {
        config,
        inventory: &inventory,
        wanted: wanted.as_ref(),
        n_files: n_agreed + strays.len() as u64,
        worker: Worker::new(&scan_config),
        table: Threads::new(&schema),
        comparison,
        reader,
        progress,
        batch: Vec::new(),
        batch_bytes: 0,
        doubtful: Vec::new(),
        doubtful_bytes: 0,
        strays: BTreeMap::new(),
        says: HashMap::new(),
        abroad: BTreeSet::new(),
        left: std::mem::take(&mut rows.without_file),
        rows,
        findings: Findings::new(config.max_findings),
        moved_homes: BTreeMap::new(),
        absent,
        not_compared: NotCompared::new(),
        noted: codex::Noted::default(),
        catalogue: None,
        is_whole: walk_errors.is_empty() && has_roots && config.threads.is_none(),
        n_pauses: 0,
        roots: Roots::of(config.home),
    };
    for (file, thread) in strays {
        run.note_stray(file, thread);
    }
    run.read(&scan_config, &groups, n_bytes)?;
    run.conclude(&whole_schema)?;
    run.report_folders(walk_errors);
    run.into_report()
}

/// What is to be done about the files.
#[derive(Debug, Default)]
struct Plan {
    /// The groups that are looked at.
    groups: Vec<Group>,
    /// Files of threads that were asked for, in groups that were not, and what they say they are of.
    strays: Vec<(usize, ThreadId)>,
    /// How many bytes the groups have.
    n_bytes: u64,
    /// How many files agree with their rows already.
    n_agreed: u64,
}

/// Which groups are looked at. `hidden`: files of threads that were asked for, whose names do not say so.
fn plan(
    inventory: &Inventory,
    wanted: Option<&Wanted>,
    hidden: &BTreeMap<usize, ThreadId>,
    rows: &Rows,
) -> Plan {
    let mut plan = Plan::default();
    for files in inventory.groups() {
        let members = &inventory.files()[files.clone()];
        let thread = members[0].named.name.map(|name| name.thread);
        let mut hidden = hidden.range(files.clone()).map(|(&file, &thread)| (file, thread)).peekable();
        if wanted.is_some_and(|wanted| !wanted.contains(thread, members))
            // A file whose name says nothing is looked at as a whole.
            && (thread.is_some() || hidden.peek().is_none())
        {
            plan.strays.extend(hidden);
            continue;
        }
        if rows.agree(files.start) {
            plan.n_agreed += 1;
            continue;
        }
        plan.n_bytes += members.iter().map(|file| file.stamp.size).sum::<u64>();
        plan.groups.push(Group { in_row: rows.in_row.get(&files.start).copied(), files });
    }
    plan
}

/// A verify under way.
struct Run<'a> {
    config: &'a Config<'a>,
    inventory: &'a Inventory,
    wanted: Option<&'a Wanted>,
    /// How many files were looked at.
    n_files: u64,
    /// For what this thread must read itself.
    worker: Worker<'a>,
    table: Threads,
    comparison: Comparison,
    reader: &'a mut Reader,
    progress: &'a dyn Progress,
    rows: Rows,
    /// What waits to be compared, so that rows are read many at a time.
    batch: Vec<Subject>,
    batch_bytes: usize,
    /// What was found at first sight.
    doubtful: Vec<Doubtful>,
    doubtful_bytes: usize,
    /// By thread: files that say that they are of it though their names do not ([`claims`]).
    strays: BTreeMap<ThreadId, Vec<usize>>,
    /// What those files say, by file.
    says: HashMap<usize, ThreadId>,
    /// For a quick look: threads that are compared with the files of other names that their rows name.
    abroad: BTreeSet<ThreadId>,
    /// Threads that may have a row and no file.
    left: BTreeSet<ThreadId>,
    findings: Findings,
    /// How many rows name rollouts of a home that is here now, by where it was.
    moved_homes: BTreeMap<String, u64>,
    /// Folders of rollouts that cannot be walked.
    absent: AbsentFolders,
    not_compared: NotCompared,
    /// What was noted for the findings about the whole home.
    noted: codex::Noted,
    catalogue: Option<Catalogue>,
    /// Whether everything could be looked at so far.
    is_whole: bool,
    n_pauses: u32,
    roots: Roots,
}

impl Run<'_> {
    fn file(&self, i: usize) -> &RolloutFile {
        &self.inventory.files()[i]
    }

    /// Reads the rollouts, or looks at their names alone, and compares each thread.
    fn read(&mut self, scan_config: &scan::Config<'_>, groups: &[Group], n_bytes: u64) -> anyhow::Result<()> {
        let n_files = groups.iter().map(|group| group.files.len() as u64).sum();
        self.progress.start("reading rollouts", Some(n_files), Some(n_bytes));
        if self.config.depth == Depth::Quick {
            self.find_abroad()?;
            for group in groups {
                let scanned = self.glance(group);
                self.take(scanned)?;
            }
            self.expect_foreign();
        } else {
            let stopped = scan::run(scan_config, groups, |event| {
                let done = match event {
                    Event::Scanned(scanned) => self.take(scanned),
                    Event::Idle if self.batch.len() >= IDLE_THREADS => self.compare_batch(),
                    Event::Idle => Ok(()),
                };
                done.map_or_else(ControlFlow::Break, ControlFlow::Continue)
            });
            if let Some(error) = stopped {
                return Err(error);
            }
        }
        self.settle_strays()?;
        self.flush()?;
        self.progress.finish();
        Ok(())
    }

    /// Judges what is left when all rollouts were read, and what is of no single thread.
    fn conclude(&mut self, schema: &Schema) -> anyhow::Result<()> {
        if !self.config.interrupted.load(Ordering::Relaxed) {
            self.judge_leftover()?;
            if self.config.threads.is_none() {
                self.judge_index()?;
                self.judge_backfill_state(schema.has_backfill_state)?;
                self.judge_codex(schema)?;
                self.catalogue = catalogue::compare(self.config.home, schema, self.reader)?;
            }
            if self.config.depth == Depth::Deep {
                self.check_integrity()?;
            }
        }
        self.report_moved_homes();
        Ok(())
    }

    /// Takes the word of a file that it is of a thread which its name does not give.
    fn note_stray(&mut self, file: usize, thread: ThreadId) {
        self.strays.entry(thread).or_default().push(file);
        self.says.insert(file, thread);
    }

    /// Takes what a group came to.
    fn take(&mut self, scanned: Scanned) -> anyhow::Result<()> {
        let members = &self.inventory.files()[scanned.files.clone()];
        let n_files = members.len() as u64;
        self.progress.advance(n_files, members.iter().map(|file| file.stamp.size).sum());
        self.n_files += n_files;
        for &(file, thread) in &scanned.strays {
            self.note_stray(file, thread);
        }
        if let Some(thread) = scanned.thread.filter(|_| look::has_vanished(&scanned)) {
            self.left.insert(thread);
        }
        let again = Again::Group(scanned.files.clone());
        self.enqueue(Subject::new(scanned, again))
    }

    /// Adds a thread to those that are compared next, and compares when they are many.
    fn enqueue(&mut self, subject: Subject) -> anyhow::Result<()> {
        self.batch_bytes += subject.scanned.size();
        self.batch.push(subject);
        if self.batch.len() >= rows::BATCH || self.batch_bytes >= look::MAX_BYTES {
            self.compare_batch()?;
        }
        Ok(())
    }

    /// Does the threads that files claim against their names.
    fn settle_strays(&mut self) -> anyhow::Result<()> {
        // What is compared may itself have to wait for what the strays say.
        self.compare_batch()?;
        let strays: Vec<(ThreadId, Vec<usize>)> = std::mem::take(&mut self.strays).into_iter().collect();
        for some in strays.chunks(rows::BATCH) {
            let ids: Vec<ThreadId> = some.iter().map(|(id, _)| *id).collect();
            let rows = rows::get(&self.table, &ids, self.reader)?;
            for ((id, claims), row) in some.iter().zip(rows) {
                if self.config.interrupted.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let path = row.as_ref().and_then(|row| row.text(index::ROLLOUT_PATH)).map(Path::new);
                let settled =
                    misnamed::settle(*id, claims, self.inventory, path, |id| self.worker.is_told_by_name(id));
                self.left.remove(id);
                let is_counted = self.wanted.is_none_or(|wanted| wanted.ids.contains(id));
                if let Some(row) = row.as_ref().filter(|_| !is_counted) {
                    self.rows.count(row);
                }
                let mut subject = self.claimed(*id, settled.chosen, settled.superseded);
                if settled.chosen.is_none() {
                    subject.counts = self.counts_by_name(*id);
                }
                self.enqueue(subject)?;
            }
        }
        Ok(())
    }

    /// The file that counts among those whose names give the thread.
    fn counts_by_name(&self, id: ThreadId) -> Option<usize> {
        let mut range = self.inventory.range_of(id);
        let files: Vec<&RolloutFile> = self.inventory.files()[range.clone()].iter().collect();
        let in_row = self.rows.in_row.get(&range.start).copied();
        let is_in_row = |file: &RolloutFile| in_row.is_some_and(|i| std::ptr::eq(self.file(i), file));
        let chosen = inventory::choose(&files, is_in_row)?.chosen();
        range.find(|&i| std::ptr::eq(self.file(i), chosen))
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
        let interrupted = self.config.interrupted.load(Ordering::Relaxed);
        let agree = self.count_agreeing();
        Ok(Report {
            files: self.n_files,
            rows: self.rows.n,
            rows_by_archived: self.rows.by_archived,
            // What was not looked at does not agree.
            agree: if interrupted { agree.min(self.n_files) } else { agree },
            not_compared: self.not_compared.len() as u64,
            findings: self.findings.take()?,
            counts: self.findings.counts,
            field_remedies: self.findings.field_remedies,
            catalogue: self.catalogue,
            complete: self.is_whole && !interrupted,
            interrupted,
        })
    }
}
