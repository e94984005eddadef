//! The backups that are made without being asked: when, under which name, and which of them go; not their making.
//!
//! Source of the rules: cli.md, "Automatic backups".

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::copy::back_up;
use super::folder::{FOLDER, cannot_use, create_private, folder_of, name_of, stamp};
use crate::db::open::{OpenOptions, Trouble};
use crate::error::WithHint as _;
use crate::sys::is_same_file;

/// How the name of an automatic backup begins; after it come the database's name and the time.
const AUTOMATIC: &str = "auto-";

/// When an automatic backup is made, and which stay.
#[derive(Debug, Clone)]
pub struct Keeping<'a> {
    /// The time now, by which the backup is named.
    pub now: DateTime<Utc>,
    /// None is made within this time after the one before; zero always makes one.
    pub interval: TimeDelta,
    /// How many of the automatic ones stay, the new one included.
    pub newest: usize,
    /// A backup that stays in any case: the one that is about to be restored.
    pub protect: Option<&'a Path>,
}

impl Keeping<'_> {
    /// The rule: at most one an hour, the newest five.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now, interval: TimeDelta::hours(1), newest: 5, protect: None }
    }
}

/// A backup in the folder beside a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Where it is.
    pub path: PathBuf,
    /// When it was made: of an automatic one by its name, else by the file's mtime.
    pub taken_at: DateTime<Utc>,
    /// Bytes.
    pub size: u64,
    /// Whether it was made without being asked, and may be rotated away.
    pub automatic: bool,
    /// Whether it is a database that a `restore` or `rebuild` replaced: kept until a person deletes it.
    pub replaced: bool,
}

/// Keeps an automatic backup of `database`, unless there is one from less than the interval ago (then `None`), and
/// removes those that are too many; returns the path of the new one.
///
/// # Errors
/// When it cannot be made; the command should then not go on, which `--no-backup` overrules. That an old one could
/// not be removed is none.
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
    prepare_folder(database).hint("make way for the folder, or go on without a backup: `--no-backup`")?;
    let Some(target) = back_up_as(AUTOMATIC, database, options, keeping.now, has_recent)? else {
        // Another run took one meanwhile, before its own first change and before ours.
        return Ok(None);
    };
    for old in automatic_of(database, &folder).iter().skip(keeping.newest) {
        let is_protected = keeping.protect.is_some_and(|path| is_same_file(path, &old.path).unwrap_or(true));
        if !is_protected && old.path != target {
            // One too many harms nobody, and the next time takes it.
            let _ = fs::remove_file(&old.path);
        }
    }
    Ok(Some(target))
}

/// How the name of a copy begins that is kept of a database before its whole content is replaced.
const REPLACED: &str = "replaced-";

/// Keeps a copy of a database whose whole content is about to be replaced. Nothing ever removes it.
///
/// # Errors
/// If it cannot be made.
pub fn keep_replaced(database: &Path, options: &OpenOptions, now: DateTime<Utc>) -> anyhow::Result<PathBuf> {
    prepare_folder(database).hint("make way for the folder, or go on without a backup: `--no-backup`")?;
    let kept = back_up_as(REPLACED, database, options, now, || false)?;
    kept.ok_or_else(|| anyhow::anyhow!("{}: no name is left for a copy", database.display()))
}

/// How often another process may take the name that was chosen.
const MAX_ATTEMPTS: u32 = 20;

/// Makes a backup under a name made of a prefix, the database and the time. Of two in one second the later one is named
/// as if it were a second younger, also where another process is the other. Returns `None` if that one is `enough`.
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
        let name = format!("{prefix}{}-{}.sqlite", name_of(database), stamp(taken_at));
        let target = folder_of(database).join(name);
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

/// Adds the way out to an error of a backup.
fn advised(error: anyhow::Error) -> anyhow::Error {
    match Trouble::of(&error) {
        // Only where the way out is one: without a backup nobody should go on with a database that cannot be read.
        Some(Trouble::ReadOnly | Trouble::Permission | Trouble::DiskFull) => {
            error.hint("make room for the backup, or go on without one: `--no-backup`")
        }
        _ => error,
    }
}

/// The backups in the folder beside `database`, newest first: its automatic ones, and whatever database a person put
/// there. A folder that is missing or cannot be read has none.
#[must_use]
pub fn backups_of(database: &Path) -> Vec<BackupInfo> {
    all_in(&folder_of(database), Some(&name_of(database)))
}

/// Why the folder with the backups of `database` cannot be looked into, if there is one: then not knowing of a backup does
/// not mean that there is none.
#[must_use]
pub fn unreadable_folder(database: &Path) -> Option<(PathBuf, io::Error)> {
    let folder = folder_of(database);
    match fs::read_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound || folder.is_symlink() => Some((folder, error)),
        _ => None,
    }
}

/// The backups of whatever databases were in a folder, newest first: what is left where the databases are lost.
#[must_use]
pub fn backups_in(folder: &Path) -> Vec<BackupInfo> {
    all_in(&folder.join(FOLDER), None)
}

/// The path for a backup made by hand without a name: in the same folder, never rotated away.
#[must_use]
pub fn name_by_hand(database: &Path, now: DateTime<Utc>) -> PathBuf {
    folder_of(database).join(format!("backup-{}-{}.sqlite", name_of(database), stamp(now)))
}

/// The path for a database that is about to be replaced by another file; such a one stays until a person deletes it.
#[must_use]
pub fn replaced_name(database: &Path, now: DateTime<Utc>) -> PathBuf {
    folder_of(database).join(format!("{REPLACED}{}-{}.sqlite", name_of(database), stamp(now)))
}

/// Returns the name of the database that was kept as `file` when another file replaced it.
#[must_use]
pub fn replaced_database(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    parse(name, REPLACED).map(|(database, _)| database.to_owned())
}

/// Creates the folder in which backups of `database` are kept, for this user alone, if it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn prepare_folder(database: &Path) -> anyhow::Result<()> {
    let folder = folder_of(database);
    create_private(&folder).map_err(|error| cannot_use(error, &folder, "keep a backup of the database there"))
}

/// Returns the database and the time in the name of a backup that begins so.
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
                // Of another database in this folder.
                Some(_) => return None,
                // Rows that prune deleted: no database to go back to.
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
