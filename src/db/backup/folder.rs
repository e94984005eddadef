//! The folder of backups beside a database, and the names in it.

use crate::db::open::explain_io;
use crate::error::WithHint as _;
use crate::sys::rename_no_replace;
use chrono::{DateTime, TimeDelta, Utc};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder beside a database that contains its backups.
pub const FOLDER: &str = "codex-state-backups";

/// Explains why a folder cannot be used; an obstacle in its place is reported unchanged.
pub(super) fn cannot_use(error: io::Error, folder: &Path, doing: &str) -> anyhow::Error {
    if error.kind() != io::ErrorKind::InvalidInput {
        return explain_io(error, folder, doing);
    }
    anyhow::Error::new(error)
        .context(format!("{}: cannot {doing}", folder.display()))
        .hint("move what has the name of the folder away, or mount what it leads to")
}

/// Creates the folder for backups, readable only by this user, if it is missing.
///
/// # Errors
/// If it cannot be created.
pub(super) fn create_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if folder.is_symlink() => {
            io::Error::new(io::ErrorKind::InvalidInput, "it is a link to a folder that does not exist")
        }
        io::ErrorKind::AlreadyExists => io::Error::new(io::ErrorKind::InvalidInput, "it is not a folder"),
        _ => error,
    })
}

/// Returns the backup folder, which is beside the database itself, not beside a link to it. So a database has only
/// one.
pub(super) fn folder_of(database: &Path) -> PathBuf {
    parent_of(&behind_link(database)).join(FOLDER)
}

pub(super) fn name_of(database: &Path) -> String {
    behind_link(database).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Returns the path unchanged, or the target if it is a link.
pub(super) fn behind_link(database: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(database).is_ok_and(|metadata| metadata.is_symlink());
    let real = if is_link { fs::canonicalize(database).ok() } else { None };
    real.unwrap_or_else(|| database.to_owned())
}

/// Returns the path of a file in the backup folder: its name has a prefix, the database and the time.
pub(super) fn named(prefix: &str, database: &Path, time: DateTime<Utc>) -> PathBuf {
    folder_of(database).join(format!("{prefix}{}-{}.sqlite", name_of(database), stamp(time)))
}

/// Renames a file to its `name` at this time. If that is taken, it gets the name of the next free second.
pub(super) fn rename_to_free(
    from: &Path,
    mut time: DateTime<Utc>,
    name: impl Fn(DateTime<Utc>) -> PathBuf,
) -> io::Result<PathBuf> {
    loop {
        let to = name(time);
        match rename_no_replace(from, &to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => time += TimeDelta::seconds(1),
            other => return other.map(|()| to),
        }
    }
}

/// Formats a time for a file name. The names sort by time, and every system permits their characters.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Returns the folder of a file, also for a file in the current folder.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
