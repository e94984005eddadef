//! Finds the threads that people type: by id, by the beginning of an id, or by path. It changes nothing.

use super::Database;
use crate::catalog::forms::{self, Forms};
use crate::catalog::inventory::Inventory;
use crate::catalog::misnamed;
use crate::catalog::paths;
use crate::catalog::walk::{self, RolloutFile};
use crate::db::{Connection, threads};
use crate::rollout::extract::Options;
use crate::rollout::file_name::{self, RolloutName};
use crate::rollout::fold::{self, Reading};
use crate::rollout::reader::Buffer;
use crate::thread::ThreadId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Maximum number of candidates that are listed for an ambiguous prefix.
pub const MAX_CANDIDATES: usize = 10;

/// A requested thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selected {
    /// By its id.
    Id(ThreadId),
    /// By a rollout whose name does not give the thread.
    Path(PathBuf),
}

impl Selected {
    /// Returns the id of the thread, if it was requested by its id.
    #[must_use]
    pub fn id(&self) -> Option<ThreadId> {
        match self {
            Selected::Id(id) => Some(*id),
            Selected::Path(_) => None,
        }
    }
}

/// The reason why a typed text does not select a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// No thread has such an id or path.
    NoSuchThread,
    /// Several threads match: up to [`MAX_CANDIDATES`] of them, and their number.
    Ambiguous(Vec<String>, usize),
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unresolved::NoSuchThread => f.write_str("no such thread"),
            Unresolved::Ambiguous(candidates, n) => {
                write!(f, "ambiguous, {n} threads begin so: {}", candidates.join(", "))?;
                if *n > candidates.len() { f.write_str(", …") } else { Ok(()) }
            }
        }
    }
}

/// Returns true if the text is meant as a path: it contains a separator or ends like a rollout.
#[must_use]
pub fn is_path(typed: &str) -> bool {
    typed.contains('/')
        || typed.contains(std::path::is_separator)
        || typed.ends_with(".jsonl")
        || forms::is_compressed(Path::new(typed))
}

/// Finds threads for one command: in the database first, then among the file names, which are listed at most once.
pub struct Resolver<'a> {
    home: &'a Path,
    current_dir: &'a Path,
    file_ids: Option<BTreeSet<ThreadId>>,
}

impl<'a> Resolver<'a> {
    /// Makes a resolver for a home. Relative paths start from `current_dir`.
    #[must_use]
    pub fn new(home: &'a Path, current_dir: &'a Path) -> Resolver<'a> {
        Resolver { home, current_dir, file_ids: None }
    }

    /// Finds each typed thread, in the same order. `connection` is the database, if there is one.
    ///
    /// # Errors
    /// If the database cannot be read. The inner results report a missing thread or an ambiguous text.
    pub fn resolve(
        &mut self,
        typed: &[String],
        connection: Option<&Connection>,
    ) -> anyhow::Result<Vec<Result<Selected, Unresolved>>> {
        // Not kept for the next call, because the database may change.
        let mut in_rows = None;
        typed.iter().map(|typed| self.resolve_one(typed, connection, &mut in_rows)).collect()
    }

    fn resolve_one(
        &mut self,
        typed: &str,
        connection: Option<&Connection>,
        in_rows: &mut Option<MisnamedInRows>,
    ) -> anyhow::Result<Result<Selected, Unresolved>> {
        if is_path(typed) {
            return self.resolve_path(Path::new(typed), connection, in_rows);
        }
        let prefix = typed.to_ascii_lowercase();
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Ok(Err(Unresolved::NoSuchThread));
        }
        if let Some(connection) = connection {
            let (ids, n) = threads::ids_beginning(connection, &prefix, MAX_CANDIDATES)?;
            if n > 0 {
                return Ok(one_of(ids, n));
            }
        }
        let files = self.file_ids.get_or_insert_with(|| {
            let files = walk::walk(self.home).files;
            files.iter().filter_map(RolloutFile::thread).collect()
        });
        let mut ids = beginning(files, &prefix);
        let first: Vec<String> = ids.by_ref().take(MAX_CANDIDATES).collect();
        let n = first.len() + ids.count();
        Ok(one_of(first, n))
    }

    fn resolve_path(
        &mut self,
        typed: &Path,
        connection: Option<&Connection>,
        in_rows: &mut Option<MisnamedInRows>,
    ) -> anyhow::Result<Result<Selected, Unresolved>> {
        let path = self.current_dir.join(typed);
        let named = path.file_name().and_then(file_name::parse).map(|named| named.name);
        // The paths in rows begin with the home as Codex found it; the plain and the compressed form are one thread.
        if let Some(connection) = connection
            && let Some(id) = of_row(connection, named.flatten(), &Forms::of(&path), in_rows)?
        {
            return Ok(Ok(Selected::Id(id)));
        }
        Ok(match named {
            Some(Some(name)) if RolloutFile::at(self.home, &path).is_some() => Ok(Selected::Id(name.thread)),
            // The file is missing, or the path has another spelling than the home. It may still be a known thread.
            Some(Some(name)) => return self.resolve_one(&name.thread.to_string(), connection, in_rows),
            Some(None) if RolloutFile::at(self.home, &path).is_some() => Ok(Selected::Path(path)),
            _ => Err(Unresolved::NoSuchThread),
        })
    }
}

