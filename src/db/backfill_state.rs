//! The row in which Codex stores the progress of its own indexing. We read it and set it to `complete`; we never
//! claim it.

use super::row::to_cell;
use rusqlite::{Connection, OptionalExtension as _};

/// The status with which Codex starts at once.
pub const COMPLETE: &str = "complete";

/// Returns true if Codex knows the status. With any other it does not start.
#[must_use]
pub fn is_known(status: &str) -> bool {
    [COMPLETE, "pending", "running"].contains(&status)
}

/// The contents of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillState {
    /// `pending`, `running` or `complete`; any other word makes Codex fail at its start.
    pub status: String,
    /// Path of the last indexed rollout, relative to the home, with `/`.
    pub last_watermark: Option<String>,
    /// Time when indexing last ended, in seconds.
    pub last_success_at: Option<i64>,
    /// Time when the row was last written, in seconds; for `running`, the start of the lease.
    pub updated_at: Option<i64>,
}

/// Reads the row; `None` if the table is empty. The table must exist.
///
/// # Errors
/// If the database cannot be read.
pub fn read(connection: &Connection) -> rusqlite::Result<Option<BackfillState>> {
    let sql = "SELECT status, last_watermark, last_success_at, updated_at FROM backfill_state WHERE id = 1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(BackfillState {
            // A non-text status is unknown to Codex.
            status: to_cell(row.get_ref(0)?).as_text().unwrap_or_default().to_owned(),
            last_watermark: row.get(1).unwrap_or_default(),
            last_success_at: row.get(2).unwrap_or_default(),
            updated_at: row.get(3).unwrap_or_default(),
        })
    };
    connection.query_row(sql, [], read).optional()
}

/// Records that every rollout is indexed, up to `watermark`; `now` is in seconds. A row that is `complete` already
/// stays.
///
/// # Errors
/// If the database cannot be written.
pub fn complete(connection: &Connection, watermark: Option<&str>, now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO backfill_state (id, status, last_watermark, last_success_at, updated_at) \
               VALUES (1, ?1, ?2, ?3, ?3) \
               ON CONFLICT (id) DO UPDATE SET status = ?1, last_watermark = ?2, last_success_at = ?3, updated_at = ?3 \
               WHERE status IS NOT ?1";
    connection.execute(sql, (COMPLETE, watermark, now))?;
    Ok(())
}
