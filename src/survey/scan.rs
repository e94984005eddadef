//! Reads the rollouts of many threads in parallel and hands what they come to to one consumer; decides nothing about
//! rows.
//!
//! Workers read and fold, the caller's thread consumes (it alone owns the database). Between them lies a channel that
//! is bounded in bytes, so that memory stays bounded whatever a rollout holds.

use crate::catalog::inventory::{self, Inventory};
use crate::catalog::walk::RolloutFile;
use crate::rollout::extract::{DamageReport, Options};
use crate::rollout::file_name;
use crate::rollout::fold::{self, FoldedThread, ReadError, Reading, Source, World};
use crate::rollout::peek;
use crate::rollout::reader::Buffer;
use crate::rollout::tail;
use crate::survey::comparison::Folders;
use crate::sys;
use crate::thread::{Millis, ThreadId, ThreadMetadata};
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

/// How many bytes of threads may wait for the consumer.
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Groups are handed over when there are so many, or so many bytes of them.
const BATCH_GROUPS: usize = 32;
const BATCH_BYTES: usize = 128 * 1024;

/// What a scan needs to know.
pub struct Config<'a> {
    /// Files and groups.
    pub inventory: &'a Inventory,
    /// How many workers.
    pub jobs: usize,
    /// How closely to look at each file.
    pub options: Options,
    /// Whether files that do not count are read as well, for what is wrong with them.
    pub read_all: bool,
    /// Provider of a thread whose session meta names none.
    pub default_provider: &'a str,
    /// Set from outside to stop.
    pub interrupted: &'a AtomicBool,
}

/// One group of files: those of a thread by name, or one with a malformed name.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where its files are in [`Inventory::files`].
    pub files: Range<usize>,
    /// The file that the thread's row names, if that is known to be one of several.
    pub in_row: Option<usize>,
}

/// A file that was read for what is wrong with it.
#[derive(Debug)]
pub struct ReadAside {
    /// Which file.
    pub file: usize,
    /// What is wrong with it, and how many bytes it holds, uncompressed.
    pub damage: Result<(DamageReport, u64), ReadError>,
}

/// What a group comes to.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Where its files are in [`Inventory::files`].
    pub files: Range<usize>,
    /// The thread by name.
    pub thread: Option<ThreadId>,
    /// The file that counts and what it comes to.
    pub folded: Option<(usize, FoldedThread)>,
    /// Files that should have counted and could not be read.
    pub failed: Vec<(usize, ReadError)>,
    /// Files that say that they are of another thread than their name does, or whose names say nothing.
    pub strays: Vec<(usize, ThreadId)>,
    /// Files that lost to another of their thread.
    pub superseded: Vec<usize>,
    /// Copies of the file that counts (also among `superseded`).
    pub copies: Vec<usize>,
    /// Copies of members of its chain (also among `superseded`).
    pub chain_copies: Vec<usize>,
    /// Those of `superseded` that were read as well.
    pub read_aside: Vec<ReadAside>,
}

impl Scanned {
    /// Roughly how much memory this holds.
    #[must_use]
    pub fn size(&self) -> usize {
        let texts = self.folded.as_ref().map_or(0, |(_, folded)| {
            let thread = &folded.metadata;
            thread.title.len()
                + thread.preview.len()
                + thread.first_user_message.len()
                + thread.sandbox_policy.len()
        });
        texts + 1024
    }
}

/// What the consumer is told.
#[expect(clippy::large_enum_variant, reason = "one at a time, taken apart at once")]
#[derive(Debug)]
pub enum Event {
    /// A group was read.
    Scanned(Scanned),
    /// Nothing waits to be consumed now: time for what can be done at any time.
    Idle,
}

