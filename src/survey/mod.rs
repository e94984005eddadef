//! Goes through a home: reads the rollouts in parallel and compares each thread with its row, misnamed files last.
//! Backfill writes the differences and verify judges them; this module does neither.

pub mod change;
pub mod context;

pub mod comparison;

pub mod scan;

pub mod plan;
pub mod rowless;
pub mod select;

pub use context::Context;

use crate::catalog::absent::AbsentFolders;
use crate::catalog::inventory::Inventory;
use crate::catalog::misnamed::{self, Misnamed, MisnamedChoice};
use crate::catalog::names::Names;
use crate::catalog::walk::{self, Looks, RolloutFile, Walk, WalkError};
use crate::db::Connection;
use crate::db::open::Reader;
use crate::db::schema::Schema;
use crate::db::threads;
use crate::db::threads::ThreadStatements;
use crate::progress::Progress;
use crate::rollout::fold::{FoldedThread, ReadError};
use crate::thread::ThreadId;
use crate::thread::columns::{Col, Row};
use crate::thread::times::Times;
use comparison::Comparison;
use scan::{Group, ReadAside, Scan, ScanEvent, Scanned, Worker};
use std::ops::{ControlFlow, Range};
use std::path::Path;

/// Number of read threads after which they are compared with their rows. A reader may have to open the database again
/// each time.
pub const BATCH_THREADS: usize = 256;
/// Number of bytes of read threads after which they are compared.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A database that is read during the run.
pub trait Database {
    /// Runs statements that only read.
    ///
    /// # Errors
    /// If the database cannot be read; those of `f`.
    fn read<T, E: Into<anyhow::Error>>(
        &mut self,
        f: impl FnMut(&Connection) -> Result<T, E>,
    ) -> anyhow::Result<T>;
}

impl Database for &mut Reader {
    fn read<T, E: Into<anyhow::Error>>(
        &mut self,
        f: impl FnMut(&Connection) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        Reader::read(self, f)
    }
}

/// The rollouts of a home, as a walk found them.
#[derive(Debug)]
pub struct HomeFiles {
    /// The rollouts by thread.
    pub inventory: Inventory,
    /// The rollout folders that cannot be walked.
    pub absent: AbsentFolders,
    /// The files and folders that the walk could not look at.
    pub errors: Vec<WalkError>,
    /// False if neither rollout folder exists.
    pub has_roots: bool,
}

impl HomeFiles {
    /// Sorts out what a walk found.
    #[must_use]
    pub fn new(home: &Path, walk: Walk) -> HomeFiles {
        let absent = AbsentFolders::of(home, &walk);
        let has_roots = walk.missing_roots.len() < 2;
        HomeFiles { absent, has_roots, inventory: Inventory::new(walk.files), errors: walk.errors }
    }

    /// Counts the rows that name rollouts in folders that cannot be walked, or are empty, and that are not found
    /// elsewhere. `others` calls its argument with the ids and paths of further rows.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn count_absent(
        &self,
        database: &mut impl Database,
        others: impl FnOnce(&mut dyn FnMut(&str, &str)) -> anyhow::Result<()>,
    ) -> anyhow::Result<AbsentFolders> {
        if self.absent.is_empty() {
            return Ok(self.absent.clone());
        }
        let count = |absent: &mut AbsentFolders, id: &str, path: &str| {
            let is_elsewhere = ThreadId::parse(id).is_some_and(|id| !self.inventory.range_of(id).is_empty());
            if !is_elsewhere {
                absent.count(Path::new(path));
            }
        };
        // A read may be repeated, so each begins anew.
        let mut absent = database.read(|connection| -> anyhow::Result<_> {
            let mut absent = self.absent.clone();
            threads::each_path(connection, |id, path| count(&mut absent, id, path))?;
            Ok(absent)
        })?;
        others(&mut |id, path| count(&mut absent, id, path))?;
        Ok(absent)
    }
}

/// Finds the rollouts of a home.
pub fn walk(context: &Context<'_>, looks: Looks, progress: &dyn Progress) -> Walk {
    progress.start("finding rollouts", None, None);
    let walk = walk::walk_in_parallel(context.home, context.jobs, looks, |n| progress.advance(n, 0));
    progress.finish();
    walk
}

/// The files of one thread, to be read again if one of them changes.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A group of files.
    Group(Range<usize>),
    /// The misnamed files of a thread: the chosen one, if there is one, and the others.
    Misnamed(MisnamedChoice),
}

impl Origin {
    /// Returns the files.
    #[must_use]
    pub fn files(&self) -> Vec<usize> {
        match self {
            Origin::Group(files) => files.clone().collect(),
            Origin::Misnamed(choice) => choice.chosen.iter().chain(&choice.superseded).copied().collect(),
        }
    }
}

/// A thread read from its files, to be compared with its row.
#[derive(Debug)]
pub struct Subject {
    /// The result of reading the files.
    pub scanned: Scanned,
    /// The thread whose row belongs to the files, if it is known.
    pub id: Option<ThreadId>,
    /// The chosen file, if it is known but not compared here.
    pub counts: Option<usize>,
    /// The files that were read.
    pub origin: Origin,
}

