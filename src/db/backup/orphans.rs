//! Moves the logs of a missing database away before a new one gets its name. It does not read them.

use super::automatic::{prepare_folder, replaced_name};
use super::folder::rename_to_free;
use crate::db::open::explain_io;
use crate::home::{BESIDE_DATABASE, with_suffix};
use crate::sys::{if_there, sync_folder};
use chrono::{DateTime, Utc};
use std::fs;
use std::path::{Path, PathBuf};

/// Moves the files that SQLite kept beside `database`, which is missing, to the folder of backups. Otherwise SQLite
/// would play a `-wal` or journal into the next database of that name. Returns the new paths. Empty files are
/// removed.
///
/// # Errors
/// If a file cannot be moved.
pub fn move_logs(database: &Path, now: DateTime<Utc>) -> anyhow::Result<Vec<PathBuf>> {
    let explained = |error| explain_io(error, database, "move the log of the lost database aside");
    let mut moved = Vec::new();
    for suffix in BESIDE_DATABASE {
        let log = with_suffix(database, suffix);
        let metadata = if_there(fs::symlink_metadata(&log)).map_err(explained)?;
        let Some(metadata) = metadata else { continue };
        if metadata.len() == 0 || suffix == "-shm" {
            fs::remove_file(&log).map_err(explained)?;
            continue;
        }
        prepare_folder(database)?;
        let name = |time| with_suffix(&replaced_name(database, time), suffix);
        moved.push(rename_to_free(&log, now, name).map_err(explained)?);
    }
    if let Some(folder) = moved.first().and_then(|path: &PathBuf| path.parent()) {
        sync_folder(folder).map_err(explained)?;
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_kept_under_free_names_and_empty_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state_5.sqlite");
        let now = DateTime::UNIX_EPOCH;
        for content in ["one", "two"] {
            fs::write(with_suffix(&database, "-wal"), content).unwrap();
            fs::write(with_suffix(&database, "-shm"), "index").unwrap();
            fs::write(with_suffix(&database, "-journal"), "").unwrap();
            let moved = move_logs(&database, now).unwrap();
            assert_eq!(moved.len(), 1);
            assert_eq!(fs::read_to_string(&moved[0]).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the folder of backups alone is left");
        assert_eq!(move_logs(&database, now).unwrap(), Vec::<PathBuf>::new());
    }
}
