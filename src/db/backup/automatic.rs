//! Decides when automatic backups are made, their names, and which of them are deleted. It does not make the copies.
//!
//! Source of the rules: cli.md, "Automatic backups".

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::copy::back_up;
use super::folder::{FOLDER, cannot_use, create_private, folder_of, name_of, named};
use crate::db::open::{OpenOptions, Trouble};
use crate::error::WithHint as _;
use crate::sys::is_same_file;

/// The prefix of an automatic backup's name; the database's name and the time follow.
const AUTOMATIC: &str = "auto-";

/// The rules for making and keeping automatic backups.
#[derive(Debug, Clone)]
pub struct Keeping<'a> {
    /// The current time, used in the backup's name.
    pub now: DateTime<Utc>,
    /// Minimum time between two backups; with zero, a backup is always made.
    pub interval: TimeDelta,
    /// Number of automatic backups to keep, including the new one.
    pub newest: usize,
    /// A backup that is never deleted: the one that is about to be restored.
    pub protect: Option<&'a Path>,
}

impl Keeping<'_> {
    /// Returns the default rules: at most one backup an hour, and the newest five are kept.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now, interval: TimeDelta::hours(1), newest: 5, protect: None }
    }
}

/// A backup in the folder beside a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Path of the backup.
    pub path: PathBuf,
    /// Time of the backup: from the name of an automatic one, otherwise the file's mtime.
    pub taken_at: DateTime<Utc>,
    /// Size in bytes.
    pub size: u64,
    /// True if it was made automatically, and may be deleted by rotation.
    pub automatic: bool,
    /// True if a `restore` or `rebuild` replaced this database: it is kept until the user deletes it.
    pub replaced: bool,
}

/// Makes an automatic backup of `database` and deletes the oldest surplus ones. Returns the new backup's path, or
/// `None` if there is a backup from within the interval.
///
/// # Errors
/// If the backup cannot be made. The command must then stop, unless `--no-backup` is given. A failure to delete an
/// old backup is not an error.
pub fn keep_automatic(
    database: &Path,
    options: &OpenOptions,
    keeping: &Keeping<'_>,
) -> anyhow::Result<Option<PathBuf>> {
    let folder = folder_of(database);
    let is_recent = |backup: &BackupInfo| (keeping.now - backup.taken_at).abs() < keeping.interval;
    let has_recent = || automatic_of(database, &folder).iter().any(is_recent);
    if has_recent() {
        return Ok(None);
    }
    prepare_folder(database).hint("or continue without a backup: `--no-backup`")?;
    let Some(target) = back_up_as(AUTOMATIC, database, options, keeping.now, has_recent)? else {
        // Another run made a backup meanwhile, before its first change and before ours.
        return Ok(None);
    };
    for old in automatic_of(database, &folder).iter().skip(keeping.newest) {
        let is_protected = keeping.protect.is_some_and(|path| is_same_file(path, &old.path).unwrap_or(true));
        if !is_protected && old.path != target {
            // A surplus backup is harmless, and the next run deletes it.
            let _ = fs::remove_file(&old.path);
        }
    }
    Ok(Some(target))
}

/// The prefix of the copy of a database whose whole content is about to be replaced.
const REPLACED: &str = "replaced-";

/// Makes a copy of a database whose whole content is about to be replaced. It is never deleted automatically.
///
/// # Errors
/// If the copy cannot be made.
pub fn keep_replaced(database: &Path, options: &OpenOptions, now: DateTime<Utc>) -> anyhow::Result<PathBuf> {
    prepare_folder(database).hint("or continue without a backup: `--no-backup`")?;
    let kept = back_up_as(REPLACED, database, options, now, || false)?;
    kept.ok_or_else(|| anyhow::anyhow!("{}: no name is left for a copy", database.display()))
}

/// Maximum number of times that another process may take the chosen name.
const MAX_ATTEMPTS: u32 = 20;

/// Makes a backup whose name consists of a prefix, the database and the time. If the name for this second is in use,
/// by this process or another, it takes the next second. Returns `None` if `enough` says that the existing one
/// suffices.
fn back_up_as(
    prefix: &str,
    database: &Path,
    options: &OpenOptions,
    now: DateTime<Utc>,
    enough: impl Fn() -> bool,
) -> anyhow::Result<Option<PathBuf>> {
    let exists = |path: &Path| fs::symlink_metadata(path).is_ok();
    let mut taken_at = now;
    let mut attempts = 0;
    loop {
        let target = named(prefix, database, taken_at);
        taken_at += TimeDelta::seconds(1);
        if exists(&target) {
            continue;
        }
        match back_up(database, &target, options, &mut |_| {}) {
            Ok(_) => return Ok(Some(target)),
            Err(_) if exists(&target) && enough() => return Ok(None),
            Err(_) if exists(&target) && attempts < MAX_ATTEMPTS => attempts += 1,
            Err(error) => return Err(advised(error)),
        }
    }
}

