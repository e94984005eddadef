//! Restores a backup into a database that other programs may be using. The verb reports the restore and the newer
//! rows.

use crate::home::{BESIDE_DATABASE, with_suffix};
use std::fmt::Display;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode};

use super::copy::{CopyProgress, copy_out, copy_pages, sync_file};
use super::folder::{parent_of, stamp};
use super::pruned::MARK;
use super::staging::Staging;
use crate::db::open::{OpenOptions, Reader, Trouble, Writer, explain, explain_io, reason, refuse};
use crate::db::schema::Schema;
use crate::error::{WithHint as _, shell_word};
use crate::fault;
use crate::sys::{Links, if_there, is_same_file, open_regular, rename_no_replace, sync_folder};

/// A renamed file of an unusable database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedAside {
    /// Path before the move.
    pub from: PathBuf,
    /// Path after the move.
    pub to: PathBuf,
}

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredDatabase {
    /// Size of the restored content in bytes.
    pub size: u64,
    /// True if the target was missing or unusable, so that a new file now has its name.
    pub replaced_file: bool,
    /// The moved files of an unusable target.
    pub moved_aside: Vec<MovedAside>,
}

/// Checks, without changing anything, that `path` is a complete database with a `threads` table.
///
/// # Errors
/// If it is not, with the first problem found.
pub fn check_backup(path: &Path, options: &OpenOptions) -> anyhow::Result<()> {
    open_backup(path, options)?.read(|connection| check(connection, path))
}

fn open_backup(path: &Path, options: &OpenOptions) -> anyhow::Result<Reader> {
    Reader::open(path, options).map_err(|error| match Trouble::of(&error) {
        // Replaces the hint, which is for a database in use.
        Some(trouble) if trouble.is_unusable() || matches!(trouble, Trouble::Missing | Trouble::NoFile) => {
            no_good(path, reason(&error).unwrap_or_default())
        }
        _ => error,
    })
}

fn check(connection: &Connection, path: &Path) -> anyhow::Result<()> {
    let verdict = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => {}
        Ok(verdict) => return Err(no_good(path, format!("it is damaged: {}", verdict.trim()))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            return Err(no_good(path, format!("it is damaged: {error}")));
        }
        Err(error) => return Err(explain(error, path, "check the backup")),
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'threads')";
    let mark = format!("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '{MARK}')");
    if connection.query_row(&mark, [], |row| row.get(0)).unwrap_or(false) {
        return Err(anyhow::anyhow!(
            "{}: cannot restore from it: it holds pruned rows alone",
            path.display()
        )
        .hint(format!("codex-state backfill --facts-from {}", shell_word(path))));
    }
    match connection.query_row(sql, [], |row| row.get(0)) {
        // Of another program's table of that name nothing could be used afterwards.
        Ok(true) => Schema::read(connection).map(drop).map_err(|error| no_good(path, error)),
        Ok(false) => Err(no_good(path, "it has no table of threads")),
        Err(error) => Err(explain(error, path, "check the backup")),
    }
}

fn no_good(path: &Path, why: impl Display) -> anyhow::Error {
    anyhow::anyhow!("{}: cannot restore from it: {why}", path.display())
        .hint("choose another: `codex-state status` lists the backups")
}

/// Replaces the content of `target` with that of the backup `source`, in one transaction, through SQLite. A Codex
/// that has it open keeps the same file, and sees either the old content or the new one, never a mixture.
///
/// A missing target gets a new file. An unusable one is renamed to `<name>.damaged-<time>`, together with SQLite's
/// files beside it, never onto another file. The source is checked first ([`check_backup`]) and never changed. The
/// caller makes the backup of the target.
///
/// # Errors
/// If the source is unsuitable or is the target itself; busy if another process writes to the target, or without WAL
/// reads it, beyond the timeout. The target is then unchanged.
pub fn restore_into(
    target: &Path,
    source: &Path,
    options: &OpenOptions,
    now: DateTime<Utc>,
) -> anyhow::Result<RestoredDatabase> {
    let doing = "restore the database";
    if is_same_file(target, source).map_err(|error| explain_io(error, target, doing))? {
        return Err(anyhow::anyhow!("{}: is the database itself", source.display())
            .hint("`codex-state status` lists the backups"));
    }
    // Links are followed as SQLite does, so that the database is moved and not a link to it.
    let real = if cfg!(unix) { fs::canonicalize(target).ok() } else { None };
    let real = real.unwrap_or_else(|| target.to_owned());
    let parent = parent_of(&real);
    let staging =
        Staging::within(parent).map_err(|error| explain_io(error, parent, "restore a database there"))?;
    // A separate checked copy without WAL, so that later changes of the source do not affect the restore.
    let mut reader = open_backup(source, options)?;
    let copy = copy_out(&mut reader, &staging, options, &mut |_| {})?;
    drop(reader);
    let staged = Connection::open(&copy).map_err(|error| explain(error, &copy, doing))?;
    check(&staged, source)?;
    fault::point("restore:staged");

    // Opened as a reader first: a writer would play the log into a file that is not a database before it notices
    // that, and then remove the log, which may be all that is left.
    let is_unusable = Reader::open(target, options).is_err_and(|error| error_is_unusable(&error));
    if !is_unusable {
        match overwrite(target, &staged, options) {
            Ok((size, writer)) => {
                writer.close()?;
                return Ok(RestoredDatabase { size, replaced_file: false, moved_aside: Vec::new() });
            }
            Err(error) if error_is_unusable(&error) || Trouble::of(&error) == Some(Trouble::Missing) => {}
            Err(error) => return Err(error),
        }
    }
    staged.close().map_err(|(_, error)| explain(error, &copy, doing))?;
    replace(&real, &copy, now)
}

