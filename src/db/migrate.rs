//! Makes a new state database from `migrations/`; never touches one that is there.

use super::open::{explain, explain_io};
use crate::sys;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// The first migration, as Codex's own.
const THREADS: &str = include_str!("../../migrations/0001_threads.sql");

/// An empty database in memory, for previews of what would happen to a new one.
///
/// # Errors
/// What SQLite says.
pub fn in_memory() -> anyhow::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(THREADS)?;
    Ok(connection)
}

/// Makes an empty database at `path`, where nothing may be yet; in WAL mode, as Codex makes it.
///
/// It is built under another name and renamed when it is whole, so that a crash leaves no half of one.
///
/// # Errors
/// There is something at `path` already, or it cannot be written.
pub fn create(path: &Path) -> anyhow::Result<()> {
    let doing = "create the database";
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| explain_io(error, folder, doing))?;
    let building = tempfile::Builder::new()
        .prefix(".codex-state-new-")
        .tempdir_in(folder)
        .map_err(|error| explain_io(error, folder, doing))?;
    let temporary: PathBuf = building.path().join("state.sqlite");
    let build = || -> rusqlite::Result<()> {
        let connection = Connection::open(&temporary)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(&format!("BEGIN;{THREADS}COMMIT;"))?;
        connection.close().map_err(|(_, error)| error)
    };
    build().map_err(|error| explain(error, path, doing))?;
    sys::rename_no_replace(&temporary, path).map_err(|error| explain_io(error, path, doing))?;
    sys::sync_folder(folder).map_err(|error| explain_io(error, folder, doing))?;
    Ok(())
}
