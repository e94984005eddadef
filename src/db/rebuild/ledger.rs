//! The ledger of migrations of a rebuilt database. It is repaired if only the ledger is wrong, and copied from the old
//! database if everything else is new.

use super::shape::{ARTIFACTS, SchemaShape, columns_of};
use crate::db::create::{AUGUST, Migration, NEWEST, NewSchema};
use crate::db::{create, ledger, salvage};
use crate::thread::cell::Cell;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

const TABLE: &str = "_sqlx_migrations";
const COLUMNS: [&str; 5] = ["version", "success", "checksum", "installed_on", "execution_time"];

/// A row of a ledger.
struct OldLedgerRow {
    version: i64,
    success: bool,
    checksum: Cell,
    installed_on: Cell,
    execution_time: Cell,
}

/// Reads the readable rows, by version. Returns none if the table is missing or has other columns.
fn read(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, OldLedgerRow>> {
    let mut entries = BTreeMap::new();
    let columns = columns_of(connection, TABLE)?;
    if !COLUMNS.iter().all(|name| columns.iter().any(|column| column == name)) {
        return Ok(entries);
    }
    salvage::each_row(connection, TABLE, &COLUMNS, |_, row| {
        let cells = <[Cell; COLUMNS.len()]>::try_from(row.cells()?);
        if let Ok([Cell::Integer(version), success, checksum, installed_on, execution_time]) = cells {
            let success = success == Cell::Integer(1);
            let entry = OldLedgerRow { version, success, checksum, installed_on, execution_time };
            entries.insert(version, entry);
        }
        Ok(())
    })?;
    Ok(entries)
}

/// Returns a migration, if it is known.
fn known(version: i64) -> Option<Migration> {
    ledger::migrations().find(|(known, ..)| *known == version)
}

/// Returns the reason why Codex refuses the ledger of a database; `None` if it accepts it.
pub(super) fn complaint(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let entries = read(connection)?;
    if entries.is_empty() {
        return Ok(Some("it has no ledger of migrations".to_owned()));
    }
    let faults = ledger::faults(connection)?;
    Ok((!faults.is_empty()).then(|| faults.describe()))
}

/// Repairs the ledger of an otherwise sound database, and returns the versions that were wrong. Returns `None` if the
/// tables show that more than the ledger is wrong: a migration that failed, or is missing, and left no trace.
pub(super) fn mend(connection: &Connection) -> rusqlite::Result<Option<Vec<i64>>> {
    let entries = read(connection)?;
    let shape = SchemaShape::of(connection)?;
    let Some(&last) = entries.keys().next_back() else { return write_all(connection, &shape) };
    let failed: Vec<i64> =
        entries.values().filter(|entry| !entry.success).map(|entry| entry.version).collect();
    let faults = ledger::faults(connection)?;
    if !faults.absent.is_empty() {
        return Ok(None);
    }
    let mut gaps = faults.missing;
    if !faults.unrecorded.is_empty() {
        let Some(level) = shape.level()? else { return Ok(None) };
        gaps = (1..=level).filter(|version| !entries.contains_key(version)).collect();
    }
    let last = gaps.iter().copied().fold(last, i64::max);
    if !failed.is_empty() || !gaps.is_empty() {
        let level = last.min(NEWEST);
        let is_made = level == 1 || (AUGUST..=NEWEST).contains(&level);
        if failed.iter().any(|&version| version > NEWEST)
            || !is_made
            || !shape.holds(&SchemaShape::of_level(level)?)
        {
            return Ok(None);
        }
    }
    let mut mended = failed;
    connection.execute(&format!("UPDATE {TABLE} SET success = 1 WHERE success IS NOT 1"), [])?;
    for version in gaps {
        insert(connection, version)?;
        mended.push(version);
    }
    let has_crlf = has_crlf(&entries);
    for entry in entries.values() {
        let Some((_, _, known)) = known(entry.version) else { continue };
        let is_right = is_checksum(&entry.checksum, known);
        if !is_right && (has_crlf || !ledger::UNCONFIRMED.contains(&entry.version)) {
            let sql = format!("UPDATE {TABLE} SET checksum = unhex(?2) WHERE version = ?1");
            connection.execute(&sql, params![entry.version, known])?;
            mended.push(entry.version);
        }
    }
    mended.sort_unstable();
    mended.dedup();
    Ok(Some(mended))
}

/// Returns true if the ledger was written by a build whose migrations have CRLF line ends.
fn has_crlf(entries: &BTreeMap<i64, OldLedgerRow>) -> bool {
    entries.get(&1).is_some_and(|entry| is_checksum(&entry.checksum, ledger::FIRST_WITH_CRLF))
}

fn is_checksum(cell: &Cell, known: &str) -> bool {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    matches!(cell, Cell::Blob(bytes) if hex(bytes) == known)
}

/// Writes the ledger of the level that the tables show.
fn write_all(connection: &Connection, shape: &SchemaShape) -> rusqlite::Result<Option<Vec<i64>>> {
    let Some(level) = shape.level()? else { return Ok(None) };
    if shape.tables.contains_key(TABLE) {
        connection.execute_batch(&format!("DROP TABLE {TABLE}"))?;
    }
    connection.execute_batch(&create::ledger_table()?)?;
    for version in 1..=level {
        insert(connection, version)?;
    }
    Ok(Some((1..=level).collect()))
}

fn insert(connection: &Connection, version: i64) -> rusqlite::Result<()> {
    known(version).map_or(Ok(()), |migration| create::record(connection, migration))
}

/// Returns the level of a new database: the old database's level if this program can create it, and never below the
/// level of the requested schema.
pub(super) fn level(old: &Connection, shape: &SchemaShape, schema: NewSchema) -> rusqlite::Result<i64> {
    let entries = read(old)?;
    let last = entries.values().filter(|entry| entry.success).map(|entry| entry.version).max();
    let level = last.max(shape.level()?).unwrap_or(0).clamp(schema.level(), NEWEST);
    if schema == NewSchema::Phase1 {
        return Ok(1);
    }
    // These levels have a table that only the old database can tell; the next level has it no more.
    let is_untold = (51..55).contains(&level) && !shape.tables.contains_key(ARTIFACTS);
    Ok(if is_untold && !shape.is_whole { 55 } else { level })
}

/// Copies from the old ledger when migrations ran and how long they took.
pub(super) fn repeat(old: &Connection, new: &Connection) -> rusqlite::Result<()> {
    let sql = format!("UPDATE {TABLE} SET installed_on = ?2, execution_time = ?3 WHERE version = ?1");
    let unconfirmed = format!("UPDATE {TABLE} SET checksum = ?2 WHERE version = ?1");
    let entries = read(old)?;
    let has_crlf = has_crlf(&entries);
    for entry in entries.into_values() {
        if let (Cell::Text(_), Cell::Integer(_)) = (&entry.installed_on, &entry.execution_time) {
            new.execute(&sql, params![entry.version, entry.installed_on, entry.execution_time])?;
        }
        // Their checksums are not certain.
        if matches!(entry.checksum, Cell::Blob(_))
            && ledger::UNCONFIRMED.contains(&entry.version)
            && !has_crlf
        {
            new.execute(&unconfirmed, params![entry.version, entry.checksum])?;
        }
    }
    Ok(())
}
