//! The tables, columns and indexes that a database has, compared with those of the levels that this program can create.

use crate::db::create::{self, AUGUST, NEWEST};
use crate::db::{salvage, schema};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Tables of earlier levels that Codex itself removes before the level of August.
const REMOVED_BY_CODEX: [&str; 7] = [
    "agent_job_items",
    "agent_jobs",
    "device_key_bindings",
    "jobs",
    "logs",
    "stage1_outputs",
    "thread_goals",
];

/// The table of level 51 that a later level removes; only the old database knows its definition.
pub(super) const ARTIFACTS: &str = "thread_artifacts";

/// The ledger is judged separately.
const LEDGER: &str = "_sqlx_migrations";

/// The schema of a database: its tables, columns and indexes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SchemaShape {
    /// Tables with their columns.
    pub(super) tables: BTreeMap<String, BTreeSet<String>>,
    /// Names of indexes.
    indexes: BTreeSet<String>,
    /// True if all of the schema could be read.
    pub(super) is_whole: bool,
}

/// Returns the columns of a table. Returns none if it is missing or its part of the schema cannot be read.
pub(super) fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    match schema::writable_columns(connection, table) {
        Err(error) if salvage::is_damage(&error) => Ok(Vec::new()),
        other => other,
    }
}

impl SchemaShape {
    /// Reads the readable part of a database's schema.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<SchemaShape> {
        let mut shape = SchemaShape::default();
        let mut tables = Vec::new();
        let salvage = salvage::each_row(connection, "sqlite_schema", &["type", "name"], |_, row| {
            let cells = row.cells()?;
            let [kind, name] = &cells[..] else { return Ok(()) };
            match (kind.as_text(), name.as_text()) {
                (Some("table"), Some(name)) if !name.starts_with("sqlite_") => tables.push(name.to_owned()),
                (Some("index"), Some(name)) if !name.starts_with("sqlite_") => {
                    shape.indexes.insert(name.to_owned());
                }
                _ => {}
            }
            Ok(())
        })?;
        shape.is_whole = salvage.is_whole;
        for table in tables {
            let columns = columns_of(connection, &table)?;
            shape.tables.insert(table, columns.into_iter().collect());
        }
        Ok(shape)
    }

    /// Returns the shape of a level that this program can create.
    pub(super) fn of_level(level: i64) -> rusqlite::Result<SchemaShape> {
        let connection = Connection::open_in_memory()?;
        create::build(&connection, level)?;
        SchemaShape::of(&connection)
    }

    /// Returns true if this shape has everything that `other` has, except the ledger.
    pub(super) fn holds(&self, other: &SchemaShape) -> bool {
        other.indexes.is_subset(&self.indexes)
            && other
                .tables
                .iter()
                .filter(|(table, _)| *table != LEDGER)
                .all(|(table, columns)| self.tables.get(table).is_some_and(|own| columns.is_subset(own)))
    }

    /// Returns the highest level whose tables, columns and indexes it has.
    pub(super) fn level(&self) -> rusqlite::Result<Option<i64>> {
        let mut found: Option<(i64, SchemaShape)> = None;
        let (connection, mut built) = (Connection::open_in_memory()?, 0);
        for level in std::iter::once(1).chain(AUGUST..=NEWEST) {
            create::build_tables(&connection, built, level)?;
            built = level;
            let shape = SchemaShape::of(&connection)?;
            // Of levels that look the same the lowest: Codex adds what the others bring.
            let is_more = found.as_ref().is_none_or(|(_, lower)| *lower != shape);
            if is_more && self.holds(&shape) {
                found = Some((level, shape));
            }
        }
        Ok(found.map(|(level, _)| level))
    }

    /// Returns the tables and columns that do not fit into a database of another shape: `table`, or `table.column`.
    pub(super) fn beyond(&self, other: &SchemaShape, is_phase_1: bool) -> rusqlite::Result<Vec<String>> {
        let highest = if is_phase_1 { Some(SchemaShape::of_level(NEWEST)?) } else { None };
        let mut beyond = Vec::new();
        for (table, columns) in &self.tables {
            // Codex makes these again as it migrates the new database.
            let comes_again = highest.as_ref().is_some_and(|highest| highest.tables.contains_key(table));
            match other.tables.get(table) {
                None if REMOVED_BY_CODEX.contains(&table.as_str()) || comes_again => {}
                None => beyond.push(table.clone()),
                Some(others) => {
                    beyond.extend(columns.difference(others).map(|column| format!("{table}.{column}")));
                }
            }
        }
        Ok(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::Place;

    fn shape(golden: &str) -> SchemaShape {
        SchemaShape::of(&Place::with(golden).connect()).unwrap()
    }

    #[test]
    fn levels_are_told_by_what_is_there() {
        for (golden, level) in [
            ("empty-2026-01.state.sqlite", 1),
            ("empty-2026-08.state_5.sqlite", 50),
            ("reconstructed-2026-10.state_5.sqlite", 59),
        ] {
            assert_eq!(shape(golden).level().unwrap(), Some(level), "{golden}");
        }
        assert_eq!(SchemaShape::default().level().unwrap(), None);
    }

    #[test]
    fn what_no_known_level_has_is_named_and_what_codex_removes_is_not() {
        let place = Place::with("empty-2026-08.state_5.sqlite");
        let connection = place.connect();
        let august = SchemaShape::of_level(AUGUST).unwrap();
        assert_eq!(
            SchemaShape::of(&connection).unwrap().beyond(&august, false).unwrap(),
            Vec::<String>::new()
        );
        let sql =
            "ALTER TABLE threads ADD COLUMN mood TEXT; CREATE TABLE notes (id); CREATE TABLE logs (id);";
        connection.execute_batch(sql).unwrap();
        let beyond = SchemaShape::of(&connection).unwrap().beyond(&august, false).unwrap();
        assert_eq!(beyond, ["notes", "threads.mood"]);
        for old in ["empty-2026-03.state_5.sqlite", "empty-2026-07.state_5.sqlite"] {
            assert_eq!(shape(old).beyond(&august, false).unwrap(), Vec::<String>::new(), "{old}");
        }
    }
}
