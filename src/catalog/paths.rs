//! Matches the paths in rows with rollout files; opens no rollout.

use super::forms::{Forms, is_compressed, plain_name};
use super::inventory::{self, Inventory};
use super::rollout_file::{ACTIVE, ARCHIVED, RolloutFile, is_archived};
use crate::rollout::file_name;
use crate::sys;
use crate::thread::folder;
use std::ffi::OsStr;
use std::path::{Path, is_separator};

/// Returns true if `path`, as a row spells it, is this file, or the plain form of this compressed file.
#[must_use]
pub fn is_at(file: &RolloutFile, path: &Path) -> bool {
    if file.is_spelled(path) {
        return true;
    }
    // Every other spelling of a path keeps the name, and a stat is expensive.
    let may_be = path.file_name().is_some_and(|name| {
        file.is_named(name) || (file.is_compressed() && plain_name(&file.file_name()) == name)
    });
    may_be && same_path(path, &file.path())
}

/// Finds the one of some `members` of `files` that is at `path`, as a row spells it.
///
/// One file may be in both folders, as a hard link or because one folder is a link to the other. Then the spelling
/// decides, because a row that is taken for the other's would leave the list of Codex.
#[must_use]
pub fn find_at(
    files: &[RolloutFile],
    members: impl Iterator<Item = usize> + Clone,
    path: &Path,
) -> Option<usize> {
    if let Some(spelled) = members.clone().find(|&i| files[i].is_spelled(path)) {
        return Some(spelled);
    }
    let is_other = |&i: &usize| files[i].is_archived() != is_archived(path);
    members.filter(|&i| is_at(&files[i], path)).min_by_key(is_other)
}

/// Finds the file that is at `path`, as a row spells it.
#[must_use]
pub fn locate(inventory: &Inventory, path: &Path) -> Option<usize> {
    let members: Vec<usize> = inventory.named_like(path.file_name()?).collect();
    find_at(inventory.files(), members.into_iter(), path)
}

/// Finds the file of a thread that its row names: the file at the row's path, or if there is none, a file of the same
/// rollout. A moved file keeps its name, and the row still decides which rollout of a reverted thread is chosen, and
/// whether the thread is archived: a copy in the other folder would take it out of Codex's list, or bring it back.
#[must_use]
pub fn find_in_row(files: &[RolloutFile], path: &Path) -> Option<usize> {
    find_at(files, 0..files.len(), path).or_else(|| {
        let named = name_in_row(path).and_then(file_name::parse).and_then(|name| Some(name.name?.rollout));
        let copies = |rollout| (0..files.len()).filter(move |&i| files[i].rollout() == Some(rollout));
        // In a home that was moved, the row still names the one at the same place.
        let place = place_in_home(path);
        let root = place.as_ref().map(|place| place.starts_with(ARCHIVED));
        let has_root = |i: &usize| root == Some(files[*i].is_archived()) && !files[*i].is_empty();
        match named.filter(|&rollout| copies(rollout).next().is_some()) {
            Some(rollout) => {
                let same_place =
                    copies(rollout).filter(|&i| place.is_some() && place_in_home(&files[i].path()) == place);
                inventory::choose_copy(files, same_place, None)
                    .or_else(|| inventory::choose_copy(files, copies(rollout).filter(has_root), None))
                    .or_else(|| inventory::choose_copy(files, copies(rollout), None))
            }
            // The row names a file of another thread, and this thread was never reverted.
            None => {
                let only = files.first()?.rollout()?;
                let is_chain = copies(only).count() < files.len();
                let same_root = (0..files.len()).filter(has_root);
                if is_chain { None } else { inventory::choose_copy(files, same_root, None) }
            }
        }
    })
}

/// Returns true if a row names an active rollout that exists outside of the home, and `file`, which is in the home, is
/// an archived copy of it: with the copy, the row would take the thread out of Codex's list.
#[must_use]
pub fn is_active_outside(home: &Path, in_row: &Path, file: &RolloutFile) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    file.is_archived()
        && in_row.is_absolute()
        && !in_row.starts_with(home)
        && place_in_home(in_row).is_some_and(|place| !place.starts_with(ARCHIVED))
        && Forms::of(in_row).existing().and_then(real).is_some_and(|there| {
            // The row may spell the home in another way.
            real(home).is_none_or(|home| !there.starts_with(home))
        })
}