/// Reads `groups` and calls `consume` with each, in no particular order, until it breaks or all are done.
pub fn run<B>(
    config: &Config<'_>,
    groups: &[Group],
    mut consume: impl FnMut(Event) -> ControlFlow<B>,
) -> Option<B> {
    let next = AtomicUsize::new(0);
    let budget = Budget::default();
    let stopped = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut n_workers = 0;
        for _ in 0..config.jobs.clamp(1, groups.len().max(1)) {
            let sender = sender.clone();
            let (next, budget, stopped) = (&next, &budget, &stopped);
            let work = move || {
                let mut worker = Worker::new(config);
                let mut batch = Batch::default();
                while !stopped.load(Ordering::Relaxed) && !config.interrupted.load(Ordering::Relaxed) {
                    let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    batch.push(worker.scan(group));
                    stop_without_files(config);
                    if batch.is_full() && !batch.send(budget, &sender) {
                        break;
                    }
                }
                batch.send(budget, &sender);
            };
            // Where users or containers may have few threads, fewer do the work.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
            n_workers += 1;
        }
        drop(sender);
        let mut outcome = None;
        let mut tell = |event| {
            if outcome.is_none()
                && let ControlFlow::Break(value) = consume(event)
            {
                stopped.store(true, Ordering::Relaxed);
                outcome = Some(value);
            }
        };
        if n_workers == 0 {
            let mut worker = Worker::new(config);
            for group in groups {
                if stopped.load(Ordering::Relaxed) || config.interrupted.load(Ordering::Relaxed) {
                    break;
                }
                tell(Event::Scanned(worker.scan(group)));
                stop_without_files(config);
            }
        }
        loop {
            let mut next = receiver.try_recv();
            if matches!(next, Err(mpsc::TryRecvError::Empty)) {
                tell(Event::Idle);
                next = receiver.recv().map_err(Into::into);
            }
            let Ok(batch) = next else { break };
            budget.give_back(batch.size);
            batch.scanned.into_iter().for_each(|scanned| tell(Event::Scanned(scanned)));
        }
        outcome
    })
}

/// Stops the work when files cannot be opened any more: it would fail for each of the others as well.
fn stop_without_files(config: &Config<'_>) {
    if sys::ran_out_of_files() {
        config.interrupted.store(true, Ordering::Relaxed);
    }
}

/// Groups that are handed over together: waking the consumer for each would cost as much as reading a small file.
#[derive(Default)]
struct Batch {
    scanned: Vec<Scanned>,
    size: usize,
}

impl Batch {
    fn push(&mut self, scanned: Scanned) {
        self.size += scanned.size();
        self.scanned.push(scanned);
    }

    fn is_full(&self) -> bool {
        self.scanned.len() >= BATCH_GROUPS || self.size >= BATCH_BYTES
    }

    /// Hands over what there is. Returns whether anybody takes it.
    fn send(&mut self, budget: &Budget, sender: &mpsc::Sender<Batch>) -> bool {
        let batch = std::mem::take(self);
        budget.take(batch.size);
        sender.send(batch).is_ok()
    }
}

/// Reads groups one after the other, on the thread that owns it.
pub struct Worker<'a> {
    config: &'a Config<'a>,
    buffer: Buffer,
    folders: Folders,
}

