//! Finds the rollout files of a home. It opens none of them, and chooses none.

use crate::rollout::file_name::{self, NameBuffer, NamedFile, RolloutName};
use crate::rollout::fold::{RolloutSource, Stamp};
use crate::sys;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::{DirEntry, WalkDir};

/// The folder of active rollouts, below the home.
pub const ACTIVE: &str = "sessions";
/// The folder of archived rollouts, below the home.
pub const ARCHIVED: &str = "archived_sessions";

/// Returns the folder in which Codex puts an active rollout of this name.
#[must_use]
pub fn active_folder(home: &Path, name: RolloutName) -> PathBuf {
    name.date_folders().iter().fold(home.join(ACTIVE), |folder, part| folder.join(part))
}

/// Folders of a home with all links resolved, because a row may have another spelling of the home.
#[derive(Debug)]
pub struct Roots(Vec<PathBuf>);

impl Roots {
    /// Returns those of the two rollout folders that exist.
    #[must_use]
    pub fn of(home: &Path) -> Roots {
        Roots([ACTIVE, ARCHIVED].iter().filter_map(|folder| home.join(folder).canonicalize().ok()).collect())
    }

    /// Returns these and the home itself, because links may lead out of it.
    #[must_use]
    pub fn with_home(home: &Path) -> Roots {
        let mut roots = Roots::of(home);
        roots.0.extend(home.canonicalize().ok());
        roots
    }

    /// Returns true if the file at `path`, which exists, is below one of them.
    #[must_use]
    pub fn contain(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| self.0.iter().any(|root| path.starts_with(root)))
    }
}

/// A rollout file found by the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutFile {
    /// The folder of the file, shared with the other files in it.
    pub folder: Arc<Path>,
    /// The parsed name.
    pub named: NamedFile,
    /// The file name, if it differs from the one built from its parts; nearly all of 150,000 names are equal to it.
    odd_name: Option<Box<OsStr>>,
    /// Modification time and size.
    pub stamp: Stamp,
    /// True if it is in the folder of archived rollouts.
    pub archived: bool,
}

impl RolloutFile {
    /// Returns a file that was found; `named` is its parsed name.
    #[must_use]
    pub fn new(
        folder: Arc<Path>,
        file_name: &OsStr,
        named: NamedFile,
        stamp: Stamp,
        archived: bool,
    ) -> RolloutFile {
        let is_made_of_parts = named
            .name
            .is_some_and(|name| *name.encode(named.compressed, &mut NameBuffer::default()) == *file_name);
        let odd_name = (!is_made_of_parts).then(|| file_name.into());
        RolloutFile { folder, named, odd_name, stamp, archived }
    }

    /// Returns the file name.
    #[must_use]
    pub fn file_name(&self) -> Cow<'_, OsStr> {
        match (&self.odd_name, self.named.name) {
            (Some(odd), _) => Cow::Borrowed(odd),
            (None, Some(name)) => Cow::Owned(name.to_file_name(self.named.compressed).into()),
            // Unreachable: unparsed names are kept in `odd_name`.
            (None, None) => Cow::Borrowed(OsStr::new("")),
        }
    }

    /// Returns true if the file name is `name`; does not allocate.
    #[must_use]
    pub fn is_named(&self, name: &OsStr) -> bool {
        self.has_name(name.as_encoded_bytes())
    }

    /// Returns true if the file's path has exactly this spelling.
    #[must_use]
    pub fn is_spelled(&self, path: &Path) -> bool {
        let folder = self.folder.as_os_str().as_encoded_bytes();
        let path = path.as_os_str().as_encoded_bytes();
        match path.strip_prefix(folder).and_then(<[u8]>::split_first) {
            Some((separator, name)) => std::path::is_separator(char::from(*separator)) && self.has_name(name),
            None => false,
        }
    }

    /// Returns true if these are the bytes of the file name.
    fn has_name(&self, name: &[u8]) -> bool {
        match (&self.odd_name, self.named.name) {
            (Some(odd), _) => odd.as_encoded_bytes() == name,
            (None, Some(parts)) => {
                parts.encode(self.named.compressed, &mut NameBuffer::default()).as_bytes() == name
            }
            (None, None) => false,
        }
    }

    /// Returns the whole path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.file_name())
    }

    /// Returns true if the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stamp.size == 0
    }

    /// Returns the file as a source to read.
    #[must_use]
    pub fn source(&self) -> RolloutSource {
        RolloutSource {
            path: self.path(),
            name: self.named.name,
            compressed: self.named.compressed,
            archived: self.archived,
        }
    }

    /// Returns the file that is now at `path`, below `home`; `None` if it is not a rollout of this home.
    #[must_use]
    pub fn at(home: &Path, path: &Path) -> Option<RolloutFile> {
        let relative = path.strip_prefix(home).ok()?;
        let first = relative.components().next()?.as_os_str();
        let file_name = path.file_name()?;
        let named = file_name::parse(file_name)?;
        let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        (first == ACTIVE || first == ARCHIVED).then_some(())?;
        let stamp = Stamp::of(&metadata).ok()?;
        Some(RolloutFile::new(path.parent()?.into(), file_name, named, stamp, is_archived(relative)))
    }
}

/// Returns true for a path that Codex treats as archived: any path with this component.
fn is_archived(relative: &Path) -> bool {
    relative.components().any(|component| component.as_os_str() == ARCHIVED)
}

/// A folder or file that the walk could not read.
#[derive(Debug)]
pub struct WalkError {
    /// Its path, as far as it is known.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub struct Walk {
    /// The rollouts, in byte order of their paths.
    pub files: Vec<RolloutFile>,
    /// The folders and files that could not be read.
    pub errors: Vec<WalkError>,
    /// Those of the two root folders that are missing.
    pub missing_roots: Vec<PathBuf>,
}

