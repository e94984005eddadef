//! Puts a finished database in the place of an old one, which stays in the folder of backups; the order of the steps is
//! in `src/rebuild.rs`.

use crate::db::backup::{prepare_folder, replaced_name};
use crate::db::open::{Exclusive, explain, explain_io, with_suffix};
use crate::fault;
use crate::sys::{Links, is_same_file, open_regular, open_regular_with, rename_no_replace, sync_folder};
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use rusqlite::backup::Backup;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DOING: &str = "replace the database";

/// The files that SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// An old database that is to be replaced.
pub(super) struct Old<'a> {
    /// Where it is, as it was named.
    pub(super) path: &'a Path,
    /// The lock, where SQLite can open it.
    pub(super) lock: Option<Exclusive>,
}

/// Gives the finished file `staged` the name `target`, and returns where the old database is now.
pub(super) fn replace(
    staged: &Path,
    target: &Path,
    old: Option<Old<'_>>,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<PathBuf>> {
    let explained = |error| explain_io(error, target, DOING);
    sync_file(staged).map_err(explained)?;
    let target = behind_link(target);
    let folder = target.parent().unwrap_or(Path::new("."));
    let Some(mut old) = old else {
        // There may be one since we looked: that one stays.
        rename_no_replace(staged, &target).map_err(explained)?;
        fault::point("rebuild:renamed");
        sync_folder(folder).map_err(explained)?;
        return Ok(None);
    };
    let real = behind_link(old.path);
    if let Ok(metadata) = fs::metadata(&real) {
        fs::set_permissions(staged, metadata.permissions()).map_err(explained)?;
    }
    let is_settled = match &mut old.lock {
        Some(lock) => lock.settle()?,
        None => false,
    };
    fault::point("rebuild:settled");
    let kept = keep(&real, &old, now, is_settled)?;
    fault::point("rebuild:kept");
    if cfg!(windows) {
        // Windows replaces no file that is open.
        old.lock = None;
    }
    for suffix in BESIDE {
        remove_if_there(&with_suffix(&real, suffix)).map_err(explained)?;
    }
    fault::point("rebuild:cleared");
    if target == real {
        fs::rename(staged, &target).map_err(explained)?;
        fault::point("rebuild:renamed");
    } else {
        rename_no_replace(staged, &target).map_err(explained)?;
        fault::point("rebuild:renamed");
        fs::remove_file(&real).map_err(explained)?;
    }
    sync_folder(folder).map_err(explained)?;
    Ok(Some(kept))
}

/// Gives the old database a second name in the folder of backups, with what lies beside it unless that is settled.
fn keep(real: &Path, old: &Old<'_>, now: DateTime<Utc>, is_settled: bool) -> anyhow::Result<PathBuf> {
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
            link_or_copy(real, &kept, old)?;
            break kept;
        }
        time += chrono::TimeDelta::seconds(1);
    };
    if !is_settled {
        for suffix in BESIDE {
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

/// A link where the file system has such; else a copy, through SQLite where it holds a lock that closing another
/// descriptor of the file would drop.
fn link_or_copy(real: &Path, kept: &Path, old: &Old<'_>) -> anyhow::Result<()> {
    let doing = "keep the old database";
    if fs::hard_link(real, kept).is_ok() {
        return Ok(());
    }
    let partial = with_suffix(kept, ".partial");
    remove_if_there(&partial).map_err(|error| explain_io(error, kept, doing))?;
    match &old.lock {
        Some(lock) => {
            let copy = || -> rusqlite::Result<()> {
                let mut to = Connection::open(&partial)?;
                Backup::new(lock.connection(), &mut to)?.run_to_completion(512, Duration::ZERO, None)?;
                to.close().map_err(|(_, error)| error)
            };
            copy().map_err(|error| explain(error, real, doing))?;
        }
        None => copy(real, &partial).map_err(|error| explain_io(error, real, doing))?,
    }
    sync_file(&partial).map_err(|error| explain_io(error, kept, doing))?;
    rename_no_replace(&partial, kept).map_err(|error| explain_io(error, kept, doing))
}

/// Copies the content of a file that SQLite holds no lock on.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut open_regular(from, Links::Follow)?, &mut File::create_new(to)?).map(drop)
}

fn sync_file(path: &Path) -> io::Result<()> {
    open_regular_with(File::options().read(true).write(true), path, Links::Follow)?.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// SQLite follows links on Unix before it looks for the files beside a database.
fn behind_link(path: &Path) -> PathBuf {
    let real = if cfg!(unix) { fs::canonicalize(path).ok() } else { None };
    real.unwrap_or_else(|| path.to_owned())
}
