//! Replaces an old database with a finished one, and keeps the old one in the folder of backups. `src/rebuild.rs`
//! describes the order of the steps.

use crate::db::backup::{move_logs, prepare_folder, replaced_name, sync_file};
use crate::db::open::{Exclusive, explain_io};
use crate::fault;
use crate::home::{BESIDE_DATABASE, with_suffix};
use crate::sys::{Links, is_same_file, open_regular, remove_if_there, rename_no_replace, sync_folder};
use chrono::{DateTime, Utc};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const DOING: &str = "replace the database";

/// An old database that is to be replaced.
pub(super) struct Old<'a> {
    /// Its path, as the user gave it.
    pub(super) path: &'a Path,
    /// The lock, if SQLite can open it.
    pub(super) lock: Option<Exclusive>,
    /// True if its log is that of another database, which must not be played into it.
    pub(super) keeps_log: bool,
    /// The file, after it was read. On Unix closing it releases the lock, so it stays open as long as the lock.
    pub(super) reading: Option<File>,
}

/// The present paths of the files that a new database replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replaced {
    /// The old database.
    pub kept: Option<PathBuf>,
    /// Logs found beside the new database's path without a database.
    pub logs: Vec<PathBuf>,
}

/// Renames the finished file `staged` to `target`. Returns the present paths of the replaced files.
pub(super) fn replace(
    staged: &Path,
    target: &Path,
    old: Option<Old<'_>>,
    now: DateTime<Utc>,
) -> anyhow::Result<Replaced> {
    let explained = |error| explain_io(error, target, DOING);
    sync_file(staged).map_err(explained)?;
    let target = behind_link(target);
    let folder = target.parent().unwrap_or(Path::new("."));
    let Some(mut old) = old else {
        let logs = move_logs(&target, now)?;
        fault::point("rebuild:cleared");
        // There may be one since we looked: that one stays.
        rename_no_replace(staged, &target).map_err(explained)?;
        fault::point("rebuild:renamed");
        sync_folder(folder).map_err(explained)?;
        return Ok(Replaced { kept: None, logs });
    };
    let real = behind_link(old.path);
    if let Ok(metadata) = fs::metadata(&real) {
        fs::set_permissions(staged, metadata.permissions()).map_err(explained)?;
    }
    let is_settled = match &mut old.lock {
        Some(lock) if !old.keeps_log => lock.settle()?,
        _ => false,
    };
    fault::point("rebuild:settled");
    let changes = cfg!(unix) && is_settled && old.lock.as_ref().is_some_and(Exclusive::is_wal);
    let kept = keep(&real, &mut old, now, is_settled, changes)?;
    fault::point("rebuild:kept");
    if let (true, Some(lock)) = (changes, &mut old.lock) {
        lock.retire();
        fault::point("rebuild:retired");
    }
    if cfg!(windows) {
        // Windows replaces no file that is open.
        old.lock = None;
    }
    for suffix in BESIDE_DATABASE {
        remove_if_there(&with_suffix(&real, suffix)).map_err(explained)?;
    }
    fault::point("rebuild:cleared");
    let mut logs = Vec::new();
    if target == real {
        fs::rename(staged, &target).map_err(explained)?;
        fault::point("rebuild:renamed");
    } else {
        logs = move_logs(&target, now)?;
        rename_no_replace(staged, &target).map_err(explained)?;
        fault::point("rebuild:renamed");
        fs::remove_file(&real).map_err(explained)?;
        fault::point("rebuild:removed");
    }
    sync_folder(folder).map_err(explained)?;
    Ok(Replaced { kept: Some(kept), logs })
}

/// Gives the old database a second name in the folder of backups, with what lies beside it unless that is settled. One
/// whose file `changes` before it is replaced is copied.
fn keep(
    real: &Path,
    old: &mut Old<'_>,
    now: DateTime<Utc>,
    is_settled: bool,
    changes: bool,
) -> anyhow::Result<PathBuf> {
    let explained = |error| explain_io(error, real, "keep the old database");
    prepare_folder(real)?;
    let mut time = now;
    let kept = loop {
        let kept = replaced_name(real, time);
        // A crash before the new one was in place leaves this second name.
        if is_same_file(&kept, real).unwrap_or(false) {
            break kept;
        }
        if fs::symlink_metadata(&kept).is_err() {
            if changes || fs::hard_link(real, &kept).is_err() {
                copy_whole(real, &kept, old)?;
            }
            break kept;
        }
        time += chrono::TimeDelta::seconds(1);
    };
    if !is_settled {
        for suffix in BESIDE_DATABASE {
            let beside = with_suffix(real, suffix);
            if fs::metadata(&beside).is_ok_and(|metadata| metadata.len() > 0) {
                let to = with_suffix(&kept, suffix);
                remove_if_there(&to).map_err(explained)?;
                fs::hard_link(&beside, &to).or_else(|_| copy(&beside, &to)).map_err(explained)?;
            }
        }
    }
    if let Some(folder) = kept.parent() {
        sync_folder(folder).map_err(explained)?;
    }
    Ok(kept)
}

/// Copies the old database, and renames the copy to its final name when it is complete.
fn copy_whole(real: &Path, kept: &Path, old: &mut Old<'_>) -> anyhow::Result<()> {
    let explained = |error| explain_io(error, real, "keep the old database");
    let partial = with_suffix(kept, ".partial");
    remove_if_there(&partial).map_err(explained)?;
    let file = old.reading.insert(open_regular(real, Links::Follow).map_err(explained)?);
    let mut copy = || -> io::Result<()> {
        let mut to = File::create_new(&partial)?;
        io::copy(file, &mut to)?;
        to.set_permissions(file.metadata()?.permissions())?;
        to.sync_all()
    };
    copy().map_err(explained)?;
    rename_no_replace(&partial, kept).map_err(explained)
}

/// Copies the content of a file that SQLite has not locked.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut open_regular(from, Links::Follow)?, &mut File::create_new(to)?).map(drop)
}

/// SQLite follows links on Unix before it looks for the files beside a database.
fn behind_link(path: &Path) -> PathBuf {
    let real = if cfg!(unix) { fs::canonicalize(path).ok() } else { None };
    real.unwrap_or_else(|| path.to_owned())
}
