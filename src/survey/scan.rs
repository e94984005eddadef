//! Reads the rollouts of many threads in parallel and passes each result to one consumer. It decides nothing about
//! rows.
//!
//! Workers read and fold. The caller's thread consumes, because only it owns the database. The channel between them
//! is bounded in bytes, so that memory stays bounded whatever a rollout contains.

use super::comparison::Folders;
use super::context::Context;
use crate::catalog::inventory::{self, Inventory};
use crate::catalog::misnamed;
use crate::rollout::extract::{DamageReport, Options};
use crate::rollout::file_name;
use crate::rollout::fold::{self, FoldedThread, ReadError, Reading, RolloutSource, World};
use crate::rollout::reader::Buffer;
use crate::rollout::tail::{self, FileEnd};
use crate::sys;
use crate::thread::{ThreadId, ThreadMetadata};
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

/// Maximum number of bytes of threads that wait for the consumer. Each worker has an equal part of it: memory
/// allocators keep what each thread once took, so that 64 workers that take turns in filling the whole would need 64
/// times as much.
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Groups are passed on together when this many, or this many bytes of them, have been read.
const BATCH_GROUPS: usize = 32;
const BATCH_BYTES: usize = 128 * 1024;
/// A worker's part of the waiting bytes is room for at least this many batches, so that it seldom waits.
const BATCHES: usize = 4;

/// The parameters of a scan.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// Files and groups.
    pub inventory: &'a Inventory,
    /// The home, the number of workers, the default provider, and the signal to stop.
    pub context: Context<'a>,
    /// The depth of the check of each file.
    pub options: Options,
    /// True to also read the files that were not chosen, to find damage in them.
    pub read_all: bool,
}

/// A group of files: all files with one thread in their names, or one file with a malformed name. It takes few bytes,
/// because there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    start: u32,
    end: u32,
    in_row: Option<u32>,
}

impl Group {
    /// Returns the group of these positions in [`Inventory::files`]. `in_row` is the file that the thread's row names,
    /// if it is one of several.
    #[must_use]
    pub fn new(files: Range<usize>, in_row: Option<usize>) -> Group {
        // No home has four billion files.
        let small = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Group { start: small(files.start), end: small(files.end), in_row: in_row.map(small) }
    }

    /// Returns the positions of its files in [`Inventory::files`].
    #[must_use]
    pub fn files(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns the file that the thread's row names, if it is one of several.
    #[must_use]
    pub fn in_row(&self) -> Option<usize> {
        self.in_row.map(|place| place as usize)
    }
}

/// A file that was not chosen and was read to find damage in it.
#[derive(Debug)]
pub struct ReadAside {
    /// The file.
    pub file: usize,
    /// The damage, and the uncompressed size in bytes.
    pub damage: Result<(DamageReport, u64), ReadError>,
}

/// The result of reading a group.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Positions of its files in [`Inventory::files`].
    pub files: Range<usize>,
    /// The thread in the files' names.
    pub thread: Option<ThreadId>,
    /// The chosen file, and the thread in it.
    pub folded: Option<(usize, Box<FoldedThread>)>,
    /// Files that had precedence but could not be read.
    pub failed: Vec<(usize, ReadError)>,
    /// Misnamed files, and the thread in the contents of each.
    pub misnamed: Vec<(usize, ThreadId)>,
    /// Files that were not chosen for their thread.
    pub superseded: Vec<usize>,
    /// Copies of the chosen file (also among `superseded`).
    pub copies: Vec<usize>,
    /// Copies of members of its chain (also among `superseded`).
    pub chain_copies: Vec<usize>,
    /// Those of `superseded` that were also read.
    pub read_aside: Vec<ReadAside>,
}

impl Scanned {
    /// Returns the approximate memory use, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.folded.as_ref().map_or(1024, |(_, folded)| folded.metadata.size())
    }

    /// Returns true if no other file can replace the result: a file was chosen, or a file that has precedence cannot
    /// be read now. A copy of the latter would otherwise stay in the row for good.
    fn is_settled(&self) -> bool {
        self.folded.is_some() || self.failed.iter().any(|(_, error)| matches!(error, ReadError::Passing(_)))
    }
}