/// The threads of rows that name a misnamed file, by its path.
type MisnamedInRows = HashMap<String, ThreadId>;

/// Returns the thread whose row names a file, in either form. The thread in the file's name has precedence over all
/// others.
fn of_row(
    connection: &Connection,
    named: Option<RolloutName>,
    forms: &Forms,
    in_rows: &mut Option<MisnamedInRows>,
) -> anyhow::Result<Option<ThreadId>> {
    if let Some(name) = named
        && let Some(path) = threads::rollout_path(connection, name.thread)?
        && forms.each().into_iter().any(|form| path.as_os_str() == form.as_os_str())
    {
        return Ok(Some(name.thread));
    }
    // No index leads from a path to its row. Most rows are found above, so the others are read only once.
    let in_rows = match in_rows {
        Some(in_rows) => in_rows,
        None => in_rows.insert(read_misnamed(connection)?),
    };
    let texts = forms.each().into_iter().filter_map(Path::to_str);
    Ok(texts.filter_map(|form| in_rows.get(form)).min().copied())
}

fn read_misnamed(connection: &Connection) -> anyhow::Result<MisnamedInRows> {
    let mut in_rows = MisnamedInRows::new();
    threads::each_path(connection, |id, path| {
        let file = paths::name_in_row(Path::new(path));
        let named = file.and_then(file_name::parse).and_then(|named| named.name);
        if let Some(id) = ThreadId::parse(id)
            && named.is_none_or(|name| name.thread != id)
        {
            let first = in_rows.entry(path.to_owned()).or_insert(id);
            *first = id.min(*first);
        }
    })?;
    Ok(in_rows)
}

/// Returns the ids that begin with a prefix of hexadecimal digits and hyphens.
fn beginning<'a>(ids: &'a BTreeSet<ThreadId>, prefix: &'a str) -> impl Iterator<Item = String> + 'a {
    // Ids are sorted by their digits.
    let digits: String =
        prefix.chars().filter(|c| *c != '-').chain(std::iter::repeat('0')).take(32).collect();
    let first = ThreadId::from_u128(u128::from_str_radix(&digits, 16).unwrap_or_default());
    ids.range(first..).map(ToString::to_string).take_while(move |id| id.starts_with(prefix))
}

/// The requested threads, with which groups of files are compared.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The threads with known ids.
    pub ids: BTreeSet<ThreadId>,
    paths: Vec<PathBuf>,
    /// Those of `paths` that were typed, not found in rows.
    typed: Vec<PathBuf>,
    /// The misnamed files of the threads, if they were looked for, with the threads in their contents.
    pub(super) misnamed: BTreeMap<usize, ThreadId>,
}

