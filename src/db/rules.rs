//! What comparing rows with rollouts needs to know of a database, read once a run.

use super::ledger;
use super::schema::Schema;
use super::threads;
use crate::compare::Comparison;
use crate::thread::times::Times;
use rusqlite::Connection;

/// The migration since which Codex itself names guardian threads.
///
/// Source: docs/codex-home.md 4.
const NAMES_GUARDIANS: i64 = 57;

/// Reads what comparing needs.
///
/// # Errors
/// If the database cannot be read.
pub fn comparison(
    connection: &Connection,
    schema: &Schema,
    default_provider: &str,
    times: Times,
) -> rusqlite::Result<Comparison> {
    Ok(Comparison {
        columns: schema.columns,
        times,
        default_provider: default_provider.to_owned(),
        names_guardians: ledger::holds(connection, NAMES_GUARDIANS)?,
        synthetic_limit: threads::greatest_running_number(connection)?,
        ..Comparison::default()
    })
}