/// A message to the consumer.
#[derive(Debug)]
pub enum ScanEvent {
    /// A group was read.
    Scanned(Scanned),
    /// No group is waiting, so there is time for other work.
    Idle,
}

/// Reads `groups` and calls `consume` with each, in no particular order, until it breaks or all are read. After
/// [`ScanEvent::Idle`] it returns true if there is more to do.
pub fn read_groups<B>(
    scan: Scan<'_>,
    groups: &[Group],
    mut consume: impl FnMut(ScanEvent) -> ControlFlow<B, bool>,
) -> Option<B> {
    let next = AtomicUsize::new(0);
    let n_jobs = scan.context.jobs.clamp(1, groups.len().max(1));
    let budgets: Vec<Budget> = (0..n_jobs).map(|_| Budget::part_of(n_jobs)).collect();
    let stopped = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut n_workers = 0;
        for budget in &budgets {
            let sender = sender.clone();
            let (next, stopped) = (&next, &stopped);
            let next = || groups.get(next.fetch_add(1, Ordering::Relaxed));
            let work = move || read_in_turn(scan, next, budget, stopped, &sender);
            // A user or container may be limited to a few threads. Then fewer workers do the work.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
            n_workers += 1;
        }
        drop(sender);
        let mut outcome = None;
        let mut tell = |event| {
            if outcome.is_some() {
                return false;
            }
            match consume(event) {
                ControlFlow::Continue(has_more_to_do) => has_more_to_do,
                ControlFlow::Break(value) => {
                    stopped.store(true, Ordering::Relaxed);
                    outcome = Some(value);
                    false
                }
            }
        };
        if n_workers == 0 {
            let mut worker = Worker::new(scan);
            for group in groups {
                if stopped.load(Ordering::Relaxed) || scan.context.is_interrupted() {
                    break;
                }
                tell(ScanEvent::Scanned(worker.scan(group)));
                stop_without_files(&scan.context);
            }
        }
        while let Some(batch) = next_batch(&receiver, || tell(ScanEvent::Idle)) {
            batch.budget.give_back(batch.size);
            for scanned in batch.scanned {
                tell(ScanEvent::Scanned(scanned));
            }
        }
        outcome
    })
}

/// Waits for the next batch, and meanwhile calls `idle` as long as it returns true. Returns `None` after the last one.
fn next_batch<'b>(receiver: &mpsc::Receiver<Batch<'b>>, mut idle: impl FnMut() -> bool) -> Option<Batch<'b>> {
    loop {
        match receiver.try_recv() {
            Err(mpsc::TryRecvError::Empty) if idle() => {}
            Err(mpsc::TryRecvError::Empty) => return receiver.recv().ok(),
            next => return next.ok(),
        }
    }
}

/// Does the work of one thread: reads groups until there is no next one, and sends them to the consumer.
fn read_in_turn<'g, 'b>(
    scan: Scan<'_>,
    next: impl Fn() -> Option<&'g Group>,
    budget: &'b Budget,
    stopped: &AtomicBool,
    sender: &mpsc::Sender<Batch<'b>>,
) {
    let mut worker = Worker::new(scan);
    let mut batch = Batch { scanned: Vec::new(), size: 0, budget };
    while !stopped.load(Ordering::Relaxed) && !scan.context.is_interrupted() {
        let Some(group) = next() else { break };
        batch.push(worker.scan(group));
        stop_without_files(&scan.context);
        if batch.is_full() && !batch.send(sender) {
            break;
        }
    }
    batch.send(sender);
}

/// Stops the work when no more files can be opened, because every other file would fail as well.
fn stop_without_files(context: &Context<'_>) {
    if sys::ran_out_of_files() {
        context.interrupted.store(true, Ordering::Relaxed);
    }
}

/// Groups that are passed on together. Waking the consumer for each would cost as much as reading a small file.
struct Batch<'b> {
    scanned: Vec<Scanned>,
    size: usize,
    /// The budget of the worker.
    budget: &'b Budget,
}