/// Walks both folders of a home. Links are followed only for the two folders themselves.
///
/// `on_file` is called for each file found, for progress.
pub fn walk(home: &Path, mut on_file: impl FnMut()) -> Walk {
    let mut walk = Walk::default();
    for root in [ARCHIVED, ACTIVE] {
        let root = home.join(root);
        match std::fs::metadata(&root) {
            Ok(metadata) if metadata.is_dir() => walk_root(home, &root, &mut walk, &mut on_file),
            Ok(_) => walk.errors.push(WalkError { path: root, reason: "not a folder".to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // A dangling link may be an unmounted drive; do not treat it as never created.
                if root.is_symlink() {
                    let reason = "is a link to nothing".to_owned();
                    walk.errors.push(WalkError { path: root.clone(), reason });
                }
                walk.missing_roots.push(root);
            }
            Err(error) => walk.errors.push(WalkError { path: root, reason: error.to_string() }),
        }
    }
    walk
}

fn walk_root(home: &Path, root: &Path, walk: &mut Walk, on_file: &mut impl FnMut()) {
    let mut folder: Arc<Path> = root.into();
    let mut archived = is_archived(root.strip_prefix(home).unwrap_or(root));
    for entry in WalkDir::new(root).sort_by(compare_entries) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // A folder that was removed during the walk is not an error.
                error.io_error().iter().for_each(|error| sys::note_failure(error));
                if error.io_error().is_none_or(|io| io.kind() != std::io::ErrorKind::NotFound) {
                    let path = error.path().unwrap_or(root).to_owned();
                    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    walk.errors.push(WalkError { path, reason });
                }
                continue;
            }
        };
        let Some(named) = file_name::parse(entry.file_name()) else { continue };
        if !entry.file_type().is_file() {
            continue;
        }
        let stamp = match entry.metadata() {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) if error.io_error().is_some_and(|io| io.kind() == std::io::ErrorKind::NotFound) => {
                continue;
            }
            Err(error) => Err(error.into()),
        };
        let stamp = match stamp {
            Ok(stamp) => stamp,
            Err(error) => {
                walk.errors.push(WalkError { path: entry.path().to_owned(), reason: error.to_string() });
                continue;
            }
        };
        let parent = entry.path().parent().unwrap_or(root);
        if *folder != *parent {
            folder = parent.into();
            archived = is_archived(parent.strip_prefix(home).unwrap_or(parent));
        }
        walk.files.push(RolloutFile::new(Arc::clone(&folder), entry.file_name(), named, stamp, archived));
        on_file();
    }
}

/// Compares whole paths in byte order: a folder sorts as if its name ended with the separator.
fn compare_entries(a: &DirEntry, b: &DirEntry) -> std::cmp::Ordering {
    // Entries of one folder share the part before their names; finding that part is more expensive than comparing it.
    fn bytes(entry: &DirEntry) -> &[u8] {
        entry.path().as_os_str().as_encoded_bytes()
    }
    let (a_path, b_path) = (bytes(a), bytes(b));
    let common = a_path.len().min(b_path.len());
    let next = |entry: &DirEntry, path: &[u8]| match path.get(common) {
        None if entry.file_type().is_dir() => Some(b'/'),
        next => next.copied(),
    };
    // The paths differ, so if one is a prefix of the other, the next byte decides.
    a_path[..common].cmp(&b_path[..common]).then_with(|| next(a, a_path).cmp(&next(b, b_path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019ced6b-835b-7475-b762-429694b3a51e";

    #[test]
    fn the_walk_goes_in_byte_order_of_whole_paths() {
        let home = tempfile::tempdir().unwrap();
        for path in
            ["sessions/a/rollout-z.jsonl", "sessions/a-b/rollout-a.jsonl", "sessions/a0/rollout-a.jsonl"]
                .into_iter()
                .chain([
                    "sessions/rollout-b.jsonl",
                    "sessions/rollout-b.jsonl.zst",
                    "archived_sessions/rollout-c.jsonl",
                ])
        {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let walk = walk(home.path(), || {});
        let paths: Vec<PathBuf> = walk.files.iter().map(RolloutFile::path).collect();
        let mut sorted = paths.clone();
        // As Codex writes them in its watermark, on every system.
        sorted.sort_by_key(|path| path.to_str().unwrap().replace('\\', "/"));
        assert_eq!(paths.len(), 6);
        assert_eq!(paths, sorted);
    }

    #[test]
    fn a_file_knows_the_exact_spelling_of_its_path() {
        let folder = Path::new("home").join(ACTIVE);
        let usual = format!("rollout-2026-03-14T17-00-00-{ID}.jsonl");
        let capital = format!("rollout-2026-03-14T17-00-00-{}.jsonl", ID.to_uppercase());
        for name in [usual.as_str(), &capital, "rollout-odd.jsonl"] {
            let named = file_name::parse(name.as_ref()).unwrap();
            let stamp = Stamp { modified: std::time::UNIX_EPOCH, size: 1 };
            let file = RolloutFile::new(folder.as_path().into(), name.as_ref(), named, stamp, false);
            assert!(file.is_spelled(&file.path()) && file.is_spelled(&folder.join(name)), "{name}");
            let others =
                [folder.join(format!("x{name}")), Path::new("home").join(name), folder.join("..").join(name)];
            for other in
                others.iter().chain([&folder.join(format!("{name}.zst")), &folder.join(usual.to_uppercase())])
            {
                assert!(!file.is_spelled(other), "{name}: {}", other.display());
            }
        }
    }
}