fn error_is_unusable(error: &anyhow::Error) -> bool {
    Trouble::of(error).is_some_and(Trouble::is_unusable)
}

/// Overwrites the content of a database with that of the staged copy. Returns its size.
fn overwrite(target: &Path, staged: &Connection, options: &OpenOptions) -> anyhow::Result<(u64, Writer)> {
    let mut writer = Writer::open(target, options)?;
    let mut restored = || -> rusqlite::Result<u64> {
        let to = writer.connection_mut();
        let page_size = |connection: &Connection| -> rusqlite::Result<i64> {
            connection.pragma_query_value(None, "page_size", |row| row.get(0))
        };
        let wanted = page_size(to)?;
        if page_size(staged)? != wanted {
            // SQLite cannot change the page size of a database in WAL mode, so the copy gets the target's page size.
            staged.pragma_update(None, "page_size", wanted)?;
            staged.execute_batch("VACUUM")?;
        }
        let count: i64 = staged.pragma_query_value(None, "page_count", |row| row.get(0))?;
        // A change that a person requested must survive a power failure in every mode.
        to.pragma_update(None, "synchronous", "FULL")?;
        let mut progress = |copied: CopyProgress| {
            if copied.done < copied.total {
                fault::point("restore:copying");
            }
        };
        copy_pages(staged, to, options.busy_timeout, None, &mut progress)?;
        fault::point("restore:copied");
        // Not left to the next Codex, because the -wal is now as large as the database. Readers may prevent it, which
        // is harmless.
        let _ = to.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        Ok(u64::try_from(count.saturating_mul(wanted)).unwrap_or(0))
    };
    let size = restored().map_err(|error| explain(error, target, "restore the database"))?;
    Ok((size, writer))
}

/// Returns true if a file begins as rollouts do. A database never replaces a rollout, whatever its name is.
fn holds_json(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    let Some(file) = if_there(open_regular(path, Links::Follow))? else { return Ok(false) };
    file.take(64).read_to_end(&mut beginning)?;
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&beginning);
    Ok(text.trim_ascii_start().starts_with(b"{"))
}

/// Moves the file at `target` aside and gives its name to the staged copy.
fn replace(target: &Path, copy: &Path, now: DateTime<Utc>) -> anyhow::Result<RestoredDatabase> {
    let explained = |error| explain_io(error, target, "restore the database");
    if holds_json(target).map_err(explained)? {
        return Err(anyhow::anyhow!("{}: holds JSON, so it is not a damaged database", target.display())
            .hint("name the database with --db (usually state_5.sqlite in the Codex home)"));
    }
    let size = sync_file(copy).map_err(explained)?;
    if let Ok(metadata) = fs::metadata(target) {
        fs::set_permissions(copy, metadata.permissions()).map_err(explained)?;
    }
    let moved_aside = move_aside(target, now)?;
    fault::point("restore:moved-aside");
    rename_no_replace(copy, target).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            refuse(Trouble::Busy, "another process created a new one", target, "restore the database")
        }
        _ => explained(error),
    })?;
    fault::point("restore:renamed");
    sync_folder(parent_of(target)).map_err(explained)?;
    Ok(RestoredDatabase { size, replaced_file: true, moved_aside })
}

/// Renames the database and SQLite's files beside it, all or none, so that they stay together.
fn move_aside(target: &Path, now: DateTime<Utc>) -> anyhow::Result<Vec<MovedAside>> {
    let explained = |error| explain_io(error, target, "move the unusable database aside");
    let exists = |path: &Path| fs::symlink_metadata(path).is_ok();
    let names = |base: &Path| -> Vec<PathBuf> {
        std::iter::once("").chain(BESIDE_DATABASE).map(|suffix| with_suffix(base, suffix)).collect()
    };
    let suffix = format!(".damaged-{}", stamp(now));
    let mut aside = with_suffix(target, &suffix);
    let mut number = 1;
    while names(&aside).iter().any(|path| exists(path)) {
        number += 1;
        aside = with_suffix(target, &format!("{suffix}-{number}"));
    }
    let mut moved: Vec<MovedAside> = Vec::new();
    for (from, to) in names(target).into_iter().zip(names(&aside)) {
        if !exists(&from) {
            continue;
        }
        match rename_no_replace(&from, &to) {
            Ok(()) => {
                moved.push(MovedAside { from, to });
                fault::point("restore:moving-aside");
            }
            // SQLite removes its files when the last connection closes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                for MovedAside { from, to } in moved.iter().rev() {
                    let _ = rename_no_replace(to, from);
                }
                return Err(explained(error));
            }
        }
    }
    Ok(moved)
}