impl<'b> Batch<'b> {
    fn push(&mut self, scanned: Scanned) {
        self.size += scanned.size();
        self.scanned.push(scanned);
    }

    fn is_full(&self) -> bool {
        self.scanned.len() >= BATCH_GROUPS || self.size >= BATCH_BYTES.min(self.budget.limit / BATCHES)
    }

    /// Passes on the batch. Returns false if the consumer is gone.
    fn send(&mut self, sender: &mpsc::Sender<Batch<'b>>) -> bool {
        let batch = Batch { scanned: std::mem::take(&mut self.scanned), ..*self };
        self.size = 0;
        batch.budget.take(batch.size);
        sender.send(batch).is_ok()
    }
}

/// Reads groups one after the other, on its own thread.
pub struct Worker<'a> {
    scan: Scan<'a>,
    buffer: Buffer,
    folders: Folders,
}

impl<'a> Worker<'a> {
    /// Makes a worker.
    #[must_use]
    pub fn new(scan: Scan<'a>) -> Worker<'a> {
        Worker { scan, buffer: Buffer::default(), folders: Folders::part_of(scan.context.jobs) }
    }

    /// Returns the scan of this worker.
    #[must_use]
    pub fn scan_options(&self) -> Scan<'a> {
        self.scan
    }

    /// Reads one group.
    #[must_use]
    pub fn scan(&mut self, group: &Group) -> Scanned {
        let files = self.scan.inventory.files();
        let Some(first) = files[group.files()].first() else { return Scanned::default() };
        let thread = first.thread();
        let mut scanned = Scanned { files: group.files(), thread, ..Scanned::default() };
        let mut left: Vec<usize> = group.files().collect();
        while let Some(choice) = inventory::choose(files, left, group.in_row()) {
            let n_misnamed = scanned.misnamed.len();
            self.read_copies(&choice.copies, group.in_row(), &mut scanned);
            let is_twin_of_copy = |twin: &usize| {
                choice.copies.iter().any(|&copy| files[copy].rollout() == files[*twin].rollout())
            };
            let (own_twins, other_twins): (Vec<usize>, Vec<usize>) =
                choice.twins.iter().copied().partition(is_twin_of_copy);
            let is_broken = |(_, error): &(usize, ReadError)| error.is_unusable();
            if scanned.folded.is_none() && scanned.failed.iter().all(is_broken) {
                // A plain file of which nothing can be used gives way to its compressed twin, as to a copy.
                self.read_copies(&own_twins, group.in_row(), &mut scanned);
            } else {
                scanned.superseded.extend(&own_twins);
            }
            // A rollout that is unusable, or contains another thread, is replaced by another rollout of this thread,
            // unless the row names it.
            let gives_way = scanned.misnamed.len() > n_misnamed || group.in_row().is_none();
            left = [&*choice.chain, &choice.chain_copies].concat();
            if !scanned.is_settled() && gives_way {
                left.extend(&other_twins);
            } else {
                scanned.superseded.extend(&other_twins);
                for &i in &left {
                    self.set_aside(i, &mut scanned);
                }
                let superseded = &scanned.superseded;
                let copies = choice.chain_copies.into_iter().filter(|i| superseded.contains(i));
                scanned.chain_copies = copies.collect();
                break;
            }
        }
        self.excuse_empty(&mut scanned);
        if self.scan.read_all {
            for &file in &scanned.superseded {
                let damage = self.read(&files[file].source());
                scanned.read_aside.push(ReadAside { file, damage });
            }
        }
        scanned
    }

