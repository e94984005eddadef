//! Computes where the bytes of a home are: rollouts by source, provider and folder of their threads, and databases.

use crate::catalog::walk::{RolloutFile, Walk};
use crate::db::census::name_to_count;
use crate::home::{BESIDE_DATABASE, size_with_suffix};
use crate::thread::ThreadId;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Maximum number of folders that are counted separately; threads of further ones are counted together.
const MAX_FOLDERS: usize = 4096;

/// A number of threads and the bytes of their rollouts on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// The number of threads.
    pub threads: u64,
    /// The bytes of their rollouts.
    pub bytes: u64,
}

impl Weight {
    fn add(&mut self, bytes: u64) {
        self.threads += 1;
        self.bytes += bytes;
    }
}

/// The sizes of the rollouts on disk, by values in the rows of their threads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weights {
    /// By source; a source that is an object counts under its key.
    pub sources: BTreeMap<String, Weight>,
    /// By model provider.
    pub providers: BTreeMap<String, Weight>,
    /// By working directory of the thread.
    pub folders: BTreeMap<String, Weight>,
    /// The threads of folders beyond the maximum number.
    pub other_folders: Weight,
    /// The bytes of rollouts whose names give no thread that has a row.
    pub without_row: u64,
}

impl Weights {
    /// Begins with the rollouts of a walk, of which no thread is known yet.
    pub(super) fn begin(sizes: &Sizes) -> Weights {
        Weights { without_row: sizes.total, ..Weights::default() }
    }

    /// Adds a thread that has a row, with the bytes of its rollouts.
    pub(super) fn add(&mut self, source: &str, provider: &str, folder: &str, bytes: u64) {
        self.without_row = self.without_row.saturating_sub(bytes);
        let (source, provider) =
            (name_to_count(&self.sources, source), name_to_count(&self.providers, provider));
        add(&mut self.sources, source, bytes);
        add(&mut self.providers, provider, bytes);
        match self.folders.len() < MAX_FOLDERS || self.folders.contains_key(folder) {
            true => add(&mut self.folders, folder, bytes),
            false => self.other_folders.add(bytes),
        }
    }
}

/// The bytes of the rollouts of each thread, by the names of the files.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    by_thread: Vec<(ThreadId, u64)>,
    total: u64,
}

impl Sizes {
    /// Adds up the sizes of a walk's rollouts.
    pub(super) fn of_walk(walk: &Walk) -> Sizes {
        let named = |file: &RolloutFile| Some((file.thread()?, file.size()));
        let mut by_thread: Vec<(ThreadId, u64)> = Vec::with_capacity(walk.files.len());
        by_thread.extend(walk.files.iter().filter_map(named));
        // Each folder is nearly in this order, of which a stable sort makes use.
        by_thread.sort_by_key(|(id, _)| *id);
        by_thread.dedup_by(|next, first| {
            let is_same = next.0 == first.0;
            first.1 += if is_same { next.1 } else { 0 };
            is_same
        });
        Sizes { by_thread, total: walk.files.iter().map(RolloutFile::size).sum() }
    }

    /// Returns the bytes of a thread.
    pub(super) fn of(&self, id: &str) -> u64 {
        let place =
            ThreadId::parse(id).and_then(|id| self.by_thread.binary_search_by_key(&id, |(id, _)| *id).ok());
        place.map_or(0, |place| self.by_thread[place].1)
    }
}

/// Adds the bytes of a thread to those of a name, which is copied only the first time.
fn add(weights: &mut BTreeMap<String, Weight>, name: &str, bytes: u64) {
    match weights.get_mut(name) {
        Some(weight) => weight.add(bytes),
        None => drop(weights.insert(name.to_owned(), Weight { threads: 1, bytes })),
    }
}

/// A database file, with the total size of it and its `-wal`, `-shm` and `-journal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherDatabase {
    /// Its path.
    pub path: PathBuf,
    /// The size in bytes.
    pub bytes: u64,
}

/// Finds the databases in some folders except the one that is used, the largest first.
#[must_use]
pub fn other_databases(folders: &[&Path], used: Option<&Path>) -> Vec<OtherDatabase> {
    let mut found: Vec<OtherDatabase> = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_database = matches!(path.extension().and_then(OsStr::to_str), Some("sqlite" | "db"));
            let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
            let is_new = || found.iter().all(|other| other.path != path);
            if is_database && used != Some(&*path) && is_new() && is_file() {
                found.push(OtherDatabase { bytes: bytes_of(&path), path });
            }
        }
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    found
}

fn bytes_of(path: &Path) -> u64 {
    std::iter::once("").chain(BESIDE_DATABASE).filter_map(|suffix| size_with_suffix(path, suffix)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::census::Census;
    use crate::db::schema::Schema;
    use crate::db::testing::{FILLED, Place};

    #[test]
    fn every_thread_and_every_byte_is_counted_once() {
        let place = Place::with(FILLED);
        let connection = place.connect();
        let home = tempfile::tempdir().unwrap();
        let ids: Vec<String> = {
            let mut statement = connection.prepare("SELECT id FROM threads").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let folder = home.path().join("sessions/2026/03/14");
        fs::create_dir_all(&folder).unwrap();
        for id in ids.iter().map(String::as_str).chain(["019ced47-0000-79dd-b0aa-a552437621a9"]) {
            fs::write(folder.join(format!("rollout-2026-03-14T16-57-12-{id}.jsonl")), "four").unwrap();
        }
        let walk = crate::catalog::walk::walk(home.path());
        let sizes = Sizes::of_walk(&walk);
        let mut weights = Weights::begin(&sizes);
        let schema = Schema::read(&connection).unwrap();
        Census::take_each(&connection, &schema, "openai", |thread| {
            weights.add(thread.source, thread.provider, thread.folder, sizes.of(thread.id));
        })
        .unwrap();
        let n = ids.len() as u64;
        for by in [&weights.sources, &weights.providers, &weights.folders] {
            assert_eq!(by.values().map(|weight| weight.threads).sum::<u64>(), n);
            assert_eq!(by.values().map(|weight| weight.bytes).sum::<u64>(), 4 * n);
        }
        assert_eq!((weights.without_row, weights.other_folders), (4, Weight::default()));
    }

    #[test]
    fn very_many_folders_are_counted_together() {
        let mut weights = Weights::default();
        (0..=MAX_FOLDERS).for_each(|n| weights.add("cli", "openai", &n.to_string(), 1));
        weights.add("cli", "openai", "0", 1);
        assert_eq!(weights.folders.len(), MAX_FOLDERS);
        assert_eq!(weights.folders["0"], Weight { threads: 2, bytes: 2 });
        assert_eq!(weights.other_folders, Weight { threads: 1, bytes: 1 });
    }

    #[test]
    fn databases_are_found_with_their_logs_and_the_largest_first() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("state_5.sqlite", 9),
            ("logs_2.sqlite", 2),
            ("logs_2.sqlite-wal", 3),
            ("a.db", 1),
            ("note.txt", 7),
        ] {
            fs::write(folder.path().join(name), vec![0; bytes]).unwrap();
        }
        fs::create_dir(folder.path().join("folder.sqlite")).unwrap();
        let used = folder.path().join("state_5.sqlite");
        let found =
            other_databases(&[folder.path(), folder.path(), &folder.path().join("gone")], Some(&used));
        let names: Vec<_> =
            found.iter().map(|one| (one.path.file_name().unwrap().to_str().unwrap(), one.bytes)).collect();
        assert_eq!(names, [("logs_2.sqlite", 5), ("a.db", 1)]);
    }
}
