//! Finds the condition of a database that may have to be replaced. It changes nothing.

use super::ledger;
use crate::db::integrity;
use rusqlite::Connection;

/// The condition of an old database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The file does not exist.
    Missing,
    /// SQLite cannot open it, for this reason.
    Unusable(String),
    /// Part of it can be read; holds the first problem found.
    Damaged(String),
    /// It is sound, but Codex refuses its ledger, for this reason.
    Refused(String),
    /// Nothing is wrong with it.
    Sound,
}

/// Returns the condition of a database that can be opened.
pub(super) fn examine(connection: &Connection) -> rusqlite::Result<Condition> {
    // A schema that can be read in part hides the rest from the check.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if let Some(problem) = integrity::problems(connection, 1)?.into_iter().next() {
        return Ok(Condition::Damaged(problem));
    }
    Ok(match ledger::complaint(connection)? {
        Some(complaint) => Condition::Refused(complaint),
        None => Condition::Sound,
    })
}