    /// Reads the copies of a rollout in their order until one is usable, and sets the others aside.
    ///
    /// A file that the row names does not give way to a copy in the other folder: the copy would take the thread out of
    /// the list of Codex, or back into it.
    fn read_copies(&mut self, copies: &[usize], in_row: Option<usize>, scanned: &mut Scanned) {
        let files = self.scan.inventory.files();
        for &i in copies {
            let file = &files[i];
            let is_elsewhere = in_row.is_some_and(|row| {
                files[row].is_archived() != file.is_archived()
                    && scanned.failed.iter().any(|(failed, _)| *failed == row)
            });
            if scanned.is_settled() || is_elsewhere {
                if self.set_aside(i, scanned) && !file.is_empty() {
                    scanned.copies.push(i);
                }
                continue;
            }
            match self.fold(&file.source()) {
                Err(error) => scanned.failed.push((i, error)),
                Ok(folded) if Some(folded.metadata.id) != scanned.thread => {
                    scanned.misnamed.push((i, folded.metadata.id));
                }
                Ok(mut folded) => {
                    // The file that it replaces may have been longer.
                    folded.metadata.lacks_last_lines |= !scanned.failed.is_empty();
                    scanned.folded = Some((i, Box::new(folded)));
                }
            }
        }
    }

    /// Adds a file that was not chosen to the superseded ones. Returns false if it is misnamed instead.
    fn set_aside(&mut self, i: usize, scanned: &mut Scanned) -> bool {
        let other = self.other_thread(i);
        match other {
            Some(other) => scanned.misnamed.push((i, other)),
            None => scanned.superseded.push(i),
        }
        other.is_none()
    }

    /// Counts empty files as superseded if their thread has a good file. Synchronised folders leave such copies behind, under
    /// the same name or a longer one.
    fn excuse_empty(&self, scanned: &mut Scanned) {
        let inventory = self.scan.inventory;
        let has_good = |i: usize| {
            let thread = file_name::find_thread(&inventory.files()[i].file_name());
            thread.is_some_and(|thread| match scanned.thread {
                None => inventory.of_thread(thread).iter().any(|file| !file.is_empty()),
                Some(_) => inventory.has_malformed_of(thread),
            })
        };
        let is_excused = |(i, error): &(usize, ReadError)| {
            matches!(error, ReadError::Empty) && (scanned.folded.is_some() || has_good(*i))
        };
        let (excused, failed) = std::mem::take(&mut scanned.failed).into_iter().partition(is_excused);
        scanned.failed = failed;
        let excused: Vec<(usize, ReadError)> = excused;
        scanned.superseded.extend(excused.into_iter().map(|(i, _)| i));
    }

    /// Reads the end of a file; `None` if it cannot be read.
    pub fn end(&mut self, file: usize) -> Option<FileEnd> {
        let source = self.scan.inventory.files()[file].source();
        tail::end(&source, &mut self.buffer, self.scan.context.interrupted).ok()
    }

    /// Reads the older rollouts of a file's thread in full, for a row that differs from the file.
    #[must_use]
    pub fn older(&mut self, file: usize, thread: ThreadId) -> Vec<ThreadMetadata> {
        let inventory = self.scan.inventory;
        let rollouts = inventory.older_rollouts(file).into_iter();
        let folded = rollouts.filter_map(|other| self.fold(&inventory.files()[other].source()).ok());
        folded.map(|folded| folded.metadata).filter(|metadata| metadata.id == thread).collect()
    }

    /// Returns the thread in a file's contents if the file is misnamed. Reads only the beginning of the file.
    #[must_use]
    pub fn other_thread(&mut self, file: usize) -> Option<ThreadId> {
        let Scan { inventory, context, .. } = self.scan;
        let by_name = inventory.files()[file].thread();
        let found = misnamed::thread_in(inventory, file, &mut self.buffer, context.interrupted);
        found.filter(|found| Some(*found) != by_name)
    }

    /// Returns true if one of the files named after a thread contains it, or may do so once it can be read.
    #[must_use]
    pub fn has_own_file(&mut self, thread: ThreadId) -> bool {
        let files = self.scan.inventory.range_of(thread);
        let scanned = self.scan(&Group::new(files, None));
        let is_unusable = |(_, error): &(usize, ReadError)| error.is_unusable();
        scanned.folded.is_some() || !scanned.failed.iter().all(is_unusable)
    }

