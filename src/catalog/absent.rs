//! Finds the rollout folders of a home that cannot be walked, and counts the rows that name rollouts in them.
//!
//! An unmounted drive, a dangling link or a folder without permission hides every file in it at once. The rows of
//! such files are not lost, so no message may suggest to delete them.

use super::rollout_file::RolloutFile;
use super::walk::{self, Walk, WalkError};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The reason why a folder cannot be walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Nothing exists at its path.
    Gone,
    /// Its path is a link whose target is missing.
    Dangling(PathBuf),
    /// A file is at its path.
    NotAFolder,
    /// The system refuses to list it, with this message.
    Unreadable(String),
    /// It can be walked and is empty, like a mount point whose drive is not mounted.
    Empty,
}

impl std::fmt::Display for Absence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Absence::Gone => f.write_str("is missing"),
            Absence::Dangling(target) => write!(f, "is a link to {}, which is missing", target.display()),
            Absence::NotAFolder => f.write_str("is a file, not a folder"),
            Absence::Unreadable(reason) => write!(f, "cannot be read ({reason})"),
            Absence::Empty => f.write_str("is empty, as a drive that is not mounted is"),
        }
    }
}

/// A rollout folder that cannot be walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentFolder {
    /// Its path, below the home.
    pub path: PathBuf,
    /// The reason why it cannot be walked.
    pub absence: Absence,
    /// Number of the examined rows that name a rollout in it.
    pub rows: u64,
}

impl AbsentFolder {
    /// Returns true if the folder still cannot be walked, or is still empty.
    #[must_use]
    pub fn is_still_absent(&self) -> bool {
        match self.absence {
            Absence::Empty => is_empty(&self.path),
            _ => fs::read_dir(&self.path).is_err(),
        }
    }

    /// Describes the problem, without the path.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}, and {} in it", self.absence, naming_rows(self.rows))
    }
}

/// Returns in words that some rows name their rollouts; a place follows.
#[must_use]
pub fn naming_rows(n: u64) -> String {
    if n == 1 { "1 row names its rollout".to_owned() } else { format!("{n} rows name their rollouts") }
}

/// Returns true if a folder can be listed and is empty.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// The rollout folders of a home that cannot be walked, or that are empty although they should not be.
#[derive(Debug, Clone, Default)]
pub struct AbsentFolders {
    home: PathBuf,
    canonical_home: Option<PathBuf>,
    folders: Vec<AbsentFolder>,
    /// For each folder that contains a `sessions` or `archived_sessions`: true if it is this home.
    is_home: HashMap<PathBuf, bool>,
}

impl AbsentFolders {
    /// Finds them among the errors of a walk.
    #[must_use]
    pub fn of(home: &Path, walk: &Walk) -> AbsentFolders {
        let mut folders = Vec::new();
        for name in [walk::ARCHIVED, walk::ACTIVE] {
            let path = home.join(name);
            let error = walk.errors.iter().find(|error| error.path == path);
            let absence = if walk.missing_roots.contains(&path) {
                fs::read_link(&path).map_or(Absence::Gone, Absence::Dangling)
            } else if let Some(error) = error {
                match fs::metadata(&path) {
                    Ok(metadata) if !metadata.is_dir() => Absence::NotAFolder,
                    _ => Absence::Unreadable(error.reason.clone()),
                }
            } else if name == walk::ACTIVE
                && walk.files.iter().all(RolloutFile::is_archived)
                && is_empty(&path)
            {
                // An empty archive is normal.
                Absence::Empty
            } else {
                continue;
            };
            folders.push(AbsentFolder { path, absence, rows: 0 });
        }
        let canonical_home = home.canonicalize().ok().filter(|_| !folders.is_empty());
        AbsentFolders { home: home.to_owned(), canonical_home, folders, is_home: HashMap::new() }
    }

    /// Returns true if both folders can be walked, and the active one is not empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Counts a row if its path is in one of them; otherwise returns false.
    pub fn count(&mut self, row_path: &Path) -> bool {
        let Some(i) = self.position(row_path) else { return false };
        self.folders[i].rows += 1;
        true
    }

    /// Returns true if a row's path is in one of them.
    #[must_use]
    pub fn hold(&mut self, row_path: &Path) -> bool {
        self.position(row_path).is_some()
    }

    fn position(&mut self, row_path: &Path) -> Option<usize> {
        let spelled = self.folders.iter().position(|folder| row_path.starts_with(&folder.path));
        if self.folders.is_empty() || spelled.is_some() {
            return spelled;
        }
        // The row may have another spelling of the home, through a link.
        for ancestor in row_path.ancestors() {
            let i = self.folders.iter().position(|folder| folder.path.file_name() == ancestor.file_name());
            if i.is_some() && ancestor.parent().is_some_and(|parent| self.is_this_home(parent)) {
                return i;
            }
        }
        None
    }

