//! Files that say that they are of a thread which their name does not give: which of them counts; decides nothing
//! about rows.

use super::inventory::{self, Inventory};
use super::paths::is_at;
use super::walk::RolloutFile;
use crate::rollout::file_name;
use crate::rollout::peek;
use crate::rollout::reader::Buffer;
use crate::thread::ThreadId;
use crate::thread::columns::{Row, index};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the files that claim one thread come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// The one that counts; `None` if it is one that was compared already, for its name gives the thread.
    pub chosen: Option<usize>,
    /// The others.
    pub superseded: Vec<usize>,
}

/// Settles who is the thread `id`'s: the file that its row names (at `row_path`), then one that has the thread in its
/// name, then the rule for copies.
///
/// `claims` are the strays, and the thread's own file if its row named another ([`names_a_stray`]). `is_told_by_name` is
/// asked whether one of the files with the thread in their names is of it, where there are any.
#[must_use]
pub fn settle(
    id: ThreadId,
    claims: &[usize],
    inventory: &Inventory,
    row_path: Option<&Path>,
    is_told_by_name: impl FnOnce(ThreadId) -> bool,
) -> Settled {
    // Which was read first must not matter.
    let mut claims = claims.to_vec();
    claims.sort_unstable();
    let files = inventory.files();
    let in_row = |file: &RolloutFile| row_path.is_some_and(|path| is_at(file, path));
    let has_its_name = |i: &usize| files[*i].named.name.is_some_and(|name| name.thread == id);
    let deferred = claims.iter().copied().find(has_its_name);
    let strays: Vec<usize> = claims.iter().copied().filter(|&i| Some(i) != deferred).collect();
    let by_row = strays.iter().copied().find(|&i| in_row(&files[i]));
    let named_counts = by_row.is_none()
        && (deferred.is_some() || (!inventory.of_thread(id).is_empty() && is_told_by_name(id)));
    let chosen = match (by_row, named_counts) {
        (Some(stray), _) => Some(stray),
        (None, true) => deferred,
        (None, false) => {
            let candidates: Vec<&RolloutFile> = strays.iter().map(|&i| &files[i]).collect();
            inventory::choose_copy(&candidates, in_row).and_then(|chosen| {
                strays.iter().copied().find(|&i| std::ptr::eq(&raw const files[i], chosen))
            })
        }
    };
    Settled { chosen, superseded: claims.iter().copied().filter(|&i| Some(i) != chosen).collect() }
}

/// Whether the row of thread `id` names a rollout of this home whose name gives another thread, or none. Then it must
/// be known what all such files say before `chosen`, the thread's own file, can be taken to count.
#[must_use]
pub fn names_a_stray(home: &Path, row: &Row, id: ThreadId, chosen: &RolloutFile) -> bool {
    let Some(path) = row.text(index::ROLLOUT_PATH).map(Path::new) else { return false };
    let gives_another = || {
        let named = file_name::parse(path.file_name().unwrap_or_default());
        named.is_some_and(|named| named.name.map(|name| name.thread) != Some(id))
    };
    !chosen.is_spelled(path) && gives_another() && RolloutFile::at(home, path).is_some()
}

/// The thread that a file says it is of. What cannot be read says nothing; who reads all files will name it.
pub fn said(
    inventory: &Inventory,
    file: usize,
    buffer: &mut Buffer,
    interrupted: &AtomicBool,
) -> Option<ThreadId> {
    peek::thread(&inventory.files()[file].source(), buffer, interrupted).ok().flatten()
}

/// The files that say that they are of a thread which their name does not give, and that thread. Opens every file.
pub fn strays<'a>(
    inventory: &'a Inventory,
    interrupted: &'a AtomicBool,
) -> impl Iterator<Item = (usize, ThreadId)> + 'a {
    let mut buffer = Buffer::default();
    let named = |file: usize| inventory.files()[file].named.name.map(|name| name.thread);
    (0..inventory.files().len())
        .take_while(|_| !interrupted.load(Ordering::Relaxed))
        .filter_map(move |file| Some((file, said(inventory, file, &mut buffer, interrupted)?)))
        .filter(move |(file, thread)| named(*file) != Some(*thread))
}

/// Finds files by the threads that they say they are of; all files are opened for the first thread, none for the next.
#[derive(Debug, Default)]
pub struct ByContent {
    strays: Option<BTreeMap<ThreadId, Vec<usize>>>,
}

impl ByContent {
    /// The file of a thread that no file's name gives, by the rule for copies where several say so.
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
        let by_thread = self.strays.get_or_insert_with(|| {
            let mut by_thread: BTreeMap<ThreadId, Vec<usize>> = BTreeMap::new();
            strays(inventory, interrupted)
                .for_each(|(file, thread)| by_thread.entry(thread).or_default().push(file));
            by_thread
        });
        let all = inventory.files();
        let found = by_thread.get(&thread)?;
        let files: Vec<&RolloutFile> = found.iter().map(|&i| &all[i]).filter(|file| fits(file)).collect();
        let chosen = inventory::choose_copy(&files, |_| false)?;
        found.iter().copied().find(|&i| std::ptr::eq(&raw const all[i], chosen))
    }
}