impl Subject {
    /// Makes a subject from the result of reading.
    #[must_use]
    pub fn new(scanned: Scanned, origin: Origin) -> Subject {
        let id = scanned.thread.or(scanned.misnamed.first().map(|(_, thread)| *thread));
        Subject { scanned, id, counts: None, origin }
    }
}

/// The state of going through a home.
pub struct Survey<'a, D> {
    /// The home and the circumstances of the run.
    pub context: Context<'a>,
    /// The rollouts.
    pub inventory: &'a Inventory,
    /// The database.
    pub database: D,
    /// The statements on the `threads` table.
    pub table: ThreadStatements,
    /// The rules by which rows are compared.
    pub comparison: Comparison,
    /// Reads single files on this thread.
    pub worker: Worker<'a>,
    /// The misnamed files found so far.
    pub misnamed: Misnamed,
    /// Receives the progress of the work.
    pub progress: &'a dyn Progress,
    /// Threads that were read but not yet compared.
    waiting: Vec<Subject>,
    waiting_bytes: usize,
}

impl<'a, D: Database> Survey<'a, D> {
    /// Starts to go through a home.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn new(
        scan: Scan<'a>,
        mut database: D,
        schema: &Schema,
        times: Times,
        progress: &'a dyn Progress,
    ) -> anyhow::Result<Survey<'a, D>> {
        let provider = scan.context.default_provider;
        let comparison = database.read(|connection| Comparison::read(connection, schema, provider, times))?;
        Ok(Survey {
            context: scan.context,
            inventory: scan.inventory,
            database,
            table: ThreadStatements::new(schema),
            comparison,
            worker: Worker::new(scan),
            misnamed: Misnamed::default(),
            progress,
            waiting: Vec::new(),
            waiting_bytes: 0,
        })
    }

    /// Returns a file by its position.
    #[must_use]
    pub fn file(&self, i: usize) -> &'a RolloutFile {
        &self.inventory.files()[i]
    }

    /// Returns the number of threads that wait to be compared.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Reads the row of a thread.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn row(&mut self, id: ThreadId) -> anyhow::Result<Option<Row>> {
        Ok(self.rows(&[id])?.pop().flatten())
    }

    /// Reads the rows of some threads, in one transaction.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn rows(&mut self, ids: &[ThreadId]) -> anyhow::Result<Vec<Option<Row>>> {
        let table = &self.table;
        self.database.read(|connection| table.get_many(connection, ids))
    }

    /// Reads the names of `session_index.jsonl`, unless they were read already.
    pub fn load_names(&mut self) {
        let names = &mut self.comparison.names;
        names.get_or_insert_with(|| Names::read_or_warn(self.context.home, self.progress));
    }

    /// Defers the file of a group if the thread's row names a misnamed file. All misnamed files must then be known
    /// before one of them is chosen.
    pub fn defer(&mut self, subject: &mut Subject, row: Option<&Row>) {
        if let (Some(row), Origin::Group(_), Some((file, folded))) =
            (row, &subject.origin, &subject.scanned.folded)
            && misnamed::is_named_by(row, self.context.home, folded.metadata.id, self.file(*file))
        {
            self.misnamed.defer(*file, folded.metadata.id);
            subject.counts = Some(*file);
            subject.scanned.folded = None;
        }
    }
}

/// The operations of a verb on each thread of a home.
pub trait Verb<'a> {
    /// The database that the verb uses.
    type Database: Database;

    /// Returns the current survey.
    fn survey(&mut self) -> &mut Survey<'a, Self::Database>;

    /// Records a group that was read but not yet compared.
    fn note(&mut self, scanned: &Scanned);

    /// Compares a thread with its row. It may take the row; if it does not, the memory of the row is used again.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    fn compare(&mut self, subject: Subject, row: &mut Option<Row>) -> anyhow::Result<()>;

    /// Does a part of other work while the workers read. Returns true if there may be more.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    fn use_idle_time(&mut self) -> anyhow::Result<bool>;

    /// Does what is left of that work when all groups are read, before misnamed files are compared.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    fn finish_other_work(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Returns false if a thread's misnamed files must be skipped.
    ///
    /// # Errors
    /// If the database cannot be read.
    fn begins_misnamed(&mut self, id: ThreadId, files: &[usize], row: Option<&Row>) -> bool;

    /// Reads the misnamed file that was chosen for a thread.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn read_misnamed(&mut self, _id: ThreadId, file: usize) -> Result<FoldedThread, ReadError> {
        let survey = self.survey();
        survey.worker.fold(&survey.file(file).source())
    }

    /// Returns true if a thread must wait when its row names a misnamed file ([`Survey::defer`]).
    fn waits_for_misnamed(&self) -> bool {
        true
    }
}