    fn is_this_home(&mut self, folder: &Path) -> bool {
        if folder == self.home {
            return true;
        }
        if let Some(known) = self.is_home.get(folder) {
            return *known;
        }
        let canonical = folder.canonicalize().ok();
        let is_home = canonical.is_some() && canonical == self.canonical_home;
        self.is_home.insert(folder.to_owned(), is_home);
        is_home
    }

    /// Returns the folders in which counted rows name rollouts.
    pub fn named(&self) -> impl Iterator<Item = &AbsentFolder> {
        self.folders.iter().filter(|folder| folder.rows > 0)
    }
}

/// The folders of a home whose rollouts cannot be seen now. The row that names a rollout in one of them says more than
/// a copy elsewhere: with the copy, it would take an active thread out of Codex's list.
#[derive(Debug, Clone, Default)]
pub struct HiddenFolders {
    roots: AbsentFolders,
    /// There may be as many as threads, and each row is asked about.
    others: HashSet<PathBuf>,
}

impl HiddenFolders {
    /// Returns those of the `counted` folders in which rollouts are missing, and the folders with an error. A folder
    /// whose rollouts were all moved elsewhere hides none.
    #[must_use]
    pub fn new(mut counted: AbsentFolders, errors: &[WalkError]) -> HiddenFolders {
        counted.folders.retain(|folder| folder.rows > 0);
        HiddenFolders { roots: counted, others: errors.iter().map(|error| error.path.clone()).collect() }
    }

    /// Returns true if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.others.is_empty() && self.roots.is_empty()
    }

    /// Returns true if a row's path is in one of them.
    #[must_use]
    pub fn hide(&mut self, row_path: &Path) -> bool {
        !self.is_empty()
            && (row_path.ancestors().any(|part| self.others.contains(part)) || self.roots.hold(row_path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the description of a home that `make` creates, with a row that names a rollout at `row` below the home.
    fn check(make: impl Fn(&Path), row: &str, expected: &[(&str, &str)]) {
        let home = tempfile::tempdir().unwrap();
        make(home.path());
        let mut absent = AbsentFolders::of(home.path(), &walk::walk(home.path()));
        let row = home.path().join(row);
        assert_eq!(absent.count(&row), !expected.is_empty());
        let named: Vec<(String, String)> = absent
            .named()
            .map(|folder| {
                let name = folder.path.strip_prefix(home.path()).unwrap().display().to_string();
                (name, folder.describe().replace(home.path().to_str().unwrap(), "HOME"))
            })
            .collect();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, says)| ((*name).to_owned(), (*says).to_owned())).collect();
        assert_eq!(named, expected);
    }

    const ROW: &str = "sessions/2026/07/06/rollout-x.jsonl";

    #[test]
    fn a_folder_is_absent_when_it_is_gone_or_a_file() {
        let archived = |home: &Path| fs::create_dir(home.join("archived_sessions")).unwrap();
        let gone = "is missing, and 1 row names its rollout in it";
        check(archived, ROW, &[("sessions", gone)]);
        check(|_| {}, ROW, &[("sessions", gone)]);
        check(|_| {}, "elsewhere/rollout-x.jsonl", &[]);
        let empty = "is empty, as a drive that is not mounted is, and 1 row names its rollout in it";
        check(|home| fs::create_dir(home.join("sessions")).unwrap(), ROW, &[("sessions", empty)]);
        check(|home| fs::create_dir_all(home.join("sessions/2026")).unwrap(), ROW, &[]);
        let is_archived = "archived_sessions/rollout-x.jsonl";
        check(|home| fs::create_dir(home.join("archived_sessions")).unwrap(), is_archived, &[]);
        check(
            |home| fs::create_dir(home.join("sessions")).unwrap(),
            "archived_sessions/rollout-x.jsonl",
            &[("archived_sessions", gone)],
        );
        let file = "is a file, not a folder, and 1 row names its rollout in it";
        check(|home| fs::write(home.join("sessions"), "x").unwrap(), ROW, &[("sessions", file)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_and_a_folder_that_cannot_be_listed_are_absent() {
        use std::os::unix::fs::symlink;
        let link = |home: &Path| symlink(home.join("drive"), home.join("sessions")).unwrap();
        let says = "is a link to HOME/drive, which is missing, and 1 row names its rollout in it";
        check(link, ROW, &[("sessions", says)]);
        let loops = |home: &Path| symlink("sessions", home.join("sessions")).unwrap();
        let home = tempfile::tempdir().unwrap();
        loops(home.path());
        let absent = AbsentFolders::of(home.path(), &walk::walk(home.path()));
        assert!(matches!(absent.folders[1].absence, Absence::Unreadable(_)), "{absent:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_row_may_spell_the_home_through_a_link() {
        let place = tempfile::tempdir().unwrap();
        let (home, link) = (place.path().join("home"), place.path().join("link"));
        fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(&home, &link).unwrap();
        let mut absent = AbsentFolders::of(&home, &walk::walk(&home));
        assert!(absent.hold(&link.join(ROW)) && absent.hold(&home.join(ROW)));
        assert!(!absent.hold(&place.path().join("other").join(ROW)));
    }
}