impl Wanted {
    /// Builds the set, with the files in the threads' rows, because these may be misnamed. Returns `None` if all threads
    /// were requested.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn new(threads: Option<&[Selected]>, database: &mut impl Database) -> anyhow::Result<Option<Wanted>> {
        let Some(threads) = threads else { return Ok(None) };
        let mut wanted = Wanted::default();
        for thread in threads {
            match thread {
                Selected::Path(path) => {
                    wanted.paths.push(path.clone());
                    wanted.typed.push(path.clone());
                }
                Selected::Id(id) => {
                    wanted.ids.insert(*id);
                    let named = |path: &PathBuf| paths::name_in_row(path).and_then(file_name::parse)?.name;
                    let path = database.read(|connection| threads::rollout_path(connection, *id))?;
                    wanted
                        .paths
                        .extend(path.filter(|path| named(path).is_none_or(|name| name.thread != *id)));
                }
            }
        }
        Ok(Some(wanted))
    }

    /// Returns true if each requested thread has a file that is named after it.
    #[must_use]
    pub fn is_named(&self, inventory: &Inventory) -> bool {
        self.typed.is_empty() && self.ids.iter().all(|id| !inventory.range_of(*id).is_empty())
    }

    /// Finds the misnamed files of the requested threads, and the thread of each. If neither a name nor a row leads
    /// to a thread, or the named files contain nothing of it, every file is opened and read as far as its first session
    /// meta.
    ///
    /// If a requested file is named after another thread, that whole thread is selected, because another of its files
    /// may be chosen.
    pub fn find_misnamed(&mut self, inventory: &Inventory, interrupted: &AtomicBool) {
        let mut buffer = Buffer::default();
        let mut thread_in = |i: usize| misnamed::thread_in(inventory, i, &mut buffer, interrupted);
        let is_without_file = |id: &&ThreadId| inventory.range_of(**id).is_empty();
        let mut ids: BTreeSet<ThreadId> = self.ids.iter().filter(is_without_file).copied().collect();
        let mut found: Vec<ThreadId> = Vec::new();
        for path in &self.paths {
            let Some(id) = paths::locate(inventory, path).and_then(&mut thread_in) else { continue };
            if self.ids.contains(&id) && !self.typed.contains(path) {
                ids.remove(&id);
            } else {
                found.push(id);
            }
        }
        let mut to_look_at: Vec<ThreadId> = self.ids.iter().copied().collect();
        loop {
            for id in found.drain(..) {
                ids.insert(id);
                if self.ids.insert(id) {
                    to_look_at.push(id);
                }
            }
            let Some(id) = to_look_at.pop() else { break };
            let files = inventory.range_of(id);
            let mut has_own = files.is_empty();
            for file in files {
                match thread_in(file) {
                    Some(other) if other != id => found.push(other),
                    Some(_) => has_own = true,
                    None => has_own |= may_be_usable(&inventory.files()[file], interrupted),
                }
            }
            if !has_own {
                // Another file may contain the thread.
                ids.insert(id);
            }
        }
        if !ids.is_empty() {
            let all = misnamed::find_all(inventory, interrupted);
            self.misnamed = all.filter(|(_, id)| ids.contains(id)).collect();
        }
    }

    /// Returns true if a group of files, named after `thread`, was requested.
    #[must_use]
    pub fn contains(&self, thread: Option<ThreadId>, members: &[RolloutFile]) -> bool {
        thread.is_some_and(|thread| self.ids.contains(&thread))
            || self.paths.iter().any(|path| members.iter().any(|file| paths::is_at(file, path)))
    }
}

/// Returns true if a file without a session meta may be a rollout all the same.
fn may_be_usable(file: &RolloutFile, interrupted: &AtomicBool) -> bool {
    let mut buffer = Buffer::default();
    let mut reading = Reading { buffer: &mut buffer, options: Options::default(), interrupted };
    !fold::read_beginning(&file.source(), &mut reading).is_err_and(|error| error.is_unusable())
}