/// Returns the part of a rollout's path from its rollout folder on, as the plain file is spelled; `None` if it is below
/// none. On every system it understands the paths of Windows.
fn place_in_home(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let is_windows = folder::has_drive(text) || text.starts_with(r"\\");
    let parts: Vec<&str> = text.split(|c| c == '/' || (is_windows && c == '\\')).collect();
    let root = parts.iter().rposition(|part| [ACTIVE, ARCHIVED].contains(part))?;
    let place = parts[root..].join("/");
    Some(place.strip_suffix(".zst").unwrap_or(&place).to_owned())
}

/// Returns the file name of a path in a row. On every system it understands the paths of Windows, because homes are
/// moved and shared between systems.
#[must_use]
pub fn name_in_row(path: &Path) -> Option<&OsStr> {
    let text = path.to_str().filter(|text| folder::has_drive(text) || text.starts_with(r"\\"));
    match text.and_then(|text| text.rsplit(['\\', '/']).next()) {
        Some(name) => Some(OsStr::new(name)),
        None => path.file_name(),
    }
}

/// Returns true if a row's path is a file's in another spelling, or the plain form of a file that is compressed now.
#[must_use]
pub fn same_path(row: &Path, file: &Path) -> bool {
    // For the system, a path that ends in a separator names a folder.
    if row.as_os_str().as_encoded_bytes().last().is_some_and(|last| is_separator(char::from(*last))) {
        return false;
    }
    if row == file || is_respelled(row, file) {
        return true;
    }
    // Codex resolves a relative path from its current folder, so it names no rollout.
    if row.is_relative() {
        return false;
    }
    if is_compressed(file) && !is_compressed(row) {
        let compressed = Forms::of(row).compressed;
        return compressed == file || sys::is_same_file(&compressed, file).unwrap_or(false);
    }
    is_compressed(file) == is_compressed(row) && sys::is_same_file(row, file).unwrap_or(false)
}

/// Returns true if two paths of Windows differ only in the prefix of canonical paths, as those of a Codex with
/// `CODEX_HOME` and one without do. The comparison by file identity would open both files for each thread.
#[cfg(windows)]
fn is_respelled(row: &Path, file: &Path) -> bool {
    match (row.to_str(), file.to_str()) {
        (Some(row), Some(file)) => sys::without_verbatim_prefix(row) == sys::without_verbatim_prefix(file),
        _ => false,
    }
}

