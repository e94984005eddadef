//! The row in which Codex keeps how far its own indexing came; read, and set to `complete`, never claimed.

use super::row::to_cell;
use rusqlite::{Connection, OptionalExtension as _};

/// The word that lets Codex start at once.
pub const COMPLETE: &str = "complete";

/// What the row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillState {
    /// `pending`, `running`, `complete`; any other word is a start-up error of Codex.
    pub status: String,
    /// Path of the last rollout indexed, relative to the home, with `/`.
    pub last_watermark: Option<String>,
    /// When indexing last ended, in seconds.
    pub last_success_at: Option<i64>,
    /// When the row was last written, in seconds; with `running`, the lease.
    pub updated_at: Option<i64>,
}

/// Reads the row; `None` if the table is empty. The table must be there.
///
/// # Errors
/// What SQLite says.
pub fn read(connection: &Connection) -> rusqlite::Result<Option<BackfillState>> {
    let sql = "SELECT status, last_watermark, last_success_at, updated_at FROM backfill_state WHERE id = 1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(BackfillState {
            // Whatever is no text is no word that Codex knows.
            status: to_cell(row.get_ref(0)?).as_text().unwrap_or_default().to_owned(),
            last_watermark: row.get(1).unwrap_or_default(),
            last_success_at: row.get(2).unwrap_or_default(),
            updated_at: row.get(3).unwrap_or_default(),
        })
    };
    connection.query_row(sql, [], read).optional()
}

/// Says that every rollout was indexed, up to `watermark`; `now` in seconds. A row that says so already stays.
///
/// # Errors
/// What SQLite says.
pub fn complete(connection: &Connection, watermark: Option<&str>, now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO backfill_state (id, status, last_watermark, last_success_at, updated_at) \
               VALUES (1, ?1, ?2, ?3, ?3) \
               ON CONFLICT (id) DO UPDATE SET status = ?1, last_watermark = ?2, last_success_at = ?3, updated_at = ?3 \
               WHERE status IS NOT ?1";
    connection.execute(sql, (COMPLETE, watermark, now))?;
    Ok(())
}