/// Reads the groups in parallel and compares each thread with its row, misnamed files last.
///
/// # Errors
/// Those of the verb.
pub fn read_all<'a>(verb: &mut impl Verb<'a>, groups: &[Group]) -> anyhow::Result<()> {
    let scan = verb.survey().worker.scan_options();
    let stopped = scan::read_groups(scan, groups, |event| {
        let done = match event {
            ScanEvent::Scanned(scanned) => take(verb, scanned).map(|()| false),
            ScanEvent::Idle => verb.use_idle_time(),
        };
        done.map_or_else(ControlFlow::Break, ControlFlow::Continue)
    });
    stopped.map_or(Ok(()), Err)?;
    verb.finish_other_work()?;
    compare_misnamed(verb)
}

/// Takes a group that was read: records misnamed files, and queues its thread for the comparison.
///
/// # Errors
/// Those of the verb.
pub fn take<'a>(verb: &mut impl Verb<'a>, scanned: Scanned) -> anyhow::Result<()> {
    verb.note(&scanned);
    let survey = verb.survey();
    let members = &survey.inventory.files()[scanned.files.clone()];
    survey.progress.advance(members.len() as u64, members.iter().filter_map(RolloutFile::known_size).sum());
    for &(file, thread) in &scanned.misnamed {
        survey.misnamed.add(file, thread);
    }
    let origin = Origin::Group(scanned.files.clone());
    enqueue(verb, Subject::new(scanned, origin))
}

/// Queues a thread, and compares the queued threads if they are many.
fn enqueue<'a>(verb: &mut impl Verb<'a>, subject: Subject) -> anyhow::Result<()> {
    let survey = verb.survey();
    survey.waiting_bytes += subject.scanned.size();
    survey.waiting.push(subject);
    if survey.waiting.len() >= BATCH_THREADS || survey.waiting_bytes >= BATCH_BYTES {
        compare_waiting(verb)?;
    }
    Ok(())
}

/// Compares the queued threads.
///
/// # Errors
/// Those of the verb.
pub fn compare_waiting<'a>(verb: &mut impl Verb<'a>) -> anyhow::Result<()> {
    let waits = verb.waits_for_misnamed();
    let survey = verb.survey();
    survey.waiting_bytes = 0;
    let waiting = std::mem::take(&mut survey.waiting);
    let ids: Vec<ThreadId> = waiting.iter().filter_map(|subject| subject.id).collect();
    let mut rows = survey.rows(&ids)?.into_iter();
    for mut subject in waiting {
        let mut row = subject.id.and_then(|_| rows.next().flatten());
        if waits {
            verb.survey().defer(&mut subject, row.as_ref());
        }
        verb.compare(subject, &mut row)?;
        verb.survey().table.reuse(row);
    }
    Ok(())
}

/// Compares the threads that misnamed files contain.
///
/// # Errors
/// Those of the verb.
pub fn compare_misnamed<'a>(verb: &mut impl Verb<'a>) -> anyhow::Result<()> {
    // One of the queued threads may be deferred.
    compare_waiting(verb)?;
    let misnamed = verb.survey().misnamed.take();
    let threads: Vec<&[(ThreadId, u32)]> = misnamed.chunk_by(|a, b| a.0 == b.0).collect();
    for some in threads.chunks(BATCH_THREADS) {
        let ids: Vec<ThreadId> = some.iter().map(|files| files[0].0).collect();
        let rows = verb.survey().rows(&ids)?;
        for ((&id, files), row) in ids.iter().zip(some).zip(rows) {
            if verb.survey().context.is_interrupted() {
                return Ok(());
            }
            let files: Vec<usize> = files.iter().map(|(_, file)| *file as usize).collect();
            if !verb.begins_misnamed(id, &files, row.as_ref()) {
                continue;
            }
            let Survey { inventory, worker, .. } = verb.survey();
            let path = row.as_ref().and_then(|row| row.text(Col::RolloutPath)).map(Path::new);
            let choice = misnamed::choose_misnamed(id, &files, inventory, path, |id| worker.has_own_file(id));
            let subject = read_misnamed(verb, id, choice);
            enqueue(verb, subject)?;
        }
    }
    compare_waiting(verb)
}

/// Reads the misnamed files of a thread.
pub fn read_misnamed<'a>(verb: &mut impl Verb<'a>, id: ThreadId, choice: MisnamedChoice) -> Subject {
    let others = || choice.superseded.clone();
    let mut scanned =
        Scanned { thread: Some(id), superseded: others(), copies: others(), ..Scanned::default() };
    if let Some(file) = choice.chosen {
        match verb.read_misnamed(id, file) {
            Ok(folded) if folded.metadata.id == id => scanned.folded = Some((file, Box::new(folded))),
            // The file contains another thread now. The next run will find it.
            Ok(_) => {}
            Err(error) => scanned.failed.push((file, error)),
        }
    }
    let survey = verb.survey();
    if survey.worker.scan_options().read_all {
        for &file in &choice.superseded {
            let damage = survey.worker.read(&survey.file(file).source());
            scanned.read_aside.push(ReadAside { file, damage });
        }
    }
    Subject::new(scanned, Origin::Misnamed(choice))
}
