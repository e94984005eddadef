//! Misnamed files: rollouts whose contents name another thread than their file name. Finds them, and chooses the file
//! of such a thread. It knows no database.

use super::inventory::{self, Inventory};
use super::paths::{find_at, name_in_row};
use super::rollout_file::RolloutFile;
use crate::rollout::file_name;
use crate::rollout::peek;
use crate::rollout::reader::Buffer;
use crate::thread::ThreadId;
use crate::thread::columns::{Col, Row};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The misnamed files that were found so far. They are compared last, when all of them are known.
#[derive(Debug, Default)]
pub struct Misnamed {
    /// The files that wait, each with its thread. A home may hold a hundred thousand, so they are not grouped yet.
    waiting: Vec<(ThreadId, u32)>,
    threads: HashMap<u32, ThreadId>,
}

impl Misnamed {
    /// Adds a misnamed file, with the thread in its contents.
    pub fn add(&mut self, file: usize, thread: ThreadId) {
        self.defer(file, thread);
        self.threads.insert(number(file), thread);
    }

    /// Adds the properly named file of a thread whose row names a misnamed file ([`is_named_by`]), so that it waits
    /// too.
    pub fn defer(&mut self, file: usize, thread: ThreadId) {
        self.waiting.push((thread, number(file)));
    }

    /// Returns the thread in a file's contents, if the file is known to be misnamed.
    #[must_use]
    pub fn thread_of(&self, file: usize) -> Option<ThreadId> {
        self.threads.get(&number(file)).copied()
    }

    /// Returns the threads of all misnamed files.
    pub fn threads(&self) -> impl Iterator<Item = ThreadId> {
        self.threads.values().copied()
    }

    /// Removes and returns the waiting files, ordered by thread. Their threads stay known.
    pub fn take(&mut self) -> Vec<(ThreadId, u32)> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|(thread, _)| *thread);
        waiting
    }
}

/// Returns the number of a file in less room. An inventory never holds more files than that: its groups count them
/// with the same type.
fn number(file: usize) -> u32 {
    u32::try_from(file).unwrap_or(u32::MAX)
}

/// The decision about the misnamed files of one thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MisnamedChoice {
    /// The chosen file; `None` if a properly named file was chosen, which was compared already.
    pub chosen: Option<usize>,
    /// The other files.
    pub superseded: Vec<usize>,
}

/// Chooses the file of the thread `id`: the file that its row names (at `row_path`), otherwise a properly named one,
/// otherwise the best misnamed one by the rule for copies.
///
/// `files` are the misnamed files, and the thread's own file if it was deferred ([`Misnamed::defer`]). `has_own_file`
/// returns true if one of the files named after the thread really contains it. It is called only if there are such
/// files.
#[must_use]
pub fn choose_misnamed(
    id: ThreadId,
    files: &[usize],
    inventory: &Inventory,
    row_path: Option<&Path>,
    has_own_file: impl FnOnce(ThreadId) -> bool,
) -> MisnamedChoice {
    // The order in which the files were read must not matter.
    let mut files = files.to_vec();
    files.sort_unstable();
    let all = inventory.files();
    let has_its_name = |i: &usize| all[*i].thread() == Some(id);
    let deferred = files.iter().copied().find(has_its_name);
    let misnamed = || files.iter().copied().filter(|&i| Some(i) != deferred);
    let in_row = row_path.and_then(|path| find_at(all, misnamed(), path));
    let chosen = if in_row.is_some() {
        in_row
    } else if deferred.is_some() || (!inventory.of_thread(id).is_empty() && has_own_file(id)) {
        deferred
    } else {
        inventory::choose_copy(all, misnamed(), None)
    };
    MisnamedChoice { chosen, superseded: files.iter().copied().filter(|&i| Some(i) != chosen).collect() }
}

/// Returns true if the row of thread `id` names a rollout of this home whose name gives another thread, or none. Then
/// all misnamed files must be known before `chosen`, the thread's own file, can be used.
#[must_use]
pub fn is_named_by(row: &Row, home: &Path, id: ThreadId, chosen: &RolloutFile) -> bool {
    let Some(path) = row.text(Col::RolloutPath).map(Path::new) else { return false };
    let gives_another = || {
        let named = name_in_row(path).and_then(file_name::parse);
        named.is_some_and(|named| named.name.map(|name| name.thread) != Some(id))
    };
    !chosen.is_spelled(path) && gives_another() && RolloutFile::at(home, path).is_some()
}

/// Returns the thread in a file's contents, from the beginning of the file. Returns `None` also if the file cannot be
/// read.
pub fn thread_in(
    inventory: &Inventory,
    file: usize,
    buffer: &mut Buffer,
    interrupted: &AtomicBool,
) -> Option<ThreadId> {
    peek::thread(&inventory.files()[file].source(), buffer, interrupted).ok().flatten()
}

/// Finds every misnamed file, and the thread in its contents. Opens every file.
pub fn find_all<'a>(
    inventory: &'a Inventory,
    interrupted: &'a AtomicBool,
) -> impl Iterator<Item = (usize, ThreadId)> + 'a {
    let mut buffer = Buffer::default();
    let named = |file: usize| inventory.files()[file].thread();
    (0..inventory.files().len())
        .take_while(|_| !interrupted.load(Ordering::Relaxed))
        .filter_map(move |file| Some((file, thread_in(inventory, file, &mut buffer, interrupted)?)))
        .filter(move |(file, thread)| named(*file) != Some(*thread))
}

/// Finds the misnamed files of a thread. The first search opens every file of the home, the next ones open none.
#[derive(Debug, Default)]
pub struct ByContent {
    found: Option<BTreeMap<ThreadId, Vec<usize>>>,
}

impl ByContent {
    /// Returns the best misnamed file of a thread, by the rule for copies, if no file's name gives the thread.
    #[must_use]
    pub fn find(
        &mut self,
        thread: ThreadId,
        inventory: &Inventory,
        fits: impl Fn(&RolloutFile) -> bool,
        interrupted: &AtomicBool,
    ) -> Option<usize> {
        if !inventory.range_of(thread).is_empty() {
            return None;
        }
        let by_thread = self.found.get_or_insert_with(|| {
            let mut by_thread: BTreeMap<ThreadId, Vec<usize>> = BTreeMap::new();
            find_all(inventory, interrupted)
                .for_each(|(file, thread)| by_thread.entry(thread).or_default().push(file));
            by_thread
        });
        let all = inventory.files();
        let fitting = by_thread.get(&thread)?.iter().copied().filter(|&i| fits(&all[i]));
        inventory::choose_copy(all, fitting, None)
    }
}
