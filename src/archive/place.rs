//! Checks where paths lead, so that no file outside the home is followed, and determines where files are moved.

use super::engine::Direction;
use super::refusal::Refusal;
use crate::catalog::forms;
use crate::catalog::walk::{ACTIVE, ARCHIVED};
use crate::rollout::file_name::RolloutName;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Returns the file at `path`, in plain or compressed form, if it is a regular file within one of the two folders of
/// the home and is reached without a symbolic link below them. Returns `Ok(None)` if nothing is there.
///
/// # Errors
/// If the file must not be touched.
pub(super) fn find_movable(home: &Path, path: &Path) -> Result<Option<PathBuf>, Refusal> {
    if !path.is_absolute() {
        return Ok(None);
    }
    let found = match forms::look(path).map_err(|error| Refusal::Unseen(path.to_owned(), error))? {
        Some((form, metadata)) if metadata.is_symlink() => return Err(Refusal::Link(form)),
        Some((form, metadata)) if metadata.is_file() => form,
        Some((form, _)) => return Err(Refusal::NotAFile(form)),
        None => return Ok(None),
    };
    let outside = || Refusal::OutsideHome(found.clone());
    let folder = found.parent().ok_or_else(outside)?;
    if is_plainly_inside(home, folder) {
        return Ok(Some(found));
    }
    let real = |path: &Path| fs::canonicalize(path);
    let real_folder = real(folder).map_err(|error| Refusal::Folder(folder.to_owned(), error))?;
    let roots = [ACTIVE, ARCHIVED].map(|root| real(&home.join(root)).ok());
    let root = roots.into_iter().flatten().find(|root| real_folder.starts_with(root)).ok_or_else(outside)?;
    let mut way = folder;
    while real(way).ok().as_deref() != Some(&*root) {
        let is_link = fs::symlink_metadata(way).is_ok_and(|metadata| metadata.is_symlink());
        match way.parent() {
            Some(parent) if !is_link => way = parent,
            _ => return Err(Refusal::BehindLink(found.clone())),
        }
    }
    Ok(Some(found))
}

/// Returns true if a folder's path begins with a root of the home, and no folder on the way down from there is a
/// link. Resolving the path instead takes a system call for each of its parts, hundreds for a thread.
fn is_plainly_inside(home: &Path, folder: &Path) -> bool {
    [ACTIVE, ARCHIVED].iter().any(|root| {
        let mut way = home.join(root);
        folder.strip_prefix(&way).is_ok_and(|below| {
            below.components().all(|part| {
                way.push(part);
                matches!(part, Component::Normal(_))
                    && fs::symlink_metadata(&way).is_ok_and(|metadata| metadata.is_dir())
            })
        })
    })
}

/// Returns the path of the destination folder for a file with this name.
pub(super) fn path(home: &Path, direction: Direction, name: RolloutName) -> PathBuf {
    let (root, below) = folder(home, direction, name);
    below.iter().fold(root, |path, part| path.join(part))
}

/// Returns the destination folder for a file with this name: a root of the home, and the folders below it.
pub(super) fn folder(home: &Path, direction: Direction, name: RolloutName) -> (PathBuf, Vec<String>) {
    match direction {
        Direction::Archive => (home.join(ARCHIVED), Vec::new()),
        Direction::Unarchive => (home.join(ACTIVE), name.date_folders().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does the same, with the reason of a refusal as text.
    fn look(home: &Path, path: &Path) -> Result<Option<PathBuf>, String> {
        super::find_movable(home, path).map_err(|refusal| refusal.to_string())
    }

    const NAME: &str = "rollout-2026-03-14T16-57-12-019ced47-cebb-79dd-b0aa-a552437621a9.jsonl";

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for folder in ["sessions/2026/03/14", "archived_sessions", "elsewhere"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
            fs::write(home.path().join(folder).join(NAME), "x").unwrap();
        }
        home
    }

    #[test]
    fn a_file_in_the_home_is_found_in_either_form() {
        let home = home();
        let active = home.path().join("sessions/2026/03/14").join(NAME);
        assert_eq!(look(home.path(), &active), Ok(Some(active.clone())));
        let archived = home.path().join("archived_sessions");
        assert_eq!(look(home.path(), &archived.join("gone.jsonl")), Ok(None));
        assert_eq!(look(home.path(), &active.join("below a file")), Ok(None));
        fs::rename(archived.join(NAME), archived.join(format!("{NAME}.zst"))).unwrap();
        assert_eq!(look(home.path(), &archived.join(NAME)), Ok(Some(archived.join(format!("{NAME}.zst")))));
    }

    #[test]
    fn files_outside_and_non_files_are_refused() {
        let home = home();
        let error = look(home.path(), &home.path().join("elsewhere").join(NAME)).unwrap_err();
        assert!(error.contains("outside of the Codex home"), "{error}");
        let around = home.path().join("sessions/../elsewhere").join(NAME);
        assert!(look(home.path(), &around).unwrap_err().contains("outside of the Codex home"));
        assert!(
            look(home.path(), &home.path().join("sessions/2026")).unwrap_err().contains("not a regular file")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_refused_below_the_roots_but_not_as_a_root() {
        use std::os::unix::fs::symlink;
        let home = home();
        let sessions = home.path().join("sessions");
        symlink(home.path().join("elsewhere"), sessions.join("out")).unwrap();
        assert!(look(home.path(), &sessions.join("out").join(NAME)).unwrap_err().contains("outside"));
        symlink(sessions.join("2026"), sessions.join("again")).unwrap();
        let again = sessions.join("again/03/14").join(NAME);
        assert!(look(home.path(), &again).unwrap_err().contains("behind a symbolic link"));
        symlink(sessions.join("2026/03/14").join(NAME), sessions.join("rollout-link.jsonl")).unwrap();
        let link = look(home.path(), &sessions.join("rollout-link.jsonl")).unwrap_err();
        assert!(link.contains("is a symbolic link"), "{link}");

        let other = tempfile::tempdir().unwrap();
        symlink(&sessions, other.path().join("sessions")).unwrap();
        let through_root = other.path().join("sessions/2026/03/14").join(NAME);
        assert_eq!(look(other.path(), &through_root), Ok(Some(through_root.clone())));
        symlink(other.path(), home.path().join("home")).unwrap();
        let through_home = home.path().join("home/sessions/2026/03/14").join(NAME);
        assert_eq!(look(home.path(), &through_home), Ok(Some(through_home.clone())));
    }
}