impl<'a> Worker<'a> {
    /// A worker with nothing read yet.
    #[must_use]
    pub fn new(config: &'a Config<'a>) -> Worker<'a> {
        Worker { config, buffer: Buffer::default(), folders: Folders::default() }
    }

    /// Reads one group.
    #[must_use]
    pub fn scan(&mut self, group: &Group) -> Scanned {
        let all = self.config.inventory.files();
        let files: Vec<&RolloutFile> = all[group.files.clone()].iter().collect();
        let index_of = |file: &RolloutFile| {
            group.files.start + files.iter().position(|candidate| std::ptr::eq(*candidate, file)).unwrap_or(0)
        };
        let is_in_row =
            |file: &RolloutFile| group.in_row.is_some_and(|i| std::ptr::eq(&raw const all[i], file));
        let Some(first) = files.first() else { return Scanned::default() };
        let thread = first.named.name.map(|name| name.thread);
        let mut scanned = Scanned { files: group.files.clone(), thread, ..Scanned::default() };
        let mut is_settled = false;
        let mut left = files.clone();
        while let Some(choice) = inventory::choose(&left, is_in_row) {
            let mut has_strays = false;
            for copy in &choice.copies {
                let i = index_of(copy);
                if (is_settled || scanned.folded.is_some()) && copy.is_empty() {
                    scanned.superseded.push(i);
                    continue;
                }
                if is_settled || scanned.folded.is_some() {
                    match self.stranger(copy, thread) {
                        Some(other) => scanned.strays.push((i, other)),
                        None => {
                            scanned.superseded.push(i);
                            scanned.copies.push(i);
                        }
                    }
                    continue;
                }
                match self.fold(&copy.source()) {
                    Err(error) => {
                        // One that can be read another time still is the one that counts: a lesser copy would take
                        // its place in the row for good.
                        is_settled = matches!(error, ReadError::Passing(_));
                        scanned.failed.push((i, error));
                    }
                    Ok(folded) if Some(folded.metadata.id) != thread => {
                        has_strays = true;
                        scanned.strays.push((i, folded.metadata.id));
                    }
                    Ok(folded) => scanned.folded = Some((i, folded)),
                }
            }
            scanned.superseded.extend(choice.twins.iter().map(|file| index_of(file)));
            left = choice.chain.iter().chain(&choice.chain_copies).copied().collect();
            let gives_way = has_strays || group.in_row.is_none();
            if is_settled || scanned.folded.is_some() || !gives_way {
                for file in left {
                    match self.stranger(file, thread) {
                        Some(other) => scanned.strays.push((index_of(file), other)),
                        None => scanned.superseded.push(index_of(file)),
                    }
                }
                let copies = choice.chain_copies.iter().map(|file| index_of(file));
                scanned.chain_copies = copies.filter(|i| scanned.superseded.contains(i)).collect();
                break;
            }
            // The rollout that should have counted is of another thread, or holds nothing, and no row chose it: another
            // one of this thread does.
        }
        self.excuse_empty(&mut scanned);
        if self.config.read_all {
            for &file in &scanned.superseded {
                let damage = self.read(&all[file].source());
                scanned.read_aside.push(ReadAside { file, damage });
            }
        }
        scanned
    }

    /// Counts empty files as superseded where their thread has a good one: synchronised folders leave such copies behind,
    /// under the same name or one that only begins so.
    fn excuse_empty(&self, scanned: &mut Scanned) {
        let inventory = self.config.inventory;
        let has_good = |i: usize| {
            let thread = file_name::find_thread(&inventory.files()[i].file_name());
            thread.is_some_and(|thread| inventory.of_thread(thread).iter().any(|file| !file.is_empty()))
        };
        let is_excused = |(i, error): &(usize, ReadError)| {
            matches!(error, ReadError::Unusable(reason) if reason == fold::EMPTY)
                && (scanned.folded.is_some() || (scanned.thread.is_none() && has_good(*i)))
        };
        let (excused, failed) = std::mem::take(&mut scanned.failed).into_iter().partition(is_excused);
        scanned.failed = failed;
        let excused: Vec<(usize, ReadError)> = excused;
        scanned.superseded.extend(excused.into_iter().map(|(i, _)| i));
    }

    /// Reads the time of a file's last line from its end; none if it cannot be read.
    pub fn last_event(&mut self, file: usize) -> Option<Millis> {
        let source = self.config.inventory.files()[file].source();
        tail::last_event(&source, &mut self.buffer, self.config.interrupted).ok().flatten()
    }

    /// Reads what the older rollouts of a file's thread say in full, for a row that differs from what the file says.
    #[must_use]
    pub fn older(&mut self, file: usize, thread: ThreadId) -> Vec<ThreadMetadata> {
        let inventory = self.config.inventory;
        let rollouts = inventory.older_rollouts(file).into_iter();
        let folded = rollouts.filter_map(|other| self.fold(&inventory.files()[other].source()).ok());
        folded.map(|folded| folded.metadata).filter(|metadata| metadata.id == thread).collect()
    }

    /// The other thread that a file of `thread` by its name says it is of. Only the beginning of the file is read.
    #[must_use]
    pub fn stranger(&mut self, file: &RolloutFile, thread: Option<ThreadId>) -> Option<ThreadId> {
        let said = peek::thread(&file.source(), &mut self.buffer, self.config.interrupted).ok().flatten();
        said.filter(|said| Some(*said) != thread)
    }

    /// Whether one of the files whose names give a thread is of it, or may be when it can be read again.
    #[must_use]
    pub fn is_told_by_name(&mut self, thread: ThreadId) -> bool {
        let files = self.config.inventory.range_of(thread);
        let scanned = self.scan(&Group { files, in_row: None });
        let is_unusable = |(_, error): &(usize, ReadError)| matches!(error, ReadError::Unusable(_));
        scanned.folded.is_some() || !scanned.failed.iter().all(is_unusable)
    }

    /// Folds one file to its thread.
    ///
    /// # Errors
    /// As [`fold::fold`].
    pub fn fold(&mut self, source: &Source) -> Result<FoldedThread, ReadError> {
        let Worker { config, buffer, folders } = self;
        let world = World {
            find_rollout: &|rollout| config.inventory.find_rollout(rollout),
            canonical_folder: &|folder| folders.canonical(folder),
            default_provider: config.default_provider,
        };
        let mut reading = Reading { buffer, options: config.options, interrupted: config.interrupted };
        fold::fold(source, &world, &mut reading)
    }

    /// Reads one file for what is wrong with it, and how many bytes it holds, uncompressed.
    ///
    /// # Errors
    /// As [`fold::fold`].
    pub fn read(&mut self, source: &Source) -> Result<(DamageReport, u64), ReadError> {
        let Worker { config, buffer, .. } = self;
        let mut reading = Reading { buffer, options: config.options, interrupted: config.interrupted };
        let read = fold::read_file(source, None, &mut reading)?;
        fold::check_usable(&read.extracted)?;
        Ok((read.extracted.damage, read.n_bytes))
    }
}

