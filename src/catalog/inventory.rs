//! Decides which of several files counts for a thread, which are its chain and which are copies; opens no file.

use super::forms::{Forms, plain_name};
use super::rollout_file::RolloutFile;
use crate::rollout::file_name;
use crate::rollout::fold::RolloutSource;
use crate::thread::ThreadId;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::Path;

/// All rollout files of a home, grouped by the thread that their names give.
#[derive(Debug, Default)]
pub struct Inventory {
    /// By thread; files with malformed names come last, in the order of their paths.
    files: Vec<RolloutFile>,
    /// Positions in `files` of the rollouts of reverted threads, by rollout id.
    reverted: HashMap<ThreadId, Vec<usize>>,
    /// Positions in `files` of the files with malformed names, by name.
    malformed: HashMap<OsString, Vec<usize>>,
    /// Number of `files` with well-formed names.
    n_named: usize,
}

impl Inventory {
    /// Groups the files of a walk.
    #[must_use]
    pub fn new(mut files: Vec<RolloutFile>) -> Inventory {
        sort(&mut files);
        let n_named = files.partition_point(|file| file.thread().is_some());
        // Time and size decide among several files of a thread, and must not change meanwhile.
        for several in files.chunk_by_mut(|a, b| a.thread().is_none() || a.thread() == b.thread()) {
            if several.len() > 1 {
                several.iter_mut().for_each(RolloutFile::look);
            }
        }
        let mut reverted: HashMap<ThreadId, Vec<usize>> = HashMap::new();
        for (i, file) in files.iter().enumerate() {
            if let Some(rollout) = file.rollout().filter(|rollout| Some(*rollout) != file.thread()) {
                reverted.entry(rollout).or_default().push(i);
            }
        }
        let mut malformed: HashMap<OsString, Vec<usize>> = HashMap::new();
        for (i, file) in files.iter().enumerate().skip(n_named) {
            malformed.entry(file.file_name().into_owned()).or_default().push(i);
        }
        Inventory { files, reverted, malformed, n_named }
    }

    /// Returns every file.
    #[must_use]
    pub fn files(&self) -> &[RolloutFile] {
        &self.files
    }

    /// Returns the groups: all files of a thread by name, then each file with a malformed name alone.
    pub fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let first = self.files.get(start)?;
            // A file with a malformed name has no thread, and no company.
            let is_same = |file: &&RolloutFile| file.thread().is_some() && file.thread() == first.thread();
            let length = 1 + self.files[start + 1..].iter().take_while(is_same).count();
            let group = start..start + length;
            start = group.end;
            Some(group)
        })
    }

    /// Returns the files whose names give this thread.
    #[must_use]
    pub fn of_thread(&self, thread: ThreadId) -> &[RolloutFile] {
        &self.files[self.range_of(thread)]
    }

    /// Returns the positions in [`Inventory::files`] of the files whose names give this thread.
    #[must_use]
    pub fn range_of(&self, thread: ThreadId) -> Range<usize> {
        let named = &self.files[..self.n_named];
        let start = named.partition_point(|file| key(file).1 < Some(thread));
        let length = named[start..].partition_point(|file| key(file).1 == Some(thread));
        start..start + length
    }

    /// Returns true if a file that is not empty has the thread's id in a malformed name.
    #[must_use]
    pub fn has_malformed_of(&self, thread: ThreadId) -> bool {
        let is_of_it = |file: &RolloutFile| file_name::find_thread(&file.file_name()) == Some(thread);
        self.files[self.n_named..].iter().any(|file| !file.is_empty() && is_of_it(file))
    }

    /// Returns the positions in [`Inventory::files`] of the older rollouts of a file's thread, one file for each. A
    /// revert left them behind when it created this one.
    #[must_use]
    pub fn older_rollouts(&self, file: usize) -> Vec<usize> {
        let Some(thread) = self.files[file].thread() else { return Vec::new() };
        // Nearly all threads have one file; this needs no search.
        let beside = file.checked_sub(1).into_iter().chain([file + 1]);
        if beside.filter_map(|i| self.files.get(i)).all(|other| other.thread() != Some(thread)) {
            return Vec::new();
        }
        let range = self.range_of(thread);
        let mut older = choose(&self.files, range, Some(file)).map(|choice| choice.chain).unwrap_or_default();
        let age = |i: usize| self.files[i].name().map(|name| (name.time, name.rollout));
        older.retain(|&i| age(i) < age(file));
        older.sort_unstable();
        older
    }

    /// Returns the positions in [`Inventory::files`] of the files that may be at a path with this file name.
    pub fn named_like(&self, file_name: &OsStr) -> impl Iterator<Item = usize> {
        let named = file_name::parse(file_name);
        let by_thread = named.and_then(|named| named.name).map(|name| self.range_of(name.thread));
        let forms = (by_thread.is_none() && named.is_some()).then(|| Forms::of(Path::new(file_name)));
        let names = forms.iter().flat_map(Forms::each);
        let malformed = names.filter_map(|name| self.malformed.get(name.as_os_str())).flatten().copied();
        let malformed: Vec<usize> = malformed.collect();
        by_thread.into_iter().flatten().chain(malformed)
    }

    /// Returns the files of a rollout, the best copy first.
    #[must_use]
    pub fn find_rollout(&self, rollout: ThreadId) -> Vec<RolloutSource> {
        let own = self.range_of(rollout).filter(|&i| self.files[i].rollout() == Some(rollout));
        let reverted = self.reverted.get(&rollout).into_iter().flatten().copied();
        let mut copies: Vec<usize> = own.chain(reverted).collect();
        copies.sort_by(|a, b| compare_copies(&self.files, *a, *b, None));
        copies.into_iter().map(|i| self.files[i].source()).collect()
    }
}