/// Adds a hint to an error of a backup.
fn advised(error: anyhow::Error) -> anyhow::Error {
    match Trouble::of(&error) {
        // Only for these errors: without a backup, no one should continue with an unreadable database.
        Some(Trouble::ReadOnly | Trouble::Permission | Trouble::DiskFull) => {
            error.hint("make room for the backup, or continue without one: `--no-backup`")
        }
        _ => error,
    }
}

/// Returns the backups in the folder beside `database`, newest first: its automatic ones, and any database that a
/// person put there. A missing or unreadable folder has none.
#[must_use]
pub fn backups_of(database: &Path) -> Vec<BackupInfo> {
    all_in(&folder_of(database), Some(&name_of(database)))
}

/// Returns the folder with the backups of `database` and the error, if it exists but cannot be read. Then backups may
/// exist that are unknown.
#[must_use]
pub fn unreadable_folder(database: &Path) -> Option<(PathBuf, io::Error)> {
    let folder = folder_of(database);
    match fs::read_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound || folder.is_symlink() => Some((folder, error)),
        _ => None,
    }
}

/// Returns the backups of all databases that were in a folder, newest first, for when the databases are lost.
#[must_use]
pub fn backups_in(folder: &Path) -> Vec<BackupInfo> {
    all_in(&folder.join(FOLDER), None)
}

/// Returns the path for a backup that a person makes without naming it: in the same folder, never deleted by
/// rotation.
#[must_use]
pub fn name_by_hand(database: &Path, now: DateTime<Utc>) -> PathBuf {
    named("backup-", database, now)
}

/// Returns the path for a database that another file is about to replace; it is kept until a person deletes it.
#[must_use]
pub fn replaced_name(database: &Path, now: DateTime<Utc>) -> PathBuf {
    named(REPLACED, database, now)
}

/// Returns the name that the database had which was kept as `file` when another file replaced it.
#[must_use]
pub fn replaced_database(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    parse(name, REPLACED).map(|(database, _)| database.to_owned())
}

/// Creates the folder for backups of `database`, readable only by this user, if it is missing.
///
/// # Errors
/// If it cannot be created.
pub fn prepare_folder(database: &Path) -> anyhow::Result<()> {
    let folder = folder_of(database);
    create_private(&folder).map_err(|error| cannot_use(error, &folder, "keep a backup of the database there"))
}

/// Parses the database and the time from the name of a backup with this prefix.
fn parse<'a>(name: &'a str, prefix: &str) -> Option<(&'a str, DateTime<Utc>)> {
    let (database, stamp) = name.strip_prefix(prefix)?.strip_suffix(".sqlite")?.rsplit_once('-')?;
    let time = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").ok()?.and_utc();
    Some((database, time))
}

fn automatic_of(database: &Path, folder: &Path) -> Vec<BackupInfo> {
    let mut backups = all_in(folder, Some(&name_of(database)));
    backups.retain(|backup| backup.automatic);
    backups
}

fn all_in(folder: &Path, database: Option<&str>) -> Vec<BackupInfo> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut backups: Vec<BackupInfo> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            let replaced = name.starts_with(REPLACED);
            let prefix = if replaced { REPLACED } else { AUTOMATIC };
            let (taken_at, automatic) = match parse(&name, prefix) {
                Some((of, taken_at)) if database.is_none_or(|database| of == database) => {
                    (taken_at, !replaced)
                }
                // A backup of another database in this folder.
                Some(_) => return None,
                // Rows deleted by prune; not a database that can be restored.
                None if name.starts_with(super::pruned::PREFIX) => return None,
                None if [".sqlite", ".sqlite3", ".db"].iter().any(|end| name.ends_with(end)) => {
                    (metadata.modified().ok()?.into(), false)
                }
                None => return None,
            };
            Some(BackupInfo { path: entry.path(), taken_at, size: metadata.len(), automatic, replaced })
        })
        .collect();
    backups.sort_by(|a, b| (b.taken_at, &b.path).cmp(&(a.taken_at, &a.path)));
    backups
}