fn one_of(mut ids: Vec<String>, n: usize) -> Result<Selected, Unresolved> {
    match (n, ids.pop()) {
        (1, Some(id)) => ThreadId::parse(&id).map(Selected::Id).ok_or(Unresolved::NoSuchThread),
        (0, _) | (_, None) => Err(Unresolved::NoSuchThread),
        (n, Some(last)) => {
            ids.push(last);
            Err(Unresolved::Ambiguous(ids, n))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_rollout_suffixes_make_a_text_a_path() {
        assert!(is_path("./x") && is_path("rollout-x.jsonl") && is_path("a.jsonl.zst"));
        assert!(!is_path("019ced47") && !is_path("019ced47-cebb-79dd-b0aa-a552437621a9"));
    }

    #[test]
    fn beginnings_are_found_in_the_database_and_ambiguous_ones_are_counted() {
        let (home, folder) = (tempfile::tempdir().unwrap(), Path::new("/h"));
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE threads (id TEXT PRIMARY KEY, rollout_path TEXT)").unwrap();
        let id = |i: u32| format!("019ced47-cebb-79dd-b0aa-0000000000{i:02x}");
        for i in 0..12 {
            let path = folder.join(format!("rollout-{i}.jsonl")).into_os_string().into_string().unwrap();
            connection.execute("INSERT INTO threads VALUES (?1, ?2)", [id(i), path]).unwrap();
        }
        let mut resolver = Resolver::new(home.path(), folder);
        let mut resolve =
            |typed: &str| resolver.resolve(&[typed.to_owned()], Some(&connection)).unwrap().pop().unwrap();
        assert_eq!(resolve(&id(3).to_uppercase()), Ok(Selected::Id(ThreadId::parse(&id(3)).unwrap())));
        assert_eq!(resolve("rollout-4.jsonl"), Ok(Selected::Id(ThreadId::parse(&id(4)).unwrap())));
        assert_eq!(resolve("rollout-4.jsonl.zst"), Ok(Selected::Id(ThreadId::parse(&id(4)).unwrap())));
        let no_text = "INSERT INTO threads VALUES (CAST(x'61626330ff' AS TEXT), 'x')";
        connection.execute(no_text, []).unwrap();
        assert_eq!(resolve("abc"), Err(Unresolved::NoSuchThread), "an id that cannot be typed");
        let Err(Unresolved::Ambiguous(candidates, n)) = resolve("019c") else { panic!() };
        assert_eq!((candidates.len(), n), (10, 12));
        let named = |id: &str| format!("/elsewhere/rollout-2026-03-14T16-57-12-{id}.jsonl");
        assert_eq!(
            resolve(&named(&id(5))),
            Ok(Selected::Id(ThreadId::parse(&id(5)).unwrap())),
            "it has a row"
        );
        for nothing in ["", "xyz", "019d", "%", "rollout-99.jsonl", &named(&id(99)), "rollout-x/y"] {
            assert_eq!(resolve(nothing), Err(Unresolved::NoSuchThread), "{nothing:?}");
        }
    }

    #[test]
    fn a_file_selects_the_thread_in_its_name_before_others_whose_rows_name_it() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE threads (id TEXT PRIMARY KEY, rollout_path TEXT)").unwrap();
        let id = |i: u128| ThreadId::from_u128(i);
        let path = |i: u128| format!("/h/sessions/rollout-2026-03-14T16-57-12-{}.jsonl", id(i));
        for (i, path) in [(1, path(2)), (2, path(2)), (3, path(4)), (5, path(4)), (6, path(6) + ".zst")] {
            connection.execute("INSERT INTO threads VALUES (?1, ?2)", [id(i).to_string(), path]).unwrap();
        }
        let home = tempfile::tempdir().unwrap();
        let mut resolver = Resolver::new(home.path(), Path::new("/h"));
        let typed = [path(2), path(4) + ".zst", path(6), path(7), path(4)];
        let found = resolver.resolve(&typed, Some(&connection)).unwrap();
        let thread = |i| Ok(Selected::Id(id(i)));
        assert_eq!(found, [thread(2), thread(3), thread(6), Err(Unresolved::NoSuchThread), thread(3)]);
    }

    #[test]
    fn beginning_equals_a_search_by_prefix() {
        let text = |i: u32| format!("019ced47-ceb{i:x}-79dd-b0aa-000000000000");
        let ids: BTreeSet<ThreadId> = (0..16).map(|i| ThreadId::parse(&text(i)).unwrap()).collect();
        let longer = format!("{}0", text(3));
        for prefix in ["", "0", "019ced47-ceb", "019ced47-ceb3", &text(3), &longer, "02", "00", "01-9c", "-"]
        {
            let plainly: Vec<String> =
                ids.iter().map(ToString::to_string).filter(|id| id.starts_with(prefix)).collect();
            assert_eq!(beginning(&ids, prefix).collect::<Vec<_>>(), plainly, "{prefix:?}");
        }
    }
}