/// Sorts files by thread, then by path, without further memory.
fn sort(files: &mut [RolloutFile]) {
    files.sort_unstable_by(|a, b| key(a).cmp(&key(b)).then_with(|| path_order(a, b)));
}

fn key(file: &RolloutFile) -> (bool, Option<ThreadId>) {
    (file.thread().is_none(), file.thread())
}

fn path_order(a: &RolloutFile, b: &RolloutFile) -> std::cmp::Ordering {
    let bytes = |file: &RolloutFile| {
        (file.folder().as_os_str().as_encoded_bytes().to_vec(), file.file_name().into_owned())
    };
    if a.folder() == b.folder() { a.file_name().cmp(&b.file_name()) } else { bytes(a).cmp(&bytes(b)) }
}

/// Returns the rank of a copy of a rollout: not empty, plain before compressed, newest, longest. Paths break ties.
fn preference(file: &RolloutFile) -> impl Ord + use<> {
    let stamp = file.stamp();
    (file.is_empty(), file.is_compressed(), Reverse(stamp.modified), Reverse(stamp.size))
}

/// The roles of the files of one thread, each file given by its position.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The file that counts, then its copies in the order in which they would replace it.
    pub copies: Vec<usize>,
    /// The other rollouts of a thread that was reverted, the best copy of each.
    pub chain: Vec<usize>,
    /// Copies of chain members.
    pub chain_copies: Vec<usize>,
    /// Compressed files beside their plain twins, which count instead.
    pub twins: Vec<usize>,
}

impl Choice {
    /// Returns the file that counts.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.copies[0]
    }
}

/// Chooses among some `members` of `files`, all of one thread. `in_row` is the file that the thread's row names. The
/// row decides which rollout of a reverted thread, and which copy, is chosen.
///
/// Returns `None` if there are no members.
#[must_use]
pub fn choose(
    files: &[RolloutFile],
    members: impl IntoIterator<Item = usize>,
    in_row: Option<usize>,
) -> Option<Choice> {
    let members: Vec<usize> = members.into_iter().collect();
    if let [_] = members[..] {
        // Nearly all threads have one file. Its size, which may have to be asked for, decides nothing.
        return Some(Choice { copies: members, ..Choice::default() });
    }
    let plain_of = |twin: usize| {
        let twin = &files[twin];
        // An empty plain file, which synchronised folders leave behind, is only a bad copy.
        let is_plain = |&i: &usize| {
            !files[i].is_compressed() && !files[i].is_empty() && is_plain_form_of(&files[i], twin)
        };
        if twin.is_compressed() { members.iter().copied().find(is_plain) } else { None }
    };
    // An empty plain file that the row names gives way to its compressed twin, before all other copies.
    let twin_of = |plain: usize| {
        let is_twin = |&i: &usize| files[i].is_compressed() && is_plain_form_of(&files[plain], &files[i]);
        if files[plain].is_empty() { members.iter().copied().find(is_twin) } else { None }
    };
    // If the row names the compressed twin, use the plain file instead.
    let in_row = in_row.map(|i| plain_of(i).or_else(|| twin_of(i)).unwrap_or(i));
    let (twins, members): (Vec<usize>, Vec<usize>) =
        members.iter().copied().partition(|&i| plain_of(i).is_some());
    let rollout = |i: usize| files[i].rollout();
    let selected = match in_row.filter(|i| members.contains(i)) {
        Some(i) => rollout(i),
        None => {
            let newest = |&&i: &&usize| {
                let file = &files[i];
                (!file.is_empty(), !file.is_archived(), file.name().map(|name| (name.time, name.rollout)))
            };
            rollout(*members.iter().max_by_key(newest)?)
        }
    };
    let order = |a: &usize, b: &usize| compare_copies(files, *a, *b, in_row);
    let (mut copies, mut others): (Vec<usize>, Vec<usize>) =
        members.into_iter().partition(|&i| rollout(i) == selected);
    copies.sort_by(order);
    others.sort_by(|a, b| rollout(*a).cmp(&rollout(*b)).then_with(|| order(a, b)));
    let (mut chain, mut chain_copies): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for i in others {
        match chain.last() {
            Some(last) if rollout(*last) == rollout(i) => chain_copies.push(i),
            _ => chain.push(i),
        }
    }
    Some(Choice { copies, chain, chain_copies, twins })
}