/// Returns false: elsewhere every path has one spelling, except through links.
#[cfg(not(windows))]
fn is_respelled(_row: &Path, _file: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_matches_its_compressed_file_but_not_the_reverse() {
        let folder = Path::new(if cfg!(windows) { r"C:\h" } else { "/h" });
        let is_same = |row, file| same_path(&folder.join(row), &folder.join(file));
        assert!(is_same("a.jsonl", "a.jsonl.zst"));
        assert!(!is_same("a.jsonl.zst", "a.jsonl"));
        assert!(!is_same("a.jsonl", "b.jsonl.zst"));
        assert!(!is_same("a.jsonl/", "a.jsonl"), "a folder");
    }

    #[test]
    fn a_row_whose_file_was_moved_still_names_its_rollout() {
        let (thread, head) = ("019ced6b-835b-7475-b762-429694b3a51e", "019ced6b-835b-799d-83c9-31b6374bba33");
        let home = tempfile::tempdir().unwrap();
        let place = |folder: &str, ids: &str| {
            let path = home.path().join(folder).join(format!("rollout-2026-03-14T17-00-00-{ids}.jsonl"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "x").unwrap();
            RolloutFile::at(home.path(), &path).unwrap()
        };
        let reverted = format!("{thread}_{head}");
        let files = [place("sessions", thread), place("archived_sessions", &reverted)];
        let row = |folder: &str, name: &str| find_in_row(&files, &home.path().join(folder).join(name));
        let (base, head) = (files[0].file_name(), files[1].file_name());
        assert_eq!(row("sessions", base.to_str().unwrap()), Some(0));
        assert_eq!(row("sessions", head.to_str().unwrap()), Some(1), "archived by hand");
        assert_eq!(row("sessions", "rollout-odd.jsonl"), None);
        for (i, name) in [(0, &base), (1, &head)] {
            let name = name.to_str().unwrap();
            for home in [r"C:\Users\me\.codex\sessions\2026", r"\\?\C:\codex\sessions", r"\\host\share"] {
                assert_eq!(find_in_row(&files, Path::new(&format!(r"{home}\{name}"))), Some(i), "{home}");
            }
        }
    }

    #[test]
    fn in_a_moved_home_a_row_names_the_copy_at_its_place() {
        let home = tempfile::tempdir().unwrap();
        let name = "rollout-2026-03-14T17-00-00-019ced6b-835b-7475-b762-429694b3a51e.jsonl";
        // The last one is the best copy.
        let places = ["archived_sessions/old", "sessions/2026/03/14", "archived_sessions"];
        let files = places.map(|place| {
            let path = home.path().join(place).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, if place == "archived_sessions" { "longer" } else { "x" }).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000)).unwrap();
            RolloutFile::at(home.path(), &path).unwrap()
        });
        for old in ["/gone/.codex/", r"C:\Users\me\.codex\", r"\\host\share\"] {
            for (i, place) in places.iter().enumerate() {
                let below =
                    if old.contains('\\') { place.replace('/', r"\") + r"\" } else { format!("{place}/") };
                for form in ["", ".zst"] {
                    let row = format!("{old}{below}{name}{form}");
                    assert_eq!(find_in_row(&files, Path::new(&row)), Some(i), "{row}");
                }
            }
            // One in the other folder would take the thread out of the list, or bring it back.
            let other = name.replace("019ced6b", "119ced6b");
            for name in [name, &other] {
                for (folder, i) in [("sessions/2025", 1), ("archived_sessions/new", 2)] {
                    let elsewhere = format!("{old}{folder}/{name}");
                    assert_eq!(find_in_row(&files, Path::new(&elsewhere)), Some(i), "{elsewhere}");
                }
            }
            let neither = format!("{old}elsewhere/{name}");
            assert_eq!(find_in_row(&files, Path::new(&neither)), Some(2), "{neither}");
        }
    }

    #[test]
    fn a_file_in_both_folders_is_found_where_the_row_spells_it() {
        let home = tempfile::tempdir().unwrap();
        let name = "rollout-2026-03-14T17-00-00-019ced6b-835b-7475-b762-429694b3a51e.jsonl";
        let paths = [ARCHIVED, "sessions"].map(|folder| home.path().join(folder).join(name));
        paths.iter().for_each(|path| std::fs::create_dir_all(path.parent().unwrap()).unwrap());
        std::fs::write(&paths[0], "x").unwrap();
        std::fs::hard_link(&paths[0], &paths[1]).unwrap();
        let files = paths.clone().map(|path| RolloutFile::at(home.path(), &path).unwrap());
        for (i, path) in paths.iter().enumerate() {
            assert_eq!(find_in_row(&files, path), Some(i));
            let folder = path.parent().unwrap();
            assert_eq!(find_in_row(&files, &folder.join(".").join(name)), Some(i), "another spelling");
            let detour = folder.join("..").join(folder.file_name().unwrap()).join(name);
            assert_eq!(find_in_row(&files, &detour), Some(i));
        }
    }

    #[cfg(windows)]
    #[test]
    fn the_prefix_of_canonical_paths_is_a_spelling_and_the_other_slash_too() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.jsonl");
        std::fs::write(&file, "x").unwrap();
        let canonical = std::fs::canonicalize(&file).unwrap();
        assert!(canonical.to_str().unwrap().starts_with(r"\\?\"));
        assert!(same_path(&file, &canonical) && same_path(&canonical, &file));
        let slashes = file.to_str().unwrap().replace('\\', "/");
        assert!(same_path(Path::new(&slashes), &canonical));
        let upper = home.path().join("A.JSONL");
        assert!(same_path(&upper, &canonical), "one file, as long as the folder does not tell case");
        assert!(same_path(Path::new(r"C:\gone\b.jsonl"), Path::new(r"\\?\C:\gone\b.jsonl")));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_through_a_link_is_the_same_file() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, home.path().join("link")).unwrap();
        for name in ["a.jsonl", "b.jsonl.zst"] {
            std::fs::write(real.join(name), "x").unwrap();
        }
        assert!(same_path(&home.path().join("link/a.jsonl"), &real.join("a.jsonl")));
        assert!(same_path(&home.path().join("link/b.jsonl"), &real.join("b.jsonl.zst")));
        assert!(!same_path(&home.path().join("link/c.jsonl"), &real.join("a.jsonl")));
    }
}