    /// Folds one file into its thread.
    ///
    /// # Errors
    /// As [`fold::fold`].
    pub fn fold(&mut self, source: &RolloutSource) -> Result<FoldedThread, ReadError> {
        let Worker { scan: Scan { inventory, context, options, .. }, buffer, folders } = self;
        let world = World {
            find_rollout: &|rollout| inventory.find_rollout(rollout),
            canonical_folder: &|folder| folders.canonical(folder),
            default_provider: context.default_provider,
        };
        let mut reading = Reading { buffer, options: *options, interrupted: context.interrupted };
        fold::fold(source, &world, &mut reading)
    }

    /// Reads one file to find the damage in it, and its uncompressed size in bytes.
    ///
    /// # Errors
    /// As [`fold::fold`].
    pub fn read(&mut self, source: &RolloutSource) -> Result<(DamageReport, u64), ReadError> {
        let Worker { scan: Scan { context, options, .. }, buffer, .. } = self;
        let mut reading = Reading { buffer, options: *options, interrupted: context.interrupted };
        let read = fold::read_file(source, None, &mut reading)?;
        fold::check_usable(&read.extracted)?;
        Ok((read.extracted.damage, read.n_bytes))
    }
}

/// The bytes of one worker that wait for the consumer. A worker that would exceed the limit waits, unless no other bytes
/// of it do.
struct Budget {
    limit: usize,
    waiting: Mutex<usize>,
    freed: Condvar,
}

impl Budget {
    /// Returns the budget of one of several workers.
    fn part_of(n_workers: usize) -> Budget {
        Budget {
            limit: WAITING_BYTES / n_workers.max(1),
            waiting: Mutex::default(),
            freed: Condvar::default(),
        }
    }