/// Chooses among files that are not a chain, by the rule for copies. Returns `None` if there are no members.
#[must_use]
pub fn choose_copy(
    files: &[RolloutFile],
    members: impl IntoIterator<Item = usize>,
    in_row: Option<usize>,
) -> Option<usize> {
    members.into_iter().min_by(|a, b| compare_copies(files, *a, *b, in_row))
}

/// Orders two copies, the better one first.
fn compare_copies(files: &[RolloutFile], a: usize, b: usize, in_row: Option<usize>) -> std::cmp::Ordering {
    let rank = |i: usize| (in_row != Some(i), preference(&files[i]));
    rank(a).cmp(&rank(b)).then_with(|| path_order(&files[a], &files[b]))
}

/// Returns true if `plain` is `compressed` without its `.zst`, in the same folder.
fn is_plain_form_of(plain: &RolloutFile, compressed: &RolloutFile) -> bool {
    plain.folder() == compressed.folder() && plain.file_name() == plain_name(&compressed.file_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rollout_file::RolloutFolder;
    use crate::rollout::file_name;
    use crate::rollout::fold::Stamp;
    use std::time::{Duration, UNIX_EPOCH};

    const A: &str = "019ced6b-835b-7475-b762-429694b3a51e";
    const B: &str = "019ced6b-835b-799d-83c9-31b6374bba33";
    const C: &str = "019ced6b-835b-799d-83c9-31b6374bba44";

    /// Returns a file in `folder`; `seconds` is its mtime, `size` its length.
    fn file(folder: &str, name: &str, seconds: u64, size: u64) -> RolloutFile {
        let named = file_name::parse(name.as_ref()).unwrap();
        let stamp = Stamp { modified: UNIX_EPOCH + Duration::from_secs(seconds), size };
        let folder = RolloutFolder::new(Path::new(folder), folder.starts_with("archived"));
        RolloutFile::new(folder, name.as_ref(), named, stamp)
    }

    fn name(minute: u32, ids: &str) -> String {
        format!("rollout-2026-03-14T17-{minute:02}-00-{ids}.jsonl")
    }

    /// Checks which of `files` is chosen, and the roles of the others: `=` copy, `~` chain, `+` copy in the chain,
    /// `z` twin.
    fn check(files: &[RolloutFile], row: Option<usize>, expected: &str) {
        let choice = choose(files, 0..files.len(), row).unwrap();
        let mut seen = vec![' '; files.len()];
        let mut mark = |set: &[usize], mark| set.iter().for_each(|&i| seen[i] = mark);
        mark(&choice.copies, '=');
        mark(&choice.chain, '~');
        mark(&choice.chain_copies, '+');
        mark(&choice.twins, 'z');
        mark(&[choice.chosen()], '*');
        assert_eq!(seen.into_iter().collect::<String>(), expected);
    }

    proptest::proptest! {
        #[test]
        fn files_are_sorted_like_by_an_ordinary_sort(numbers: Vec<(u8, bool)>) {
            let file = |(minute, is_odd): (u8, bool)| match is_odd {
                true => file("sessions", &format!("rollout-{minute}.jsonl"), 1, 1),
                false => file("sessions", &name(u32::from(minute % 60), [A, B, C][usize::from(minute) % 3]), 1, 1),
            };
            let mut files: Vec<RolloutFile> = numbers.into_iter().map(file).collect();
            let mut expected = files.clone();
            expected.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| path_order(a, b)));
            sort(&mut files);
            proptest::prop_assert_eq!(files, expected);
        }
    }

    #[test]
    fn the_newest_copy_is_chosen_then_the_longest_then_the_lower_path() {
        let n = name(1, A);
        check(&[file("archived_sessions", &n, 5, 9), file("sessions", &n, 6, 1)], None, "=*");
        check(&[file("archived_sessions", &n, 7, 9), file("sessions", &n, 6, 1)], None, "*=");
        check(&[file("archived_sessions", &n, 6, 1), file("sessions", &n, 6, 9)], None, "=*");
        check(&[file("sessions/2", &n, 6, 1), file("sessions/1", &n, 6, 1)], None, "=*");
    }

    #[test]
    fn the_copy_that_the_row_names_is_chosen_before_all_others() {
        let n = name(1, A);
        check(&[file("archived_sessions", &n, 5, 1), file("sessions", &n, 6, 9)], Some(0), "*=");
    }

    #[test]
    fn a_plain_file_is_chosen_before_a_newer_compressed_one() {
        let (plain, zst) = (name(1, A), format!("{}.zst", name(1, A)));
        check(&[file("sessions", &zst, 9, 9), file("sessions", &plain, 1, 1)], None, "z*");
        check(&[file("sessions", &zst, 9, 9), file("sessions", &plain, 1, 1)], Some(0), "z*");
        check(&[file("sessions", &zst, 9, 9), file("archived_sessions", &plain, 1, 1)], None, "=*");
        check(&[file("sessions", &zst, 1, 9), file("sessions", &plain, 9, 0)], None, "*=");
        check(&[file("sessions", &zst, 1, 9), file("sessions", &plain, 9, 0)], Some(0), "*=");
        check(&[file("sessions", &zst, 1, 0), file("sessions", &plain, 9, 0)], None, "=*");
        let copy = file("archived_sessions", &plain, 5, 5);
        check(&[file("sessions", &zst, 1, 9), file("sessions", &plain, 9, 0), copy], Some(1), "*==");
    }

    #[test]
    fn the_latest_rollout_of_a_chain_is_chosen_unless_the_row_names_another() {
        let files = [
            file("sessions", &name(1, A), 9, 9),
            file("sessions", &name(3, &format!("{A}_{B}")), 1, 1),
            file("sessions", &name(2, &format!("{A}_{C}")), 1, 1),
        ];
        check(&files, None, "~*~");
        check(&files, Some(0), "*~~");
        check(&files, Some(2), "~~*");
    }

    #[test]
    fn an_active_rollout_is_chosen_before_an_archived_one_of_its_chain() {
        let files = [
            file("sessions", &name(1, A), 1, 1),
            file("archived_sessions", &name(3, &format!("{A}_{B}")), 1, 1),
        ];
        check(&files, None, "*~");
    }

    #[test]
    fn copies_in_a_chain_are_distinguished_from_its_members() {
        let files = [
            file("sessions", &name(1, A), 9, 9),
            file("sessions", &name(3, &format!("{A}_{B}")), 1, 1),
            file("archived_sessions", &name(1, A), 5, 1),
        ];
        check(&files, None, "~*+");
    }

    #[test]
    fn groups_are_by_thread_with_malformed_names_alone_at_the_end() {
        let inventory = Inventory::new(vec![
            file("sessions", "rollout-odd.jsonl", 1, 1),
            file("sessions", &name(1, B), 1, 1),
            file("sessions", &name(3, &format!("{A}_{C}")), 1, 1),
            file("archived_sessions", "rollout-odd.jsonl", 1, 1),
            file("sessions", &name(1, A), 1, 1),
        ]);
        assert_eq!(inventory.groups().collect::<Vec<_>>(), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(inventory.of_thread(ThreadId::parse(A).unwrap()).len(), 2);
        assert_eq!(inventory.of_thread(ThreadId::parse(C).unwrap()).len(), 0);
        let found = |id| inventory.find_rollout(ThreadId::parse(id).unwrap()).pop().map(|found| found.path);
        assert_eq!(found(C), Some(Path::new("sessions").join(name(3, &format!("{A}_{C}")))));
        assert_eq!(found(A), Some(Path::new("sessions").join(name(1, A))));
    }
}
