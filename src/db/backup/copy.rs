//! Copies a database with SQLite's backup function, page by page.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ffi};

use crate::db::open::{OpenOptions, Reader, Trouble, explain, explain_io, refuse};
use crate::error::WithHint as _;
use crate::sys::{Links, open_regular_with, rename_no_replace, sync_folder};

use super::folder::{FOLDER, cannot_use, create_private, parent_of};
use super::staging::Staging;

/// Number of pages copied between two progress reports.
const STEP: i32 = 512;

/// Progress of a copy, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// Pages copied so far.
    pub done: u64,
    /// All pages, as known so far.
    pub total: u64,
}

/// Copies the database `source` to the new file `target`. Returns its size in bytes.
///
/// The source is read as by [`Reader`]: nothing of it changes, even if another process uses it, and the copy is one
/// state of it. The copy is one file that needs no `-wal`. It gets the name `target` only when it is complete and on
/// the disk: after a crash there is no such file, and the next copy removes what is left of the attempt. The folder
/// must exist, except for the one of [`name_by_hand`](crate::db::backup::name_by_hand).
///
/// # Errors
/// If `target` exists, the source cannot be read, or the copy cannot be written.
pub fn back_up(
    source: &Path,
    target: &Path,
    options: &OpenOptions,
    progress: &mut dyn FnMut(CopyProgress),
) -> anyhow::Result<u64> {
    // Checked before the work; only the rename guarantees that nothing is replaced.
    if fs::symlink_metadata(target).is_ok() {
        return Err(taken(target));
    }
    let parent = parent_of(target);
    let doing = "write the backup";
    if parent.ends_with(FOLDER) {
        create_private(parent).map_err(|error| cannot_use(error, parent, "write a backup there"))?;
    }
    let staging = Staging::within(parent).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            anyhow::anyhow!("{}: cannot write a backup there: no such file or folder", parent.display())
                .hint("name a file in a folder that exists and that you may write to")
        }
        _ => explain_io(error, parent, "write a backup there"),
    })?;
    let mut reader = Reader::open(source, options)?;
    let copy = copy_out(&mut reader, &staging, options, progress)?;
    let size = sync_file(&copy).map_err(|error| explain_io(error, target, doing))?;
    rename_no_replace(&copy, target).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(target),
        _ => explain_io(error, target, doing),
    })?;
    sync_folder(parent).map_err(|error| explain_io(error, parent, doing))?;
    Ok(size)
}

/// Returns the page size of a database and the size of a copy of it, in bytes.
///
/// # Errors
/// If the database cannot be read.
pub fn page_and_copy_size(reader: &mut Reader) -> anyhow::Result<(u64, u64)> {
    reader.read(|connection| -> anyhow::Result<_> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (page, n_pages) = (pragma("page_size")?.unsigned_abs(), pragma("page_count")?.unsigned_abs());
        Ok((page, page.saturating_mul(n_pages)))
    })
}

fn taken(target: &Path) -> anyhow::Error {
    anyhow::anyhow!("{}: already exists", target.display())
        .hint("name a new file: a backup never replaces another")
}

/// Copies the database of `reader` into the staging folder, as one self-contained file.
pub(super) fn copy_out(
    reader: &mut Reader,
    staging: &Staging,
    options: &OpenOptions,
    progress: &mut dyn FnMut(CopyProgress),
) -> anyhow::Result<PathBuf> {
    let source = reader.path().to_owned();
    reader.read(|from| -> anyhow::Result<_> {
        let copy = staging.new_copy().map_err(|error| explain_io(error, &source, "copy the database"))?;
        let explained = |error| explain(error, &copy, "write the copy");
        let mut to = Connection::open(&copy).map_err(explained)?;
        // A crash discards the copy: until it is complete there is nothing to protect.
        to.pragma_update(None, "synchronous", "OFF").map_err(explained)?;
        copy_pages(from, &mut to, options.busy_timeout, Some(&options.interrupted), progress)
            .map_err(|error| explain(error, &source, "copy the database"))?;
        // The copied pages contain the source's journal mode; a copy in WAL mode would need files beside it to be
        // read.
        let mode: String = to
            .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))
            .map_err(explained)?;
        if !mode.eq_ignore_ascii_case("delete") {
            return Err(refuse(Trouble::Other, format!("it stays in {mode} mode"), &copy, "write the copy"));
        }
        to.close().map_err(|(_, error)| explained(error))?;
        Ok(copy)
    })
}

/// Copies all pages from one connection to another, whose previous content is replaced in one transaction. Stops once
/// `interrupted` is set; the previous content then stays.
pub(super) fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    patience: Duration,
    interrupted: Option<&AtomicBool>,
    progress: &mut dyn FnMut(CopyProgress),
) -> rusqlite::Result<()> {
    let deadline = Instant::now() + patience;
    let backup = Backup::new(from, to)?;
    loop {
        if interrupted.is_some_and(|interrupted| interrupted.load(Ordering::Relaxed)) {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        match backup.step(STEP)? {
            StepResult::Done | StepResult::More if backup.progress().remaining == 0 => {
                progress(pages(&backup));
                return Ok(());
            }
            StepResult::Busy | StepResult::Locked if Instant::now() >= deadline => {
                return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None));
            }
            StepResult::Busy | StepResult::Locked => thread::sleep(Duration::from_millis(10)),
            _ => progress(pages(&backup)),
        }
    }
}

fn pages(backup: &Backup<'_, '_>) -> CopyProgress {
    let now = backup.progress();
    let total = u64::try_from(now.pagecount).unwrap_or(0);
    CopyProgress { done: total.saturating_sub(u64::try_from(now.remaining).unwrap_or(0)), total }
}

/// Syncs a finished file to the disk and returns its size.
pub(in crate::db) fn sync_file(path: &Path) -> io::Result<u64> {
    let file = open_regular_with(File::options().read(true).write(true), path, Links::Refuse)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}