    fn take(&self, size: usize) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = self
            .freed
            .wait_while(waiting, |waiting| *waiting > 0 && *waiting + size > self.limit)
            .unwrap_or_else(PoisonError::into_inner);
        *waiting += size;
    }

    fn give_back(&self, size: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = waiting.saturating_sub(size);
        self.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rollout_file::{RolloutFile, RolloutFolder};
    use crate::rollout::file_name;
    use std::ffi::OsStr;

    #[test]
    fn many_workers_hold_as_much_as_two() {
        for n in [1, 2, 3, 64, 256] {
            let budgets: Vec<Budget> = (0..n).map(|_| Budget::part_of(n)).collect();
            assert!(budgets.iter().map(|budget| budget.limit).sum::<usize>() <= WAITING_BYTES);
            let batch = Batch { scanned: Vec::new(), size: budgets[0].limit / BATCHES, budget: &budgets[0] };
            assert!(batch.is_full(), "a batch of one of {n} workers");
        }
        let budget = Budget::part_of(64);
        budget.take(2 * budget.limit);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| budget.take(1));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waits.is_finished(), "nothing is passed on until there is room");
            budget.give_back(2 * budget.limit);
        });
        assert_eq!(*budget.waiting.lock().unwrap(), 1);
    }

    #[test]
    fn a_group_takes_few_bytes() {
        assert!(size_of::<Group>() <= 16, "{}", size_of::<Group>());
        let group = Group::new(3..5, Some(4));
        assert_eq!((group.files(), group.in_row()), (3..5, Some(4)));
    }

    /// Reads a home of so many groups; `consume` returns if there is more to do in idle time.
    fn read_home<B>(
        n: usize,
        jobs: usize,
        mut consume: impl FnMut(Option<Scanned>) -> ControlFlow<B, bool>,
    ) -> Option<B> {
        let home = tempfile::tempdir().unwrap();
        let folder = RolloutFolder::new(home.path(), false);
        let file = |i: usize| {
            let name = format!("rollout-2026-03-14T10-00-00-019ced6b-835b-7475-b762-{i:012x}.jsonl");
            std::fs::write(home.path().join(&name), "{\"type\":\"turn_context\",\"payload\":{}}\n").unwrap();
            let named = file_name::parse(OsStr::new(&name)).unwrap();
            let stamp = fold::Stamp { modified: std::time::UNIX_EPOCH, size: 1 };
            RolloutFile::new(std::sync::Arc::clone(&folder), OsStr::new(&name), named, stamp)
        };
        let inventory = Inventory::new((0..n).map(file).collect());
        let context = Context { jobs, ..Context::new(home.path(), chrono::DateTime::UNIX_EPOCH) };
        let scan = Scan { inventory: &inventory, context, options: Options::default(), read_all: false };
        let groups: Vec<Group> = inventory.groups().map(|files| Group::new(files, None)).collect();
        read_groups(scan, &groups, |event| match event {
            ScanEvent::Scanned(scanned) => consume(Some(scanned)),
            ScanEvent::Idle => consume(None),
        })
    }

    #[test]
    fn other_work_goes_on_while_the_workers_read_and_no_group_is_lost() {
        for jobs in [1, 3] {
            let (mut starts, mut n_parts) = (Vec::new(), 0);
            let stopped: Option<()> = read_home(300, jobs, |scanned| {
                starts.extend(scanned.as_ref().map(|scanned| scanned.files.start));
                n_parts += usize::from(scanned.is_none());
                ControlFlow::Continue(scanned.is_none() && n_parts < 1000)
            });
            assert_eq!(stopped, None);
            starts.sort_unstable();
            assert_eq!(starts, (0..300).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_in_other_work_stops_the_workers() {
        let mut n_groups = 0;
        let stopped = read_home(300, 2, |scanned| match scanned {
            Some(_) => {
                n_groups += 1;
                ControlFlow::Continue(false)
            }
            None => ControlFlow::Break("the database cannot be read"),
        });
        assert!(stopped.is_some() || n_groups == 300, "without a moment of idle time nothing can fail");
        assert!(n_groups <= 300);
    }

    #[test]
    #[should_panic = "the consumer died"]
    fn a_consumer_that_dies_ends_the_workers() {
        read_home::<()>(300, 2, |_| panic!("the consumer died"));
    }

    #[test]
    fn a_copy_replaces_a_broken_file_but_not_a_temporarily_unreadable_one() {
        let id = "019ced6b-835b-7475-b762-429694b3a51e";
        let name = format!("rollout-2026-03-14T10-00-00-{id}.jsonl");
        let home = tempfile::tempdir().unwrap();
        for folder in ["broken", "good"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        let line = "{\"timestamp\":\"2026-03-14T10:00:00Z\",\"type\":\"session_meta\",\"payload\":{}}\n";
        std::fs::write(home.path().join("broken").join(&name), "garbage").unwrap();
        std::fs::write(home.path().join("good").join(&name), line).unwrap();
        // A folder that is a file, or a file locked exclusively: an error other than a missing file.
        let shut = home.path().join("shut");
        #[cfg(unix)]
        std::fs::write(shut, "").unwrap();
        #[cfg(windows)]
        let _open = {
            use std::os::windows::fs::OpenOptionsExt as _;
            std::fs::create_dir(&shut).unwrap();
            let mut options = std::fs::File::options();
            options.write(true).create(true).truncate(true).share_mode(0).open(shut.join(&name)).unwrap()
        };
        let scan = |folders: [&str; 2]| {
            let files = folders.map(|folder| {
                let named = file_name::parse(OsStr::new(&name)).unwrap();
                let size = if folder == "good" { 1 } else { 2 };
                let stamp = fold::Stamp { modified: std::time::UNIX_EPOCH, size };
                let folder = RolloutFolder::new(&home.path().join(folder), false);
                RolloutFile::new(folder, OsStr::new(&name), named, stamp)
            });
            let inventory = Inventory::new(files.into());
            let context = Context {
                home: home.path(),
                jobs: 1,
                default_provider: "openai",
                now: chrono::DateTime::UNIX_EPOCH,
                interrupted: &AtomicBool::new(false),
            };
            let scan = Scan { inventory: &inventory, context, options: Options::default(), read_all: false };
            let scanned = Worker::new(scan).scan(&Group::new(0..2, None));
            (scanned.folded.is_some(), scanned.failed.len(), scanned.superseded.len())
        };
        assert_eq!(scan(["broken", "good"]), (true, 1, 0));
        assert_eq!(scan(["shut", "good"]), (false, 1, 1));
    }
}