/// Bytes that wait for the consumer. Whoever would exceed the limit waits, unless nothing else does.
#[derive(Default)]
struct Budget {
    waiting: Mutex<usize>,
    freed: Condvar,
}

impl Budget {
    fn take(&self, size: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while *waiting > 0 && *waiting + size > WAITING_BYTES {
            waiting = self.freed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        *waiting += size;
    }

    fn give_back(&self, size: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = waiting.saturating_sub(size);
        self.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::file_name;
    use std::ffi::OsStr;

    #[test]
    fn a_copy_takes_the_place_of_one_that_is_broken_but_not_of_one_that_cannot_be_read_now() {
        let id = "019ced6b-835b-7475-b762-429694b3a51e";
        let name = format!("rollout-2026-03-14T10-00-00-{id}.jsonl");
        let home = tempfile::tempdir().unwrap();
        for folder in ["broken", "good"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        let line = "{\"timestamp\":\"2026-03-14T10:00:00Z\",\"type\":\"session_meta\",\"payload\":{}}\n";
        std::fs::write(home.path().join("broken").join(&name), "garbage").unwrap();
        std::fs::write(home.path().join("good").join(&name), line).unwrap();
        // A folder that is a file, or a file open to nobody else: an error that is not the absence of a file.
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
                RolloutFile::new(home.path().join(folder).into(), OsStr::new(&name), named, stamp, false)
            });
            let inventory = Inventory::new(files.into());
            let config = Config {
                inventory: &inventory,
                jobs: 1,
                options: Options::default(),
                read_all: false,
                default_provider: "openai",
                interrupted: &AtomicBool::new(false),
            };
            let scanned = Worker::new(&config).scan(&Group { files: 0..2, in_row: None });
            (scanned.folded.is_some(), scanned.failed.len(), scanned.superseded.len())
        };
        assert_eq!(scan(["broken", "good"]), (true, 1, 0));
        assert_eq!(scan(["shut", "good"]), (false, 1, 1));
    }
}
